"""What a model computes for one row, as a graph of small terms that dialects write as SQL.

A missing value is NaN in ONNX and NULL in a term. The constructors below fold constants and keep
what SQL needs to know: which type a term has, whether it can be NULL, and its bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.sql._errors import SqlError

if TYPE_CHECKING:
    from holdfast.sql._ensemble import Ensemble

__all__ = [
    "BOOLEAN",
    "DOUBLE",
    "FLOAT",
    "INTEGER",
    "Term",
    "binary",
    "cast",
    "column",
    "compare",
    "conjunction",
    "constant",
    "is_infinite",
    "is_missing",
    "negation",
    "terms_below",
    "trees",
    "unary",
    "where",
]

FLOAT, DOUBLE, INTEGER, BOOLEAN = "float", "double", "integer", "boolean"
_NUMPY: dict[str, Any] = {
    FLOAT: np.float32,
    DOUBLE: np.float64,
    INTEGER: np.int64,
    BOOLEAN: np.bool_,
}
_EVERYTHING = (-math.inf, math.inf)


@dataclass(frozen=True, eq=False)
class Term:
    """One step of the computation. Two parents of the same object share its result.

    Parameters
    ----------
    operator
        ``column``, ``constant``, ``trees`` or one of the arithmetic below.
    arguments
        The terms it works on.
    kind
        Type of its value.
    value
        The number of a constant, the index of a column, or the trees.
    null_of
        Columns through which it can be NULL.
    bounds
        Between which numbers its value lies.
    """

    operator: str
    arguments: tuple[Term, ...]
    kind: str
    value: Any = None
    null_of: frozenset[int] = frozenset()
    bounds: tuple[float, float] = field(default=_EVERYTHING)

    @property
    def is_constant(self) -> bool:
        """Whether it is a number that is known now."""
        return self.operator == "constant"

    @property
    def read(self) -> tuple[Term, ...]:
        """Those of its arguments that it looks at: trees leave some features out."""
        if self.operator == "trees":
            return tuple(self.arguments[index] for index in self.value[0].features)
        return self.arguments


def column(index: int) -> Term:
    """Return a feature as float32, NULL where it is missing."""
    return Term("column", (), FLOAT, index, frozenset({index}))


def constant(value: Any, kind: str) -> Term:
    """Return a number; NaN stands for NULL."""
    number = _NUMPY[kind](value)
    known = float(number)
    bounds = _EVERYTHING if math.isnan(known) else (known, known)
    return Term("constant", (), kind, number, bounds=bounds)


def cast(term: Term, kind: str) -> Term:
    """Another type, rounded as ONNX does."""
    if term.kind == kind:
        return term
    if term.is_constant:
        return constant(term.value, kind)
    if term.kind == BOOLEAN:
        return where(term, constant(1, kind), constant(0, kind))
    if kind == BOOLEAN:
        return negation(compare("=", term, constant(0, term.kind)))
    if kind == INTEGER:
        # Kept in its own type: a whole number there compares as the integer does.
        return Term("truncate", (term,), term.kind, None, term.null_of, term.bounds)
    return Term("cast", (term,), kind, None, term.null_of, term.bounds)


def trees(ensemble: Ensemble, output: int, features: tuple[Term, ...]) -> Term:
    """Return the sum of the trees' leaves for one output, in double precision."""
    return Term("trees", features, DOUBLE, (ensemble, output), bounds=ensemble.bounds(output))


def unary(operator: str, term: Term) -> Term:
    """One of neg, abs, sign, log, exp, sqrt, sigmoid, tanh."""
    function, bounds = _UNARY[operator]
    if term.is_constant:
        with np.errstate(all="ignore"):
            return constant(function(term.value), term.kind)
    return Term(operator, (term,), term.kind, None, term.null_of, bounds(*term.bounds))


def binary(operator: str, left: Term, right: Term) -> Term:
    """One of + - * / min max, on terms of one type."""
    function, bounds = _BINARY[operator]
    if left.is_constant and right.is_constant:
        with np.errstate(all="ignore"):
            return constant(function(left.value, right.value), left.kind)
    if left.kind == INTEGER and operator == "/":
        raise SqlError("it divides integers")
    if operator == "+" and _is(left, 0.0):
        return right
    if operator in "+-" and _is(right, 0.0):
        return left
    if operator in "*/" and _is(right, 1.0):
        return left
    merged = _inside_where(operator, left, right)
    if merged is not None:
        return merged
    folded = _folded(operator, left, right)
    if folded is not None:
        return folded
    if operator == "max" and right.is_constant and right.value >= 0:
        raised = _raised_log(left, right)
        if raised is not None:
            return raised
    nulls = left.null_of | right.null_of
    low, high = bounds(left.bounds, right.bounds)
    known = (low, high) if not (math.isnan(low) or math.isnan(high)) else _EVERYTHING
    return Term(operator, (left, right), left.kind, None, nulls, known)


def compare(operator: str, left: Term, right: Term) -> Term:
    """One of = < <= > >=; false where a side is missing, as NaN compares."""
    if left.is_constant and right.is_constant:
        return constant(_COMPARE[operator](left.value, right.value), BOOLEAN)
    flags = _flags(left) if operator == ">" and _is(right, 0.0) else None
    if flags:
        # A count of flags above zero says that one of them is set.
        return reduce(partial(conjunction, "or"), flags)
    return Term(operator, (left, right), BOOLEAN)


def conjunction(operator: str, left: Term, right: Term) -> Term:
    """``and`` or ``or``."""
    for one, other in ((left, right), (right, left)):
        if one.is_constant:
            decides = bool(one.value) == (operator == "or")
            return one if decides else other
    return Term(operator, (left, right), BOOLEAN)


def negation(term: Term) -> Term:
    """``not``."""
    if term.is_constant:
        return constant(not term.value, BOOLEAN)
    return Term("not", (term,), BOOLEAN)


def is_missing(term: Term) -> Term:
    """Whether a value is missing, or not a number."""
    if term.is_constant:
        return constant(np.isnan(term.value), BOOLEAN)
    if term.kind in (INTEGER, BOOLEAN):
        return constant(False, BOOLEAN)
    inner = term
    while inner.operator == "cast":
        inner = inner.arguments[0]
    return Term("is missing", (inner,), BOOLEAN)


def is_infinite(term: Term) -> Term:
    """Whether a value is infinite; false where it is missing."""
    if term.is_constant:
        return constant(np.isinf(term.value), BOOLEAN)
    return compare("=", unary("abs", term), constant(math.inf, term.kind))


def where(condition: Term, then: Term, otherwise: Term) -> Term:
    """``then`` where the condition holds, else ``otherwise``."""
    if condition.is_constant:
        return then if condition.value else otherwise
    nulls = then.null_of | (otherwise.null_of - _missing_columns(condition))
    bounds = (
        min(then.bounds[0], otherwise.bounds[0]),
        max(then.bounds[1], otherwise.bounds[1]),
    )
    if then.is_constant and math.isnan(float(then.value)):
        bounds = _EVERYTHING
    return Term("where", (condition, then, otherwise), then.kind, None, nulls, bounds)


def terms_below(terms: Iterable[Term], given: Container[int] = ()) -> list[Term]:
    """Return terms and all that they are computed from, what comes first first."""
    found: dict[int, Term] = {}
    stack = [(term, False) for term in terms]
    while stack:
        current, is_done = stack.pop()
        if id(current) in found or id(current) in given:
            continue
        if is_done:
            found[id(current)] = current
            continue
        stack.append((current, True))
        stack += [(argument, False) for argument in current.read]
    return list(found.values())


def _missing_columns(condition: Term) -> frozenset[int]:
    """Return the columns that are not NULL where a condition is false."""
    if condition.operator == "or":
        return frozenset().union(*map(_missing_columns, condition.arguments))
    if condition.operator == "is missing" and condition.arguments[0].operator == "column":
        return frozenset({condition.arguments[0].value})
    return frozenset()


def _inside_where(operator: str, left: Term, right: Term) -> Term | None:
    """Move an operation into the branches of ``where``, if that leaves one CASE and no more work.

    The branches do the same arithmetic in the same order, so that nothing is rounded otherwise.
    """
    if left.operator != "where" or not left.arguments[1].is_constant:
        return None
    condition, then, otherwise = left.arguments
    otherwise = _known(otherwise, _missing_columns(condition))
    if right.is_constant:
        other = right, right
    elif (
        operator == "+"
        and right.operator == "where"
        and right.arguments[0] is condition
        and right.arguments[1].is_constant
    ):
        other = right.arguments[1], right.arguments[2]
    else:
        return None
    return where(condition, binary(operator, then, other[0]), binary(operator, otherwise, other[1]))


def _folded(operator: str, left: Term, right: Term) -> Term | None:
    """Keep a chain of sums and products with constants as one product and one sum.

    In double precision only, where what is rounded otherwise is far below the tolerance.
    """
    if left.kind != DOUBLE or not right.is_constant or left.is_constant:
        return None
    if operator == "-":
        return binary("+", left, unary("neg", right))
    if operator == "/":
        with np.errstate(all="ignore"):
            inverse = constant(1.0 / right.value, DOUBLE)
        is_safe = 1e-150 < abs(inverse.value) < 1e150
        return binary("*", left, inverse) if is_safe else None
    if operator not in ("+", "*") or left.operator not in ("+", "*"):
        return None
    inner, known = left.arguments
    if not known.is_constant:
        return None
    if left.operator == operator:
        both = binary(operator, known, right)
        return binary(operator, inner, both) if abs(both.value) < math.inf else None
    if operator == "*":
        both = binary("*", known, right)
        product = binary("*", inner, right)
        return binary("+", product, both) if abs(both.value) < math.inf else None
    return None


def _known(term: Term, columns: frozenset[int], done: dict[int, Term] | None = None) -> Term:
    """Return a term in a branch that rows take only where some columns are not NULL."""
    if not term.null_of & columns:
        return term
    done = {} if done is None else done
    if id(term) not in done:
        arguments = tuple(_known(argument, columns, done) for argument in term.arguments)
        done[id(term)] = replace(term, arguments=arguments, null_of=term.null_of - columns)
    return done[id(term)]


def _raised_log(term: Term, least: Term) -> Term | None:
    """Return max(sign(x) * log(1 + abs(x)), least) with the maximum taken of x, from 0 on."""
    if term.operator != "*" or term.kind != DOUBLE:
        return None
    sign, log = term.arguments
    if sign.operator != "sign" or log.operator != "log" or log.arguments[0].operator != "+":
        return None
    (x,) = sign.arguments
    one, size = log.arguments[0].arguments
    if not _is(one, 1.0) or size.operator != "abs" or size.arguments[0] is not x:
        return None
    with np.errstate(all="ignore"):
        limit = constant(np.expm1(least.value), DOUBLE)
    if not limit.value < math.inf:
        return None
    return unary("log", binary("+", one, binary("max", x, limit)))


def _flags(term: Term) -> list[Term] | None:
    """Return the conditions that a term counts, if that is what it does."""
    if term.operator == "where" and _is(term.arguments[1], 1) and _is(term.arguments[2], 0):
        return [term.arguments[0]]
    if term.operator == "+":
        left, right = map(_flags, term.arguments)
        return left + right if left and right else None
    return None


def _is(term: Term, number: float) -> bool:
    return term.is_constant and float(term.value) == number


_Bounds = tuple[float, float]


def _monotone(function: Callable[[float], float]) -> Callable[[float, float], _Bounds]:
    """Bounds of a function that never falls."""

    def bounds(low: float, high: float) -> _Bounds:
        with np.errstate(all="ignore"):
            ends = float(function(low)), float(function(high))
        return ends if not any(map(math.isnan, ends)) else _EVERYTHING

    return bounds


def _abs_bounds(low: float, high: float) -> _Bounds:
    return (max(0.0, low, -high), max(abs(low), abs(high)))


def _sigmoid(x: Any) -> Any:
    return type(x)(1) / (type(x)(1) + np.exp(-x))


def _products(a: _Bounds, b: _Bounds) -> _Bounds:
    ends = [x * y for x in a for y in b]
    return (math.nan, math.nan) if any(map(math.isnan, ends)) else (min(ends), max(ends))


def _quotients(a: _Bounds, b: _Bounds) -> _Bounds:
    if b[0] <= 0 <= b[1]:
        return _EVERYTHING
    ends = [x / y for x in a for y in b if not (math.isinf(x) and math.isinf(y))]
    return (min(ends), max(ends)) if len(ends) == 4 else _EVERYTHING


_UNARY: dict[str, tuple[Callable[[Any], Any], Callable[[float, float], _Bounds]]] = {
    "neg": (np.negative, lambda low, high: (-high, -low)),
    "abs": (np.abs, _abs_bounds),
    "sign": (np.sign, lambda low, high: (-1.0, 1.0)),
    "log": (np.log, _monotone(np.log)),
    "exp": (np.exp, lambda low, high: (0.0, float(_monotone(np.exp)(low, high)[1]))),
    "sqrt": (np.sqrt, lambda low, high: (0.0, math.inf)),
    "sigmoid": (_sigmoid, lambda low, high: (0.0, 1.0)),
    "tanh": (np.tanh, lambda low, high: (-1.0, 1.0)),
}
_BINARY: dict[str, tuple[Callable[[Any, Any], Any], Callable[[_Bounds, _Bounds], _Bounds]]] = {
    "+": (np.add, lambda a, b: (a[0] + b[0], a[1] + b[1])),
    "-": (np.subtract, lambda a, b: (a[0] - b[1], a[1] - b[0])),
    "*": (np.multiply, _products),
    "/": (np.divide, _quotients),
    "min": (np.minimum, lambda a, b: (min(a[0], b[0]), min(a[1], b[1]))),
    "max": (np.maximum, lambda a, b: (max(a[0], b[0]), max(a[1], b[1]))),
}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
