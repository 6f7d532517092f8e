"""A model as it is stored: verified, opened in ONNX Runtime, and explained."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from math import factorial, prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from holdfast.errors import HoldfastError
from holdfast.scoring._agreement import agrees
from holdfast.scoring._linear import read_linear
from holdfast.scoring._quick_trees import borders_of, quicken

if TYPE_CHECKING:
    import onnx

__all__ = ["ModelError", "OnnxModel"]

FloatArray = npt.NDArray[np.float32]

_CONTRACT = "1"
_TARGETS = ("classification", "regression")
_METADATA = ("contract", "task", "algorithm", "feature_names", "base_value")
_NEXT = "Restore the row of the model registry from a backup, or retrain the model."

# Every operator that a model of contract 1 may hold. None of them reads a file, loops or runs
# another graph, so a stored model can do nothing but arithmetic.
_OPERATORS: dict[str, frozenset[str]] = {
    "": frozenset(
        {
            "Abs", "Add", "And", "ArgMax", "Cast", "Clip", "Concat", "Constant", "Div", "Equal",
            "Exp", "Expand", "Flatten", "Gather", "Gemm", "Greater", "GreaterOrEqual", "Identity",
            "IsInf", "IsNaN", "Less", "LessOrEqual", "Log", "MatMul", "Max", "Min", "Mul", "Neg",
            "Not", "Or", "Pow", "ReduceSum", "Relu", "Reshape", "Shape", "Sigmoid", "Sign",
            "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Transpose", "Unsqueeze",
            "Where",
        }
    ),
    "ai.onnx.ml": frozenset(
        {
            "ArrayFeatureExtractor", "Binarizer", "FeatureVectorizer", "Imputer",
            "LinearClassifier", "LinearRegressor", "Normalizer", "OneHotEncoder", "Scaler",
            "TreeEnsembleClassifier", "TreeEnsembleRegressor",
        }
    ),
}  # fmt: skip
# Far more than any model of a few hundred features needs.
_MOST_NODES = 10_000
_MOST_NUMBERS = 10_000_000
_TREE_OPERATORS = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
# Double [N, F] inside a blend: what each feature adds to the log-odds of its linear part.
_LINEAR_TERMS = "terms"
# Double [N, 1] inside a blend: what BG/NBD, which reads a few features, adds to the log-odds.
_SILENCE_LOG_ODDS = "silence_log_odds"
_MOST_PLAYERS = 6


class ModelError(HoldfastError):
    """A stored model is corrupt, is not of the contract, or cannot do what was asked of it."""


class _Explainer(Protocol):
    """Anything that gives every feature's share in the log-odds of every row."""

    def contributions(self, features: FloatArray) -> FloatArray: ...


class OnnxModel:
    """A binary classifier, or a regression, read from the bytes of its ONNX file.

    Made by :meth:`from_bytes`, which refuses everything that is not a model of contract 1. The
    object may be used by several threads at once.

    Examples
    --------
    >>> blob, sha256 = connection.execute(
    ...     "select onnx, onnx_sha256 from model_registry where stage = 'champion'"
    ... ).fetchone()  # doctest: +SKIP
    >>> model = OnnxModel.from_bytes(blob, sha256)  # doctest: +SKIP
    >>> model.predict(np.zeros((2, len(model.feature_names)), np.float32))  # doctest: +SKIP
    array([0.271, 0.271], dtype=float32)
    """

    def __init__(self, graph: onnx.ModelProto, blob: bytes, metadata: dict[str, str]) -> None:
        self._name = _describe(metadata)
        self._algorithm = metadata["algorithm"]
        self._task = metadata["task"]
        self._target = metadata.get("target", "classification")
        self._feature_names = tuple(json.loads(metadata["feature_names"]))
        self._base_value = float(metadata["base_value"])
        self._graph = graph
        self._session = _open_session(blob, self._name)
        self._quick = self._quick_form()
        self._explainer: _Explainer | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_bytes(cls, blob: bytes, sha256: str | None = None) -> OnnxModel:
        """Read and verify a model.

        Parameters
        ----------
        blob : bytes
            The ONNX file, as in the column ``onnx`` of the model registry.
        sha256 : str, optional
            The hash that was stored with it, in hexadecimal. Given, the bytes must match it.

        Returns
        -------
        OnnxModel
            The model, ready to score.

        Raises
        ------
        ModelError
            The bytes do not match the hash, are no ONNX model, or the model is not of the
            contract: another version, other inputs or outputs, an operator that is not allowed,
            or data kept outside the file.

        Examples
        --------
        >>> OnnxModel.from_bytes(b"not a model")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        holdfast.scoring._model.ModelError: The model cannot be read: ...
        """
        if sha256 is not None:
            _verify_hash(blob, sha256)
        graph = _parse(blob)
        metadata = _read_metadata(graph)
        _check_graph(graph, metadata)
        return cls(graph, blob, metadata)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the columns that ``predict`` takes."""
        return self._feature_names

    @property
    def algorithm(self) -> str:
        """Name of the algorithm, e.g. ``logistic_regression``."""
        return self._algorithm

    @property
    def task(self) -> str:
        """Name of the task, e.g. ``churn``."""
        return self._task

    @property
    def target(self) -> str:
        """What it predicts: ``classification`` a probability, ``regression`` a number."""
        return self._target

    @property
    def base_value(self) -> float:
        """Average log-odds, or average value, from which contributions are counted."""
        return self._base_value

    @property
    def graph(self) -> onnx.GraphProto:
        """The verified graph, not to be changed."""
        return self._graph.graph

    def predict(self, features: npt.ArrayLike) -> FloatArray:
        """Probability of the event, or the predicted value, for every row.

        Parameters
        ----------
        features : array_like, float32 [N, F]
            One column per name of `feature_names`; missing values are NaN. N may be 0.

        Returns
        -------
        numpy.ndarray, float32 [N]
            Probabilities between 0 and 1; of a regression, values in the unit of its label.

        Raises
        ------
        ModelError
            The array has another shape, or a row has no probability (an infinite feature in a
            linear model).

        Examples
        --------
        >>> model.predict([[1.0, float("nan")]])  # doctest: +SKIP
        array([0.643], dtype=float32)
        """
        matrix = self._as_matrix(features)
        if len(matrix) == 0:
            return np.empty(0, np.float32)
        probability = self._quick(matrix) if self._quick else self._run(matrix)
        # NaN sorts above every number in DuckDB: unchecked, it would be the riskiest customer.
        undefined = np.isnan(probability)
        if undefined.any():
            row = matrix[int(undefined.argmax())]
            self._refuse_infinite(row, int(undefined.sum()))
        return probability

    def contributions(self, features: npt.ArrayLike) -> FloatArray:
        """Exact SHAP values: what every feature adds to the log-odds of every row.

        ``base_value`` plus a row's contributions is the log-odds of its ``predict``; of a
        regression, which has no log-odds, it is the value itself. Trees use
        path-dependent TreeSHAP with the training row counts that the model carries
        (Lundberg et al. 2020, https://doi.org/10.1038/s42256-019-0138-9); linear models
        the closed form against the training mean, which their graph computes itself; a blend of
        the two has the sum of both, for Shapley values add up as the log-odds do.

        Parameters
        ----------
        features : array_like, float32 [N, F]
            As for `predict`.

        Returns
        -------
        numpy.ndarray, float32 [N, F]
            Contributions in log-odds, or in the unit of the value, in the order of `feature_names`.

        Raises
        ------
        ModelError
            The array has another shape, a row has no contributions (an infinite feature in a
            linear model), or the model does not carry what exact contributions need.

        Examples
        --------
        >>> shares = model.contributions(features)  # doctest: +SKIP
        >>> model.base_value + shares.sum(axis=1)  # doctest: +SKIP
        array([ 0.589, -1.204], dtype=float32)
        """
        matrix = self._as_matrix(features)
        if len(matrix) == 0:
            return np.empty(matrix.shape, np.float32)
        values = self._explain().contributions(np.ascontiguousarray(matrix))
        undefined = ~np.isfinite(values).all(axis=1)
        if undefined.any():
            row = matrix[int(undefined.argmax())]
            self._refuse_infinite(row, int(undefined.sum()))
        return values

    def _run(self, matrix: FloatArray) -> FloatArray:
        """Return the probabilities, or the values, that ONNX Runtime gives."""
        return _last_column(self._session, self._output, np.ascontiguousarray(matrix))

    @property
    def _output(self) -> str:
        """Name of the output that holds the result."""
        return "probabilities" if self._target == "classification" else "values"

    def _quick_form(self) -> Callable[[FloatArray], FloatArray] | None:
        """Return a faster way to the same results, where there is one."""
        width = len(self._feature_names)
        if self._target == "classification":
            linear = read_linear(self._graph.graph, width, self._run)
            if linear is not None:
                return linear.predict
        rewritten = quicken(self._graph, width, self._output)
        if rewritten is None:
            return None
        try:
            session = _open_session(rewritten.model.SerializeToString(), self._name)
        except ModelError:  # a graph that nobody has thought of: it runs as it is
            return None

        def form(features: FloatArray) -> FloatArray:
            return _last_column(session, self._output, rewritten.widen(features))

        return form if agrees(form, self._run, width, borders_of(self._graph)) else None

    def _as_matrix(self, features: npt.ArrayLike) -> FloatArray:
        """Return the features as a float32 matrix of the right width."""
        with np.errstate(over="ignore"):
            matrix: FloatArray = np.asarray(features, dtype=np.float32)
        width = len(self._feature_names)
        if matrix.ndim != 2 or matrix.shape[1] != width:
            raise ModelError(
                f"{self._name} takes a matrix of {width} columns"
                f" ({', '.join(self._feature_names)}), got shape {matrix.shape}."
            )
        return matrix

    def _refuse_infinite(self, row: FloatArray, count: int) -> None:
        """Say which features leave a row without a result."""
        names = [n for n, x in zip(self._feature_names, row, strict=True) if np.isinf(x)]
        cause = f"infinite {', '.join(names)}" if names else "overflow in its arithmetic"
        raise ModelError(
            f"{self._name} has no result for {count} row(s); the first has {cause}."
            " Make the value NULL or finite in the feature's SQL (nullif under a division)."
        )

    def _explain(self) -> _Explainer:
        """Return the explainer, built at first use and checked against the model's own output."""
        with self._lock:
            if self._explainer is None:
                explainer = self._build_explainer()
                self._check_explainer(explainer)
                self._explainer = explainer
            return self._explainer

    def _build_explainer(self) -> _Explainer:
        """Return the explainer that the graph allows."""
        if any(output.name == "contributions" for output in self._graph.graph.output):
            return _GraphExplainer(self._session)
        trees = [node for node in self._graph.graph.node if node.op_type in _TREE_OPERATORS]
        if len(trees) != 1:
            raise ModelError(
                f"{self._name} has neither an output `contributions` nor exactly one tree"
                " ensemble, so its contributions cannot be computed."
                " Retrain it with this version of Holdfast."
            )
        from holdfast.scoring._trees import TreeExplainer, TreeFormatError

        try:
            of_trees = TreeExplainer.from_node(trees[0], len(self._feature_names))
        except TreeFormatError as error:
            raise ModelError(f"{self._name}: {error} {_NEXT}") from None
        inside = {output for node in self._graph.graph.node for output in node.output}
        wanted = [name for name in (_LINEAR_TERMS, _SILENCE_LOG_ODDS) if name in inside]
        if not wanted:
            return of_trees
        session = _session_inside(self._graph, wanted, self._name)
        reference = self._reference() if _SILENCE_LOG_ODDS in wanted else {}
        return _BlendExplainer(session, of_trees, reference)

    def _reference(self) -> dict[int, float]:
        """Return the values from which the part of BG/NBD is counted, by the feature's column."""
        found = {entry.key: entry.value for entry in self._graph.metadata_props}
        try:
            values = json.loads(found["holdfast.reference"])
            columns = {self._feature_names.index(n): float(x) for n, x in values.items()}
        except (KeyError, ValueError, AttributeError, TypeError):
            columns = {}
        if not 0 < len(columns) <= _MOST_PLAYERS:
            raise ModelError(
                f"{self._name} lacks the metadata `holdfast.reference`, without which its"
                f" contributions cannot be computed. {_NEXT}"
            )
        return columns

    def _check_explainer(self, explainer: _Explainer) -> None:
        """Refuse contributions that do not add up to the model's own log-odds, or value."""
        width = len(self._feature_names)
        probes = np.stack([np.full(width, x, np.float32) for x in (np.nan, 0.0, 1.0)])
        probability = self.predict(probes).astype(np.float64)
        scale, tolerance = "log-odds", 1e-3
        if self._target == "regression":
            known = np.ones(len(probes), bool)
            expected = probability
            scale = "values"
            tolerance = 1e-4 * max(float(np.abs(expected).max()), abs(self._base_value))
        else:
            # Where float32 has rounded the probability to almost 0 or 1, its log-odds say nothing.
            known = (probability > 1e-3) & (probability < 1 - 1e-3)
            expected = np.log(probability[known] / (1 - probability[known]))
        total = self._base_value + explainer.contributions(probes)[known].sum(
            axis=1, dtype=np.float64
        )
        if not np.allclose(total, expected, rtol=0.0, atol=tolerance):
            raise ModelError(
                f"{self._name}: base value plus contributions is {total.tolist()} where the"
                f" {scale} are {expected.tolist()}, so its `holdfast.base_value` or the row"
                f" counts of its trees are wrong. {_NEXT}"
            )


class _GraphExplainer:
    """Contributions that the graph computes itself (linear models)."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def contributions(self, features: FloatArray) -> FloatArray:
        """Return the output ``contributions``, float32 [N, F]."""
        values: FloatArray = self._session.run(["contributions"], {"features": features})[0]
        return values


class _BlendExplainer:
    """Contributions of models whose log-odds the graph adds up: the sum of those of each.

    The part of BG/NBD is a function of few features. Its Shapley values against a reference are
    computed by their definition, with every subset of these features in turn taken from the row.
    """

    def __init__(self, session: Any, trees: _Explainer, reference: dict[int, float]) -> None:
        self._session = session
        self._trees = trees
        self._reference = reference

    def contributions(self, features: FloatArray) -> FloatArray:
        """Return the linear terms plus TreeSHAP values plus those of BG/NBD, float32 [N, F]."""
        total = self._session.run([_LINEAR_TERMS], {"features": features})[0]
        total += self._trees.contributions(features)
        if self._reference:
            self._add_silence(features, total)
        values: FloatArray = total.astype(np.float32)
        return values

    def _add_silence(self, features: FloatArray, total: npt.NDArray[np.float64]) -> None:
        """Add the Shapley values of the part of BG/NBD."""
        columns = list(self._reference)
        count = len(columns)
        worth = []
        for subset in range(2**count):
            mixed = features.copy()
            for place, column in enumerate(columns):
                if not subset >> place & 1:
                    mixed[:, column] = self._reference[column]
            worth.append(self._session.run([_SILENCE_LOG_ODDS], {"features": mixed})[0][:, 0])
        for place, column in enumerate(columns):
            for subset in range(2**count):
                if subset >> place & 1:
                    continue
                size = subset.bit_count()
                share = factorial(size) * factorial(count - size - 1) / factorial(count)
                total[:, column] += share * (worth[subset | 1 << place] - worth[subset])


def _last_column(session: Any, output: str, matrix: FloatArray) -> FloatArray:
    """Run a session: of two classes the second, or the only value, float32 [N]."""
    (given,) = session.run([output], {"features": matrix})
    return np.ascontiguousarray(given[:, -1])


def _session_inside(model: onnx.ModelProto, names: list[str], name: str) -> Any:
    """Open the graph once more, with some of its inner tensors as the only outputs."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(
        onnx.helper.make_tensor_value_info(each, onnx.TensorProto.DOUBLE, None) for each in names
    )
    return _open_session(copy.SerializeToString(), name)


def _describe(metadata: dict[str, str]) -> str:
    """Return the model in words, for messages."""
    label = metadata.get("label") or metadata.get("algorithm") or "unnamed"
    return f"The {metadata.get('task', '')} model `{label}`".replace("  ", " ")


def _verify_hash(blob: bytes, sha256: str) -> None:
    """Compare the bytes with the stored hash."""
    actual = hashlib.sha256(blob).hexdigest()
    if actual != sha256.strip().lower():
        raise ModelError(
            f"The model's bytes were changed or cut off after training: their SHA-256 is"
            f" {actual[:12]}…, stored is {sha256[:12]}…. {_NEXT}"
        )


def _parse(blob: bytes) -> onnx.ModelProto:
    """Return the protobuf message, if the bytes are one."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        graph = onnx.load_model_from_string(bytes(blob))
    except DecodeError as error:
        raise ModelError(f"The model cannot be read: not an ONNX file ({error}). {_NEXT}") from None
    return graph


def _read_metadata(graph: onnx.ModelProto) -> dict[str, str]:
    """Return the ``holdfast.*`` properties without their prefix, complete and of this contract."""
    found = {
        entry.key.removeprefix("holdfast."): entry.value
        for entry in graph.metadata_props
        if entry.key.startswith("holdfast.")
    }
    if found.get("contract", _CONTRACT) != _CONTRACT:
        raise ModelError(
            f"{_describe(found)} follows contract {found['contract']!r}, this version of Holdfast"
            f" reads contract {_CONTRACT!r}. Retrain the model, or install the version that"
            " trained it."
        )
    if found.get("target", _TARGETS[0]) not in _TARGETS:
        raise ModelError(
            f"{_describe(found)} predicts {found['target'][:40]!r}; this version of Holdfast knows"
            f" {' and '.join(_TARGETS)}. Install the version that trained it."
        )
    missing = [f"holdfast.{key}" for key in _METADATA if key not in found]
    if missing:
        raise ModelError(
            f"The model cannot be read: it lacks the metadata {', '.join(missing)}, so Holdfast"
            f" did not write it. {_NEXT}"
        )
    try:
        names = json.loads(found["feature_names"])
        valid = isinstance(names, list) and names and all(isinstance(n, str) for n in names)
        valid = bool(valid and np.isfinite(float(found["base_value"])))
    except ValueError:
        valid = False
    if not valid:
        raise ModelError(
            f"{_describe(found)} has metadata that cannot be read: feature_names"
            f" {found['feature_names'][:80]!r}, base_value {found['base_value']!r}. {_NEXT}"
        )
    return found


def _check_graph(model: onnx.ModelProto, metadata: dict[str, str]) -> None:
    """Refuse a graph that the contract does not describe."""
    import onnx

    name = _describe(metadata)
    if model.functions or model.training_info:
        raise ModelError(f"{name} holds functions or training graphs, which are refused. {_NEXT}")
    for node in model.graph.node:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if node.op_type not in _OPERATORS.get(domain, frozenset()):
            raise ModelError(
                f"{name} uses the operator {domain or 'ai.onnx'}.{node.op_type}, which the"
                f" contract does not allow. {_NEXT}"
            )
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelError(
                f"{name} keeps the tensor `{tensor.name}` in a file of its own; a stored model"
                f" must be complete. {_NEXT}"
            )
    _check_interface(model, metadata)
    _check_size(model, name)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{name} is not a valid ONNX model: {reason} {_NEXT}") from None


def _check_size(model: onnx.ModelProto, name: str) -> None:
    """Refuse a small file that would take much memory or time: a few nodes can double a tensor.

    Judged by the shapes that ONNX infers: those of ai.onnx, but not what follows ai.onnx.ml.
    """
    import onnx

    if len(model.graph.node) > _MOST_NODES or model.graph.sparse_initializer:
        what = "sparse constants" if model.graph.sparse_initializer else "more than 10,000 nodes"
        raise ModelError(f"{name} has {what}, which are refused. {_NEXT}")
    try:
        inferred = onnx.shape_inference.infer_shapes(model)
    except (onnx.shape_inference.InferenceError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{name} is not a valid ONNX model: {reason} {_NEXT}") from None
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*inferred.graph.value_info, *inferred.graph.output)
    }
    shapes.update({tensor.name: list(tensor.dims) for tensor in model.graph.initializer})
    for tensor_name, shape in shapes.items():
        # the number of rows is open, which reads as 0
        if prod(max(size, 1) for size in shape) > _MOST_NUMBERS:
            sizes = " x ".join(str(size) if size else "rows" for size in shape)
            raise ModelError(
                f"{name} makes a tensor of {sizes} numbers, `{tensor_name}`, which is refused."
                f" {_NEXT}"
            )


def _check_interface(model: onnx.ModelProto, metadata: dict[str, str]) -> None:
    """Refuse inputs and outputs other than the contract's."""
    from onnx import TensorProto

    name = _describe(metadata)
    width = len(json.loads(metadata["feature_names"]))
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = {i.name: _signature(i) for i in model.graph.input if i.name not in stored}
    if inputs != {"features": (TensorProto.FLOAT, 2, width)}:
        raise ModelError(
            f"{name} must have one input, `features`, float32 with {width} columns; it has"
            f" {_in_words(inputs)}. {_NEXT}"
        )
    outputs = {output.name: _signature(output) for output in model.graph.output}
    needed = {"label": TensorProto.INT64, "probabilities": TensorProto.FLOAT}
    words = "the outputs `label` (int64) and `probabilities` (float32)"
    if metadata.get("target") == "regression":
        needed, words = {"values": TensorProto.FLOAT}, "the output `values` (float32)"
    allowed = {**needed, "contributions": TensorProto.FLOAT}
    wrong_type = any(outputs[key][0] != allowed.get(key) for key in outputs)
    if wrong_type or not needed.keys() <= outputs.keys():
        raise ModelError(
            f"{name} must have {words}, and may have `contributions` (float32); it has"
            f" {_in_words(outputs)}. {_NEXT}"
        )


def _signature(value: onnx.ValueInfoProto) -> tuple[int, int, int]:
    """Element type, number of dimensions and size of the last one (0: not fixed)."""
    tensor = value.type.tensor_type
    dimensions = tensor.shape.dim
    return tensor.elem_type, len(dimensions), dimensions[-1].dim_value if dimensions else 0


def _in_words(values: dict[str, tuple[int, int, int]]) -> str:
    """Return inputs or outputs, for a message."""
    from onnx import TensorProto

    words = [
        f"`{name}` ({TensorProto.DataType.Name(kind).lower()}, {width or 'any number of'} columns)"
        for name, (kind, _, width) in values.items()
    ]
    return ", ".join(words) or "none"


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every tensor stored in the graph."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors


def _open_session(blob: bytes, name: str) -> Any:
    """Return an ONNX Runtime session that leaves parallelism to its caller."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # DuckDB already runs one call per thread; threads below that would fight for the same cores.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{name} cannot be run by ONNX Runtime: {reason} {_NEXT}") from None
