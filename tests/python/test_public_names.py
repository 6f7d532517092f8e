"""What the package exports."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest

import holdfast
from holdfast.scoring import register


def test_everything_promised_is_there() -> None:
    assert holdfast.register is register
    assert holdfast.FeatureStore.__name__ == "FeatureStore"
    assert all(hasattr(holdfast, name) for name in holdfast.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = holdfast.nothing


def test_a_registered_connection_has_the_functions() -> None:
    with duckdb.connect() as connection:
        holdfast.register(connection)
        found = connection.sql(
            "select count(*) from duckdb_functions() where function_name = 'holdfast_predict'"
        )
        assert found.fetchall() == [(1,)]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, holdfast;"
        "print({'numpy', 'duckdb', 'ibis', 'sklearn', 'onnxruntime'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
