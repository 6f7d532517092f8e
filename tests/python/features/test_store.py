"""What a store opens, names and leaves behind."""

from __future__ import annotations

import datetime as dt
import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest
from ibis.backends.sql.datatypes import DuckDBType

import holdfast
from holdfast.cli import main
from holdfast.errors import HoldfastError
from holdfast.features import Feature, FeatureError, FeatureStore

ANNA = pa.table({"customer_id": ["anna"], "as_of": [dt.datetime(2026, 3, 6)]})


def _state(connection: duckdb.DuckDBPyConnection) -> Any:
    settings = connection.execute("select name, value from duckdb_settings() order by all")
    return settings.fetchall(), connection.execute(
        "select table_name from duckdb_tables() union all "
        "select view_name from duckdb_views() where not internal order by all"
    ).fetchall()


def test_a_connection_keeps_its_settings_and_tables(
    connection: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    connection.execute("set timezone = 'Asia/Tokyo'")
    before = _state(connection)
    with FeatureStore(connection) as store:
        table = store.historical_features(ANNA)
        assert len(rows(table)) == 1
        assert _state(connection) == before
    assert _state(connection) == before
    assert connection.execute("select 1").fetchall() == [(1,)]


def test_the_time_zone_of_the_connection_does_not_matter(
    connection: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    aware = ANNA.set_column(1, "as_of", ANNA["as_of"].cast(pa.timestamp("us", "UTC")))
    found = []
    for zone in ("UTC", "Pacific/Kiritimati"):
        connection.execute(f"set timezone = '{zone}'")
        with FeatureStore(connection) as store:
            found.append(rows(store.historical_features(aware)))
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_is_opened_for_reading(kind: Any, warehouse_file: Path, rows: Any) -> None:
    before = warehouse_file.read_bytes()
    with FeatureStore(kind(warehouse_file)) as store:
        (row,) = rows(store.historical_features(ANNA, ["order_features.orders_lifetime"]))
        assert row["orders_lifetime"] == 3
        with duckdb.connect(str(warehouse_file), read_only=True) as other:
            assert other.execute("select count(*) from shop.orders").fetchall() == [(4,)]
    assert warehouse_file.read_bytes() == before
    # closed for good: it can be opened for writing
    duckdb.connect(str(warehouse_file)).close()


def test_an_ibis_backend_gives_tables_that_join_with_its_own(
    connection: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    backend = ibis.duckdb.from_connection(connection)
    backend.con.execute("create temp table plans as select 'anna' as customer_id, 'gold' as plan")
    plans = ibis.expr.operations.DatabaseTable(
        "plans", schema=ibis.schema({"customer_id": "string", "plan": "string"}), source=backend
    ).to_expr()
    store = FeatureStore(backend)
    features = store.historical_features(ANNA, ["order_count_30d"])
    (row,) = rows(features.join(plans, "customer_id").select("plan", "order_count_30d"))
    assert row == {"plan": "gold", "order_count_30d": 2}
    store.close()
    assert connection.execute("select 1").fetchall() == [(1,)]


def test_the_result_is_an_ibis_table_that_writes_parquet(
    store: FeatureStore, tmp_path: Path
) -> None:
    table = store.historical_features(ANNA, ["revenue_lifetime", "order_count_30d"])
    assert isinstance(table, ibis.Table)
    table.filter(table.order_count_30d > 0).to_parquet(tmp_path / "features.parquet")
    with duckdb.connect() as other:
        path = str(tmp_path / "features.parquet")
        assert other.execute("select revenue_lifetime from read_parquet(?)", [path]).fetchall() == [
            (60.0,)
        ]


# ibis sets an option of pandas that pandas 3.1 gives a warning for
@pytest.mark.filterwarnings("ignore:.*future.infer_string")
@pytest.mark.parametrize("method", ["to_pandas", "to_pyarrow", "to_polars"])
def test_the_result_becomes_any_frame(method: str, store: FeatureStore) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow_hotfix", reason="pyarrow_hotfix is not installed")
    if method == "to_polars":
        pytest.importorskip("polars", reason="polars is not installed")
    frame = getattr(store.historical_features(ANNA, ["order_count_30d"]), method)()
    assert frame.shape == (1, 3)
    assert list(frame["order_count_30d"]) in ([2], [pa.scalar(2)])


def test_the_types_that_ibis_is_told_are_those_of_the_result(store: FeatureStore) -> None:
    table = store.historical_features(ANNA)
    relation = table.get_backend().con.sql(str(ibis.to_sql(table, dialect="duckdb")))
    assert list(table.schema().values()) == [
        DuckDBType.from_string(str(kind)) for kind in relation.types
    ]


def test_results_do_not_disturb_each_other(store: FeatureStore, rows: Any) -> None:
    first = store.historical_features(ANNA, ["order_count_30d"])
    second = store.latest_features("nobody", ["order_count_30d"])
    assert [r["order_count_30d"] for r in rows(first)] == [2]
    assert [r["order_count_30d"] for r in rows(second)] == [0]
    assert [r["order_count_30d"] for r in rows(first)] == [2]


def test_tables_behind_a_result_go_with_it(connection: duckdb.DuckDBPyConnection) -> None:
    backend = ibis.duckdb.from_connection(connection)
    store = FeatureStore(backend)

    def tables() -> int:
        return len(find_temporary(connection))

    derived = store.historical_features(ANNA).filter(ibis.literal(True))
    gc.collect()
    store.latest_features("anna")
    assert tables() > 3
    del derived
    gc.collect()
    store.close()
    assert tables() == 0


def find_temporary(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    return connection.execute(
        "select table_name from duckdb_tables() where table_name like 'holdfast%' union all "
        "select view_name from duckdb_views() where view_name like 'holdfast%'"
    ).fetchall()


def test_a_refused_question_leaves_nothing_behind(connection: duckdb.DuckDBPyConnection) -> None:
    store = FeatureStore(ibis.duckdb.from_connection(connection))
    with pytest.raises(FeatureError):
        store.historical_features(ANNA, ["nonsense"])
    assert find_temporary(connection) == []


def test_only_the_views_that_are_needed_run(
    connection: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    with FeatureStore(connection) as store:
        store.list_features()
        connection.execute("drop table shop.orders")
        (row,) = rows(store.historical_features(ANNA, ["month_of_year"]))
        assert row["month_of_year"] == 3
        with pytest.raises(duckdb.Error, match="orders"):
            store.historical_features(ANNA, ["order_count_30d"])


def test_features_come_in_the_order_asked_for_and_once(store: FeatureStore) -> None:
    table = store.historical_features(
        ANNA, ["month_of_year", "order_count_30d", "calendar.month_of_year"]
    )
    assert table.columns == ("customer_id", "as_of", "month_of_year", "order_count_30d")


def test_a_name_in_two_views_must_be_given_with_its_view(store: FeatureStore, rows: Any) -> None:
    with pytest.raises(
        FeatureError, match=r"'calendar\.orders_lifetime' or 'order_features\.orders_lifetime'"
    ):
        store.historical_features(ANNA, ["orders_lifetime"])
    both = ["calendar.orders_lifetime", "order_features.orders_lifetime"]
    (row,) = rows(store.historical_features(ANNA, both))
    assert row["calendar__orders_lifetime"] == 1
    assert row["order_features__orders_lifetime"] == 3


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("order_cont_30d", "'order_count_30d'"),
        ("order_features.month_of_yea", "'calendar.month_of_year'"),
        ("calendar.order_count_30d", "calendar.orders_lifetime"),
        ("qqq", "holdfast features list"),
    ],
)
def test_an_unknown_feature_is_answered_with_the_nearest(
    name: str, nearest: str, store: FeatureStore
) -> None:
    with pytest.raises(HoldfastError, match=f"no feature '{name}'.*{nearest}"):
        store.historical_features(ANNA, [name])


def test_no_features_is_an_error(store: FeatureStore) -> None:
    with pytest.raises(FeatureError, match="no feature was requested"):
        store.historical_features(ANNA, [])


def test_a_service_is_asked_for_by_its_name(store: FeatureStore) -> None:
    store.service("monthly", ["month_of_year"])
    assert store.services == {"monthly": ("month_of_year",)}
    assert store.latest_features("anna", "monthly").columns[2:] == ("month_of_year",)
    with pytest.raises(FeatureError, match="no service 'montly'; did you mean 'monthly'"):
        store.latest_features("anna", "montly")
    with pytest.raises(FeatureError, match="no service 'x'; there are monthly;"):
        store.latest_features("anna", "x")
    with pytest.raises(FeatureError, match="no feature 'month_of_yer'; did you mean 'month_of_y"):
        store.service("broken", ["month_of_yer"])


def test_a_model_tells_its_features_in_its_order(store: FeatureStore) -> None:
    assert store.model_features() == ["revenue_lifetime", "month_of_year"]
    assert store.model_features("old") == ["orders_lifetime"]
    assert store.model_features(task="value") == ["month_of_year"]
    with pytest.raises(FeatureError, match="no model 'm9' of the task 'churn'; there are churn/ch"):
        store.model_features("m9")
    table = store.historical_features(ANNA, store.model_features())
    assert table.columns[2:] == ("revenue_lifetime", "month_of_year")


def test_without_a_registry_features_have_only_their_types(store: FeatureStore) -> None:
    assert store.list_features("calendar") == [
        Feature("month_of_year", "calendar", "BIGINT"),
        Feature("orders_lifetime", "calendar", "INTEGER"),
    ]
    assert len(store.list_features()) == 6
    with pytest.raises(FeatureError, match="no feature view 'nowhere'; there are calendar"):
        store.list_features("nowhere")


REGISTRY = """
create table shop.feature_registry as
select
    'month_of_year' as feature, 'calendar' as feature_view, 'BIGINT' as dtype,
    'spine' as "window", 'month(as_of)' as sql, 'The month, from 1 to 12.' as description,
    0.25 as null_rate, 6.5 as mean, 1.0 as min, 12.0 as max,
    timestamp '2026-03-01' as freshness, ['customer_features'] as used_by
"""


def test_the_registry_tells_what_is_known_of_a_feature(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(REGISTRY)
    with FeatureStore(connection) as store:
        feature = store.describe_feature("calendar.month_of_year")
        assert feature.description == "The month, from 1 to 12."
        assert (feature.null_rate, feature.max) == (0.25, 12.0)
        assert feature.freshness == dt.datetime(2026, 3, 1)
        assert feature.used_by == ("customer_features",)
        assert feature in store.list_features()


def test_definitions_in_several_schemas_need_the_schema(
    connection: duckdb.DuckDBPyConnection, rows: Any
) -> None:
    from_other = "insert into other.orders values ('anna', '2026-03-05 01:00', 1)"
    connection.execute(
        "create schema other; create table other.feature_definitions as from "
        "shop.feature_definitions; create table other.orders as from shop.orders"
    )
    connection.execute(from_other)
    with pytest.raises(FeatureError, match=r"several schemas .* name one with schema="):
        FeatureStore(connection)
    with FeatureStore(connection, schema="other") as store:
        assert len(store.list_features()) == 6
    with pytest.raises(FeatureError, match="in the schema nowhere"):
        FeatureStore(connection, schema="nowhere")


def test_what_is_no_warehouse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="no warehouse at"):
        FeatureStore(tmp_path / "nowhere.duckdb")
    with pytest.raises(FeatureError, match="it is int"):
        FeatureStore(7)  # type: ignore[arg-type]
    with (
        duckdb.connect() as connection,
        pytest.raises(FeatureError, match="no table feature_definitions; run `dbt build`"),
    ):
        FeatureStore(connection)


def test_a_file_that_this_process_writes_is_refused_with_advice(warehouse_file: Path) -> None:
    with (
        duckdb.connect(str(warehouse_file)),
        pytest.raises(FeatureError, match="give the store that connection"),
    ):
        FeatureStore(warehouse_file)


@pytest.fixture
def project(tmp_path: Path, warehouse_file: Path) -> Path:
    """A built dbt project: a staging view over a file beside it, and a model with a service."""
    with duckdb.connect(str(warehouse_file)) as connection:
        connection.execute(REGISTRY)
        connection.execute(f"copy shop.orders to '{tmp_path / 'orders.parquet'}'")
        connection.execute("set file_search_path = '" + str(tmp_path) + "'")
        connection.execute("drop table shop.orders")
        connection.execute("create view shop.orders as from 'orders.parquet'")
        connection.execute(
            "create table shop.labels_v1 as "
            "select 'anna' as customer_id, date '2026-03-06' as as_of"
        )
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n", encoding="utf-8")
    (tmp_path / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: warehouse.duckdb}\n",
        encoding="utf-8",
    )
    nodes = {
        "model.shop.labels": {
            "name": "labels",
            "resource_type": "model",
            "relation_name": '"warehouse"."shop"."labels_v1"',
            "config": {"meta": {"holdfast_features": ["month_of_year", "order_count_30d"]}},
        },
        "test.shop.t": {"name": "t", "resource_type": "test"},
    }
    (tmp_path / "target").mkdir()
    for name, content in (("manifest", {"nodes": nodes}), ("run_results", {"results": []})):
        (tmp_path / "target" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def test_a_project_gives_its_models_as_entities_and_as_services(project: Path, rows: Any) -> None:
    with FeatureStore.from_project(project) as store:
        assert store.services == {"labels": ("month_of_year", "order_count_30d")}
        (row,) = rows(store.historical_features("labels", "labels"))
    assert (row["month_of_year"], row["order_count_30d"]) == (3, 2)


def test_of_several_schemas_the_one_that_dbt_built_is_meant(project: Path) -> None:
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        connection.execute("create schema other")
        connection.execute(
            "create table other.feature_definitions as from shop.feature_definitions limit 0"
        )
        connection.execute("alter table shop.feature_definitions rename to hf_feature_definitions")
    with pytest.raises(FeatureError, match="is empty"):
        FeatureStore.from_project(project).list_features()
    path = project / "target" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["nodes"]["model.holdfast.holdfast__feature_definitions"] = {
        "name": "holdfast__feature_definitions",
        "resource_type": "model",
        "package_name": "holdfast",
        "database": "warehouse",
        "schema": "shop",
        "alias": "hf_feature_definitions",
        "relation_name": '"warehouse"."shop"."hf_feature_definitions"',
    }
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with FeatureStore.from_project(project) as store:
        assert "order_count_30d" in {feature.name for feature in store.list_features()}


def _change_service(project: Path, features: Any) -> None:
    path = project / "target" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["nodes"]["model.shop.labels"]["config"]["meta"]["holdfast_features"] = features
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_a_service_of_a_project_that_names_no_feature_is_named(project: Path) -> None:
    _change_service(project, ["month_of_yaer"])
    with (
        FeatureStore.from_project(project) as store,
        pytest.raises(FeatureError, match=r"service 'labels' is out of date: .* 'month_of_year'"),
    ):
        store.latest_features("anna", "labels")


def test_a_service_of_a_project_must_be_a_list(project: Path) -> None:
    _change_service(project, "month_of_year")
    with pytest.raises(FeatureError, match=r"the model 'labels' must be a list .* 'month_of_year'"):
        FeatureStore.from_project(project)


def test_the_command_lists_and_describes_features(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--project-dir", str(project)]
    assert main(["features", "list", "--view", "calendar", *where]) == 0
    listed = capsys.readouterr().out
    assert "month_of_year" in listed
    assert "The month, from 1 to 12." in listed
    assert "order_count_30d" not in listed
    assert main(["features", "describe", "month_of_year", *where]) == 0
    described = capsys.readouterr().out
    for fact in ("month(as_of)", "25.0 %", "6.5", "12", "customer_features", "2026-03-01"):
        assert fact in described
    assert main(["features", "describe", "month_of_yer", *where]) == 1
    assert "did you mean 'month_of_year'" in capsys.readouterr().err


def test_the_package_loads_ibis_only_for_the_store() -> None:
    assert holdfast.FeatureStore is FeatureStore
    code = "import sys, holdfast; assert 'ibis' not in sys.modules; holdfast.FeatureStore"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = holdfast.Nonsense
