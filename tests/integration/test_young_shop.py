"""A shop too young to learn from: a fallback scores it until a model can be trained."""

from __future__ import annotations

import pytest

from projects import UserProject, run, write_user_project

# 400 customers who buy about every fifteen days, and stop after a tenth of their orders
ORDERS = """
    with recursive drawn as (
        select
            customer as customer_id, 0 as step,
            timestamp '2026-01-01'
            + to_minutes((hash(customer, 'first') % 43200)::integer) as ordered_at
        from range(400) as customers (customer)
        union all
        select
            customer_id, step + 1,
            ordered_at + to_minutes((1440 - 43200 * ln(
                (hash(customer_id, step, 'gap') % 9999 + 1) / 10000) * (0.2 + customer_id % 5 / 5)
            )::integer)
        from drawn
        where hash(customer_id, step, 'stop') % 10 > 0 and ordered_at < timestamp '2026-08-01'
    )
    select
        customer_id, customer_id * 1000 + step as order_id, ordered_at,
        cast(10 + hash(customer_id, step) % 90 as decimal(18, 2)) as amount,
    from drawn
"""


def write(project: UserProject, as_of: str) -> None:
    project.write(
        vars={
            "holdfast_orders": "raw.orders",
            "holdfast_churn_horizon_days": 30,
            "holdfast_as_of_date": as_of,
            # more than there are customers, so that none can be held out to test on
            "holdfast_min_rows": 500,
        }
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[UserProject, str]:
    """A shop of eleven weeks, and what the build said."""
    project = write_user_project(tmp_path_factory.mktemp("young") / "shop")
    project.orders(ORDERS)
    write(project, "2026-03-15")
    return project, project.dbt("build").stdout


@pytest.mark.slow
def test_a_fallback_scores_a_shop_too_young_to_learn_from_and_the_build_warns(shop) -> None:
    project, said = shop
    statuses = dict(
        project.query("select status, count(churn_probability) from churn_scores group by status")
    )
    assert statuses["scored_by_fallback"] > 200
    assert not {"scored", "no_model"} & set(statuses)
    assert "WARN 1 holdfast_a_trained_model_scores" in said
    assert "the fallback bg_nbd_fallback scores. Missing: " in said
    assert "from about 2026-0" in said
    # no reason is made up, and everybody in the marts has what the scores say
    assert project.query("select count(*) from churn_reasons") == [(0,)]
    ((keepable, bands, risk),) = project.query(
        "select count(*), count(risk_band), count(value_at_risk) from customer_retention "
        "where status = 'scored_by_fallback' and is_keepable"
    )
    assert keepable == bands == risk > 100
    # tested as it would have been on that day
    ((rows, auroc),) = project.query(
        "select row_count, auroc from model_performance "
        "where stage = 'fallback' and algorithm = 'bg_nbd_fallback' and split = 'test'"
    )
    assert rows > 100
    assert auroc > 0.5
    told = run("holdfast", "summary", cwd=project.directory, check=True).stdout
    assert "so the simple rule bg_nbd_fallback scores. Missing: " in told
    assert "tested on " in told
    run("holdfast", "report", "--output", "report.html", cwd=project.directory, check=True)
    page = (project.directory / "report.html").read_text(encoding="utf-8")
    assert "so a simple rule scores: buying habit (BG/NBD). What is missing: " in page
    assert "buying habit (BG/NBD), in use until a model can be trained" in page


@pytest.mark.slow
def test_once_there_is_enough_a_model_is_trained_and_the_fallback_archived(shop) -> None:
    project, _ = shop
    before = project.query(
        "select distinct as_of from customer_features where as_of < '2026-03-15'"
    )
    write(project, "2026-06-16")
    said = project.dbt("build").stdout
    assert "has no trained model yet" not in said
    assert project.query("select distinct status from churn_scores where as_of = '2026-06-16'") in (
        [("scored",)],
        [("scored",), ("not_enough_history",)],
        [("not_enough_history",), ("scored",)],
    )
    found = [
        stage for (stage,) in project.query("select stage from model_registry where task = 'churn'")
    ]
    assert found.count("champion") == 1
    assert found.count("archived") == 2
    assert "fallback" not in found
    # what the fallback said is measured by what happened, under its own name
    assert project.query(
        "select count(*) from model_performance "
        "where algorithm = 'bg_nbd_fallback' and split = 'live' and row_count > 200"
    ) == [(1,)]
    # the grid grew, and kept its dates
    dates = project.query("select distinct as_of from customer_features")
    assert set(before) <= set(dates)
    assert len(dates) > len(before) + 10
