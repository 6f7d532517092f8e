"""What a profile sets for the session makes no difference, or is refused by its name."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from projects import DbtProject, UserProject, copy_demo

# everything in DuckDB 1.5 that changes what SQL means, or how its results reach Python
HOSTILE = {
    "TimeZone": "America/St_Johns",
    "arrow_large_buffer_size": True,
    "arrow_output_list_view": True,
    "binary_as_string": True,
    "default_null_order": "nulls_first",
    "default_order": "desc",
    "ieee_floating_point_ops": False,
    "integer_division": True,
    "lambda_syntax": "DISABLE_SINGLE_ARROW",
    "old_implicit_casting": True,
    "order_by_non_integer_literal": True,
    "preserve_identifier_case": False,
    "preserve_insertion_order": False,
    "produce_arrow_string_view": True,
    "scalar_subquery_error_on_multiple_rows": False,
    "threads": 1,
}
# when it was built
MOMENTS = {"scored_at", "champion_from", "trained_at", "fitted_at"}


def set_in_session(project: DbtProject, **settings: Any) -> None:
    profiles = project.directory / "profiles.yml"
    profile = yaml.safe_load(profiles.read_text())
    for target in profile.values():
        target["outputs"]["dev"]["settings"] = settings
    profiles.write_text(yaml.safe_dump(profile))


@pytest.mark.slow
def test_a_hostile_session_builds_the_same_tables(
    built_demo: DbtProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = copy_demo(tmp_path_factory.mktemp("hostile") / "project")
    set_in_session(project, **HOSTILE)
    project.dbt("build")
    tables = [name for (name,) in built_demo.query("select table_name from duckdb_tables()")]
    assert len(tables) > 30
    differing = []
    for table in tables:
        columns = built_demo.columns(table)
        assert project.columns(table) == columns, table
        told = ", ".join(
            # the last digits of these means hang on the order in which threads add
            f'round("{name}", 6)' if name in ("mean", "reference_mean") else f'"{name}"'
            for name in columns
            if name not in MOMENTS
        )
        sql = f"select {told} from {table} order by all"
        if built_demo.query(sql) != project.query(sql):
            differing.append(table)
    assert differing == []


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("default_collation", "nocase", "would count as one customer"),
        ("Calendar", "japanese", "years of another calendar"),
        ("arrow_lossless_conversion", True, "reach training as bytes"),
    ],
)
def test_a_setting_that_no_sql_withstands_is_refused_by_its_name(
    user_project: UserProject, setting: str, value: Any, said: str
) -> None:
    set_in_session(user_project, **{setting: value})
    printed = user_project.dbt("run", "--select", "stg_holdfast__orders", check=False).stdout
    assert f"The session has the setting {setting}: {str(value).lower()}" in printed
    assert said in printed
    assert "`settings` of the target dev in profiles.yml" in printed
    assert not user_project.has("stg_holdfast__orders")
