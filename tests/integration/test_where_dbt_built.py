"""Commands find what dbt built: in attached databases, under other names and on other paths."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from projects import UserProject, run, write_user_project

ALIAS = """{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    hf_{{ custom_alias_name or node.name }}
{%- endmacro %}
"""
MART = """{{ config(database='shop', materialized='table') }}
select customer_id, churn_probability from {{ ref('holdfast', 'holdfast__churn_scores_latest') }}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """Build Holdfast into an attached file, with names of the project's own and a path in Jinja."""
    from holdfast.simulation import simulate_shop

    folder = tmp_path_factory.mktemp("attached")
    simulate_shop(folder / "data", customers=300, seed=5)
    project = write_user_project(folder / "shop")
    project.orders(
        f"select customer_id, order_id, ordered_at, amount from '{folder / 'data/orders.parquet'}'"
    )
    profiles = project.directory / "profiles.yml"
    profile = yaml.safe_load(profiles.read_text())
    outputs = profile["shop"]["outputs"]
    outputs["dev"]["attach"] = [
        {"path": "lake.duckdb", "alias": "lake"},
        # what no model lies in may be out of reach
        {"path": "gone.duckdb", "alias": "gone", "read_only": True},
    ]
    outputs["other"] = {**outputs["dev"], "path": "other.duckdb", "attach": []}
    profiles.write_text(yaml.safe_dump(profile))
    with duckdb.connect(str(project.directory / "gone.duckdb")) as connection:
        connection.execute("select 1")
    project.write(
        vars={"holdfast_orders": "shop.raw.orders"},
        models={"holdfast": {"+database": "lake", "+schema": "retention"}},
        **{"target-path": "{{ env_var('SHOP_OUT', 'made') }}"},
    )
    (project.directory / "macros").mkdir()
    (project.directory / "macros" / "names.sql").write_text(ALIAS)
    (project.directory / "models").mkdir()
    (project.directory / "models" / "to_call.sql").write_text(MART)
    project.dbt("build")
    (project.directory / "gone.duckdb").unlink()
    # what an older build left where dbt no longer writes
    stale = project.directory / "target"
    stale.mkdir(exist_ok=True)
    for name in ("manifest.json", "run_results.json"):
        (stale / name).write_text('{"nodes": {}, "results": []}')
    return project


COMMANDS = (
    ("summary",),
    ("report", "--output", "report.html"),
    ("models", "list"),
    ("models", "card", "--output", "card.html"),
    ("features", "list"),
    ("features", "describe", "days_since_order"),
    ("publish", "--output", "published.duckdb"),
)


def test_every_command_reads_what_the_build_made(shop: UserProject) -> None:
    for words in COMMANDS:
        result = run("holdfast", *words, cwd=shop.directory)
        assert result.returncode == 0, (words, result.stderr)
    with duckdb.connect(str(shop.directory / "lake.duckdb"), read_only=True) as lake:
        scored = lake.execute(
            "select count(*) from main_retention.\"hf_churn_scores_latest\" where status = 'scored'"
        ).fetchall()[0][0]
    with duckdb.connect(str(shop.directory / "published.duckdb"), read_only=True) as published:
        found = published.execute(
            "select count(*) from \"hf_customer_retention\" where status = 'scored'"
        ).fetchall()
    assert found == [(scored,)]
    assert scored > 100


def test_another_target_or_another_path_is_told(shop: UserProject) -> None:
    refused = run("holdfast", "summary", "--target", "other", cwd=shop.directory)
    assert refused.returncode == 1
    assert "was for the target 'dev', and this is 'other'" in refused.stderr
    # an older build's files are never taken for those of the last
    missing = run("holdfast", "summary", cwd=shop.directory, SHOP_OUT="nowhere")
    assert missing.returncode == 1
    assert "was not built yet; run `dbt build`" in missing.stderr
    moved = shop.directory / "elsewhere"
    shutil.copytree(shop.directory / "made", moved, dirs_exist_ok=True)
    for told in (
        {"words": ("--target-path", "elsewhere")},
        {"DBT_TARGET_PATH": "elsewhere"},
        {"DBT_TARGET_PATH": str(moved)},
        {"SHOP_OUT": "elsewhere"},
    ):
        words = told.pop("words", ())
        environment = {"SHOP_OUT": "nowhere", **{name: str(v) for name, v in told.items()}}
        result = run("holdfast", "models", "list", *words, cwd=shop.directory, **environment)
        assert (told, words, result.returncode, result.stderr) == (told, words, 0, "")


def test_customers_are_forgotten_in_every_database(shop: UserProject, tmp_path: Path) -> None:
    copy = UserProject(tmp_path / "shop", tmp_path / "shop" / "shop.duckdb")
    shutil.copytree(shop.directory, copy.directory, symlinks=True)
    done = run("holdfast", "forget", "7", cwd=copy.directory)
    assert done.returncode == 0, done.stderr
    assert "lake.main_retention.hf_churn_scores " in done.stdout
    assert "main.hf_to_call " in done.stdout
    assert "main_retention.hf_forgotten_customers" not in done.stdout
    left = "select count(*) from {} where cast(customer_id as varchar) = '7'"
    with duckdb.connect() as connection:
        for name in ("shop", "lake"):
            connection.execute(f"attach '{copy.directory / name}.duckdb' as {name} (read_only)")
        rows = connection.execute(
            "select database_name, schema_name, table_name from duckdb_tables() inner join "
            "duckdb_columns() using (database_name, schema_name, table_name) "
            "where column_name = 'customer_id' and schema_name != 'raw'"
        ).fetchall()
        assert len({row[0] for row in rows}) == 2
        found = {
            row: connection.execute(left.format('"' + '"."'.join(row) + '"')).fetchall()[0][0]
            for row in rows
        }
        assert {row[2] for row, count in found.items() if count} == {"hf_forgotten_customers"}
        told = connection.execute(
            'select table_name from lake.main_retention."hf_customer_removals"'
        ).fetchall()
    assert ("main.hf_to_call",) in told
    with duckdb.connect(str(copy.directory / "gone.duckdb")) as connection:
        connection.execute("select 1")
    copy.dbt("build")
    with duckdb.connect(str(copy.warehouse), read_only=True) as connection:
        assert connection.execute(left.format('"hf_to_call"')).fetchall() == [(0,)]
