"""The ONNX operators that can be written as SQL, each on the columns of a row.

A tensor over rows is the list of its columns; a tensor that does not depend on the rows is a NumPy
array. Every function takes a `Node` and returns one or the other for its first output. Operators
of ai.onnx: https://onnx.ai/onnx/operators/index.html, those of ai.onnx.ml:
https://onnx.ai/onnx/operators/index.html#ai-onnx-ml.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, TypeAlias

import numpy as np

from holdfast.contract import read_ensemble
from holdfast.sql import _terms as t
from holdfast.sql._ensemble import grow_ensemble
from holdfast.sql._errors import SqlError
from holdfast.sql._terms import Term

__all__ = ["OPERATORS", "Columns", "Node", "Tensor"]

_KINDS = {1: t.FLOAT, 11: t.DOUBLE, 6: t.INTEGER, 7: t.INTEGER, 9: t.BOOLEAN}
_ARRAY_KINDS = {"f4": t.FLOAT, "f8": t.DOUBLE, "i8": t.INTEGER, "i4": t.INTEGER, "b1": t.BOOLEAN}


@dataclass(frozen=True)
class Columns:
    """A tensor over rows: its columns, and whether it is [N, F] or, with one column, [N]."""

    terms: tuple[Term, ...]
    is_matrix: bool = True


Tensor: TypeAlias = "Columns | np.ndarray[Any, Any]"


@dataclass(frozen=True)
class Node:
    """An operator with what goes in.

    Parameters
    ----------
    inputs
        Tensors; None where an optional one is left out.
    attributes
        By name.
    output
        Which of its outputs is asked for.
    """

    inputs: tuple[Tensor | None, ...]
    attributes: dict[str, Any]
    output: int = 0

    def columns(self, index: int = 0) -> Columns:
        """Return an input that depends on the rows."""
        value = self.inputs[index]
        if not isinstance(value, Columns):
            raise SqlError("it does not work on the rows' features")
        return value

    def array(self, index: int, name: str = "") -> np.ndarray[Any, Any] | None:
        """Return an input that does not, or the attribute that older versions have for it."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(value, Columns):
            raise SqlError("an input that must be constant depends on the rows")
        if value is None and name in self.attributes:
            return np.asarray(self.attributes[name])
        return value


def _kind_of(array: np.ndarray[Any, Any]) -> str:
    kind = _ARRAY_KINDS.get(array.dtype.str[1:])
    if kind is None:
        raise SqlError(f"it has constants of the type {array.dtype}")
    return kind


def _spread(value: Tensor | None, width: int) -> list[Term]:
    """Return a tensor as so many columns."""
    if value is None:
        raise SqlError("it lacks an input")
    if isinstance(value, Columns):
        terms = list(value.terms)
    else:
        if value.ndim > 1 and any(size != 1 for size in value.shape[:-1]):
            raise SqlError(f"it has a constant of the shape {list(value.shape)}, one per row")
        kind = _kind_of(value)
        terms = [t.constant(number, kind) for number in value.reshape(-1)]
    if len(terms) == 1:
        return terms * width
    if len(terms) != width:
        raise SqlError(f"it has tensors of {len(terms)} and {width} columns")
    return terms


def _elementwise(function: Callable[..., Term], node: Node) -> Tensor:
    """Apply a function column by column, with the broadcasting of ONNX."""
    given = [value for value in node.inputs if value is not None]
    over_rows = [value for value in given if isinstance(value, Columns)]
    if not over_rows:
        raise SqlError("it computes with constants only")
    sizes = [len(v.terms) if isinstance(v, Columns) else v.size for v in given]
    if any(v.is_matrix for v in over_rows) != all(v.is_matrix for v in over_rows):
        raise SqlError("it combines a matrix with a list of values, one per row")
    width = max(sizes)
    if not over_rows[0].is_matrix and width > 1:
        raise SqlError("it combines one value per row with a list")
    spread = [_spread(value, width) for value in given]
    terms = tuple(function(*row) for row in zip(*spread, strict=True))
    return Columns(terms, over_rows[0].is_matrix)


def _binary(operator: str) -> Callable[[Node], Tensor]:
    """Return an operation on numbers, over any number of inputs."""
    return partial(
        _elementwise, lambda *terms: reduce(lambda a, b: t.binary(operator, a, b), terms)
    )


def _unary(operator: str) -> Callable[[Node], Tensor]:
    return partial(_elementwise, partial(t.unary, operator))


def _compare(operator: str) -> Callable[[Node], Tensor]:
    return partial(_elementwise, partial(t.compare, operator))


def _cast(node: Node) -> Tensor:
    to = _KINDS.get(node.attributes["to"])
    if to is None:
        raise SqlError(f"it casts to the type {node.attributes['to']}")
    value = node.inputs[0]
    if isinstance(value, np.ndarray):
        return value.astype({t.FLOAT: "f4", t.DOUBLE: "f8", t.INTEGER: "i8", t.BOOLEAN: "?"}[to])
    return _elementwise(lambda term: t.cast(term, to), node)


def _clip(node: Node) -> Tensor:
    columns = node.columns()
    limits = [node.array(1, "min"), node.array(2, "max")]

    def clip(term: Term) -> Term:
        for limit, operator in zip(limits, ("max", "min"), strict=True):
            if limit is not None:
                term = t.binary(operator, term, t.constant(limit.reshape(-1)[0], term.kind))
        return term

    return Columns(tuple(map(clip, columns.terms)), columns.is_matrix)


def _power(node: Node) -> Tensor:
    exponent = node.array(1)
    whole = None if exponent is None or exponent.size != 1 else float(exponent.reshape(-1)[0])
    columns = node.columns()
    if whole == 0.5:
        terms = [t.unary("sqrt", term) for term in columns.terms]
    elif whole in (1.0, 2.0, 3.0):
        terms = [
            reduce(lambda a, b: t.binary("*", a, b), [term] * int(whole)) for term in columns.terms
        ]
    else:
        raise SqlError("it raises to a power other than 0.5, 1, 2 or 3")
    return Columns(tuple(terms), columns.is_matrix)


def _relu(node: Node) -> Tensor:
    return _elementwise(lambda x: t.binary("max", x, t.constant(0, x.kind)), node)


def _constant(node: Node) -> Tensor:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in node.attributes:
            value = np.asarray(node.attributes[name])
            return value.astype(np.float32) if "float" in name else value
    raise SqlError("it has no number")


def _identity(node: Node) -> Tensor:
    value = node.inputs[0]
    if value is None:
        raise SqlError("it lacks an input")
    return value


def _concat(node: Node) -> Tensor:
    parts = [node.columns(index) for index in range(len(node.inputs))]
    if node.attributes.get("axis") not in (1, -1) or not all(p.is_matrix for p in parts):
        raise SqlError("it puts rows, not columns, together")
    return Columns(tuple(term for part in parts for term in part.terms))


def _pick(node: Node) -> Tensor:
    """Gather along the columns."""
    columns, wanted = node.columns(), node.array(1)
    if wanted is None or node.attributes.get("axis", 0) not in (1, -1) or not columns.is_matrix:
        raise SqlError("it does not pick constant columns")
    terms = tuple(columns.terms[int(index)] for index in wanted.reshape(-1))
    return Columns(terms, wanted.ndim > 0)


def _extract(node: Node) -> Tensor:
    """ArrayFeatureExtractor, which keeps its dimension whatever the shape of the indices."""
    wanted = node.array(1)
    if wanted is None:
        raise SqlError("it does not pick constant columns")
    return _pick(Node((node.inputs[0], wanted.reshape(-1)), {"axis": 1}))


def _slice(node: Node) -> Tensor:
    columns = node.columns()
    starts, ends = node.array(1, "starts"), node.array(2, "ends")
    axes, steps = node.array(3, "axes"), node.array(4)
    sizes = {0 if values is None else values.size for values in (starts, ends, axes)}
    if (
        sizes != {1}
        or axes is None
        or starts is None
        or ends is None
        or int(axes.item()) not in (1, -1)
    ):
        raise SqlError("it does not cut out columns")
    step = 1 if steps is None else int(steps.item())
    return Columns(columns.terms[slice(int(starts.item()), int(ends.item()), step)])


def _split(node: Node) -> Tensor:
    columns, sizes = node.columns(), node.array(1, "split")
    if node.attributes.get("axis", 0) not in (1, -1):
        raise SqlError("it parts rows, not columns")
    if sizes is None:
        count = int(node.attributes.get("num_outputs", 0))
        if not count or len(columns.terms) % count:
            raise SqlError("it does not say into what it parts the columns")
        sizes = np.full(count, len(columns.terms) // count)
    start = int(sizes[: node.output].sum())
    return Columns(columns.terms[start : start + int(sizes[node.output])])


def _sum(terms: Sequence[Term]) -> Term:
    """Add up pair by pair, for DuckDB 1.0 binds no expression of more than 128 levels."""
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        added = [t.binary("+", a, b) for a, b in pairs]
        terms = [*added, *terms[2 * len(added) :]]
    return terms[0]


def _reduce_sum(node: Node) -> Tensor:
    columns, axes = node.columns(), node.array(1, "axes")
    if axes is None or list(axes.reshape(-1)) not in ([1], [-1]):
        raise SqlError("it sums over rows")
    return Columns((_sum(columns.terms),), bool(node.attributes.get("keepdims", 1)))


def _reshape(node: Node) -> Tensor:
    """Reshape and Flatten between [N], [N, 1] and [N, F]."""
    columns, shape = node.columns(), node.array(1)
    wanted = [-1, len(columns.terms)] if shape is None else [int(x) for x in shape.reshape(-1)]
    if wanted == [-1] and len(columns.terms) == 1:
        return Columns(columns.terms, is_matrix=False)
    if len(wanted) == 2 and wanted[0] in (-1, 0) and wanted[1] in (-1, len(columns.terms)):
        return Columns(columns.terms)
    raise SqlError(f"it reshapes rows to {wanted}")


def _squeeze(node: Node) -> Tensor:
    columns = node.columns()
    if len(columns.terms) != 1:
        raise SqlError("it drops a dimension of several columns")
    return Columns(columns.terms, is_matrix=False)


def _unsqueeze(node: Node) -> Tensor:
    return Columns(node.columns().terms)


def _product(terms: tuple[Term, ...], weights: np.ndarray[Any, Any], kind: str) -> Term:
    """Return the weighted sum of columns."""
    products = [
        t.binary("*", term, t.constant(weight, kind))
        for term, weight in zip(terms, weights, strict=True)
    ]
    return _sum(products)


def _matmul(node: Node) -> Tensor:
    columns, weights = node.columns(), node.array(1)
    if weights is None or weights.ndim != 2 or not columns.is_matrix:
        raise SqlError("it does not multiply the rows by a constant matrix")
    kind = _kind_of(weights)
    return Columns(tuple(_product(columns.terms, column, kind) for column in weights.T))


def _gemm(node: Node) -> Tensor:
    get = node.attributes.get
    columns, weights, bias = node.columns(), node.array(1), node.array(2)
    if weights is None or get("transA", 0) or get("alpha", 1.0) != 1 or get("beta", 1.0) != 1:
        raise SqlError("it is more than rows times a matrix plus a list")
    weights = weights if get("transB", 0) else weights.T
    kind = _kind_of(weights)
    sums = [_product(columns.terms, column, kind) for column in weights]
    if bias is not None:
        added = _spread(bias, len(sums))
        sums = [t.binary("+", x, y) for x, y in zip(sums, added, strict=True)]
    return Columns(tuple(sums))


def _where(node: Node) -> Tensor:
    return _elementwise(t.where, node)


def _is_infinite(node: Node) -> Tensor:
    if not node.attributes.get("detect_positive", 1) or not node.attributes.get(
        "detect_negative", 1
    ):
        raise SqlError("it looks for one sign of infinity only")
    return _elementwise(t.is_infinite, node)


def _numbers(node: Node, name: str, width: int) -> list[float]:
    """Return an attribute of one number, or one per column."""
    values = [float(x) for x in node.attributes.get(name, ())]
    if len(values) not in (1, width):
        raise SqlError(f"its attribute {name} has {len(values)} numbers for {width} columns")
    return values * width if len(values) == 1 else values


def _scaler(node: Node) -> Tensor:
    columns = node.columns()
    width = len(columns.terms)
    steps = zip(
        columns.terms, _numbers(node, "offset", width), _numbers(node, "scale", width), strict=True
    )

    def scaled(term: Term, offset: float, scale: float) -> Term:
        single = t.cast(term, t.FLOAT)
        centred = t.binary("-", single, t.constant(offset, t.FLOAT))
        return t.binary("*", centred, t.constant(scale, t.FLOAT))

    return Columns(tuple(scaled(*step) for step in steps))


def _imputer(node: Node) -> Tensor:
    columns = node.columns()
    name = (
        "imputed_value_floats"
        if "imputed_value_floats" in node.attributes
        else ("imputed_value_int64s")
    )
    replaced = node.attributes.get(
        "replaced_value_float", node.attributes.get("replaced_value_int64", 0)
    )
    terms = []
    for term, value in zip(columns.terms, _numbers(node, name, len(columns.terms)), strict=True):
        absent = (
            t.is_missing(term)
            if np.isnan(replaced)
            else t.compare("=", term, t.constant(replaced, term.kind))
        )
        terms.append(t.where(absent, t.constant(value, term.kind), term))
    return Columns(tuple(terms))


def _binarizer(node: Node) -> Tensor:
    limit = float(node.attributes.get("threshold", 0.0))

    def binary(term: Term) -> Term:
        above = t.compare(">", term, t.constant(limit, term.kind))
        return t.cast(above, term.kind)

    return _elementwise(binary, node)


def _one_hot(node: Node) -> Tensor:
    """OneHotEncoder on numbers: https://onnx.ai/onnx/operators/onnx_aionnxml_OneHotEncoder.html."""
    categories = node.attributes.get("cats_int64s")
    if not categories:
        raise SqlError("it encodes texts; encode them in the feature's SQL")
    if not node.attributes.get("zeros", 1):
        raise SqlError("it fails on a category that it does not know")
    columns = node.columns()
    if len(columns.terms) != 1:
        raise SqlError("it encodes several columns at once")
    (term,) = columns.terms
    return Columns(
        tuple(
            t.cast(t.compare("=", term, t.constant(category, term.kind)), t.FLOAT)
            for category in categories
        )
    )


def _vectorizer(node: Node) -> Tensor:
    parts = [node.columns(index) for index in range(len(node.inputs))]
    return Columns(tuple(t.cast(term, t.FLOAT) for part in parts for term in part.terms))


def _normalizer(node: Node) -> Tensor:
    """Return normalizer by the sum of absolute values, or by the largest."""
    norm = node.attributes.get("norm", b"MAX")
    operators = {b"L1": "+", b"MAX": "max"}
    if norm not in operators:
        raise SqlError(f"it normalises by {norm!r}")
    columns = node.columns()
    sizes = [t.unary("abs", term) if norm == b"L1" else term for term in columns.terms]
    total = reduce(lambda a, b: t.binary(operators[norm], a, b), sizes)
    is_zero = t.compare("=", total, t.constant(0, total.kind))
    safe = t.where(is_zero, t.constant(1, total.kind), total)
    return Columns(tuple(t.binary("/", term, safe) for term in columns.terms))


def _linear(node: Node, outputs: int) -> list[Term]:
    """Return the scores of a linear model, in double precision."""
    columns = node.columns()
    width = len(columns.terms)
    weights = np.asarray(node.attributes["coefficients"], np.float64).reshape(outputs, width)
    added = np.asarray(node.attributes.get("intercepts") or [0.0] * outputs, np.float64)
    wide = tuple(t.cast(term, t.DOUBLE) for term in columns.terms)
    return [
        t.binary("+", _product(wide, row, t.DOUBLE), t.constant(number, t.DOUBLE))
        for row, number in zip(weights, added, strict=True)
    ]


def _classes(node: Node) -> int:
    """How many classes a classifier has; two are supported."""
    labels = node.attributes.get("classlabels_int64s") or node.attributes.get("classlabels_ints")
    if not labels or len(labels) != 2:
        raise SqlError("it is no classifier of two classes with numbers for labels")
    return 2


def _linear_classifier(node: Node) -> Tensor:
    """Return the probabilities; the labels are not asked for."""
    _scores_only(node)
    scores = _linear(node, len(node.attributes["coefficients"]) // len(node.columns().terms))
    _classes(node)
    post = node.attributes.get("post_transform", b"NONE")
    if len(scores) == 1:
        scores = [t.unary("neg", scores[0]), scores[0]]
    return _as_floats(_transformed(scores, post))


def _linear_regressor(node: Node) -> Tensor:
    if node.attributes.get("post_transform", b"NONE") != b"NONE":
        raise SqlError("it transforms what it predicts")
    return _as_floats(_linear(node, int(node.attributes.get("targets", 1))))


def _transformed(scores: list[Term], post: bytes) -> list[Term]:
    """Apply a classifier's post_transform to two scores."""
    if post == b"NONE":
        return scores
    if post == b"LOGISTIC":
        return [t.unary("sigmoid", score) for score in scores]
    if post == b"SOFTMAX":
        gap = t.binary("-", scores[1], scores[0])
        return [t.unary("sigmoid", x) for x in (t.unary("neg", gap), gap)]
    raise SqlError(f"it transforms its scores by {post.decode()}")


def _as_floats(terms: list[Term]) -> Columns:
    return Columns(tuple(t.cast(term, t.FLOAT) for term in terms))


def _scores_only(node: Node) -> None:
    if node.output != 1:
        raise SqlError("its labels are used, where probabilities are expected")


def _tree_classifier(node: Node) -> Tensor:
    """Return the probabilities of two classes, as ONNX Runtime makes them from one score or two."""
    _scores_only(node)
    _classes(node)
    attributes = node.attributes
    features = node.columns().terms
    post = attributes.get("post_transform", b"NONE")
    read = read_ensemble("TreeEnsembleClassifier", attributes, len(features))
    ids = np.unique(read.output).tolist()
    single = len(ids) == 1
    ensemble = grow_ensemble(read, ids if single else [0, 1])
    scores = [t.trees(ensemble, k, features) for k in range(len(ensemble.base))]
    if not single:
        return _as_floats(_transformed(scores, post))
    (score,) = scores
    if read.weight.min() >= 0 and post == b"NONE":
        # Leaves that are probabilities: the other class has the rest.
        return _as_floats([t.binary("-", t.constant(1, t.DOUBLE), score), score])
    return _as_floats(_transformed([t.unary("neg", score), score], post))


def _tree_regressor(node: Node) -> Tensor:
    if node.attributes.get("post_transform", b"NONE") != b"NONE":
        raise SqlError("it transforms what it predicts")
    features = node.columns().terms
    targets = list(range(int(node.attributes.get("n_targets", 1))))
    read = read_ensemble("TreeEnsembleRegressor", node.attributes, len(features))
    ensemble = grow_ensemble(read, targets)
    return _as_floats([t.trees(ensemble, target, features) for target in targets])


Operator: TypeAlias = Callable[[Node], Tensor]

OPERATORS: dict[str, dict[str, Operator]] = {
    "": {
        "Abs": _unary("abs"),
        "Add": _binary("+"),
        "And": partial(_elementwise, partial(t.conjunction, "and")),
        "Cast": _cast,
        "Clip": _clip,
        "Concat": _concat,
        "Constant": _constant,
        "Div": _binary("/"),
        "Equal": _compare("="),
        "Exp": _unary("exp"),
        "Flatten": _reshape,
        "Gather": _pick,
        "Gemm": _gemm,
        "Greater": _compare(">"),
        "GreaterOrEqual": _compare(">="),
        "Identity": _identity,
        "IsInf": _is_infinite,
        "IsNaN": partial(_elementwise, t.is_missing),
        "Less": _compare("<"),
        "LessOrEqual": _compare("<="),
        "Log": _unary("log"),
        "MatMul": _matmul,
        "Max": _binary("max"),
        "Min": _binary("min"),
        "Mul": _binary("*"),
        "Neg": _unary("neg"),
        "Not": partial(_elementwise, t.negation),
        "Or": partial(_elementwise, partial(t.conjunction, "or")),
        "Pow": _power,
        "ReduceSum": _reduce_sum,
        "Relu": _relu,
        "Reshape": _reshape,
        "Sigmoid": _unary("sigmoid"),
        "Sign": _unary("sign"),
        "Slice": _slice,
        "Split": _split,
        "Sqrt": _unary("sqrt"),
        "Squeeze": _squeeze,
        "Sub": _binary("-"),
        "Sum": _binary("+"),
        "Tanh": _unary("tanh"),
        "Unsqueeze": _unsqueeze,
        "Where": _where,
    },
    "ai.onnx.ml": {
        "ArrayFeatureExtractor": _extract,
        "Binarizer": _binarizer,
        "FeatureVectorizer": _vectorizer,
        "Imputer": _imputer,
        "LinearClassifier": _linear_classifier,
        "LinearRegressor": _linear_regressor,
        "Normalizer": _normalizer,
        "OneHotEncoder": _one_hot,
        "Scaler": _scaler,
        "TreeEnsembleClassifier": _tree_classifier,
        "TreeEnsembleRegressor": _tree_regressor,
    },
}
