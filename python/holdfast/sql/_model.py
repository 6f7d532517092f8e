"""A stored model as SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from holdfast.contract import ModelFile, TreeFormatError
from holdfast.sql._bitmasks import BitMasks, split_ensemble
from holdfast.sql._dialects import Dialect, DuckDb, dialect_named
from holdfast.sql._ensemble import decisions_of
from holdfast.sql._errors import SqlError
from holdfast.sql._infinities import without_infinities
from holdfast.sql._operators import OPERATORS, Columns, Node, Tensor
from holdfast.sql._terms import FLOAT, Term, cast, column, terms_below
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
        # The features of which infinite values come in as NULL.
        self._probability, self._finite = without_infinities(probability)

    @classmethod
    def from_bytes(cls, blob: bytes, sha256: str | None = None) -> SqlModel:
        """Read a model, verified as `holdfast.contract.ModelFile.from_bytes` does.

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
        holdfast.contract.ModelError
            The bytes are not a model of the contract.
        SqlError
            An operator, or a way of using it, cannot be written as SQL; the message names it.

        Examples
        --------
        >>> SqlModel.from_bytes(blob).feature_names  # doctest: +SKIP
        ('order_count_90d', 'days_since_order')
        """
        file = ModelFile.from_bytes(blob, sha256)
        file.session()  # what ONNX Runtime refuses has no result that SQL could give
        header = file.header
        name = f"The {header.task} model `{header.algorithm}`"
        graph = _Graph(name, file.proto.graph, file.width)
        probability = graph.value() if header.target == "regression" else graph.probability()
        return cls(name, header.feature_names, probability)

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
        used = _columns_below([self._probability])
        borders = {index: self._border(spoken, index)(arguments[index]) for index in used}
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
        names = [spoken.identifier(key) for key in keys]
        if isinstance(spoken, DuckDb):
            stages, tables, body = self._duckdb_stages(spoken)
        else:
            columns = {index: f"_x{index}" for index in _columns_below([self._probability])}
            sides = self._sides() if spoken.has_greatest_nan else {}
            stages, tables = [self._borders(spoken, columns), _side_columns(spoken, sides)], []
            body = spoken.apart(self._write(spoken, columns, sides=sides))
        text = _select(relation, names, stages, tables, f"{body} as {spoken.identifier(output)}")
        return self._within(text, most_characters)

    def _duckdb_stages(self, dialect: DuckDb) -> tuple[list[list[str]], list[str], str]:
        """Return stages, tables and the final expression, large ensembles as bit masks."""
        # What is left of an ensemble, and the trees that bit masks compute, by the id of its term.
        parts = {
            id(term): (rest, small)
            for term in terms_below([self._probability])
            if term.operator == "trees"
            for small, rest in [split_ensemble(term.value[0])]
            if small is not None
        }
        fast = [term for term in terms_below([self._probability]) if id(term) in parts]
        slow = [replace(term, value=(parts[id(term)][0], term.value[1])) for term in fast]
        inputs = [term.arguments[index] for term in fast for index in parts[id(term)][1].features]
        direct = _columns_below([each for each in inputs if each.operator == "column"])
        computed = {id(each): each for each in inputs if each.operator != "column"}
        others = _columns_below([self._probability, *slow, *computed.values()], set(parts))
        columns = {index: f"_x{index}" for index in others}
        with_nan = {index: f"_n{index}" for index in direct}
        stages = [
            [
                *(
                    f"{dialect.border_with_nan(dialect.identifier(self._feature_names[k]))} as {v}"
                    for k, v in with_nan.items()
                ),
                *self._borders(dialect, {k: v for k, v in columns.items() if k not in direct}),
            ],
            [f"nullif(_n{k}, cast('nan' as float)) as _x{k}" for k in others if k in direct],
        ]
        tables: list[str] = []
        given: dict[int, str] = {}
        for number, (term, rest) in enumerate(zip(fast, slow, strict=True)):
            small = parts[id(term)][1]
            names: dict[int, str] = {}
            for index in small.features:
                argument = term.arguments[index]
                if argument.operator == "column":
                    names[index] = with_nan[argument.value]
                else:
                    names[index] = f"_t{number}x{index}"
            values = [
                f"coalesce({self._write(dialect, columns, given, term.arguments[index])},"
                f" cast('nan' as float)) as {name}"
                for index, name in names.items()
                if name.startswith("_t")
            ]
            masks = BitMasks(dialect, small, names, f"_t{number}")
            stages += [values, *masks.stages()]
            _, output = term.value
            total = f"{self._write(dialect, columns, given, rest)} + {masks.total(output)}"
            stages.append([f"{total} as _z{number}"])
            given[id(term)] = f"_z{number}"
            tables += masks.tables
        return stages, tables, self._write(dialect, columns, given)

    def _borders(self, dialect: Dialect, columns: Mapping[int, str]) -> list[str]:
        """Write the columns in which features enter."""
        names = {index: dialect.identifier(self._feature_names[index]) for index in columns}
        texts = {index: self._border(dialect, index)(name) for index, name in names.items()}
        for index in list(texts)[:1]:  # one is enough for all that are computed with it
            texts[index] = dialect.apart(texts[index])
        return [f"{text} as {columns[index]}" for index, text in texts.items()]

    def _sides(self) -> dict[tuple[int, bool], str]:
        """Name the columns without NULL that trees decide on where NaN is greater than all."""
        return {
            (argument.value, decision.missing_low): f"_{'l' if decision.missing_low else 'h'}"
            f"{argument.value}"
            for term in terms_below([self._probability])
            if term.operator == "trees"
            for tree in term.value[0].trees
            for decision in decisions_of(tree)
            for argument in [term.arguments[decision.feature]]
            if argument.operator == "column"
        }

    def _border(self, dialect: Dialect, index: int) -> Callable[[str], str]:
        """Return how a feature enters."""
        return dialect.finite_border if index in self._finite else dialect.border

    def _write(
        self,
        dialect: Dialect,
        columns: dict[int, str],
        given: dict[int, str] | None = None,
        term: Term | None = None,
        sides: dict[tuple[int, bool], str] | None = None,
    ) -> str:
        """Write the probability, or another term, over columns beyond the border."""
        try:
            return Writer(dialect, columns, given, sides).write(term or self._probability)
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

    def value(self) -> Term:
        """Return the predicted value of a regression as a float32 term."""
        value = self._value("values")
        if not isinstance(value, Columns) or len(value.terms) != 1:
            raise SqlError(f"{self._name} does not give one value. {_NEXT}")
        return cast(value.terms[0], FLOAT)

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
        except (SqlError, TreeFormatError) as error:
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


def _select(
    relation: str, names: list[str], stages: list[list[str]], tables: list[str], final: str
) -> str:
    """Write a query whose stages each add columns to those of the stage before."""
    lines = ",\n        "
    parts = []
    source = relation
    stages = [columns for number, columns in enumerate(stages) if columns or not number]
    if tables:
        # One row, computed once: as constants they would be copied for every chunk of rows.
        parts.append(f"_tables as materialized (\n    select\n        {lines.join(tables)}\n)")
    for number, columns in enumerate(stages):
        before = "*" if number else lines.join(names)
        listed = lines.join(each for each in (before, *columns) if each) or "1 as _nothing"
        from_tables = " cross join _tables" if tables and number == 1 else ""
        parts.append(
            f"_stage{number} as (\n    select\n        {listed}\n    from {source}{from_tables}\n)"
        )
        source = f"_stage{number}"
    listed = ",\n    ".join([*names, final])
    return f"with {(',' + chr(10) + chr(10)).join(parts)}\n\nselect\n    {listed}\nfrom {source}\n"


def _side_columns(dialect: Dialect, sides: Mapping[tuple[int, bool], str]) -> list[str]:
    """Write columns in which a missing value is below or above every threshold."""
    numbers = {
        True: dialect.literal(-math.inf, FLOAT),
        False: f"cast('nan' as {dialect.kind(FLOAT)})",
    }
    return [
        f"coalesce(_x{index}, {numbers[missing_low]}) as {name}"
        for (index, missing_low), name in sorted(sides.items())
    ]


def _columns_below(terms: Iterable[Term], given: Container[int] = ()) -> list[int]:
    """Return the features that terms read, in order, without looking below those given by id."""
    return sorted({t.value for t in terms_below(terms, given) if t.operator == "column"})
