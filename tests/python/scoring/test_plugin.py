from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest
from dbt.adapters.duckdb.credentials import DuckDBCredentials, PluginConfig
from dbt.adapters.duckdb.environments.local import LocalEnvironment
from dbt_common.exceptions import DbtRuntimeError

from holdfast.plugin import Plugin
from scoring_models import linear_model, store


@pytest.fixture
def environment():
    credentials = DuckDBCredentials(
        database="memory",
        schema="main",
        path=":memory:",
        plugins=[PluginConfig(module="holdfast.plugin")],
    )
    environment = LocalEnvironment(credentials)
    yield environment
    environment.close()


def test_dbt_connections_can_score(environment):
    cursor = environment.handle().cursor()
    store(cursor, "models", linear_model([1.0], bias=0.0))
    sql = "select holdfast_predict('memory.main.models', 'm1', 0)"
    assert environment.handle().cursor().execute(sql).fetchall() == [(0.5,)]


def test_plugin_registers_the_functions():
    with duckdb.connect() as connection:
        # dbt opens a connection anew where the first did not get a database that is attached
        for _ in range(2):
            Plugin.create("holdfast.plugin", config={}).configure_connection(connection)
        names = connection.execute(
            "select function_name from duckdb_functions()"
            " where starts_with(function_name, 'holdfast_') order by all"
        ).fetchall()
    assert {name for (name,) in names} >= {
        "holdfast_begin_run",
        "holdfast_contributions",
        "holdfast_predict",
        "holdfast_publish",
    }


def test_plugin_does_not_import_the_runtime_before_a_model_is_read():
    code = (
        "import sys, duckdb; from holdfast.plugin import Plugin;"
        "Plugin('holdfast', {}).configure_connection(duckdb.connect());"
        "print(sorted({'onnx', 'onnxruntime', 'sklearn', 'woodelf'} & set(sys.modules)))"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ({"path": "sh'op.duckdb", "schema": "main"}, "database sh'op has a quote"),
        ({"path": "shop.duckdb", "schema": 're"t'}, 'schema re"t has a quote'),
        (
            {"path": "shop.duckdb", "schema": "main", "attach": [{"path": "a/it's.duckdb"}]},
            "attached database it's has a quote",
        ),
        (
            {
                "path": "shop.duckdb",
                "schema": "main",
                "attach": [{"path": "old.duckdb", "alias": "o'ld"}],
            },
            "attached database o'ld has a quote",
        ),
    ],
)
def test_a_name_that_dbt_duckdb_writes_as_it_is_is_refused(profile, told):
    credentials = DuckDBCredentials.from_dict(DuckDBCredentials.__pre_deserialize__(profile))
    with pytest.raises(DbtRuntimeError, match=told):
        Plugin.create("holdfast.plugin", config={}, credentials=credentials)


def test_quotes_in_the_folder_and_blanks_in_names_are_no_matter():
    profile = {"path": "q'uo te;--/shop x.duckdb", "schema": "re- t;x"}
    credentials = DuckDBCredentials.from_dict(DuckDBCredentials.__pre_deserialize__(profile))
    Plugin.create("holdfast.plugin", config={}, credentials=credentials)
