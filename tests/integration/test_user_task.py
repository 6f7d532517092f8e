"""What docs/add_a_task.md tells a reader, done: a task of the user's own beside churn."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from projects import ROOT, UserProject, run, write_user_project

PAGE = (ROOT / "docs" / "add_a_task.md").read_text(encoding="utf-8")


def files() -> dict[str, str]:
    """Give the files that the page writes, by the path in their first line."""
    found = re.findall(r"```(?:sql|python|yaml)\n(?:--|#) (\S+)\n(.*?)```", PAGE, flags=re.DOTALL)
    return dict(found)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory, simulated_orders: Path) -> UserProject:
    """Write the project as the page says, build it once, and once more a week later."""
    project = write_user_project(tmp_path_factory.mktemp("task") / "project")
    project.orders(
        f"select customer_id, order_id, ordered_at, amount from read_parquet('{simulated_orders}')"
    )
    pages = files()
    more = yaml.safe_load(pages.pop("dbt_project.yml"))["vars"]
    project.write(vars={**project.settings["vars"], **more})
    for path, text in pages.items():
        (project.directory / path).parent.mkdir(exist_ok=True)
        (project.directory / path).write_text(text, encoding="utf-8")
    project.dbt("build", "--vars", "{holdfast_as_of_date: 2026-06-24}")
    project.dbt("build", "--full-refresh")
    return project


def test_page_has_the_models_that_a_task_needs() -> None:
    assert sorted(files()) == [
        "dbt_project.yml",
        "models/return_holdout_predictions.sql",
        "models/return_labels.sql",
        "models/return_model.py",
        "models/return_model.yml",
        "models/return_reasons.sql",
        "models/return_scores.sql",
        "models/return_training_set.sql",
        "models/spend_holdout_predictions.sql",
        "models/spend_labels.sql",
        "models/spend_model.py",
        "models/spend_model.yml",
        "models/spend_reasons.sql",
        "models/spend_scores.sql",
        "models/spend_training_set.sql",
    ]


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
    assert stages == [("churn", 1), ("return", 1), ("spend", 1)]
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
    assert measured == [("churn",), ("return",)]
    assert task.query(
        "select count(*) > 0 from feature_registry where list_contains(used_by, 'return')"
    ) == [(True,)]


@pytest.mark.slow
def test_task_can_be_replayed(task: UserProject) -> None:
    (command,) = re.findall(r"^(holdfast backtest.*)$", PAGE, flags=re.MULTILINE)
    said = run(*command.split(), cwd=task.directory, check=True).stdout
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


@pytest.mark.slow
def test_task_of_a_number_is_measured_in_sql_as_in_training(task: UserProject) -> None:
    measured = task.query(
        """
        select evaluations.metric, max(abs(
            evaluations.value - (registry.metrics -> 'test' ->> evaluations.metric)::double
        )), count(*)
        from model_evaluations as evaluations
        inner join model_registry as registry using (model_id)
        where evaluations.task = 'spend' and evaluations.metric in ('rmse', 'mae', 'r2')
        group by 1 order by 1
        """
    )
    assert [metric for metric, *_ in measured] == ["mae", "r2", "rmse"]
    for _, gap, count in measured:
        assert gap < 1e-4
        assert count >= 5
    assert task.query(
        "select count(*) from model_evaluations where task = 'spend' and metric = 'auroc'"
    ) == [(0,)]
    assert task.query(
        "select count(rmse), count(auroc) from model_performance "
        "where task = 'spend' and stage = 'champion'"
    ) == [(1, 0)]


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
    refused = run("holdfast", "backtest", "--task", "spend", cwd=task.directory)
    assert refused.returncode != 0
    assert "predicts a number" in refused.stderr
