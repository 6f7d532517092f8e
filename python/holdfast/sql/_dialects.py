"""How each engine writes numbers, types and arithmetic.

A feature enters as ``border`` says: rounded to float32, infinite beyond its range, and NULL where
it is NULL or NaN. Engines without 32-bit floats keep double precision and compare with the largest
double that rounds to a threshold or below it, which takes the same branch.
"""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar

import numpy as np

from holdfast.sql._errors import SqlError
from holdfast.sql._terms import BOOLEAN, DOUBLE, FLOAT, INTEGER

__all__ = ["DIALECTS", "Dialect", "DuckDb", "dialect_named"]

# From here on a double rounds to an infinite float32: half a step above the largest.
_INFINITE_FROM = "3.4028235677973366e38"
_FINITE_UP_TO = "3.4028235677973362e38"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Dialect:
    """Standard SQL, as far as there is one."""

    name = ""
    types: ClassVar[dict[str, str]] = {
        FLOAT: "float",
        DOUBLE: "double",
        INTEGER: "bigint",
        BOOLEAN: "boolean",
    }
    quote = '"'
    infinity = "infinity"
    has_float32 = True
    # Whether a scalar subquery without a table may read columns of the outer query.
    has_scalar_subquery = False
    # Whether NaN is greater than all numbers where it is compared.
    has_greatest_nan = False
    # Whether exp() fails on what is too large or too small for its result.
    has_strict_exp = False
    functions: ClassVar[dict[str, str]] = {"log": "ln", "min": "least", "max": "greatest"}

    def identifier(self, name: str) -> str:
        """Return a name as it is, whatever is in it."""
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def kind(self, kind: str) -> str:
        """Return the type that holds a kind of number here."""
        return self.types[DOUBLE if kind == FLOAT and not self.has_float32 else kind]

    def literal(self, value: Any, kind: str) -> str:
        """Return a number, to the last bit."""
        if kind == BOOLEAN:
            return "true" if value else "false"
        if kind == INTEGER:
            return f"cast({int(value)} as {self.types[INTEGER]})"
        number = float(value)
        if math.isnan(number):
            return f"cast(null as {self.kind(kind)})"
        if math.isinf(number):
            sign = "-" if number < 0 else ""
            return f"cast('{sign}{self.infinity}' as {self.kind(kind)})"
        if kind == FLOAT and self.has_float32:
            return f"cast({_digits(np.float32(number))} as {self.types[FLOAT]})"
        return self.double(_digits(number))

    def double(self, digits: str) -> str:
        """Return a double precision number from its digits, which have an exponent."""
        return digits

    def threshold(self, value: float) -> str:
        """Return what a float32 feature is compared with by ``<=``."""
        if self.has_float32:
            return self.literal(value, FLOAT)
        return self.literal(_last_double_rounding_to(value), DOUBLE)

    def call(self, function: str, *arguments: str) -> str:
        """Return a function of numbers."""
        return f"{self.functions.get(function, function)}({', '.join(arguments)})"

    def apart(self, text: str) -> str:
        """Return an expression in a form in which the engine compiles long ones well."""
        return text

    def truncate(self, x: str) -> str:
        """Return a number without its fraction."""
        return f"trunc({x})"

    def sigmoid(self, x: str) -> str:
        """1 / (1 + exp(-x)), without an overflow and with x once."""
        half = self.double("5e-1")
        return f"({half} + {half} * tanh({half} * {x}))"

    def is_missing(self, x: str, *, can_be_nan: bool) -> str:
        """Whether a term is missing; a feature cannot be NaN beyond the border."""
        return f"({x} is null or {self.is_nan(x)})" if can_be_nan else f"{x} is null"

    def is_nan(self, x: str) -> str:
        """Whether a number is NaN."""
        return f"isnan({x})"

    def widen(self, feature: str) -> str:
        """Return a feature in double precision."""
        return f"cast({feature} as {self.types[DOUBLE]})"

    def border(self, feature: str) -> str:
        """Return a feature as the model sees it."""
        wide = self.widen(feature)
        plus, minus = self.literal(math.inf, FLOAT), self.literal(-math.inf, FLOAT)
        return (
            f"case when {self.is_nan(wide)} then null"
            f" when {wide} >= {self.double(_INFINITE_FROM)} then {plus}"
            f" when {wide} <= {self.double('-' + _INFINITE_FROM)} then {minus}"
            f" else {self.narrow(feature, wide)} end"
        )

    def finite_border(self, feature: str) -> str:
        """Return a feature for a model that treats infinite values as missing ones: NULL."""
        wide = self.widen(feature)
        most = f"{self.double('-' + _FINITE_UP_TO)} and {self.double(_FINITE_UP_TO)}"
        return f"case when {wide} between {most} then {self.narrow(feature, wide)} end"

    def narrow(self, feature: str, wide: str) -> str:
        """Return a feature within the range of float32, rounded if there is such a type."""
        return f"cast({feature} as {self.kind(FLOAT)})"


class DuckDb(Dialect):
    """DuckDB, from 1.0 on."""

    name = "duckdb"
    has_scalar_subquery = True

    def sigmoid(self, x: str) -> str:
        """Overflow gives infinity here, and 1 / infinity is 0."""
        return f"(1e0 / (1e0 + exp(-{x})))"

    def border(self, feature: str) -> str:
        """NaN equals itself."""
        return f"nullif({self.border_with_nan(feature)}, cast('nan' as float))"

    def border_with_nan(self, feature: str) -> str:
        """Return a feature, NaN where missing; DuckDB refuses to cast what is out of range."""
        plus, minus = self.literal(math.inf, FLOAT), self.literal(-math.inf, FLOAT)
        return (
            f"coalesce(try_cast({feature} as float), case when {feature} > 0 then {plus}"
            f" when {feature} < 0 then {minus} else cast('nan' as float) end)"
        )


class Spark(Dialect):
    """Spark 3.2 and later; a cast to float out of range is infinite."""

    name = "spark"
    quote = "`"
    has_greatest_nan = True
    functions: ClassVar[dict[str, str]] = {**Dialect.functions, "sign": "signum"}

    def literal(self, value: Any, kind: str) -> str:
        """As `Dialect.literal`, in fewer characters; Spark refuses the shortest of the largest."""
        if kind == FLOAT and abs(value) < 3.4e38:
            return f"{_digits(np.float32(value))}f"
        return super().literal(value, kind)

    def apart(self, text: str) -> str:
        """Ask for nothing by a lambda, which keeps the expression out of whole-stage code.

        There all of it would become one Java method: the virtual machine does not compile one of
        more than 8,000 bytes, and Spark fails at 64 KB, with pages in the log. Outside of it Spark
        parts long expressions into methods that are compiled.
        """
        return f"case when exists(array(1), _v -> _v > 1) then null else {text} end"

    def truncate(self, x: str) -> str:
        """Cut off by a cast, since `trunc` is for dates."""
        return f"cast({x} as bigint)"

    def border(self, feature: str) -> str:
        """NaN equals itself."""
        return f"nullif(cast({feature} as float), cast('nan' as float))"


class Postgres(Dialect):
    """PostgreSQL; a boolean feature has to be cast to an integer first."""

    name = "postgres"
    has_strict_exp = True
    types: ClassVar[dict[str, str]] = {
        FLOAT: "real",
        DOUBLE: "double precision",
        INTEGER: "bigint",
        BOOLEAN: "boolean",
    }
    has_scalar_subquery = True

    def double(self, digits: str) -> str:
        """Cast, since a bare number would be of the type numeric."""
        return f"'{digits}'::float8"

    def literal(self, value: Any, kind: str) -> str:
        """As `Dialect.literal`, in fewer characters."""
        if kind == FLOAT and math.isfinite(value):
            return f"'{_digits(np.float32(value))}'::real"
        return super().literal(value, kind)

    def is_nan(self, x: str) -> str:
        """NaN equals itself."""
        return f"{x} = 'NaN'"

    def narrow(self, feature: str, wide: str) -> str:
        """PostgreSQL refuses to round a small number to zero."""
        return (
            f"case when abs({wide}) <= '7.006492321624085e-46'::float8 then '0'::real"
            f" else cast({feature} as real) end"
        )


class Snowflake(Dialect):
    """Snowflake, whose floats are double precision and whose NaN equals itself."""

    name = "snowflake"
    has_strict_exp = True
    types: ClassVar[dict[str, str]] = {
        FLOAT: "float",
        DOUBLE: "float",
        INTEGER: "bigint",
        BOOLEAN: "boolean",
    }
    infinity = "inf"
    has_float32 = False

    def double(self, digits: str) -> str:
        """Cast, since a bare number may be of the type number, which has fewer digits."""
        return f"'{digits}'::float"

    def is_nan(self, x: str) -> str:
        """NaN equals itself."""
        return f"{x} = 'NaN'::float"


class BigQuery(Dialect):
    """BigQuery, whose floats are double precision."""

    name = "bigquery"
    has_strict_exp = True
    types: ClassVar[dict[str, str]] = {
        FLOAT: "float64",
        DOUBLE: "float64",
        INTEGER: "int64",
        BOOLEAN: "bool",
    }
    quote = "`"
    infinity = "inf"
    has_float32 = False

    def identifier(self, name: str) -> str:
        """Names are letters, digits and underscores here."""
        if not _PLAIN_NAME.fullmatch(name):
            raise SqlError(f"BigQuery has no column named {name!r}; rename the feature")
        return f"`{name}`"

    def is_nan(self, x: str) -> str:
        """BigQuery's function."""
        return f"is_nan({x})"


DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (DuckDb(), Spark(), Postgres(), Snowflake(), BigQuery())
}


def dialect_named(name: str) -> Dialect:
    """Return a dialect, or say which there are."""
    if name not in DIALECTS:
        raise SqlError(f"there is no dialect {name!r}; choose one of {', '.join(DIALECTS)}")
    return DIALECTS[name]


def _digits(value: Any) -> str:
    """Return the shortest digits that give the number again, always with an exponent."""
    text = str(np.format_float_scientific(value, trim="-"))
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{int(exponent)}"


def _last_double_rounding_to(value: float) -> float:
    """Return the largest double that float32 rounds to ``value`` or below, half to even."""
    number = np.float32(value)
    if not np.isfinite(number):
        return float(number)
    with np.errstate(all="ignore"):  # above the highest float32 is infinity
        after = np.nextafter(number, np.float32(np.inf))
    step = float(after) if np.isfinite(after) else 2.0**128
    middle = (float(number) + step) / 2
    is_even = int(number.view(np.uint32)) % 2 == 0
    return middle if is_even else math.nextafter(middle, -math.inf)
