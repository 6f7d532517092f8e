"""A build publishes its marts, real clients read them, and what failed is never seen."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from projects import DbtProject, run


def published(project: DbtProject) -> Path:
    """Give the file that a build of the project publishes."""
    return project.directory / "serving" / "holdfast.duckdb"


def read(file: Path, sql: str) -> list[tuple[object, ...]]:
    """Query a published file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def marts(project: DbtProject) -> list[str]:
    """Give the names of the marts of a project."""
    return sorted(
        node["alias"]
        for node in project.manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["name"].startswith("holdfast__")
        and node["config"]["meta"].get("publish")
    )


def test_build_publishes_all_marts_and_nothing_else(built_demo: DbtProject) -> None:
    names = marts(built_demo)
    found = read(published(built_demo), "select table_name from duckdb_tables() order by 1")
    assert [name for (name,) in found] == sorted([*names, "holdfast_manifest"])
    for name in names:
        rows = f"select * from {name} order by all"
        assert read(published(built_demo), rows) == built_demo.query(rows), name
    facts = "select as_of_date, any_value(model_id) from customer_retention group by 1"
    told = "select distinct as_of_date, model_id from holdfast_manifest"
    assert read(published(built_demo), told) == built_demo.query(facts)


def test_model_that_scored_comes_along_as_a_function(built_demo: DbtProject) -> None:
    names = built_demo.query(
        "select feature_names from model_registry where stage = 'champion' and task = 'churn'"
    )[0][0]
    listed = ", ".join(f'"{name}" := features."{name}"' for name in names)
    with duckdb.connect(str(published(built_demo)), read_only=True) as connection:
        connection.execute(f"attach '{built_demo.warehouse}' as warehouse (read_only)")
        scored, furthest = connection.execute(
            f"""
            select count(*), max(abs(marts.churn_probability - churn_probability({listed})))
            from customer_retention as marts
            inner join warehouse.customer_features as features
                on features.customer_id = marts.customer_id and features.as_of = marts.as_of_date
            where marts.status = 'scored'
            """
        ).fetchall()[0]
    assert scored > 500
    assert furthest < 1e-6


def test_superset_reads_it_through_sqlalchemy(built_demo: DbtProject) -> None:
    import pandas
    import sqlalchemy

    engine = sqlalchemy.create_engine(
        f"duckdb:///{published(built_demo)}", connect_args={"read_only": True}
    )
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        assert set(inspector.get_table_names()) == {*marts(built_demo), "holdfast_manifest"}
        columns = {c["name"]: c for c in inspector.get_columns("customer_retention")}
        assert columns["churn_probability"]["comment"]
        customers = sqlalchemy.table("customer_retention", sqlalchemy.column("risk_band"))
        banded = sqlalchemy.select(customers.c.risk_band, sqlalchemy.func.count()).group_by(
            customers.c.risk_band
        )
        expected = built_demo.query("select risk_band, count(*) from customer_retention group by 1")
        assert set(map(tuple, connection.execute(banded))) == set(expected)
        frame = pandas.read_sql(sqlalchemy.text("select * from customer_retention"), connection)
        assert len(frame) == sum(count for _, count in expected)
    engine.dispose()
    # the URI alone, as it is typed into Superset
    engine = sqlalchemy.create_engine(f"duckdb:///{published(built_demo)}?access_mode=READ_ONLY")
    refused = pytest.raises(sqlalchemy.exc.DBAPIError, match="read-only")
    with engine.connect() as connection, refused:
        connection.execute(sqlalchemy.text("create table mine as select 1 as one"))
    engine.dispose()


def test_command_line_adbc_and_pandas_read_it(built_demo: DbtProject) -> None:
    import adbc_driver_duckdb.dbapi
    import pandas

    file = published(built_demo)
    count = built_demo.query("select count(*) from customer_retention")[0][0]
    query = "select count(*) as customers from customer_retention"
    told = run("duckdb", "-readonly", "-csv", file, query, cwd=file.parent, check=True)
    assert told.stdout.split() == ["customers", str(count)]
    with adbc_driver_duckdb.dbapi.connect(str(file)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        assert cursor.fetch_arrow_table().to_pylist() == [{"customers": count}]
    frame = pandas.read_parquet(file.parent / "holdfast_parquet" / "latest" / "customer_retention")
    assert len(frame) == count


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.0.0", "1.1.3"])
def test_older_duckdb_reads_it(built_demo: DbtProject, tmp_path: Path, version: str) -> None:
    run("python", "-m", "venv", tmp_path / "old", cwd=tmp_path, check=True)
    python = tmp_path / "old" / "bin" / "python"
    installed = run(python, "-m", "pip", "install", "--quiet", f"duckdb=={version}", cwd=tmp_path)
    if installed.returncode:
        pytest.skip(f"DuckDB {version} cannot be installed here: {installed.stderr[-200:]}")
    script = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
rows = {}
for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall():
    rows[name] = len(connection.execute(f'select * from "{name}"').fetchall())
probability = connection.execute("select churn_probability()").fetchall()[0][0]
print(json.dumps([duckdb.__version__, 0 < probability < 1, rows]))
"""
    told = run(python, "-c", script, published(built_demo), cwd=tmp_path, check=True)
    expected = {
        name: built_demo.query(f"select count(*) from {name}")[0][0] for name in marts(built_demo)
    }
    found, is_probability, rows = json.loads(told.stdout)
    assert found == version
    assert is_probability
    assert rows.pop("holdfast_manifest") == len(expected)
    assert rows == expected


@pytest.mark.slow
def test_superset_with_sqlalchemy_1_4_reads_it(built_demo: DbtProject, tmp_path: Path) -> None:
    run("python", "-m", "venv", tmp_path / "superset", cwd=tmp_path, check=True)
    python = tmp_path / "superset" / "bin" / "python"
    wanted = ["sqlalchemy==1.4.54", "duckdb-engine==0.17.0", f"duckdb=={duckdb.__version__}"]
    installed = run(python, "-m", "pip", "install", "--quiet", *wanted, cwd=tmp_path)
    if installed.returncode:
        pytest.skip(f"SQLAlchemy 1.4 cannot be installed here: {installed.stderr[-200:]}")
    script = """
import json, sqlalchemy, sys
engine = sqlalchemy.create_engine(f"duckdb:///{sys.argv[1]}?access_mode=READ_ONLY")
with engine.connect() as connection:
    inspector = sqlalchemy.inspect(connection)
    names = inspector.get_table_names()
    comments = {
        column["name"]: column["comment"] for column in inspector.get_columns("customer_retention")
    }
    rows = connection.execute("select count(*) from customer_retention").fetchall()[0][0]
    try:
        connection.execute("create table mine as select 1 as one")
        refused = ""
    except sqlalchemy.exc.DBAPIError as error:
        refused = str(error)
print(json.dumps([sqlalchemy.__version__, names, comments, rows, refused]))
"""
    told = run(python, "-c", script, published(built_demo), cwd=tmp_path, check=True)
    version, names, comments, rows, refused = json.loads(told.stdout)
    assert version == "1.4.54"
    assert set(names) == {*marts(built_demo), "holdfast_manifest"}
    assert comments["churn_probability"]
    assert rows == built_demo.query("select count(*) from customer_retention")[0][0]
    assert "read-only" in refused


@pytest.mark.slow
def test_what_failed_or_was_left_out_is_not_published_and_the_build_says_why(
    demo: DbtProject,
) -> None:
    before = published(demo).read_bytes()
    models, tests = demo.directory / "models", demo.directory / "tests" / "data"

    # a part of the marts
    said = demo.dbt("build", "--select", "holdfast__model_performance").stdout
    assert "Nothing was published" in said
    assert "this run left out the model holdfast__acquisition_payback and " in said

    # a mart of one's own, whose test fails
    (models / "own_mart.sql").write_text(
        "{{ config(meta={'publish': true}) }}\n"
        "select customer_id, 'a@b.example' as email\n"
        "from {{ ref('holdfast', 'holdfast__customer_retention') }}\n"
    )
    (models / "own_mart.yml").write_text(
        "models:\n  - name: own_mart\n    columns:\n      - name: email\n"
        "        config:\n          meta:\n            pii: true\n"
    )
    (tests / "own_mart_is_empty.sql").write_text("select * from {{ ref('own_mart') }}\n")
    select = ["--select", *(f"holdfast__{name}" for name in marts(demo)), "own_mart"]
    failed = demo.dbt("build", *select, check=False)
    assert failed.returncode == 1
    assert "Nothing was published" in failed.stdout
    assert "the test own_mart_is_empty: fail" in failed.stdout
    by_hand = run("holdfast", "publish", cwd=demo.directory)
    assert by_hand.returncode == 1
    assert "the test own_mart_is_empty: fail" in by_hand.stderr
    assert published(demo).read_bytes() == before

    # a path that cannot be written to fails the build, and says so
    (tests / "own_mart_is_empty.sql").unlink()
    path = {"holdfast_publish_path": "dbt_project.yml/holdfast.duckdb"}
    failed = demo.dbt("build", *select, "--vars", json.dumps(path), check=False)
    assert failed.returncode == 1
    assert "cannot be written to" in failed.stdout
    assert "holdfast_publish_path" in failed.stdout
    assert published(demo).read_bytes() == before

    # and when all is well, the personal column stays behind
    said = demo.dbt("build", *select).stdout
    assert f"Published {len(marts(demo)) + 1} tables" in said
    assert read(
        published(demo), "select column_name from duckdb_columns() where table_name = 'own_mart'"
    ) == [("customer_id",)]
    # commands publish where the last dbt command does, also when only its --vars say so
    elsewhere = {"holdfast_publish_path": "elsewhere/board.duckdb"}
    demo.dbt("build", *select, "--vars", json.dumps(elsewhere))
    (demo.directory / "elsewhere" / "board.duckdb").unlink()
    run("holdfast", "publish", cwd=demo.directory, check=True)
    assert (demo.directory / "elsewhere" / "board.duckdb").exists()

    said = run("holdfast", "publish", "--output", "by hand.duckdb", cwd=demo.directory, check=True)
    assert f"Published {len(marts(demo)) + 1} tables" in said.stdout
    assert read(demo.directory / "by hand.duckdb", "select count(*) from own_mart") == demo.query(
        "select count(*) from own_mart"
    )
