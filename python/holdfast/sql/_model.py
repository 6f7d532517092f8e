"""A stored model as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from holdfast.scoring import OnnxModel
from holdfast.sql._dialects import Dialect, dialect_named
from holdfast.sql._errors import SqlError
from holdfast.sql._operators import OPERATORS, Columns, Node, Tensor
from holdfast.sql._terms import FLOAT, Term, cast, column
from holdfast.sql._write import Writer

if TYPE_CHECKING:
    import onnx

__all__ = ["MOST_CHARACTERS", "SqlModel"]

MOST_CHARACTERS = 5_000_000
_NEXT = "Score it with the DuckDB function holdfast_predict, or train a smaller or simpler model."


class SqlModel:
    """A model that can be written as SQL, made by :meth:`from_bytes`.

    Examples
    --------
    >>> model = SqlModel.from_bytes(blob)  # doctest: +SKIP
    >>> model.expression()  # doctest: +SKIP
    '(select cast((1e0 / (1e0 + exp(-(…'
    >>> print(model.query("customer_features", dialect="spark"))  # doctest: +SKIP
    """

    def __init__(self, name: str, feature_names: tuple[str, ...], probability: Term) -> None:
        self._name = name
        self._feature_names = feature_names
        self._probability = probability

    @classmethod
    def from_bytes(cls, blob: bytes, sha256: str | None = None) -> SqlModel:
        """Read a model, verified as `holdfast.scoring.OnnxModel.from_bytes` does.

        Parameters
        ----------
        blob : bytes
            The ONNX file, as in the column ``onnx`` of the model registry.
        sha256 : str, optional
            The hash that was stored with it.

        Returns
        -------
        SqlModel

        Raises
        ------
        holdfast.scoring.ModelError
            The bytes are not a model of the contract.
        SqlError
            An operator, or a way of using it, cannot be written as SQL; the message names it.

        Examples
        --------
        >>> SqlModel.from_bytes(blob).feature_names  # doctest: +SKIP
        ('order_count_30d', 'days_since_last_order')
        """
        model = OnnxModel.from_bytes(blob, sha256)
        name = f"The {model.task} model `{model.algorithm}`"
        probability = _Graph(name, model.graph, len(model.feature_names)).probability()
        return cls(name, model.feature_names, probability)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features."""
        return self._feature_names

    def expression(
        self,
        dialect: str = "duckdb",
        *,
        arguments: Sequence[str] | None = None,
        most_characters: int = MOST_CHARACTERS,
    ) -> str:
        """Write the probability as one scalar expression.

        Parameters
        ----------
        dialect : str
            duckdb, spark, postgres, snowflake or bigquery.
        arguments : sequence of str, optional
            The SQL of each feature; its quoted name by default. Where the engine allows it, each is
            evaluated once.
        most_characters : int
            Longer SQL is refused.

        Returns
        -------
        str
            SQL of the probability, a 32-bit float where the engine has them. Any numeric type may
            come in; NULL and NaN are missing.

        Raises
        ------
        SqlError
            Another dialect, too long, or not exact in this dialect.

        Examples
        --------
        >>> connection.sql(f"select {model.expression()} from customer_features")  # doctest: +SKIP
        """
        spoken = dialect_named(dialect)
        if arguments is None:
            arguments = [spoken.identifier(name) for name in self._feature_names]
        used = _columns_below(self._probability)
        borders = {index: spoken.border(arguments[index]) for index in used}
        if not spoken.has_scalar_subquery or not used:
            return self._within(self._write(spoken, borders), most_characters)
        inside = ", ".join(f"{text} as _x{index}" for index, text in borders.items())
        body = self._write(spoken, {index: f"_f._x{index}" for index in used})
        text = f"(select {body} from (select {inside}) as _f)"  # noqa: S608
        return self._within(text, most_characters)

    def query(
        self,
        relation: str,
        *,
        keys: Sequence[str] = ("customer_id", "as_of"),
        dialect: str = "duckdb",
        output: str = "churn_probability",
        most_characters: int = MOST_CHARACTERS,
    ) -> str:
        """Write a query that scores a relation, in the form that is fastest in the engine.

        Parameters
        ----------
        relation : str
            SQL of what stands after ``from``; it has the features, by name, and the keys.
        keys : sequence of str
            Columns to hand through.
        dialect : str
            duckdb, spark, postgres, snowflake or bigquery.
        output : str
            Name of the column with the probability.
        most_characters : int
            Longer SQL is refused.

        Returns
        -------
        str
            A ``select`` with the keys and the probability.

        Raises
        ------
        SqlError
            As `expression`.

        Examples
        --------
        >>> connection.sql(model.query("customer_features"))  # doctest: +SKIP
        """
        spoken = dialect_named(dialect)
        used = _columns_below(self._probability)
        names = [spoken.identifier(key) for key in keys]
        borders = [
            f"{spoken.border(spoken.identifier(self._feature_names[index]))} as _x{index}"
            for index in used
        ]
        body = self._write(spoken, {index: f"_x{index}" for index in used})
        inside = ",\n        ".join([*names, *borders]) or "1 as _one"
        text = (
            f"with _features as (\n    select\n        {inside}\n    from {relation}\n)\n\n"
            f"select\n    {''.join(f'{name},{chr(10)}    ' for name in names)}"
            f"{body} as {spoken.identifier(output)}\nfrom _features\n"
        )
        return self._within(text, most_characters)

    def _write(self, dialect: Dialect, columns: dict[int, str]) -> str:
        """Write the probability over columns beyond the border."""
        try:
            return Writer(dialect, columns).write(self._probability)
        except SqlError as error:
            raise SqlError(
                f"{self._name} cannot be written for {dialect.name}: {error}. {_NEXT}"
            ) from None

    def _within(self, text: str, most: int) -> str:
        """Refuse what no engine would plan in reasonable time."""
        if len(text) > most:
            raise SqlError(
                f"{self._name} takes {len(text):,} characters of SQL, more than the limit of"
                f" {most:,}. {_NEXT}"
            )
        return text


class _Graph:
    """Follows a graph from its output to the features."""

    def __init__(self, name: str, graph: onnx.GraphProto, width: int) -> None:
        from onnx import numpy_helper

        self._name = name
        self._values: dict[str, Tensor] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self._values["features"] = Columns(tuple(column(index) for index in range(width)))
        self._producers = {
            output: (node, position)
            for node in graph.node
            for position, output in enumerate(node.output)
            if output
        }

    def probability(self) -> Term:
        """Return the probability of the event as a float32 term."""
        value = self._value("probabilities")
        if not isinstance(value, Columns) or len(value.terms) != 2:
            raise SqlError(f"{self._name} does not give the probabilities of two classes. {_NEXT}")
        return cast(value.terms[1], FLOAT)

    def _value(self, name: str) -> Tensor:
        """Return a tensor, evaluating what it depends on first."""
        stack = [name]
        while stack:
            current = stack[-1]
            if current in self._values:
                stack.pop()
                continue
            node, position = self._producers[current]
            waiting = [each for each in node.input if each and each not in self._values]
            if waiting:
                stack += waiting
            else:
                self._values[current] = self._apply(node, position)
        return self._values[name]

    def _apply(self, node: onnx.NodeProto, position: int) -> Tensor:
        """Run one operator on columns."""
        domain = "" if node.domain == "ai.onnx" else node.domain
        label = f"{domain or 'ai.onnx'}.{node.op_type}"
        operator = OPERATORS.get(domain, {}).get(node.op_type)
        if operator is None:
            raise SqlError(
                f"{self._name} uses the operator {label}, which the SQL compiler does not know."
                f" {_NEXT}"
            )
        inputs = tuple(self._values[each] if each else None for each in node.input)
        try:
            return operator(Node(inputs, _attributes(node), position))
        except SqlError as error:
            raise SqlError(
                f"{self._name} uses the operator {label} in a way that the SQL compiler does not"
                f" know: {error}. {_NEXT}"
            ) from None


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes by name, tensors as arrays."""
    from onnx import TensorProto, helper, numpy_helper

    values = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        values[attribute.name] = (
            numpy_helper.to_array(value) if isinstance(value, TensorProto) else value
        )
    return values


def _columns_below(term: Term) -> list[int]:
    """Return the features that a term reads, in order."""
    found: set[int] = set()
    seen: set[int] = set()
    stack = [term]
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if current.operator == "column":
            found.add(current.value)
        elif current.operator == "trees":
            ensemble, _ = current.value
            stack += [current.arguments[index] for index in ensemble.features]
        else:
            stack += current.arguments
    return sorted(found)
