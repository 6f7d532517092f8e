"""How models are measured: on held-out months, on what came of their scores, and by drift."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from projects import ROOT, DbtProject, UserProject, run

Floats = NDArray[np.float64]


def predictions(project: DbtProject, model_id: str) -> tuple[Floats, Floats, list[Any], list[Any]]:
    """Give outcome, probability, customer and as_of of what a model said of unseen rows."""
    rows = project.query(
        "select churned, probability, customer_id, as_of from churn_holdout_predictions "
        f"where model_id = '{model_id}'"
    )
    churned, probability, customer, as_of = zip(*rows, strict=True)
    return np.array(churned, float), np.array(probability), list(customer), list(as_of)


def metrics(project: DbtProject, model_id: str, where: str = "as_of is null") -> dict[str, Any]:
    """Give the test metrics of a model as {metric: (value, lower, upper)}."""
    rows = project.query(
        "select metric, value, lower, upper from model_evaluations "
        f"where model_id = '{model_id}' and split = 'test' and segment is null and {where}"
    )
    return {metric: values for metric, *values in rows}


def measured_models(project: DbtProject) -> list[str]:
    """Give the ids of all models with predictions on held-out months."""
    return [
        model_id
        for (model_id,) in project.query(
            "select distinct model_id from churn_holdout_predictions order by 1"
        )
    ]


def test_ranking_and_loss_are_those_of_scikit_learn_for_every_month(built_demo: DbtProject) -> None:
    from sklearn import metrics as reference

    assert len(measured_models(built_demo)) >= 3
    for model_id in measured_models(built_demo):
        y, p, _, as_of = predictions(built_demo, model_id)
        dates = np.array(as_of, "datetime64[us]")
        for date in [None, *np.unique(dates)]:
            here = np.ones(len(y), bool) if date is None else dates == date
            where = "as_of is null" if date is None else f"as_of = timestamp '{date}'"
            found = metrics(built_demo, model_id, where)
            assert found["row_count"][0] == here.sum()
            expected = {
                "auroc": reference.roc_auc_score(y[here], p[here]),
                "average_precision": reference.average_precision_score(y[here], p[here]),
                "log_loss": reference.log_loss(y[here], p[here]),
                "brier": reference.brier_score_loss(y[here], p[here]),
            }
            for metric, value in expected.items():
                assert found[metric][0] == pytest.approx(value, abs=1e-9), (model_id, date, metric)


def test_calibration_slope_and_intercept_are_those_of_a_logistic_regression(
    built_demo: DbtProject,
) -> None:
    from sklearn.linear_model import LogisticRegression

    for model_id in measured_models(built_demo):
        y, p, *_ = predictions(built_demo, model_id)
        found = metrics(built_demo, model_id)
        if len(np.unique(p)) == 1:
            assert found["calibration_slope"][0] is None
            continue
        log_odds = np.log(p / (1 - p))
        fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(log_odds[:, None], y)
        assert found["calibration_slope"][0] == pytest.approx(fit.coef_[0, 0], abs=1e-5)
        assert found["calibration_intercept"][0] == pytest.approx(fit.intercept_[0], abs=1e-5)


def test_deciles_budget_and_profit_are_those_counted_by_hand(built_demo: DbtProject) -> None:
    contact, offer, saved, worth = 1.0, 10.0, 0.3, 200.0
    for model_id in measured_models(built_demo):
        y, p, customer, as_of = predictions(built_demo, model_id)
        found = metrics(built_demo, model_id)
        order = sorted(range(len(y)), key=lambda i: (-p[i], customer[i], as_of[i]))
        decile = np.empty(len(y), int)
        decile[order] = np.arange(len(y)) * 10 // len(y) + 1
        error = 0.0
        for k in range(1, 11):
            group = decile == k
            assert found[f"row_count_decile_{k}"][0] == group.sum()
            assert found[f"lift_decile_{k}"][0] == pytest.approx(y[group].mean() / y.mean())
            assert found[f"gain_decile_{k}"][0] == pytest.approx(y[decile <= k].sum() / y.sum())
            error += group.sum() * abs(y[group].mean() - p[group].mean()) / len(y)
        assert found["expected_calibration_error"][0] == pytest.approx(error)

        contacted = np.zeros(len(y), bool)
        for date in set(as_of):
            of_date = [i for i in order if as_of[i] == date]
            contacted[of_date[: round(0.1 * len(of_date))]] = True
        assert found["precision_at_budget"][0] == pytest.approx(y[contacted].mean())

        gains = np.where(y == 1, saved * (worth - offer) - contact, -(contact + offer))
        assert found["profit_at_budget"][0] == pytest.approx(gains[contacted].sum() / len(y))
        # a threshold takes all rows of the same probability
        profits = [gains[p >= threshold].sum() / len(y) for threshold in np.unique(p)]
        assert found["maximum_profit"][0] == pytest.approx(max(0.0, *profits))
        if max(profits) > 0:
            best = np.unique(p)[int(np.argmax(profits))]
            assert found["maximum_profit_share"][0] == pytest.approx((p >= best).mean())


def test_intervals_are_those_of_a_bootstrap_over_customers(built_demo: DbtProject) -> None:
    from sklearn.metrics import log_loss, roc_auc_score

    ((champion,),) = built_demo.query("select model_id from churn_model where stage = 'evaluated'")
    y, p, customer, _ = predictions(built_demo, champion)
    _, group = np.unique(customer, return_inverse=True)
    random = np.random.default_rng(5)
    drawn = []
    for _ in range(300):
        weight = random.poisson(1.0, group.max() + 1)[group]
        drawn.append(
            (roc_auc_score(y, p, sample_weight=weight), log_loss(y, p, sample_weight=weight))
        )
    expected = np.quantile(drawn, [0.025, 0.975], axis=0)
    found = metrics(built_demo, champion)
    for column, metric in enumerate(("auroc", "log_loss")):
        value, lower, upper = found[metric]
        assert lower < value < upper
        width = expected[1, column] - expected[0, column]
        assert lower == pytest.approx(expected[0, column], abs=0.25 * width)
        assert upper == pytest.approx(expected[1, column], abs=0.25 * width)


def test_every_model_of_the_last_training_is_measured_on_the_same_rows(
    built_demo: DbtProject,
) -> None:
    rows = built_demo.query(
        "select count(*), count(distinct row_count), count(distinct base_rate), count(auroc_lower) "
        "from model_performance where split = 'test' and task = 'churn'"
    )[0]
    assert rows[0] >= 3
    assert rows[1:] == (1, 1, rows[0])


def test_calibration_curve_holds_every_row_once(built_demo: DbtProject) -> None:
    for model_id in measured_models(built_demo):
        y, p, *_ = predictions(built_demo, model_id)
        bins = built_demo.query(
            "select sum(row_count), sum(row_count * observed), sum(row_count * predicted) "
            f"from model_calibration where model_id = '{model_id}' and as_of is null "
            "and segment is null"
        )[0]
        assert bins[0] == len(y)
        assert bins[1] == pytest.approx(y.sum())
        assert bins[2] == pytest.approx(p.sum())


def test_drift_is_the_population_stability_index_of_tenths(built_demo: DbtProject) -> None:
    model_id, start, end = built_demo.query(
        "select model_id, training_from, training_to from churn_model where stage = 'champion'"
    )[0]
    drift = built_demo.query(
        "select feature, psi, missing_rate from feature_drift where task = 'churn' order by 1"
    )
    assert len(drift) > 50
    for feature, psi, missing_rate in drift[::12]:
        before = column(
            built_demo,
            f'select "{feature}" from churn_training_set '
            f"where as_of between '{start}' and '{end}'",
        )
        now = column(
            built_demo,
            f'select "{feature}" from customer_features '
            "where as_of = (select max(as_of) from customer_features) "
            "and orders_lifetime >= 1 and first_order_age_days >= 30",
        )
        known = np.sort(before[~np.isnan(before)])
        edges = np.unique(np.quantile(known, np.arange(0.1, 0.91, 0.1), method="inverted_cdf"))
        shares = []
        for values in (before, now):
            place = np.searchsorted(edges, values[~np.isnan(values)], side="left") + 1
            counts = np.bincount(place, minlength=len(edges) + 2).astype(float)
            counts[0] = np.isnan(values).sum()
            shares.append(counts)
        used = (shares[0] + shares[1]) > 0
        first, second = ((s[used] + 0.5) / (s.sum() + 0.5 * used.sum()) for s in shares)
        expected = float(((second - first) * np.log(second / first)).sum())
        assert psi == pytest.approx(expected, abs=1e-9), (model_id, feature)
        assert missing_rate == pytest.approx(np.isnan(now).mean())


def column(project: DbtProject, sql: str) -> Floats:
    """Give one column of numbers, NaN where it is NULL."""
    return np.array([np.nan if v is None else float(v) for (v,) in project.query(sql)])


def test_what_grows_with_history_is_not_told_as_drift(built_demo: DbtProject) -> None:
    grown = built_demo.query(
        "select psi > 0.25, unexpected_psi, drift from feature_drift "
        "where task = 'churn' and feature = 'first_order_age_days'"
    )
    assert grown == [(True, 0.0, "small")]
    large = "select feature from feature_drift where task = 'churn' and drift = 'large' order by 1"
    assert built_demo.query(large) == []


@pytest.mark.slow
def test_a_feature_that_breaks_is_warned_of(demo: DbtProject) -> None:
    demo.execute(
        """
        update customer_features set
            days_since_order = null,
            -- a unit that changed
            revenue_90d = revenue_90d * 3
        where as_of = (select max(as_of) from customer_features)
        """
    )
    result = demo.dbt("build", "--select", "holdfast__feature_drift")
    assert "WARN" in result.stdout
    told = re.search(r"more than their trend explains \(\d+\): (.*)\. Check", result.stdout)
    assert told is not None
    assert "churn.days_since_order" in told[1]
    assert "features_are_stable of feature_drift: " in result.stdout
    assert demo.query(
        "select drift, missing_rate, missing_rate_change from feature_drift "
        "where task = 'churn' and feature = 'days_since_order'"
    ) == [("large", 1.0, 1.0)]
    large = "select feature from feature_drift where task = 'churn' and drift = 'large' order by 1"
    assert demo.query(large) == [("days_since_order",), ("revenue_90d",)]


@pytest.mark.slow
def test_other_settings_measure_all_models_anew_and_the_same_ones_leave_them(
    demo: DbtProject,
) -> None:
    select = ("build", "--select", "holdfast__model_predictions", "holdfast__model_evaluations")
    before = demo.query("select * from model_evaluations order by all")
    demo.dbt(*select)
    assert demo.query("select * from model_evaluations order by all") == before

    variables = {"holdfast_contact_budget": 20, "holdfast_segments": ["country", "orders_lifetime"]}
    demo.dbt(*select, "--vars", json.dumps(variables))
    model_id = measured_models(demo)[0]
    y, p, customer, as_of = predictions(demo, model_id)
    top = []
    for date in set(as_of):
        here = [i for i in range(len(y)) if as_of[i] == date]
        top += sorted(here, key=lambda i: (-p[i], customer[i]))[:20]
    assert metrics(demo, model_id)["precision_at_budget"][0] == pytest.approx(y[top].mean())

    segments = dict(
        demo.query(
            "select segment, max(value) filter (where metric = 'row_count') from model_evaluations "
            f"where model_id = '{model_id}' and segment is not null group by 1"
        )
    )
    assert {"orders_lifetime: low", "orders_lifetime: middle", "orders_lifetime: high"} < set(
        segments
    )
    for name in ("orders_lifetime: ", "country: "):
        assert sum(n for segment, n in segments.items() if segment.startswith(name)) == len(y)

    refused = demo.dbt(*select, "--vars", "{holdfast_segments: [shoe_size]}", check=False)
    assert refused.returncode == 1
    assert "shoe_size, which is neither a column of the customers input" in refused.stdout


@pytest.mark.slow
def test_scores_are_compared_with_what_came_once_their_horizon_is_over(
    user_project: UserProject,
) -> None:
    def build(as_of_date: str) -> None:
        user_project.dbt(
            "run", "--select", "+holdfast__model_performance", "--vars",
            json.dumps({"holdfast_as_of_date": as_of_date}),
        )  # fmt: skip

    build("2026-03-11")
    assert user_project.query("select count(*) from churn_outcomes") == [(0,)]
    scored = user_project.query(
        "select customer_id, as_of, model_id, churn_probability from churn_scores "
        "where status = 'scored' order by all"
    )
    assert len(scored) > 100

    # the day before the horizon is over, and the day itself
    build("2026-06-08")
    assert user_project.query("select count(*) from churn_outcomes") == [(0,)]
    build("2026-06-09")
    kept = "select customer_id, as_of, model_id, probability from churn_outcomes order by all"
    assert user_project.query(kept) == scored
    # the date that was scored is no date of the grid, and no part of the spine any more
    assert user_project.query(
        "select count(*) from customer_spine where as_of = timestamp '2026-03-11'"
    ) == [(0,)]
    assert user_project.query(
        """
        select count(*) from churn_outcomes as outcomes
        where churned = exists (
            select 1 from stg_holdfast__orders as orders
            where orders.customer_id = outcomes.customer_id and orders.amount > 0
                and orders.ordered_at >= outcomes.as_of
                and orders.ordered_at < outcomes.as_of + interval 90 day
        )
        """
    ) == [(0,)]
    live = user_project.query(
        "select as_of is null, value from model_evaluations "
        "where split = 'live' and metric = 'row_count' and task = 'churn' and segment is null "
        "order by 1"
    )
    assert live == [(False, len(scored)), (True, len(scored))]
    assert user_project.query(
        "select row_count, auroc between 0.5 and 1 from model_performance "
        "where split = 'live' and task = 'churn'"
    ) == [(len(scored), True)]

    # history: the orders may go, the outcomes stay
    before = user_project.query("select * from churn_outcomes order by all")
    user_project.execute("delete from raw.orders where ordered_at < '2026-05-01'")
    user_project.dbt(
        "run", "--full-refresh", "--select", "holdfast__churn_outcomes",
        "holdfast__model_evaluations", "--vars",
        json.dumps({"holdfast_as_of_date": "2026-06-30"}),
    )  # fmt: skip
    assert user_project.query("select * from churn_outcomes order by all") == before


@pytest.mark.slow
def test_live_figures_of_a_users_own_task_as_the_pages_say(user_project: UserProject) -> None:
    text = (ROOT / "docs" / "add_a_task.md").read_text(encoding="utf-8")
    tasks: dict[str, dict[str, object]] = {}
    for block in re.findall(r"```yaml\n# dbt_project.yml\n(.*?)```", text, re.DOTALL):
        tasks |= yaml.safe_load(block)["vars"]["holdfast_tasks"]
    user_project.write(vars={**user_project.settings["vars"], "holdfast_tasks": tasks})
    # the labels of one are given by hand; the other has become live after its models were written
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"```sql\n-- (models/\S+_outcomes.sql)\n(.*?)```", page, re.DOTALL))
    by_hand = user_project.directory / "models" / "return" / "return_outcomes.sql"
    by_hand.parent.mkdir(parents=True)
    by_hand.write_text(shown["models/return/return_outcomes.sql"], encoding="utf-8")
    for task in tasks:
        run("holdfast", "tasks", "add", task, cwd=user_project.directory, check=True)
    tasks["spend"]["live"] = True
    user_project.write()
    said = run("holdfast", "tasks", "add", "spend", cwd=user_project.directory, check=True).stdout
    assert (
        said.index("spend_outcomes.sql") < said.index("Already there") < said.index("_scores.sql")
    )
    written = (user_project.directory / "models/spend/spend_outcomes.sql").read_text("utf-8")
    assert written == shown["models/spend/spend_outcomes.sql"]
    for as_of_date in ("2026-03-11", "2026-06-20"):
        user_project.dbt("run", "--vars", json.dumps({"holdfast_as_of_date": as_of_date}))
    scored = user_project.query(
        "select count(*) from return_scores where status = 'scored' and as_of_date = '2026-03-11'"
    )
    assert (
        user_project.query(
            "select row_count from model_performance where split = 'live' and task = 'return'"
        )
        == scored
    )
    assert user_project.query("select count(distinct task) from feature_drift") == [(6,)]
    # what a number came to, too
    assert user_project.query(
        """
        select count(*), count(distinct spend_60d) > 50, count(*) filter (
            where predicted_value is not distinct from spend_value
                and round(spend_60d, 6) = round(coalesce((
                    select sum(amount) from stg_holdfast__orders as orders
                    where orders.customer_id = outcomes.customer_id
                        and orders.ordered_at >= outcomes.as_of
                        and orders.ordered_at < outcomes.as_of + interval 60 day
                ), 0)::double, 6)
        )
        from spend_outcomes as outcomes
        inner join spend_scores using (customer_id, as_of)
        """
    ) == [(scored[0][0], True, scored[0][0])]
    ((rows, rmse, gini, mean_label, auroc),) = user_project.query(
        "select row_count, rmse, gini, mean_label, auroc from model_performance "
        "where split = 'live' and task = 'spend'"
    )
    assert rows == scored[0][0]
    assert auroc is None
    ((error, mean),) = user_project.query(
        "select sqrt(avg((predicted_value - spend_60d) ** 2)), avg(spend_60d) from spend_outcomes"
    )
    assert rmse == pytest.approx(error)
    assert mean_label == pytest.approx(mean)
    assert 0 < gini < 1


@pytest.mark.slow
def test_means_of_features_do_not_depend_on_the_order_of_rows(demo: DbtProject) -> None:
    def told() -> list[list[tuple[object, ...]]]:
        return [
            demo.query(f"select * from {table} order by all")
            for table in ("feature_registry", "feature_profiles", "feature_drift")
        ]

    before = told()
    # as another number of threads leaves them
    tables = demo.query(
        "select table_name from duckdb_tables() where table_name in ('churn_training_set', "
        "'customer_features') or table_name like 'customer_%_features'"
    )
    for (table,) in tables:
        demo.execute(f"create or replace table {table} as from {table} order by hash(customer_id)")
    demo.execute("delete from feature_profiles")
    demo.dbt(
        *("build", "--select", "holdfast__feature_registry", "holdfast__feature_profiles"),
        "holdfast__feature_drift",
    )
    assert told() == before
    plain = dict(demo.query("select feature, mean from feature_registry"))
    for feature in ("revenue_365d", "days_since_order", "mean_order_gap_days"):
        ((mean,),) = demo.query(f"select avg({feature}) from customer_order_features")
        assert plain[feature] == pytest.approx(mean, rel=1e-12)
