"""Who counts as churned: the shipped definitions, and labels of the user's own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from projects import DbtProject, UserProject, copy_demo, write_user_project

# independent of the model's islands: moment by moment, is a subscription running?
CONTRACTUAL = """
    with asked as (
        select
            labels.customer_id, labels.as_of, labels.churned,
            labels.as_of + interval 90 day as ends_at
        from churn_labels as labels
        where is_mature
    ),
    subscriptions as (
        select *, coalesce(ended_at, timestamp '2999-01-01') as until
        from stg_holdfast__subscriptions
    ),
    -- within the gap of 30 days nobody knows yet whether another one follows
    -- an end after which no subscription runs or begins within 30 days
    lapses as (
        select customer_id, until as lapsed_at
        from subscriptions as ended
        where not exists (
            select 1 from subscriptions as other
            where other.customer_id = ended.customer_id
                and other.started_at <= ended.until + interval 30 day
                and other.until > ended.until
        )
    )
    select
        customer_id, as_of, churned,
        case when exists (
            select 1 from subscriptions
            where subscriptions.customer_id = asked.customer_id
                and started_at < as_of and until >= as_of - interval 30 day
        ) then exists (
            select 1 from lapses
            where lapses.customer_id = asked.customer_id
                and lapsed_at >= as_of - interval 30 day and lapsed_at < ends_at
                -- the first one since then: the membership that ran at as_of
                and not exists (
                    select 1 from lapses as earlier
                    where earlier.customer_id = lapses.customer_id
                        and earlier.lapsed_at >= as_of - interval 30 day
                        and earlier.lapsed_at < lapses.lapsed_at
                )
        ) end as expected
    from asked
"""


@pytest.fixture(scope="module")
def contractual(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """Build the demo with contractual churn; who has not bought for 45 days counts as inactive."""
    project = copy_demo(tmp_path_factory.mktemp("contractual") / "project")
    settings = "{holdfast_churn_definition: contractual, holdfast_active_within_days: 45}"
    project.dbt("build", "--vars", settings)
    return project


@pytest.mark.slow
def test_contractual_labels_are_those_of_the_subscriptions(contractual: DbtProject) -> None:
    rows = contractual.query(CONTRACTUAL)
    assert [row for row in rows if row[2] is not row[3]] == []
    counts = {label: sum(row[2] is label for row in rows) for label in (True, False, None)}
    assert min(counts.values()) > 100


@pytest.mark.slow
def test_contractual_label_waits_for_the_allowed_gap_and_training_keeps_that_far_away(
    contractual: DbtProject,
) -> None:
    assert contractual.query(
        "select distinct date_diff('day', as_of, horizon_ends_at) from churn_labels"
    ) == [(120,)]
    for (parameters,) in contractual.query(
        "select parameters from model_registry where task = 'churn'"
    ):
        assert json.loads(parameters)["split"]["gap_days"] == 120
    assert contractual.query(
        "select count(*) > 0, bool_or(predictions.as_of < registry.training_to + interval 120 day) "
        "from churn_holdout_predictions as predictions "
        "inner join model_registry as registry using (model_id)"
    ) == [(True, False)]


@pytest.mark.slow
def test_customers_without_a_subscription_are_neither_learned_from_nor_scored(
    contractual: DbtProject,
) -> None:
    subscribed = (
        "exists (select 1 from stg_holdfast__subscriptions as s "
        "where s.customer_id = rows.customer_id "
        "and s.started_at < rows.as_of "
        "and coalesce(s.ended_at, '2999-01-01') >= rows.as_of - interval 30 day)"
    )
    assert contractual.query(
        f"select count(*) > 100, bool_and({subscribed}) from churn_training_set as rows"
    ) == [(True, True)]
    statuses = contractual.query(
        f"select status, {subscribed}, count(churn_probability) > 0 from churn_scores as rows "
        "group by all order by all"
    )
    assert ("scored", True, True) in statuses
    assert ("not_eligible", False, False) in statuses
    assert all(is_in == (status != "not_eligible") for status, is_in, _ in statuses)


@pytest.mark.slow
def test_subscribers_who_have_not_bought_for_long_are_observed_and_scored(
    contractual: DbtProject,
) -> None:
    assert contractual.query(
        "select count(*) > 10, count(churn_probability) > 10 from churn_scores "
        "where status != 'not_eligible' and not exists ("
        "select 1 from stg_holdfast__orders as orders "
        "where orders.customer_id = churn_scores.customer_id and amount > 0 "
        "and ordered_at < as_of and ordered_at >= as_of - interval 45 day)"
    ) == [(True, True)]


@pytest.mark.slow
def test_contractual_labels_do_not_know_what_came_after_the_as_of_date(
    contractual: DbtProject,
) -> None:
    """Labels of an earlier build, on subscriptions as they are today and as they were then."""
    settings = "{holdfast_churn_definition: contractual, holdfast_as_of_date: 2026-05-01}"
    orders = "cast(as_of as varchar) || ' ' || customer_id"
    labels = f"select {orders}, is_mature, churned from churn_labels order by 1"
    build = (
        "run",
        "--select",
        "holdfast__customer_spine",
        "holdfast__churn_labels",
        "--vars",
        settings,
    )
    contractual.dbt(*build)
    today = contractual.query(labels)
    file = next((contractual.directory / "seeds" / "demo").glob("subscriptions.parquet"))
    contractual.execute(
        f"""
        copy (
            select * replace (case when ended_at < '2026-05-01' then ended_at end as ended_at)
            from read_parquet('{file}') where started_at < '2026-05-01'
        ) to '{file}.new' (format parquet)
        """
    )
    file.with_name(file.name + ".new").replace(file)
    contractual.dbt(*build)
    assert contractual.query(labels) == today
    assert {mature for _, mature, _ in today} == {True, False}


@pytest.fixture(scope="module")
def _labels_project(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    project = write_user_project(tmp_path_factory.mktemp("labels") / "project")
    project.orders(
        """
        select
            customer_id, customer_id * 1000 + week as order_id,
            timestamp '2025-01-01' + week * interval 7 day as ordered_at, 10 as amount
        from range(1, 61) as customers (customer_id)
        cross join range(52) as weeks (week)
        where customer_id > 30 or week < 40
        """
    )
    project.write(vars={"holdfast_orders": "raw.orders", "holdfast_churn_labels": "raw.labels"})
    project.execute(f"create table raw.labels as {LABELS}")
    project.dbt("run", "--select", "stg_holdfast__orders", "holdfast__customer_spine")
    return project


@pytest.fixture
def own_labels(_labels_project: UserProject) -> Iterator[UserProject]:
    """Give a project with labels of its own, as they were at first."""
    yield _labels_project
    _labels_project.execute(f"create or replace table raw.labels as {LABELS}")


LABELS = """
    select
        customer_id,
        date '2025-10-01' as as_of,
        cast(customer_id < 20 as tinyint) as churned,
        date '2025-11-15' as horizon_ends_at
    from range(1, 41) as customers (customer_id)
"""


@pytest.mark.slow
def test_own_labels_stand_in_place_of_the_shipped_ones(own_labels: UserProject) -> None:
    own_labels.dbt("build", "--select", "holdfast__churn_labels")
    at_the_date = "from churn_labels where as_of = '2025-10-01'"
    assert own_labels.query(
        f"select churned, count(*), min(customer_id), max(customer_id) {at_the_date} "
        "group by 1 order by 1 nulls last"
    ) == [(False, 21, 20, 40), (True, 19, 1, 19), (None, 20, 41, 60)]
    assert own_labels.query(
        "select count(churned) from churn_labels where as_of != '2025-10-01'"
    ) == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (f"{LABELS} union all {LABELS}", "has 40 rows too many"),
        (f"select * replace (churned + 1 as churned) from ({LABELS})", "neither 0 nor 1"),
        (f"select * replace ('yes' as churned) from ({LABELS})", "has churned as VARCHAR"),
        (f"select * replace (churned / 1e0 as churned) from ({LABELS})", "has churned as DOUBLE"),
        (f"select * exclude (horizon_ends_at) from ({LABELS})", "has no column horizon_ends_at"),
        (f"select * replace ('soon' as as_of) from ({LABELS})", "has as_of as VARCHAR"),
        (f"select * replace ('C' || customer_id as customer_id) from ({LABELS})", "cast it"),
        (f"select * replace (as_of as horizon_ends_at) from ({LABELS})", "is not after as_of"),
        (
            f"select * replace (null::date as horizon_ends_at) from ({LABELS})",
            "has 40 rows without customer_id, as_of or horizon_ends_at",
        ),
        (
            f"select * replace (as_of + 91 as horizon_ends_at) from ({LABELS})",
            "set `holdfast_churn_horizon_days: 91`",
        ),
    ],
    ids=[
        "duplicate", "outcome 2", "text outcome", "fraction", "no horizon", "text date",
        "other ids", "no time", "no end", "too long",
    ],
)  # fmt: skip
def test_own_labels_that_would_mislead_a_model_are_refused(
    own_labels: UserProject, labels: str, message: str
) -> None:
    own_labels.execute(f"create or replace table raw.labels as {labels}")
    result = own_labels.dbt("run", "--select", "holdfast__churn_labels", check=False)
    assert result.returncode == 1
    assert "`holdfast_churn_labels` (raw.labels)" in result.stdout
    assert message in result.stdout


@pytest.mark.slow
def test_two_definitions_at_once_are_refused(own_labels: UserProject) -> None:
    words = ("compile", "--select", "holdfast__churn_labels", "--vars")
    result = own_labels.dbt(*words, "{holdfast_churn_definition: contractual}", check=False)
    assert result.returncode != 0
    assert "both define churn" in result.stdout


@pytest.mark.slow
def test_contractual_churn_without_subscriptions_is_refused(own_labels: UserProject) -> None:
    settings = "{holdfast_churn_definition: contractual, holdfast_churn_labels: null}"
    result = own_labels.dbt(
        "compile", "--select", "holdfast__churn_labels", "--vars", settings, check=False
    )
    assert result.returncode != 0
    assert "needs subscriptions" in result.stdout
