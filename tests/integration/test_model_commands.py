"""`holdfast models`: list, show, promote, roll back, export and describe the models of a build."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from projects import DbtProject, run


def models(project: DbtProject, *words: str | Path) -> tuple[int, str, str]:
    """Run `holdfast models` and give its exit code, output and messages."""
    result = run("holdfast", "models", *words, cwd=project.directory)
    return result.returncode, result.stdout, result.stderr


def stages(project: DbtProject) -> dict[str, str]:
    """Give the stage of every model."""
    return dict(project.query("select model_id, stage from model_registry"))


def one(project: DbtProject, stage: str) -> str:
    """Give the id of a model of a stage, the best one."""
    return str(
        project.query(
            f"select model_id from model_performance where stage = '{stage}' and split = 'test' "
            "and task = 'churn' order by log_loss limit 1"
        )[0][0]
    )


def test_list_names_every_model_and_show_tells_all_of_one(built_demo: DbtProject) -> None:
    code, out, _ = models(built_demo, "list")
    assert code == 0
    for model_id, stage in stages(built_demo).items():
        assert any(model_id in line and stage in line for line in out.splitlines())
    champion = one(built_demo, "champion")
    code, out, _ = models(built_demo, "show", champion[:6])
    assert code == 0
    auroc, names = built_demo.query(
        "select auroc, feature_names from model_performance "
        "inner join model_registry using (model_id) where model_id = "
        f"'{champion}' and split = 'test'"
    )[0]
    assert f"{auroc:,.6g}" in out
    for word in (champion, "scikit-learn", "row fingerprint", *names):
        assert word in out


def test_exported_sql_scores_as_the_build_did(built_demo: DbtProject, tmp_path: Path) -> None:
    champion = one(built_demo, "champion")
    output = tmp_path / "churn.sql"
    code, out, err = models(built_demo, "export", champion, "--output", output, "--format", "sql")
    assert (code, err) == (0, "")
    assert re.search(rf"Wrote .* {champion} .*: [0-9,]+ characters", out)
    compared = built_demo.query(
        "select count(*), max(abs(scores.churn_probability - compiled.churn_probability))"
        f" from churn_scores as scores inner join ({output.read_text()}) as compiled"
        " using (customer_id, as_of) where scores.status = 'scored'"
    )
    assert compared[0][0] > 100
    assert compared[0][1] < 1e-6
    kept = built_demo.query(f"select score_sql from model_registry where model_id = '{champion}'")[
        0
    ][0]
    assert f"{len(kept):,} characters" in models(built_demo, "show", champion)[1]

    code, _, err = models(
        built_demo, "export", champion, "--output", output, "--format", "sql", "--dialect", "db2"
    )
    assert code == 1
    assert "choose one of duckdb, spark, postgres, snowflake, bigquery" in err


def test_exported_file_runs_in_onnx_runtime_alone(built_demo: DbtProject, tmp_path: Path) -> None:
    import onnxruntime

    champion = one(built_demo, "champion")
    output = tmp_path / "churn.onnx"
    output.write_bytes(b"a former file")
    code, out, err = models(built_demo, "export", champion, "--output", output)
    assert (code, err) == (0, "")
    assert champion in out
    assert [path.name for path in tmp_path.iterdir()] == ["churn.onnx"]
    sha256, names = built_demo.query(
        f"select onnx_sha256, feature_names from model_registry where model_id = '{champion}'"
    )[0]
    assert hashlib.sha256(output.read_bytes()).hexdigest() == sha256

    session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])
    listed = ", ".join(f'features."{name}"' for name in names)
    rows = built_demo.query(
        f"select scores.churn_probability, {listed} from churn_scores as scores "
        "inner join customer_features as features using (customer_id, as_of) "
        "where scores.status = 'scored'"
    )
    matrix = np.array([[np.nan if v is None else v for v in row[1:]] for row in rows], "float32")
    given = session.run(["probabilities"], {"features": matrix})[0][:, 1]
    np.testing.assert_allclose([row[0] for row in rows], given, atol=1e-6)


class _Page(HTMLParser):
    """Collects what a page is made of, and refuses tags that do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_card_tells_all_that_it_should_and_loads_nothing(
    built_demo: DbtProject, tmp_path: Path
) -> None:
    code, _, err = models(built_demo, "card", "--output", tmp_path / "card.html")
    assert (code, err) == (0, "")
    text = (tmp_path / "card.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert "script" in page.tags
    assert not page.tags & {"img", "iframe", "object"}
    # the icon of the page is none
    assert page.links == ["data:,"]
    assert 'data-chart="card_test"' in text
    assert "default-src &#39;none&#39;" in text
    champion = one(built_demo, "champion")
    row = built_demo.query(
        "select registry.onnx_sha256, registry.feature_names, performance.auroc, "
        "performance.auroc_lower, registry.training_from from model_registry as registry "
        "inner join model_performance as performance using (model_id) "
        f"where model_id = '{champion}' and split = 'test'"
    )[0]
    for word in (
        champion,
        row[0],
        f"{row[2]:.3f}",
        f"{row[3]:.3f}",
        f"{row[4]:%Y-%m-%d}",
        "Known limits",
        "days since last order (baseline)",
        "Whole days between the last purchase and as_of; NULL without a purchase.",
        "seed",
        "version of scikit-learn",
        *row[1],
    ):
        assert word in text


@pytest.mark.slow
def test_promoted_challenger_scores_and_a_rollback_takes_it_back(demo: DbtProject) -> None:
    champion, challenger = one(demo, "champion"), one(demo, "challenger")
    code, out, err = models(demo, "promote", challenger)
    assert (code, err) == (0, "")
    assert challenger in out
    assert stages(demo)[challenger] == "champion"
    assert stages(demo)[champion] == "archived"
    demo.dbt("build", "--select", "holdfast__churn_model+")
    assert demo.query("select distinct model_id from churn_scores where status = 'scored'") == [
        (challenger,)
    ]

    code, out, err = models(demo, "rollback")
    assert (code, err) == (0, "")
    assert stages(demo)[champion] == "champion"
    demo.dbt("build", "--select", "holdfast__churn_model+")
    # the build neither trained again nor took the decision back
    assert stages(demo)[champion] == "champion"
    assert stages(demo)[challenger] == "archived"
    assert demo.query("select distinct model_id from churn_scores where status = 'scored'") == [
        (champion,)
    ]
    assert demo.query(
        "select model_id, changed_by from model_champions where task = 'churn' "
        "order by champion_from"
    ) == [(champion, "build"), (challenger, "promote"), (champion, "rollback")]
    code, _, err = models(demo, "rollback")
    assert code == 1
    assert "no champion of the task 'churn' is known before the present one" in err


@pytest.mark.slow
def test_rollback_to_an_old_champion_holds_although_a_training_would_be_due_by_its_age(
    demo: DbtProject,
) -> None:
    champion, former = one(demo, "champion"), one(demo, "challenger")
    demo.execute(
        "update churn_model set stage = 'archived', parameters = "
        'cast(json_merge_patch(parameters, \'{"as_of_date": "2026-01-01"}\') as varchar) '
        f"where model_id = '{former}'"
    )
    demo.execute(
        f"insert into model_champions by name select task, '{former}' as model_id, "
        "champion_from - interval 99 day as champion_from, changed_by from model_champions"
    )
    count = len(stages(demo))
    code, _, err = models(demo, "rollback")
    assert (code, err) == (0, "")
    assert (stages(demo)[former], stages(demo)[champion]) == ("champion", "challenger")
    demo.dbt("run", "--select", "holdfast__churn_model", "holdfast__model_registry")
    assert (stages(demo)[former], stages(demo)[champion]) == ("champion", "challenger")
    assert len(stages(demo)) == count


@pytest.mark.slow
def test_what_must_not_become_champion_is_refused_and_nothing_changes(demo: DbtProject) -> None:
    champion, challenger = one(demo, "champion"), one(demo, "challenger")
    for name, change in {
        "other_horizon": '{"horizon_days": 60}',
        "other_definition": '{"definition": "contractual"}',
        "of_a_number": '{"target": "regression"}',
    }.items():
        demo.execute(
            f"insert into churn_model by name select * replace ("
            f"'{name}' as model_id, 'archived' as stage, "
            f"cast(json_merge_patch(parameters, '{change}') as varchar) as parameters) "
            f"from churn_model where model_id = '{challenger}'"
        )
    demo.execute(
        "insert into churn_model by name select * replace ("
        "'a_twin' as model_id, 'evaluated' as stage) "
        f"from churn_model where model_id = '{challenger}'"
    )
    demo.execute(
        "update churn_model set onnx = unhex(hex(onnx[1:99]) || '00' || hex(onnx[101:])) "
        f"where model_id = '{challenger}'"
    )
    before = demo.query("select * from churn_model order by all")
    for model_id, message in {
        "no_such_model": "there is no model 'no_such_model'",
        champion: "is champion already",
        one(demo, "baseline"): "is the baseline",
        challenger: "was changed after training: its SHA-256 is",
        "other_horizon": "was trained for horizon_days 60, the champion for 90",
        "other_definition": "was trained for definition contractual, the champion for non_contr",
        "of_a_number": "was trained for target regression, the champion for classification",
        "a_twin": "was fitted without the test months",
    }.items():
        code, _, err = models(demo, "promote", model_id)
        assert code == 1
        assert message in err
    code, _, err = models(demo, "export", challenger, "--output", demo.directory / "model.onnx")
    assert code == 1
    assert "was changed after training" in err
    assert not (demo.directory / "model.onnx").exists()
    assert demo.query("select * from churn_model order by all") == before
    assert len(demo.query("select * from model_champions where task = 'churn'")) == 1


def test_a_project_that_was_not_built_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: empty\n", encoding="utf-8")
    result = run("holdfast", "models", "list", cwd=tmp_path)
    assert result.returncode == 1
    assert "the project was not built yet; run `dbt build`" in result.stderr


@pytest.mark.slow
def test_a_model_whose_row_was_altered_does_nothing_until_its_row_is_archived(
    demo: DbtProject, tmp_path: Path
) -> None:
    champion, challenger = one(demo, "champion"), one(demo, "challenger")
    demo.execute(
        "update churn_model set feature_names = list_reverse(feature_names) "
        f"where model_id in ('{champion}', '{challenger}')"
    )
    demo.execute(f"copy (from customer_features) to '{tmp_path}/new.parquet'")
    score = ("score", "--input", tmp_path / "new.parquet", "--output", tmp_path / "scores.parquet")
    for words in (
        ("models", "export", champion, "--output", tmp_path / "churn.onnx"),
        ("models", "export", champion, "--output", tmp_path / "churn.sql", "--format", "sql"),
        ("models", "promote", challenger),
        ("models", "card", "--output", tmp_path / "card.html"),
        score,
    ):
        refused = run("holdfast", *words, cwd=demo.directory)
        assert refused.returncode != 0
        assert "and its file do not belong together" in refused.stderr
        assert "the same features in another order" in refused.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["new.parquet"]
    failed = run("dbt", "build", "--select", "holdfast__churn_scores", cwd=demo.directory)
    assert failed.returncode != 0
    assert "and its file do not belong together" in failed.stdout
    # the remedy that every one of these messages names
    demo.execute(f"update churn_model set stage = 'archived' where model_id = '{champion}'")
    demo.dbt("build", "--select", "holdfast__churn_model+")
    assert stages(demo)[champion] == "champion"
    unscored = "select count(*) from churn_scores where churn_probability is null"
    assert demo.query(f"{unscored} and status = 'scored'") == [(0,)]
