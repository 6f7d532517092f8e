"""`holdfast score`: a file outside the warehouse, scored by a model of a build."""

from __future__ import annotations

from pathlib import Path

import duckdb

from projects import DbtProject, run


def test_scored_file_has_the_scores_of_the_build(built_demo: DbtProject, tmp_path: Path) -> None:
    with duckdb.connect(str(built_demo.warehouse), read_only=True) as connection:
        connection.execute(f"copy customer_features to '{tmp_path / 'new.parquet'}'")
    words = ("holdfast", "score", "--input", tmp_path / "new.parquet", "--output")
    result = run(*words, tmp_path / "scores.parquet", cwd=built_demo.directory, check=True)
    assert "Scored" in result.stdout
    assert "█" not in result.stderr
    ((compared, wrong),) = built_demo.query(
        f"""
        select count(*), count(*) filter (
            where given.churn_probability <> scores.churn_probability
            or given.model_id <> scores.model_id
        )
        from '{tmp_path / "scores.parquet"}' as given
        inner join churn_scores as scores using (customer_id, as_of)
        where scores.status = 'scored'
        """
    )
    assert compared > 100
    assert wrong == 0

    pinned = built_demo.query("select min(model_id) from churn_model where stage <> 'champion'")
    output = tmp_path / "scores.csv"
    run(*words, output, "--model", pinned[0][0], cwd=built_demo.directory, check=True)
    models = duckdb.sql(f"select distinct model_id from '{output}'").fetchall()
    assert models == pinned

    for more, message in (
        ((output,), "--overwrite"),
        ((tmp_path / "new.parquet", "--overwrite"), "would replace the input"),
        ((tmp_path / "x.csv", "--task", "love"), "the task 'love' must have one champion"),
    ):
        refused = run(*words, *more, cwd=built_demo.directory)
        assert refused.returncode == 1
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr


def test_reasons_are_told_in_the_phrases_of_the_users_own(built_demo: DbtProject) -> None:
    told = (
        "[{say: 'seit {days_since_order:einem Tag|# Tagen} nichts', when: days_since_order > 30}, "
        "'zuletzt vor {days_since_order} Tagen', 'noch nie etwas']"
    )
    phrases = f"holdfast_reason_phrases: {{days_since_order: {told}}}"
    said = built_demo.dbt(
        "compile", "--select", "holdfast__churn_reasons", "--vars", f"{{{phrases}}}"
    ).stdout
    assert "'seit ' || case when abs(cast(round(" in said
    assert "and (days_since_order > 30)" in said
    # nothing is told from a missing value
    assert '(cast("days_since_order" as double) is not null) then' in said
    assert "Last order" not in said.partition("'noch nie etwas'")[0].rpartition("case statement")[2]
    refused = built_demo.dbt("compile", "--vars", "{holdfast_reason_phrases: often}", check=False)
    assert "`holdfast_reason_phrases` must be a dict" in refused.stdout
