"""The logarithm of the gamma function as Spark is told to compute it."""

from __future__ import annotations

import math
import re
from pathlib import Path

import duckdb
import jinja2
import pytest

ENGINES = Path(__file__).resolve().parents[2] / "macros" / "engines"


def sql_of(engine: str, value: str) -> str:
    """Give the SQL that an engine writes for the logarithm."""
    text = (ENGINES / f"{engine}.sql").read_text(encoding="utf-8")
    body = re.search(rf"\{{% macro {engine}__log_gamma\(.*?\{{% endmacro %\}}", text, re.DOTALL)
    assert body is not None
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    template = environment.from_string(body[0], globals={"return": str})
    return str(getattr(template.module, f"{engine}__log_gamma")(value)).strip()


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
@pytest.mark.parametrize("value", [1e-6, 0.01, 0.3, 1.0, 2.0, 5.5, 30.0, 1000.0, 20_000.0])
def test_it_is_that_of_the_library(engine: str, value: float) -> None:
    # plain arithmetic, which DuckDB reads as Spark does
    sql = f"select {sql_of(engine, 'x')} from (select cast({value!r} as double) as x) as given"
    ((found,),) = duckdb.sql(sql).fetchall()
    assert found == pytest.approx(math.lgamma(value), rel=1e-12, abs=1e-12)
