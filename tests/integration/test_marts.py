"""The marts, computed again from the staged tables by other means."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from projects import ROOT, DbtProject

HORIZON = pd.Timedelta(days=90)
GAP = pd.Timedelta(days=30)


@pytest.fixture(scope="module")
def as_of(built_demo: DbtProject) -> pd.Timestamp:
    """Give the as-of date of the demo."""
    return pd.Timestamp(built_demo.query("select min(as_of_date) from customer_retention")[0][0])


@pytest.fixture(scope="module")
def purchases(built_demo: DbtProject) -> dict[int, list[pd.Timestamp]]:
    """Give the times of each customer's purchases, oldest first."""
    rows = built_demo.query(
        "select customer_id, list(ordered_at order by ordered_at) from stg_holdfast__orders "
        "where amount > 0 group by 1"
    )
    return {customer: [pd.Timestamp(time) for time in times] for customer, times in rows}


def spells_of(times: list[pd.Timestamp]) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Give begin and end of the spells that purchases make, whether the end is reached or not."""
    spells = [(times[0], times[0] + HORIZON)]
    for earlier, later in pairwise(times):
        if later >= earlier + HORIZON:
            spells.append((later, later + HORIZON))
        else:
            spells[-1] = (spells[-1][0], later + HORIZON)
    return spells


def test_monthly_metrics_equal_a_count_customer_by_customer(
    built_demo: DbtProject, purchases: dict[int, list[pd.Timestamp]], as_of: pd.Timestamp
) -> None:
    spells = {customer: spells_of(times) for customer, times in purchases.items()}
    rows = built_demo.query(
        "select month, is_mature, customers_at_start, new_customers, reactivated_customers, "
        "churned_customers, retained_customers, active_customers, retention_rate, repeat_rate, "
        "net_revenue_retention from retention_metrics "
        "where churn_definition = 'non_contractual' order by month"
    )
    assert len(rows) == 24
    first = min(times[0] for times in purchases.values())
    for month, is_mature, *found, retention_rate, repeat_rate, kept in rows:
        start = pd.Timestamp(month)
        end = start + pd.offsets.MonthBegin(1)
        at_start = new = reactivated = churned = active = lost = first_time = repeating = 0
        for customer, own in spells.items():
            at_start += any(begin < start <= stop for begin, stop in own)
            active += any(begin < end <= stop for begin, stop in own)
            new += start <= own[0][0] < end
            reactivated += sum(start <= begin < end for begin, _ in own[1:])
            churned += sum(start <= stop < end for _, stop in own)
            lost += sum(begin < start <= stop < end for begin, stop in own)
            times = purchases[customer]
            if start <= times[0] < end:
                first_time += 1
                repeating += len(times) > 1 and times[1] < times[0] + HORIZON
        known = end <= as_of and start >= first + HORIZON
        assert is_mature == known
        assert found == [
            at_start, new, reactivated, churned if known else None,
            at_start - lost if known else None, active,
        ]  # fmt: skip
        assert at_start + new + reactivated - churned == active
        assert retention_rate == (pytest.approx(1 - lost / at_start) if known else None)
        followed = end + HORIZON <= as_of
        assert repeat_rate == (pytest.approx(repeating / first_time) if followed else None)
        assert (kept is None) == (start < first.normalize() + pd.offsets.MonthBegin(23))


def test_net_revenue_retention_is_that_of_the_customers_of_a_year_ago(
    built_demo: DbtProject,
) -> None:
    expected = built_demo.query(
        """
        with first_bought as (
            select customer_id, min(ordered_at) as first_at
            from stg_holdfast__orders where amount > 0 group by 1
        )
        select
            sum(amount) filter (where ordered_at >= '2025-07-01' and first_at < '2025-07-01')
            / sum(amount) filter (where ordered_at < '2025-07-01')
        from stg_holdfast__orders
        inner join first_bought using (customer_id)
        where ordered_at >= '2024-07-01' and ordered_at < '2026-07-01'
        """
    )[0][0]
    found = built_demo.query(
        "select net_revenue_retention from retention_metrics "
        "where churn_definition = 'non_contractual' and month = '2026-06-01'"
    )[0][0]
    assert found == pytest.approx(float(expected))
    # contractual: what the subscribers of a year ago pay now
    expected = built_demo.query(
        """
        with running as (
            -- a subscription pays on through a gap of up to thirty days that another one ends
            select moment, customer_id, sum(mrr) as mrr
            from (
                select
                    *,
                    lead(started_at) over (partition by customer_id order by started_at) as next_at
                from stg_holdfast__subscriptions
            ), (values ('2025-06-01'), ('2026-06-01')) as m (moment)
            where started_at < moment::timestamp and (
                ended_at is null or ended_at >= moment::timestamp
                or (next_at <= ended_at + interval 30 day and next_at >= moment::timestamp)
            )
            group by all
        )
        select sum(mrr) filter (where moment like '2026%' and customer_id in (
            select customer_id from running where moment like '2025%'
        )) / sum(mrr) filter (where moment like '2025%') from running
        """
    )[0][0]
    found = built_demo.query(
        "select net_revenue_retention from retention_metrics "
        "where churn_definition = 'contractual' and month = '2026-05-01'"
    )[0][0]
    assert found == pytest.approx(float(expected))


@pytest.mark.slow
def test_a_subscription_runs_on_within_the_allowed_gap(
    built_demo: DbtProject, as_of: pd.Timestamp
) -> None:
    """As it does for churn: whether another one follows is not known yet."""
    expected: dict[int, tuple[pd.Timestamp, float]] = {}
    open_gaps = 0
    for customer, started_at, ended_at, mrr in built_demo.query(
        "select customer_id, started_at, ended_at, mrr::double from stg_holdfast__subscriptions"
    ):
        end = pd.Timestamp.max if ended_at is None or ended_at >= as_of else pd.Timestamp(ended_at)
        if started_at < as_of and end > pd.Timestamp(started_at) and end >= as_of - GAP:
            open_gaps += end < as_of
            last, total = expected.get(customer, (end, 0.0))
            if end >= last:
                expected[customer] = (end, mrr + (total if end == last else 0.0))
    found = built_demo.query(
        "select customer_id, mrr::double from customer_retention where has_subscription"
    )
    assert dict(found) == {customer: mrr for customer, (_, mrr) in expected.items()}
    assert open_gaps > 10


def lifelines_curve(days: list[int], churned: list[bool]) -> pd.DataFrame:
    """Give survival and its bounds on each day, by lifelines."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of lifelines' own dependencies
        from lifelines import KaplanMeierFitter

        fitter = KaplanMeierFitter(alpha=0.05)
        timeline = list(range(max(days) + 1))
        fitter.fit(days, churned, timeline=timeline, ci_labels=["lower", "upper"])
        bounds = fitter.confidence_interval_survival_function_
    bounds["survival"] = fitter.survival_function_["KM_estimate"]
    return bounds


def test_survival_curves_equal_those_of_lifelines(
    built_demo: DbtProject, purchases: dict[int, list[pd.Timestamp]], as_of: pd.Timestamp
) -> None:
    segments = built_demo.query("select segment_by, segment, customer_id from cohort_segments")
    groups: dict[tuple[str, str], list[int]] = {("all", "all"): list(purchases)}
    for segment_by, segment, customer in segments:
        groups.setdefault((segment_by, segment), []).append(customer)
    assert len(groups) == 7
    lives = {}
    for customer, times in purchases.items():
        begin, end = spells_of(times)[0]
        lives[customer] = ((min(end, as_of) - begin).days, end <= as_of)
    for (segment_by, segment), customers in groups.items():
        days, churned = zip(*(lives[customer] for customer in customers), strict=True)
        expected = lifelines_curve(list(days), list(churned))
        found = built_demo.query(
            "select survival, survival_lower, survival_upper from retention_curves "
            "where churn_definition = 'non_contractual' "
            f"and segment_by = '{segment_by}' and segment = '{segment}' order by days"
        )
        np.testing.assert_allclose(
            np.array(found), expected[["survival", "lower", "upper"]].to_numpy(), atol=1e-12
        )
    contractual = built_demo.query(
        "select min(started_at), max(ended_at) from customer_spells "
        "where churn_definition = 'contractual' and spell = 1 group by customer_id"
    )
    looked_until = as_of - GAP
    days, churned = zip(
        *(
            ((pd.Timestamp(end or looked_until) - pd.Timestamp(begin)).days, end is not None)
            for begin, end in contractual
            if end is not None or begin <= looked_until
        ),
        strict=True,
    )
    expected = lifelines_curve(list(days), list(churned))
    found = built_demo.query(
        "select survival, survival_lower, survival_upper from retention_curves "
        "where churn_definition = 'contractual' and segment_by = 'all' order by days"
    )
    np.testing.assert_allclose(
        np.array(found), expected[["survival", "lower", "upper"]].to_numpy(), atol=1e-12
    )


def test_curve_of_a_published_trial_and_of_customers_who_all_leave(
    built_demo: DbtProject,
) -> None:
    """Remission under 6-MP in weeks, Freireich et al. 1963, as in Kleinbaum & Klein, table 2.1."""
    lost = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    still_there = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    sql = (
        built_demo.directory
        / "target/compiled/holdfast/models/customers/holdfast__retention_curves.sql"
    ).read_text()
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse")
        connection.execute(
            "create table warehouse.main.customer_spells (churn_definition varchar, "
            "customer_id int, spell int, started_at timestamp, ended_at timestamp)"
        )
        # the compiled SQL looks at customers until the demo's own reach
        ((reach,),) = built_demo.query("select max(as_of_date) from customer_retention")
        now = pd.Timestamp(reach)
        rows = [(day, True, 0) for day in lost] + [(day, False, 0) for day in still_there]
        rows += [(day, True, 1) for day in (1, 3) for _ in range(5)]
        for number, (day, is_lost, group) in enumerate(rows):
            begin = now - pd.Timedelta(days=day)
            connection.execute(
                "insert into warehouse.main.customer_spells values (?, ?, 1, ?, ?)",
                ["non_contractual", number + 1000 * group, begin, now if is_lost else None],
            )
        connection.execute(
            "create table warehouse.main.cohort_segments as select customer_id, "
            "'trial' as segment_by, (customer_id >= 1000)::varchar as segment "
            "from warehouse.main.customer_spells"
        )
        found = connection.execute(
            f"select segment, days, survival, survival_lower from ({sql}) where segment != 'all'"
        ).fetchall()
    curve = {(segment, days): survival for segment, days, survival, _ in found}
    published = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    for week, survival in published.items():
        assert curve[("false", week)] == pytest.approx(survival, abs=5e-5)
    assert [curve[("true", days)] for days in range(4)] == pytest.approx([1, 0.5, 0.5, 0])
    assert ("true", 3, 0.0, None) in found


def test_marts_add_up_to_the_same_customers_and_value(built_demo: DbtProject) -> None:
    customers, value, revenue = built_demo.query(
        "select count(*), sum(value_at_risk), sum(revenue) from customer_retention"
    )[0]
    assert built_demo.query(
        "select sum(customers), sum(value_at_risk), sum(revenue) from churn_overview"
    ) == [(customers, value, revenue)]
    for metrics in ("non_contractual", "contractual"):
        assert built_demo.query(
            f"select sum(revenue) from retention_metrics where churn_definition = '{metrics}'"
        ) == [(revenue,)]
    attributed = "select sum(attributed_value_at_risk) from churn_drivers"
    explained = (
        "select sum(value_at_risk) from customer_retention where customer_id in ("
        "select customer_id from churn_reasons)"
    )
    assert float(built_demo.query(attributed)[0][0]) == pytest.approx(
        float(built_demo.query(explained)[0][0]), abs=0.1
    )
    per_cohort = built_demo.query(
        "select distinct sum(customers) filter (where months_since = 0), sum(revenue) "
        "from retention_cohorts group by segment_by"
    )
    assert len(per_cohort) == 1


@pytest.mark.slow
def test_no_cell_of_a_split_tells_about_few(built_demo: DbtProject) -> None:
    """The revenue of a cohort's cells still adds up to that of the cohort."""
    sizes = built_demo.query(
        "select segment_by, cohort_month, segment, min(customers) from retention_cohorts "
        "where segment_by != 'all' group by all"
    )
    assert min(customers for *_, customers in sizes) >= 10
    raw = built_demo.query(
        "select min(n) from (select count(*) as n from cohort_segments "
        "group by segment_by, cohort_month, segment)"
    )
    assert raw[0][0] < 10
    incomplete = built_demo.query(
        """
        select cohort_month, month
        from retention_cohorts
        group by all
        having count(distinct segment_by) < 2 or max(revenue) filter (where segment_by = 'all')
            is distinct from sum(revenue) filter (where segment_by != 'all')
                / (count(distinct segment_by) - 1)
        """
    )
    assert incomplete == []
    at_first = built_demo.query(
        "select min(customers_at_risk) from retention_curves where days = 0"
    )
    assert at_first[0][0] >= 10


@pytest.mark.slow
def test_marts_of_one_publication_carry_its_date(built_demo: DbtProject) -> None:
    day = built_demo.query("select distinct as_of_date from customer_retention")
    for table in ("retention_cohorts", "retention_curves", "retention_metrics", "feature_drift"):
        assert built_demo.query(f"select distinct as_of_date from {table}") == day


def columns_marked_personal(node: dict[str, Any]) -> set[str]:
    """Give the names of a node's columns that are marked `meta: {pii: true}`."""
    return {name for name, column in node["columns"].items() if column["config"]["meta"].get("pii")}


def test_personal_data_are_marked_and_no_mart_has_any(built_demo: DbtProject) -> None:
    models = {
        node["alias"]: node
        for node in built_demo.manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    marked = {name: columns_marked_personal(node) for name, node in models.items()}
    assert {name: columns for name, columns in marked.items() if columns} == {
        "stg_holdfast__feedback": {"comment"},
        "stg_holdfast__support_tickets": {"body"},
        "support_texts": {"body"},
        "ticket_texts": {"body"},
    }
    assert models["customer_attribute_features"]["config"]["meta"]["pii"]
    personal = set().union(*marked.values())
    for name, node in models.items():
        if node["access"] == "public":
            assert node["config"]["meta"]["publish"] is True, name
            assert not personal.intersection(built_demo.columns(name)), name
            assert not node["config"]["meta"].get("pii"), name


def test_docs_show_every_column_and_the_way_from_staging_to_each_mart(
    built_demo: DbtProject,
) -> None:
    built_demo.dbt("docs", "generate")
    target = built_demo.directory / "target"
    assert (target / "index.html").stat().st_size > 0
    catalog = json.loads((target / "catalog.json").read_text(encoding="utf-8"))
    assert not catalog["errors"]
    manifest = built_demo.manifest
    # the data decide on the names of these, which feature_registry describes
    of_views = manifest["nodes"]["model.holdfast.holdfast__customer_web_features"]["columns"]
    of_types = {
        feature
        for (feature,) in built_demo.query(
            "select feature from feature_registry where feature like 'web\\_%' escape '\\' "
            "and description is not null"
        )
        if feature not in of_views
    }
    assert "web_login_share_90d" in of_types
    reached: set[str] = set()
    public = 0
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] != "model":
            continue
        found = set(catalog["nodes"][unique_id]["columns"])
        # features are those of the champion, or of the table of features, and described there
        if node["alias"] not in (
            "customer_model_features",
            "offer_trials",
            "winback_training_set",
            "future_spend_training_set",
            "future_orders_training_set",
            "recommendation_training_set",
        ):
            assert found - of_types == set(node["columns"]), unique_id
        assert set(node["columns"]) <= found, unique_id
        if node["access"] != "public":
            continue
        public += 1
        assert node["group"] == "holdfast"
        above, waiting = set(), [unique_id]
        while waiting:
            parents = manifest["parent_map"].get(waiting.pop(), [])
            waiting += [parent for parent in parents if parent not in above]
            above.update(parents)
        assert "model.holdfast.stg_holdfast__orders" in above, unique_id
        reached |= above
    assert public > 20
    staging = {name for name in manifest["nodes"] if ".stg_holdfast__" in name and "model." in name}
    assert len(staging) == len(list((ROOT / "models" / "inputs").glob("stg_*.sql")))
    # points and tiers are only handed on to a project's own policies and features
    assert staging - reached == {"model.holdfast.stg_holdfast__loyalty"}
    shown = manifest["exposures"]["exposure.holdfast.holdfast_published_marts"]["depends_on"]
    # an exposure cannot name what a project may switch off
    optional = {"timing", "recommendations", "decisions", "offers", "campaigns", "pricing"}
    optional |= {"service"}
    always = {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and node["access"] == "public"
        and not optional & set(node["fqn"])
    }
    assert set(shown["nodes"]) == always


def test_segments_do_not_contradict_the_lifecycle(built_demo: DbtProject) -> None:
    rows = built_demo.query(
        """
        select segments.lifecycle_state, recency_score, segment, count(*)
        from customer_segments as segments
        group by all
        """
    )
    recency = {"new": {4, 5}, "on_rhythm": {4, 5}, "slipping": {3}, "lapsed": {1, 2}}
    names = {
        "new": {"New customers"},
        "on_rhythm": {"Champions", "Loyal customers", "Occasional customers"},
        "slipping": {"Slipping regulars", "Slipping"},
        "lapsed": {"Lapsed regulars", "Lapsed", "Lost"},
    }
    for state, score, name, _ in rows:
        assert score in recency[state]
        assert name in names[state]
    assert {name for *_, name, _ in rows} == set.union(*names.values())
    assert (
        sum(count for *_, count in rows)
        == built_demo.query("select count(*) from customer_retention where order_count > 0")[0][0]
    )


def test_marts_of_the_lifecycle_add_up(built_demo: DbtProject) -> None:
    assert (
        built_demo.query(
            """
        select lifecycle_state from customer_retention group by 1
        having count(*) != (
            select max(customers) from lifecycle_overview
            where is_project_definition and state = lifecycle_state
        )
        """
        )
        == []
    )
    told, made = built_demo.query(
        """
        select
            (select sum(customers) from lifecycle_transitions where is_project_definition),
            (select count(*) from customer_lifecycle where churn_definition = 'non_contractual')
        """
    )[0]
    # customers who make one transition twice in a month, and months with a few in all
    assert 0.97 * made < told < made
    assert built_demo.query("select min(customers) from lifecycle_transitions")[0][0] >= 10
    assert (
        built_demo.query(
            """
        select customer_id from customer_retention
        where is_keepable != (lifecycle_state in ('new', 'on_rhythm', 'slipping'))
            or (lifecycle_state = 'lapsed') != coalesce(not is_active and spell_count > 0, false)
        """
        )
        == []
    )
