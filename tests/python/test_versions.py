"""The dbt package and the Python package are one release: a run compares their versions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest
import yaml

from holdfast import __version__
from holdfast.run import RunError, register_run, settings_of

ROOT = Path(__file__).resolve().parents[2]


def test_every_place_that_states_the_version_states_the_same() -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    macro = (ROOT / "macros" / "settings" / "version.sql").read_text(encoding="utf-8")
    assert project["version"] == __version__
    assert re.findall(r"return\('(.+)'\)", macro) == [__version__]
    # that of the distribution is read from the package
    build = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in build
    assert '[tool.hatch.version]\npath = "python/holdfast/__init__.py"' in build


def begin(connection: duckdb.DuckDBPyConnection, version: str, **tasks: object) -> str:
    told = json.dumps({"version": version, "tasks": tasks})
    answer = connection.execute("select holdfast_begin_run(?)", [told]).fetchone()
    assert answer is not None
    return str(answer[0])


def test_a_run_of_the_same_version_hands_over_its_tasks() -> None:
    with duckdb.connect() as connection:
        register_run(connection)
        assert begin(connection, __version__, churn={"task": "churn"}, ret={"label": "x"}) == ""
        assert settings_of("churn", connection) == {"task": "churn"}
        # a cursor is another thread of the same run; the next run has tasks of its own
        assert settings_of("ret", connection.cursor()) == {"label": "x"}
        assert begin(connection, __version__, churn={"task": "churn"}) == ""
        with pytest.raises(RunError, match=r"knows no task 'ret'\. Declare it in the var"):
            settings_of("ret", connection)


def test_another_version_is_told_with_what_to_install_and_hands_over_nothing() -> None:
    with duckdb.connect() as connection:
        register_run(connection)
        said = begin(connection, "9.9.9", churn={})
        assert f"is 9.9.9 and the Python package is {__version__}" in said
        assert "Install dbt-holdfast==9.9.9" in said
        with pytest.raises(RunError):
            settings_of("churn", connection)
