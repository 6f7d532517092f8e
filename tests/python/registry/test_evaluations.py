"""The table of evaluations: what is due is measured, all else is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest

from holdfast import __version__
from holdfast.measuring import MeasuringError
from holdfast.registry import EVALUATIONS_SCHEMA, update_evaluations
from holdfast.run import register_run

TABLE = SimpleNamespace(database="memory", schema="main", identifier="model_evaluations")
COSTS = {
    "contact_budget": 2, "contact_cost": 1, "offer_cost": 10, "save_rate": 0.3,
    "customer_value": 200,
}  # fmt: skip


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a run's connection with predictions of a model of yes or no, and one of a number."""
    with duckdb.connect() as connection:
        register_run(connection)
        begin(connection)
        connection.execute(
            f"""
            create table model_predictions as
            select
                task, target, model_id, 'test' as split, i as customer_id,
                timestamp '2026-01-01' as as_of, (i % 10 + 0.5) / 10 as predicted,
                cast(i % 3 = 0 as double) as outcome, cast(null as varchar) as segment,
                '{json.dumps({"costs": COSTS, "number": 7})}' as settings,
            from range(40) as numbers (i)
            cross join (
                values ('churn', 'classification', 'whole'), ('spend', 'regression', 'number')
            ) as models (task, target, model_id)
            """
        )
        yield connection


def begin(connection: duckdb.DuckDBPyConnection, reset: bool = False) -> None:
    """Begin a run, as the hook of the dbt package does."""
    told = json.dumps({"version": __version__, "tasks": {}, "reset": reset})
    assert connection.execute("select holdfast_begin_run(?)", [told]).fetchall() == [("",)]


def update(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Do what the dbt model does, table included."""
    table = update_evaluations(session, session.table("model_predictions"), TABLE)
    assert table.schema == EVALUATIONS_SCHEMA
    session.register("given", table)
    session.execute("create or replace table model_evaluations as from given")
    return table


def measured(table: pa.Table, model_id: str, metric: str) -> list[float | None]:
    """Give the values of a metric over all rows."""
    return [
        row["value"]
        for row in table.to_pylist()
        if (row["model_id"], row["metric"], row["as_of"]) == (model_id, metric, None)
    ]


def spoil(session: duckdb.DuckDBPyConnection) -> None:
    """Mark what was measured, so that what is measured anew shows."""
    session.execute("update model_evaluations set value = -1 where metric in ('log_loss', 'rmse')")


def test_first_build_measures_all_models_each_by_its_target(
    session: duckdb.DuckDBPyConnection,
) -> None:
    table = update(session)
    assert set(table["model_id"].to_pylist()) == {"whole", "number"}
    assert measured(table, "whole", "base_rate") == [pytest.approx(14 / 40)]
    assert measured(table, "number", "mean_label") == [pytest.approx(14 / 40)]
    assert measured(table, "whole", "settings") == measured(table, "number", "settings") == [7]
    assert measured(table, "whole", "rmse") == measured(table, "number", "auroc") == []
    # two contacts of 40, with predictions of 0.95: customers 9 and 19
    assert measured(table, "whole", "precision_at_budget") == [0.5]


def test_what_has_not_changed_is_kept_as_it_was(session: duckdb.DuckDBPyConnection) -> None:
    update(session)
    spoil(session)
    table = update(session)
    assert measured(table, "whole", "log_loss") == measured(table, "number", "rmse") == [-1]


@pytest.mark.parametrize(
    "change",
    [
        "insert into model_predictions select * replace (99 as customer_id) "
        "from model_predictions where model_id = 'whole' and customer_id = 0",
        "update model_predictions set outcome = 1 where model_id = 'whole' and customer_id = 1",
    ],
)
def test_more_rows_or_other_outcomes_measure_that_model_anew(
    session: duckdb.DuckDBPyConnection, change: str
) -> None:
    update(session)
    spoil(session)
    session.execute(change)
    table = update(session)
    assert measured(table, "whole", "log_loss") != [-1]
    assert len(measured(table, "whole", "log_loss")) == 1
    assert measured(table, "number", "rmse") == [-1]


def test_other_settings_measure_all_anew(session: duckdb.DuckDBPyConnection) -> None:
    update(session)
    spoil(session)
    session.execute("update model_predictions set settings = replace(settings, '7}', '8}')")
    table = update(session)
    assert measured(table, "whole", "log_loss") != [-1]
    assert measured(table, "number", "settings") == [8]


def test_figures_of_models_without_predictions_stay_until_a_reset(
    session: duckdb.DuckDBPyConnection,
) -> None:
    update(session)
    session.execute("delete from model_predictions where model_id = 'number'")
    assert measured(update(session), "number", "mean_label") == [pytest.approx(14 / 40)]
    begin(session, reset=True)
    assert measured(update(session), "number", "mean_label") == []


def test_a_table_of_a_former_version_is_carried_over(session: duckdb.DuckDBPyConnection) -> None:
    update(session)
    session.execute("alter table model_evaluations drop column segment")
    session.execute("alter table model_evaluations add column mine integer")
    spoil(session)
    table = update(session)
    assert measured(table, "whole", "log_loss") == [-1]


def test_segments_are_measured_beside_everybody(session: duckdb.DuckDBPyConnection) -> None:
    session.execute(
        "insert into model_predictions select * replace ('half: ' || customer_id % 2 as segment) "
        "from model_predictions"
    )
    table = update(session)
    counts = {
        (row["segment"], row["value"])
        for row in table.to_pylist()
        if row["metric"] == "row_count" and row["model_id"] == "whole"
    }
    assert counts == {(None, 40), ("half: 0", 20), ("half: 1", 20)}


def test_a_prediction_that_is_missing_stops_the_build(session: duckdb.DuckDBPyConnection) -> None:
    session.execute("update model_predictions set predicted = null where customer_id = 3")
    with pytest.raises(MeasuringError, match="'probability' must be a finite number in every row"):
        update(session)
