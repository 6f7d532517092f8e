"""Which of several forecasts is in use."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.measuring import COMPARISON_SCHEMA, compare_forecasts

DATES = [dt.datetime(2026, 1, 1), dt.datetime(2026, 2, 1)]
OUTCOME = [0.0, 0.0, 10.0, 30.0]


def table(**predicted: list[float]) -> pa.Table:
    """Lay out what each algorithm says of four customers at two dates."""
    rows = [
        {
            "task": "value_spend",
            "algorithm": algorithm,
            "customer_id": customer,
            "as_of": date,
            "predicted": value,
            "predicted_raw": 2.0 * value,
            "lower": 0.0 if algorithm == "first" else None,
            "upper": 1.5 * value if algorithm == "first" else None,
            "outcome": OUTCOME[customer],
        }
        for algorithm, values in predicted.items()
        for date in DATES
        for customer, value in enumerate(values)
    ]
    return pa.Table.from_pylist(rows)


def figures(found: pa.Table, algorithm: str, as_of: dt.datetime | None = None) -> dict[str, Any]:
    return {
        row["metric"]: row["value"]
        for row in found.to_pylist()
        if row["algorithm"] == algorithm and row["as_of"] == as_of
    }


def in_use(found: pa.Table) -> set[str]:
    return {row["algorithm"] for row in found.to_pylist() if row["stage"] == "in_use"}


def test_figures_are_those_of_the_rows() -> None:
    found = compare_forecasts(table(first=[0.0, 4.0, 10.0, 20.0], second=[9.0, 9.0, 9.0, 9.0]))
    assert found.schema == COMPARISON_SCHEMA
    for as_of in (None, *DATES):
        told = figures(found, "first", as_of)
        assert told["mae"] == pytest.approx(3.5)
        assert told["rmse"] == pytest.approx(np.sqrt(29.0))
        assert told["total_error"] == pytest.approx(34 / 40 - 1)
        assert told["total_error_raw"] == pytest.approx(68 / 40 - 1)
        # the second customer's 0 lies in 0 to 6, the last one's 30 in 0 to 30
        assert told["coverage_80"] == 1.0
        assert told["gini"] > 0
    assert "coverage_80" not in figures(found, "second")
    assert {row["row_count"] for row in found.to_pylist()} == {4, 8}


def test_two_of_three_decide() -> None:
    # the second has the better order and the better total, the first the smaller absolute error
    found = compare_forecasts(table(first=[0.0, 0.0, 10.0, 10.0], second=[8.0, 8.0, 10.0, 24.0]))
    first, second = figures(found, "first"), figures(found, "second")
    assert first["mae"] < second["mae"]
    assert first["gini"] < second["gini"]
    assert abs(first["total_error"]) > abs(second["total_error"])
    assert in_use(found) == {"second"}
    swapped = compare_forecasts(table(exact=[0.0, 0.0, 10.0, 30.0], other=[8.0, 8.0, 10.0, 24.0]))
    assert in_use(swapped) == {"exact"}


def test_each_task_has_its_own_winner() -> None:
    one = table(first=[0.0, 0.0, 10.0, 30.0], second=[9.0, 9.0, 9.0, 9.0])
    other = table(first=[9.0, 9.0, 9.0, 9.0], second=[0.0, 0.0, 10.0, 30.0])
    place = other.schema.get_field_index("task")
    other = other.set_column(place, "task", pa.array(["value_orders"] * len(other)))
    found = compare_forecasts(pa.concat_tables([one, other]))
    chosen = {
        (row["task"], row["algorithm"]) for row in found.to_pylist() if row["stage"] == "in_use"
    }
    assert chosen == {("value_spend", "first"), ("value_orders", "second")}


def test_nothing_bought_has_no_total_to_miss() -> None:
    rows = table(first=[1.0, 1.0, 1.0, 1.0], second=[2.0, 2.0, 2.0, 2.0])
    place = rows.schema.get_field_index("outcome")
    found = compare_forecasts(rows.set_column(place, "outcome", pa.array([0.0] * len(rows))))
    assert figures(found, "first")["total_error"] is None
    assert in_use(found) == {"first"}


def test_no_rows_give_none() -> None:
    found = compare_forecasts(table(first=[1.0, 1.0, 1.0, 1.0]).slice(0, 0))
    assert (len(found), found.schema) == (0, COMPARISON_SCHEMA)
