"""What docs/add_a_task.md tells a reader, done: a task of the user's own beside churn."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from projects import ROOT, UserProject, run, write_user_project

PAGE = (ROOT / "docs" / "add_a_task.md").read_text(encoding="utf-8")

# beside the page: events with columns of the spine's names
MORE_MODELS = {
    "dated_orders.sql": """
        select *, ordered_at::date as as_of, 1 as horizon_starts_at, amount as label_value
        from {{ ref('holdfast', 'stg_holdfast__orders') }}
    """,
    "dated_labels.sql": """{{ holdfast.event_labels(
        label='order_days', events=ref('dated_orders'), event_at='ordered_at', horizon_days=60,
        value='count(distinct as_of) + 100 * count(distinct customer_id)',
    ) }}""",
}


def files() -> dict[str, str]:
    """Give the models that the page shows, by the path in their first line."""
    found = re.findall(r"```(?:sql|python)\n(?:--|#) (\S+)\n(.*?)```", PAGE, flags=re.DOTALL)
    return dict(found)


def declared() -> dict[str, Any]:
    """Give the tasks that the page declares."""
    found = re.findall(r"```yaml\n# dbt_project.yml\n(.*?)```", PAGE, flags=re.DOTALL)
    tasks: dict[str, Any] = {}
    for block in found:
        tasks |= yaml.safe_load(block)["vars"]["holdfast_tasks"]
    return tasks


def commands(beginning: str) -> list[list[str]]:
    """Give the commands of the page that begin so."""
    return [words.split() for words in re.findall(rf"^{beginning}.*$", PAGE, flags=re.MULTILINE)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """Declare the tasks, and have the models written, as the page says."""
    project = write_user_project(tmp_path_factory.mktemp("task") / "project")
    more = {"holdfast_tasks": declared(), "holdfast_segments": ["orders_lifetime"]}
    project.write(vars={**project.settings["vars"], **more})
    adding = commands("holdfast tasks add")
    assert [words[-1] for words in adding] == ["return", "spend"]
    for words in adding:
        run(*words, cwd=project.directory, check=True)
    return project


@pytest.fixture(scope="module")
def task(written: UserProject, simulated_orders: Path) -> UserProject:
    """Build the project as the page says once, and once more a week later."""
    project = written
    project.orders(
        f"select customer_id, order_id, ordered_at, amount from read_parquet('{simulated_orders}')"
    )
    for name, sql in MORE_MODELS.items():
        (project.directory / "models" / name).write_text(sql, encoding="utf-8")
    assert commands("dbt") == [["dbt", "build"]]
    said = project.dbt("build", "--vars", "{holdfast_as_of_date: 2026-06-24}").stdout
    # every ref of the package to a model of the project says whose it is
    assert "unexpected cycles" not in said
    project.dbt("build", "--full-refresh")
    return project


def test_page_shows_the_models_that_the_command_writes(written: UserProject) -> None:
    """Both of what the page offers are one: a reader by hand has the same project."""
    folder = written.directory / "models" / "return"
    models = {
        str(path.relative_to(written.directory)): path.read_text(encoding="utf-8")
        for path in folder.iterdir()
        if path.suffix != ".yml"
    }
    assert files() == models
    assert len(models) == 7
    assert {path.stem for path in folder.glob("*.yml")} == {Path(name).stem for name in models}


def test_page_lists_every_key_of_a_declaration() -> None:
    macro = (ROOT / "macros" / "task" / "task.sql").read_text(encoding="utf-8")
    allowed = macro[macro.index("{%- set allowed = {") : macro.index("{%- if declaration is not")]
    keys = set(re.findall(r"'(\w+)': (?!\d)", allowed))
    listed = PAGE[PAGE.index("| key | default |") : PAGE.index("Any other key stops")]
    cells = [line.split("|")[1] for line in listed.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == keys
    assert len(keys) > 20


@pytest.mark.slow
def test_labels_tell_whether_the_event_came_and_wait_for_their_horizon(task: UserProject) -> None:
    wrong = task.query(
        """
        select count(*)
        from return_labels as labels
        where returned is distinct from case
            when as_of + interval 60 day <= (select max(ordered_at)::date + 1 from raw.orders)
            then exists (
                select 1 from raw.orders
                where orders.customer_id = labels.customer_id and orders.amount < 0
                    and orders.ordered_at >= labels.as_of
                    and orders.ordered_at < labels.as_of + interval 60 day
            )
        end
        """
    )
    assert wrong == [(0,)]
    counts = dict(task.query("select returned, count(*) from return_labels group by 1"))
    assert min(counts[True], counts[False], counts[None]) > 50


@pytest.mark.slow
def test_task_has_models_scores_and_reasons_of_its_own(task: UserProject) -> None:
    stages = task.query(
        "select task, count(*) from model_registry where stage = 'champion' group by 1 order by 1"
    )
    assert stages == [
        (name, 1)
        for name in ("churn", "future_orders", "future_spend", "return", "spend", "winback")
    ]
    ((scored, least, most),) = task.query(
        "select count(*), min(return_probability), max(return_probability) from return_scores "
        "where status = 'scored' and as_of = (select max(as_of) from return_scores)"
    )
    assert scored > 100
    assert 0 <= least < most <= 1
    assert task.query(
        "select count(*) from return_scores as scores inner join return_reasons as reasons "
        "using (customer_id, as_of) where reasons.rank = 1 "
        "and reasons.reason is distinct from scores.reason_1"
    ) == [(0,)]
    assert task.query("select count(*) > 100 from return_reasons") == [(True,)]
    assert "risk_band" not in task.columns("return_scores")


@pytest.mark.slow
def test_full_refresh_keeps_the_models_and_the_scores_of_former_dates(task: UserProject) -> None:
    dates = [
        as_of for (as_of,) in task.query("select distinct as_of from return_scores order by 1")
    ]
    assert len(dates) == 2
    assert dates[1] - dates[0] == timedelta(days=7)
    # the older models learned nothing that was not known on their own as-of date
    ((latest,),) = task.query(
        "select max(training_to) from return_model where parameters ->> 'as_of_date' = '2026-06-24'"
    )
    assert latest + timedelta(days=60) <= dates[0]


@pytest.mark.slow
def test_task_is_measured_beside_churn(task: UserProject) -> None:
    measured = task.query(
        "select distinct task from model_evaluations where metric = 'auroc' order by 1"
    )
    assert measured == [("churn",), ("return",), ("winback",)]
    assert task.query(
        "select count(*) > 0 from feature_registry where list_contains(used_by, 'return')"
    ) == [(True,)]


@pytest.mark.slow
def test_task_can_be_replayed(task: UserProject) -> None:
    (words,) = commands("holdfast backtest")
    said = run(*words, cwd=task.directory, check=True).stdout
    dates = re.findall(r"^  (\d{4}-\d{2}-01) ", said, flags=re.MULTILINE)
    ((latest,),) = task.query("select max(as_of)::date::varchar from return_training_set")
    assert dates[-1] == latest
    assert len(dates) == 2


@pytest.mark.slow
def test_labels_of_a_number_add_up_what_came(task: UserProject) -> None:
    wrong = task.query(
        """
        select count(*)
        from spend_labels as labels
        where round(spend_60d, 6) is distinct from case
            when as_of + interval 60 day <= (select max(ordered_at)::date + 1 from raw.orders)
            then round(coalesce((
                select sum(amount)::double from raw.orders
                where orders.customer_id = labels.customer_id
                    and orders.ordered_at >= labels.as_of
                    and orders.ordered_at < labels.as_of + interval 60 day
            ), 0), 6)
        end
        """
    )
    assert wrong == [(0,)]
    ((none, some, unknown),) = task.query(
        "select count(*) filter (where spend_60d = 0), count(*) filter (where spend_60d > 0), "
        "count(*) filter (where spend_60d is null) from spend_labels"
    )
    assert min(none, some, unknown) > 50


@pytest.mark.slow
def test_value_of_a_label_reads_the_columns_of_the_events_whatever_their_names(
    task: UserProject,
) -> None:
    wrong = task.query(
        """
        select count(*)
        from dated_labels as labels
        where is_mature and order_days is distinct from coalesce((
            select count(distinct ordered_at::date) + 100 from stg_holdfast__orders as orders
            where orders.customer_id = labels.customer_id
                and orders.ordered_at >= labels.as_of
                and orders.ordered_at < labels.as_of + interval 60 day
            having count(*) > 0
        ), 0)
        """
    )
    assert wrong == [(0,)]
    assert task.query("select max(order_days) > 101 from dated_labels") == [(True,)]


@pytest.mark.slow
def test_task_of_a_number_has_values_and_reasons_in_its_unit(task: UserProject) -> None:
    columns = task.columns("spend_scores")
    assert "spend_value" in columns
    assert "spend_percentile" in columns
    assert "spend_probability" not in columns
    ((scored, most, ranked),) = task.query(
        "select count(spend_value), max(spend_value), corr(spend_percentile, spend_value) "
        "from spend_scores where status = 'scored'"
    )
    assert scored > 100
    assert most > 10
    assert ranked > 0
    ((largest,),) = task.query("select max(contribution) from spend_reasons")
    assert largest > 1


Doubles = NDArray[np.float64]


def measured(
    project: UserProject, table: str, model_id: str, as_of: Any = None
) -> dict[str, tuple[float | None, float | None, float | None]]:
    """Give the test metrics of a model as {metric: (value, lower, upper)}."""
    where = "as_of is null" if as_of is None else f"as_of = timestamp '{as_of}'"
    rows = project.query(
        f"select metric, value, lower, upper from {table} where model_id = '{model_id}' "
        f"and split = 'test' and segment is null and metric != 'settings' and {where}"
    )
    return {metric: (value, lower, upper) for metric, value, lower, upper in rows}


def gini(y: Doubles, given: Doubles) -> float:
    """Rank by predictions and by outcomes, and compare how outcomes go along with the ranks."""
    from scipy.stats import rankdata

    return float(np.cov(y, rankdata(given))[0, 1] / np.cov(y, rankdata(y))[0, 1])


def reference(y: Doubles, p: Doubles, customer: Any, as_of: Any) -> dict[str, float]:
    """Measure predicted numbers with NumPy and scikit-learn."""
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    found = {
        "row_count": float(len(y)),
        "mean_label": y.mean(),
        "mean_prediction": p.mean(),
        "rmse": root_mean_squared_error(y, p),
        "mae": mean_absolute_error(y, p),
        "r2": r2_score(y, p),
        "gini": gini(y, p),
    }
    order = np.array(sorted(range(len(y)), key=lambda i: (-p[i], customer[i], as_of[i])))
    tenth = np.empty(len(y), int)
    tenth[order] = np.arange(len(y)) * 10 // len(y) + 1
    for k in range(1, 11):
        group = tenth == k
        found |= {
            f"row_count_decile_{k}": float(group.sum()),
            f"predicted_decile_{k}": p[group].mean(),
            f"observed_decile_{k}": y[group].mean(),
            f"lift_decile_{k}": y[group].mean() / y.mean(),
            f"gain_decile_{k}": y[tenth <= k].sum() / y.sum(),
        }
    return found


def held_out(project: UserProject, sql: str) -> tuple[Doubles, Doubles, Any, Any]:
    """Give outcomes, predictions, customers and dates of a query."""
    y, p, customer, as_of = zip(*project.query(sql), strict=True)
    return np.array(y, float), np.array(p, float), np.array(customer), np.array(as_of)


@pytest.mark.slow
def test_task_of_a_number_is_measured_as_numpy_and_scikit_learn_do(task: UserProject) -> None:
    models = task.query("select distinct model_id, algorithm from spend_holdout_predictions")
    assert {"training_mean", "one_feature", "linear_regression"} < {name for _, name in models}
    for model_id, algorithm in models:
        y, p, customer, as_of = held_out(
            task,
            "select spend_60d, predicted_value, customer_id, as_of from spend_holdout_predictions "
            f"where model_id = '{model_id}'",
        )
        for date in [None, *np.unique(as_of)]:
            here = np.ones(len(y), bool) if date is None else as_of == date
            found = measured(task, "model_evaluations", model_id, date)
            expected = reference(y[here], p[here], customer[here], as_of[here])
            assert found.keys() == expected.keys()
            for metric, value in expected.items():
                assert found[metric][0] == pytest.approx(value, rel=1e-9, abs=1e-9), metric
        if algorithm == "training_mean":
            assert found["gini"] == (0, 0, 0)
    # and as training measured the very file, in float32
    gaps = task.query(
        """
        select metric, max(abs(value - (metrics -> 'test' ->> metric)::double)), count(*)
        from model_evaluations inner join model_registry using (model_id, task)
        where task = 'spend' and as_of is null and segment is null
            and metric in ('rmse', 'mae', 'r2', 'gini')
        group by 1
        """
    )
    assert len(gaps) == 4
    for metric, gap, count in gaps:
        assert gap < 1e-4, metric
        assert count >= 5


@pytest.mark.slow
def test_intervals_of_a_number_are_those_of_a_bootstrap_over_customers(task: UserProject) -> None:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    ((model_id,),) = task.query(
        "select model_id from model_registry where task = 'spend' and stage = 'evaluated'"
    )
    y, p, customer, _ = held_out(
        task,
        "select spend_60d, predicted_value, customer_id, as_of from spend_holdout_predictions "
        f"where model_id = '{model_id}'",
    )
    _, group = np.unique(customer, return_inverse=True)
    top = np.argsort(np.argsort(-p, kind="stable")) < len(p) / 10
    random = np.random.default_rng(5)
    drawn = []
    for _ in range(400):
        rows = np.repeat(np.arange(len(y)), random.poisson(1.0, group.max() + 1)[group])
        there, given, first = y[rows], p[rows], top[rows]
        drawn.append(
            (
                there.mean(),
                root_mean_squared_error(there, given),
                mean_absolute_error(there, given),
                r2_score(there, given),
                gini(there, given),
                there[first].mean() / there.mean(),
            )
        )
    expected = np.quantile(drawn, [0.025, 0.975], axis=0)
    found = measured(task, "model_evaluations", model_id)
    metrics = ("mean_label", "rmse", "mae", "r2", "gini", "lift_decile_1")
    for column, metric in enumerate(metrics):
        value, lower, upper = found[metric]
        assert value is not None
        assert lower is not None
        assert upper is not None
        assert lower < value < upper
        width = expected[1, column] - expected[0, column]
        assert lower == pytest.approx(expected[0, column], abs=0.25 * width), metric
        assert upper == pytest.approx(expected[1, column], abs=0.25 * width), metric


@pytest.mark.slow
def test_task_of_a_number_has_segments_a_curve_and_no_metrics_of_probabilities(
    task: UserProject,
) -> None:
    ((model_id, rows),) = task.query(
        "select model_id, any_value(value) from model_registry "
        "inner join model_evaluations using (model_id, task) "
        "where task = 'spend' and stage = 'evaluated' and split = 'test' and metric = 'row_count' "
        "and as_of is null and segment is null group by 1"
    )
    segments = task.query(
        "select segment, max(value) filter (where metric = 'row_count'), "
        "count(lower) filter (where metric in ('rmse', 'gini')) "
        f"from model_evaluations where model_id = '{model_id}' "
        "and segment not like 'lifecycle: %' group by 1"
    )
    assert {segment for segment, *_ in segments} == {
        f"orders_lifetime: {third}" for third in ("low", "middle", "high")
    }
    assert sum(count for _, count, _ in segments) == rows
    assert all(intervals == 2 for *_, intervals in segments)
    ((counted, gain, total),) = task.query(
        "select sum(row_count), max(gain), sum(row_count * observed) from model_calibration "
        f"where model_id = '{model_id}' and as_of is null and segment is null"
    )
    assert counted == rows
    assert gain == pytest.approx(1)
    assert task.query(
        f"select sum(spend_60d) from spend_holdout_predictions where model_id = '{model_id}'"
    ) == [(pytest.approx(total),)]
    assert task.query(
        "select count(*) from model_evaluations where task = 'spend' and metric = 'auroc'"
    ) == [(0,)]
    assert task.query(
        "select count(rmse), count(rmse_upper), count(gini_lower), count(mean_label), count(auroc) "
        "from model_performance where task = 'spend' and stage = 'champion'"
    ) == [(1, 1, 1, 1, 0)]


@pytest.mark.slow
def test_commands_know_a_task_of_a_number(task: UserProject) -> None:
    ((champion,),) = task.query(
        "select model_id from model_registry where task = 'spend' and stage = 'champion'"
    )
    listed = run("holdfast", "models", "list", cwd=task.directory, check=True).stdout
    assert "RMSE" in listed
    shown = run("holdfast", "models", "show", champion, cwd=task.directory, check=True).stdout
    assert re.search(r"rmse +\d", shown)
    assert "with the event" not in shown
    summary = run("holdfast", "summary", cwd=task.directory, check=True).stdout
    heads = [line.split()[0] for line in summary.splitlines() if "on held-out months" in line]
    assert sorted(heads) == ["Churn", "Customer", "Return", "Spend", "Winback"]
    of_spend = summary[summary.index("Spend on held-out") :]
    assert of_spend.splitlines()[1].split()[2:6] == ["RMSE", "MAE", "R2", "Gini"]
    assert "training_mean" in of_spend
    run(
        "holdfast",
        "models",
        "export",
        champion,
        "--format",
        "sql",
        "--output",
        "spend.sql",
        cwd=task.directory,
        check=True,
    )
    assert "spend_value" in (task.directory / "spend.sql").read_text(encoding="utf-8")
    run(
        "holdfast",
        "models",
        "card",
        champion,
        "--output",
        "card.html",
        cwd=task.directory,
        check=True,
    )
    card = (task.directory / "card.html").read_text(encoding="utf-8")
    # the scripts that draw charts have words of their own
    card = re.sub(r"<script.*?</script>", "", card, flags=re.DOTALL)
    assert "share of the total so far" in card
    assert "log-odds" not in card
    assert "leave" not in card
    replayed = run(
        "holdfast", "backtest", "--task", "spend", "--last", "1", cwd=task.directory, check=True
    ).stdout
    assert replayed.split()[:4] == ["as", "of", "rows", "observed"]
    assert "RMSE" in replayed
    assert re.search(r"^  \d{4}-\d{2}-01 ", replayed, flags=re.MULTILINE)
