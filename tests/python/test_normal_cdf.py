"""The normal distribution function as the warehouse is told to compute it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pytest
from scipy.stats import norm

MACRO = Path(__file__).resolve().parents[2] / "macros" / "sql" / "normal_cdf.sql"


def normal_cdf(values: list[float]) -> list[float]:
    """Give what the SQL says for each value."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    template = environment.from_string(MACRO.read_text(encoding="utf-8"), globals={"return": str})
    sql = str(getattr(template.module, "normal_cdf")("x")).strip()  # noqa: B009
    rows = ", ".join(
        f"({number}, cast('{value!r}' as double))" for number, value in enumerate(values)
    )
    found = duckdb.sql(f"select {sql} from (values {rows}) as given (number, x) order by number")
    return [row[0] for row in found.fetchall()]


def test_it_is_that_of_the_library() -> None:
    values = np.linspace(-9, 9, 1_001).tolist()
    assert np.abs(np.array(normal_cdf(values)) - norm.cdf(values)).max() < 1e-15


def test_the_tails_keep_their_size() -> None:
    values = [-5.0, -10.0, -20.0, -35.0]
    assert normal_cdf(values) == pytest.approx(norm.cdf(values), rel=1e-5)


def test_it_ends_at_0_and_1() -> None:
    assert normal_cdf([-1e6, float("-inf")]) == pytest.approx([0, 0], abs=1e-200)
    assert normal_cdf([1e6, float("inf")]) == [1, 1]


def test_of_nothing_it_is_nothing() -> None:
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    template = environment.from_string(MACRO.read_text(encoding="utf-8"), globals={"return": str})
    sql = template.module.normal_cdf("cast(null as double)").strip()  # type: ignore[attr-defined]
    assert duckdb.sql(f"select {sql}").fetchall() == [(None,)]
