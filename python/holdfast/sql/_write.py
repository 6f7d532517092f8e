"""Terms as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from holdfast.sql._dialects import Dialect
from holdfast.sql._ensemble import Leaf, Tree
from holdfast.sql._errors import SqlError
from holdfast.sql._terms import DOUBLE, FLOAT, Term, constant

__all__ = ["Writer"]

# A sum of many hundred trees in one row goes so deep that Spark's stack overflows; a bracket around
# each pair of sums would be shallow, but is what its parser takes a minute for.
_SIDE_BY_SIDE = 32
_LOGICAL = ("and", "or")
_COMPARISONS = ("=", "<", "<=", ">", ">=")


class Writer:
    """Writes terms in one dialect.

    Parameters
    ----------
    dialect
        The engine's.
    columns
        The SQL of each feature beyond the border, by its index.
    given
        The SQL of terms that are columns already, by their object's id.
    sides
        The SQL of features that are never NULL, by their index and whether a missing value is less
        than all thresholds or greater than all.
    """

    def __init__(
        self,
        dialect: Dialect,
        columns: Mapping[int, str],
        given: Mapping[int, str] | None = None,
        sides: Mapping[tuple[int, bool], str] | None = None,
    ) -> None:
        self._dialect = dialect
        self._columns = columns
        self._given = dict(given or {})
        self._sides = dict(sides or {})

    def write(self, term: Term) -> str:
        """Return the SQL expression of a term."""
        if id(term) in self._given:
            return self._given[id(term)]
        if term.operator == "trees":
            return self._trees(term)
        if term.operator in _COMPARISONS:
            text = self._condition(term)
            nullable = any(argument.null_of for argument in term.arguments)
            return f"coalesce({text}, false)" if nullable else text
        if term.operator == "where":
            condition, then, otherwise = term.arguments
            return (
                f"case when {self._condition(condition)} then {self.write(then)}"
                f" else {self.write(otherwise)} end"
            )
        dialect = self._dialect
        if term.operator == "constant":
            return dialect.literal(term.value, term.kind)
        if term.operator == "column":
            return self._columns[term.value]
        if term.operator == "is missing":
            (inner,) = term.arguments
            return dialect.is_missing(self.write(inner), can_be_nan=inner.operator != "column")
        arguments = [self.write(argument) for argument in term.arguments]
        if term.operator in _LOGICAL:
            return f"({f' {term.operator} '.join(arguments)})"
        if term.operator == "not":
            return f"(not {arguments[0]})"
        return self._arithmetic(term, arguments)

    def _condition(self, term: Term) -> str:
        """Write a condition where NULL counts as false."""
        if term.operator in _COMPARISONS:
            left, right = (self.write(argument) for argument in term.arguments)
            return f"{left} {term.operator} {right}"
        if term.operator in _LOGICAL and id(term) not in self._given:
            parts = [self._condition(argument) for argument in term.arguments]
            return f"({f' {term.operator} '.join(parts)})"
        return self.write(term)

    def _arithmetic(self, term: Term, arguments: list[str]) -> str:
        """Write an operation on numbers."""
        dialect, operator = self._dialect, term.operator
        if operator == "cast":
            return f"cast({arguments[0]} as {dialect.kind(term.kind)})"
        if operator == "truncate":
            return self._typed(term, dialect.truncate(arguments[0]))
        if operator == "neg":
            return f"(-{arguments[0]})"
        if operator == "sigmoid":
            return self._typed(term, dialect.sigmoid(arguments[0]))
        if operator == "log" and term.arguments[0].bounds[0] <= 0:
            zero, low = dialect.literal(0, term.kind), dialect.literal(-float("inf"), term.kind)
            (x,) = arguments
            positive = f"when {x} > {zero} then {dialect.call('log', x)}"
            return self._typed(term, f"case {positive} when {x} = {zero} then {low} end")
        if operator == "exp" and dialect.has_strict_exp:
            return self._exponential(term, *arguments)
        if operator in ("min", "max"):
            return self._extreme(term, *arguments)
        if operator == "/":
            return self._quotient(term, *arguments)
        if operator in ("+", "-", "*"):
            return f"({arguments[0]} {operator} {arguments[1]})"
        return self._typed(term, dialect.call(operator, *arguments))

    def _exponential(self, term: Term, x: str) -> str:
        """Write exp() where it refuses what is out of range."""
        text = self._typed(term, self._dialect.call("exp", x))
        low, high = term.arguments[0].bounds
        far = 80.0 if term.kind == FLOAT else 700.0
        if -far <= low and high <= far:
            return text
        least, most, zero, infinite = (
            self._dialect.literal(number, term.kind) for number in (-far, far, 0, float("inf"))
        )
        return (
            f"case when {x} < {least} then {zero} when {x} > {most} then {infinite} else {text} end"
        )

    def _typed(self, term: Term, text: str) -> str:
        """Keep a function's result in the type of its argument, where engines would widen it."""
        if term.kind == DOUBLE and term.operator not in ("sign", "truncate"):
            return text
        return f"cast({text} as {self._dialect.kind(term.kind)})"

    def _extreme(self, term: Term, left: str, right: str) -> str:
        """Write the lesser or greater of two; missing where one is, which engines ignore."""
        one, other = term.arguments
        if not term.null_of:
            return self._dialect.call(term.operator, left, right)
        sign = ">" if term.operator == "min" else "<"
        if not other.null_of:
            return f"case when {left} {sign} {right} then {right} else {left} end"
        if not one.null_of:
            return f"case when {right} {sign} {left} then {left} else {right} end"
        both = self._dialect.call(term.operator, left, right)
        return f"case when {left} is not null and {right} is not null then {both} end"

    def _quotient(self, term: Term, left: str, right: str) -> str:
        """Write a division; by zero it is infinite, which engines refuse."""
        low, high = term.arguments[1].bounds
        if low > 0 or high < 0:
            return f"({left} / {right})"
        zero, plus, minus = (
            self._dialect.literal(number, term.kind) for number in (0, float("inf"), -float("inf"))
        )
        infinite = f"case when {left} > {zero} then {plus} when {left} < {zero} then {minus} end"
        return f"case when {right} = {zero} then {infinite} else {left} / {right} end"

    def _trees(self, term: Term) -> str:
        """Write an ensemble as a sum of nested CASE, each row following its own branches."""
        ensemble, output = term.value
        features = {}
        for index in ensemble.features:
            argument = term.arguments[index]
            if not self._dialect.has_float32 and argument.operator not in ("column", "constant"):
                raise SqlError(
                    f"its trees decide on computed 32-bit floats, which {self._dialect.name} has"
                    " not, so that rows might take another branch"
                )
            features[index] = (argument, self.write(argument))
        parts = [self._tree(tree, output, features) for tree in ensemble.trees]
        if len(parts) > 2 * _SIDE_BY_SIDE:
            parts = [f"({' + '.join(some)})" for some in _in_groups(parts)]
        base = self.write(constant(ensemble.base[output], DOUBLE))
        return f"({' + '.join([base, *parts])})"

    def _tree(self, tree: Tree, output: int, features: Mapping[int, tuple[Term, str]]) -> str:
        """Write one tree."""
        if isinstance(tree, Leaf):
            return self._dialect.literal(tree.values[output], DOUBLE)
        argument, text = features[tree.feature]
        is_column = argument.operator == "column"
        never_null = self._sides.get((argument.value, tree.missing_low)) if is_column else None
        text = never_null or text
        test = f"{text} <= {self._dialect.threshold(tree.threshold)}"
        if tree.missing_low and argument.null_of and not never_null:
            test = f"({test} or {text} is null)"
        low, high = (self._tree(side, output, features) for side in (tree.low, tree.high))
        return f"case when {test} then {low} else {high} end"


def _in_groups(parts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give the parts of a sum some at a time."""
    for first in range(0, len(parts), _SIDE_BY_SIDE):
        yield parts[first : first + _SIDE_BY_SIDE]
