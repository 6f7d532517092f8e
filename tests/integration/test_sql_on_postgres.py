"""Compiled SQL on a real Postgres server gives what ONNX Runtime gives."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from holdfast.scoring import OnnxModel
from holdfast.sql import SqlModel
from sql_models import model_for_engine, odd_rows


@pytest.mark.parametrize("name", ["trees", "blend", "bg_nbd"])
@pytest.mark.parametrize("kind", ["real", "double precision"])
def test_postgres_agrees_with_onnx_runtime(postgres: str, name: str, kind: str) -> None:
    blob, thresholds = model_for_engine(name)
    compiled = SqlModel.from_bytes(blob)
    rows = odd_rows(32, len(compiled.feature_names), 600, thresholds)
    expected = OnnxModel.from_bytes(blob).predict(rows)
    wide = rows.astype(np.float64)
    if kind == "double precision":
        # Beyond float32: infinite above, zero below, and rounded in between.
        wide[0], wide[1], wide[2] = 1e300, -1e300, 1e-300
        wide[3:9] = np.nextafter(wide[3:9], np.inf)
        with np.errstate(over="ignore", under="ignore"):
            expected = OnnxModel.from_bytes(blob).predict(wide.astype(np.float32))
    columns = ", ".join(f'"{feature}" {kind}' for feature in compiled.feature_names)
    with psycopg.connect(postgres) as server:
        server.execute(f"create table features (i integer, {columns})")
        with server.cursor() as cursor:
            places = ", ".join(["%s"] * (rows.shape[1] + 1))
            # Every other missing value as NULL, the rest as NaN.
            cursor.executemany(
                f"insert into features values ({places})",
                [
                    [i, *(None if np.isnan(x) and i % 2 else float(x) for x in row)]
                    for i, row in enumerate(wide)
                ],
            )
        query = compiled.query("features", keys=["i"], dialect="postgres", output="p")
        by_query = server.execute(f"select p from ({query}) as scored order by i").fetchall()
        expression = compiled.expression("postgres")
        by_expression = server.execute(f"select {expression} from features order by i").fetchall()
    np.testing.assert_allclose(np.ravel(by_query), expected, atol=1e-6)
    np.testing.assert_allclose(np.ravel(by_expression), expected, atol=1e-6)
