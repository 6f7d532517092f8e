"""Compiled SQL on a real Spark gives what ONNX Runtime gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.scoring import OnnxModel
from holdfast.sql import SqlModel
from scoring_models import tree_attribute
from sql_models import model_for_engine, odd_rows, random_trees

pytestmark = [
    pytest.mark.slow,
    # PySpark leaves its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(params=["true", "false"], ids=["ansi", "lenient"])
def either_mode(spark: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give Spark with and without errors for what overflows or has no result."""
    spark.conf.set("spark.sql.ansi.enabled", request.param)
    yield spark
    spark.conf.unset("spark.sql.ansi.enabled")


def assert_same(session: Any, blob: bytes, columns: dict[str, Any], folder: Path) -> None:
    """Compare query and expression with ONNX Runtime, for which all is rounded to float32."""
    compiled = SqlModel.from_bytes(blob)
    with np.errstate(over="ignore", under="ignore"):
        rows = np.stack(
            [
                np.array([np.nan if x is None else x for x in column.to_pylist()], np.float64)
                if not pa.types.is_integer(column.type)
                else column.to_numpy(zero_copy_only=False)
                for column in columns.values()
            ],
            axis=1,
        ).astype(np.float32)
    expected = OnnxModel.from_bytes(blob).predict(rows)
    path = folder / "features.parquet"
    pq.write_table(pa.table({"i": pa.array(range(len(rows))), **columns}), path)
    session.read.parquet(str(path)).createOrReplaceTempView("features")
    query = compiled.query("features", keys=["i"], dialect="spark", output="p")
    forms = {
        "query": f"select p from ({query}) as scored order by i",
        "expression": f"select {compiled.expression('spark')} as p from features order by i",
    }
    for form, sql in forms.items():
        given = session.sql(sql).toArrow().column("p")
        assert given.type == pa.float32()
        given = given.to_numpy()
        np.testing.assert_array_equal(np.isnan(given), np.isnan(expected), err_msg=form)
        np.testing.assert_allclose(given, expected, atol=1e-6, err_msg=form)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("trees", np.float32),
        *((name, np.float64) for name in ("linear", "trees", "blend", "bg_nbd")),
    ],
)
def test_spark_agrees_with_onnx_runtime(either_mode, tmp_path: Path, name: str, kind: Any) -> None:
    blob, thresholds = model_for_engine(name)
    names = SqlModel.from_bytes(blob).feature_names
    rows = odd_rows(32, len(names), 600, thresholds).astype(kind)
    if kind is np.float64:
        # Beyond float32: infinite above, zero below, and rounded in between.
        rows[0], rows[1], rows[2] = 1e300, -1e300, 1e-300
        rows[3:99] = np.nextafter(rows[3:99], np.inf)
    # Every other missing value as NULL, the rest as NaN.
    is_null = np.isnan(rows) & (np.arange(len(rows)) % 2 == 0)[:, None]
    columns = {feature: pa.array(rows[:, j], mask=is_null[:, j]) for j, feature in enumerate(names)}
    assert_same(either_mode, blob, columns, tmp_path)


def test_other_types_of_numbers_are_rounded_once(either_mode, tmp_path: Path) -> None:
    model = random_trees(13, trees=12, leaves=9, width=3)
    tree_attribute(model, "nodes_values").floats[::2] = [
        16777216.0 for _ in tree_attribute(model, "nodes_values").floats[::2]
    ]
    numbers = [2**24, 2**24 + 1, 2**24 + 2, 2**24 + 3, -(2**53) - 1, 2**62, 2**63 - 1, 0, None]
    rng = np.random.default_rng(14)
    integers, flags = rng.permutation(numbers * 20), rng.permutation([True, False, None] * 60)
    columns = {
        "f0": pa.array(integers.tolist(), pa.int64()),
        "f1": pa.array([None if x is None else x % 30_000 for x in integers], pa.int16()),
        "f2": pa.array(flags.tolist(), pa.bool_()),
    }
    assert_same(either_mode, model.SerializeToString(), columns, tmp_path)
