"""The files of a task, written from its declaration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from holdfast.cli import main
from holdfast.scaffold import ScaffoldError, plan_task, write_task_files

EVENT = {"model": "orders", "at": "ordered_at", "where": "amount < 0"}
RETURN = {"label": "returned", "event": EVENT, "horizon_days": 60}
STEPS = ["labels", "training_set", "model", "reasons", "scores", "holdout_predictions"]


def project(folder: Path, tasks: Any, **settings: Any) -> Path:
    """Write a dbt project that declares tasks."""
    text = yaml.safe_dump({"name": "shop", "vars": {"holdfast_tasks": tasks}, **settings})
    (folder / "dbt_project.yml").write_text(text, encoding="utf-8")
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("more", "steps"),
    [
        ({}, STEPS),
        ({"live": True}, [*STEPS, "outcomes"]),
        ({"event": None}, STEPS[1:]),
        ({"event": None, "live": True}, STEPS[1:]),
    ],
    ids=["event", "live", "own labels", "own labels, live"],
)
def test_each_step_has_a_model_and_a_yml(
    tmp_path: Path, more: dict[str, Any], steps: list[str]
) -> None:
    plan = plan_task(project(tmp_path, {"return": {**RETURN, **more}}), "return")
    write_task_files(plan)
    folder = tmp_path / "models" / "return"
    assert names(folder) == {
        f"return_{step}.{ending}"
        for step in steps
        for ending in ("yml", "py" if step == "model" else "sql")
    }
    assert set(plan.to_write) == {
        f"return_{step}" for step in [*STEPS, "outcomes"] if more.get("live") or step != "outcomes"
    } - {f"return_{step}" for step in steps}
    for path in folder.glob("*.yml"):
        (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        assert model["name"] == path.stem
        assert model["description"]
        assert all(column["description"] for column in model["columns"])
        assert len({column["name"] for column in model["columns"]}) == len(model["columns"])


def columns(folder: Path, model: str) -> dict[str, Any]:
    """Give the tests of each column that a yml describes."""
    (found,) = folder.rglob(f"{model}.yml")
    (node,) = yaml.safe_load(found.read_text(encoding="utf-8"))["models"]
    return {column["name"]: column.get("data_tests", []) for column in node["columns"]}


def test_yml_follows_the_declaration(tmp_path: Path) -> None:
    tasks = {
        "spend": {
            "label": "spend_60d",
            "target": "regression",
            "event": {"model": "orders", "at": "ordered_at", "value": "sum(amount)"},
            "horizon_days": 60,
            "live": True,
        },
        "rebuy": {
            **RETURN,
            "event": {**EVENT, "where": "status = 'it\\'s \"back\"' -- ü"},
            "entity": ["customer_id", "product_id"],
            "features": "pair_features",
            "bands": {"high": 0.6, "medium": 0.3},
            "band_column": "rebuy_band",
        },
    }
    project(tmp_path, tasks, **{"model-paths": ["dbt/models", "more"]})
    for task in tasks:
        write_task_files(plan_task(tmp_path, task))
    spend = tmp_path / "dbt" / "models" / "spend"
    assert "spend_value" in columns(spend, "spend_scores")
    assert columns(spend, "spend_outcomes")["predicted_value"] == ["not_null"]
    rebuy = tmp_path / "dbt" / "models" / "rebuy"
    scores = columns(rebuy, "rebuy_scores")
    assert scores["rebuy_probability"] == ["holdfast.probability"]
    assert scores["product_id"] == ["not_null"]
    assert "rebuy_band" in scores
    (labels,) = yaml.safe_load((rebuy / "rebuy_labels.yml").read_text(encoding="utf-8"))["models"]
    assert "where status = 'it\\'s \"back\"' -- ü with ordered_at" in labels["description"]
    assert labels["data_tests"] == [
        {
            "holdfast.unique_grain": {
                "arguments": {"columns": ["customer_id", "product_id", "as_of"]}
            }
        },
        {
            "holdfast.rows_of_spine": {
                "arguments": {
                    "spine": "ref('pair_features')",
                    "keys": ["customer_id", "product_id", "as_of"],
                }
            }
        },
    ]


def test_what_is_there_stays_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, {"return": RETURN})
    elsewhere = tmp_path / "models" / "sales"
    elsewhere.mkdir(parents=True)
    (elsewhere / "return_labels.sql").write_text("select 1 as mine")
    (elsewhere / "schema.yml").write_text("models:\n  - name: 'return_labels' # mine\n")
    assert main(["tasks", "add", "return", "--project-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "models/sales/return_labels.sql" in said[said.index("Already there") :]
    assert "models/sales/schema.yml" in said[said.index("Already there") :]
    folder = tmp_path / "models" / "return"
    assert not {"return_labels.sql", "return_labels.yml"} & names(folder)
    assert (elsewhere / "return_labels.sql").read_text() == "select 1 as mine"
    # once more writes what is gone, and nothing else
    (folder / "return_scores.sql").unlink()
    (folder / "return_reasons.yml").write_text("mine")
    assert main(["tasks", "add", "return", "--project-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said[: said.index("Already there")].splitlines() == [
        "Wrote:", "  models/return/return_scores.sql",
    ]  # fmt: skip
    assert (folder / "return_reasons.yml").read_text() == "mine"


def test_a_file_that_comes_in_between_is_not_overwritten(tmp_path: Path) -> None:
    plan = plan_task(project(tmp_path, {"return": RETURN}), "return")
    mine = tmp_path / "models" / "return" / "return_labels.sql"
    mine.parent.mkdir(parents=True)
    mine.write_text("select 1 as mine")
    with pytest.raises(ScaffoldError, match=r"return_labels\.sql already exists"):
        write_task_files(plan)
    assert mine.read_text() == "select 1 as mine"


def test_dry_run_prints_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, {"return": RETURN})
    assert main(["tasks", "add", "return", "--dry-run", "--project-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Would write:\n  models/return/return_labels.sql\n")
    assert "{{ holdfast.scores('return') }}" in said
    assert names(tmp_path) == {"dbt_project.yml"}


def test_labels_of_ones_own_are_left_to_the_project_until_they_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, {"upgrade": {"label": "upgraded", "horizon_days": 30}})
    words = ["tasks", "add", "upgrade", "--project-dir", str(tmp_path)]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Yours to write: upgrade_labels, a select of customer_id, as_of and upgraded" in said
    (tmp_path / "models" / "upgrade_labels.sql").write_text("select 1 as mine")
    assert main(words) == 0
    assert "Yours to write" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tasks", "task", "message"),
    [
        (
            {"returns": RETURN},
            "return",
            r"no task return; did you mean returns\? To add one:\nvars:",
        ),
        ({}, "return", r"no task return\. To add one:(.|\n)*label: returned"),
        (["churn", "return"], "return", "A list of names is no longer supported"),
        ({"return": "returned"}, "return", "needs a mapping with a `label`"),
        ({"return": {"horizon_days": 60}}, "return", "needs a mapping with a `label`"),
        ({"return": {**RETURN, "event": {"model": "orders"}}}, "return", "must have `model` and"),
        ({}, "churn", "a task of Holdfast's own"),
        ({}, "re turn", "letters, digits and _; got: re turn"),
    ],
)
def test_what_is_not_declared_as_it_must_be_is_refused(
    tmp_path: Path, tasks: Any, task: str, message: str
) -> None:
    with pytest.raises(ScaffoldError, match=message):
        plan_task(project(tmp_path, tasks), task)


def test_a_declaration_in_the_scope_of_a_package_is_found(tmp_path: Path) -> None:
    project(tmp_path, {}, vars={"holdfast": {"holdfast_tasks": {"return": RETURN}}})
    assert plan_task(tmp_path, "return").files


@pytest.mark.parametrize("text", [None, "name: [", "- a list"])
def test_a_folder_without_a_project_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "dbt_project.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ScaffoldError, match=r"dbt_project\.yml"):
        plan_task(tmp_path, "return")
