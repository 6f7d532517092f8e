"""The SQL that the model registry keeps beside a model's file."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from holdfast.contract import ModelFile, largest_gap, predict_onnx

__all__ = ["MOST_REGISTERED_CHARACTERS", "score_sql"]

MOST_REGISTERED_CHARACTERS = 500_000
_MOST_ROWS = 256

logger = logging.getLogger("holdfast.training")


def score_sql(blob: bytes, features: npt.NDArray[np.float32]) -> str | None:
    """Write a model as an expression in DuckDB's SQL, checked against ONNX Runtime on some rows.

    Parameters
    ----------
    blob : bytes
        The model's ONNX file.
    features : numpy.ndarray, float32 [N, F]
        Rows to check on; the first 256 are taken.

    Returns
    -------
    str or None
        The expression, over columns named as the features; None, with a line in the log, for a
        model that takes more than 500,000 characters, cannot be written as SQL, or gives other
        probabilities in SQL than in ONNX Runtime.

    Examples
    --------
    >>> expression = score_sql(blob, features)  # doctest: +SKIP
    >>> connection.sql(f"select {expression} from customer_features")  # doctest: +SKIP
    """
    # here and not above: the commands read the registry without compiling anything
    from holdfast.sql import SqlError, SqlModel

    try:
        model = SqlModel.from_bytes(blob)
        text = model.expression(most_characters=MOST_REGISTERED_CHARACTERS)
    except SqlError as error:
        logger.info("No SQL is kept: %s", error)
        return None
    rows = np.ascontiguousarray(features[:_MOST_ROWS], np.float32)
    is_numeric = ModelFile.from_bytes(blob).header.target == "regression"
    found = _run(text, model.feature_names, rows)
    gap = largest_gap(predict_onnx(blob, rows), found, is_numeric=is_numeric)
    if not gap.is_small:
        logger.warning(
            "No SQL is kept: it and the ONNX file differ by %.3g %s, more than %g."
            " Scores are not affected, they come from the file.",
            gap.size,
            gap.unit,
            gap.tolerance,
        )
        return None
    return text


def _run(
    expression: str, names: tuple[str, ...], rows: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Evaluate an expression in a DuckDB of its own."""
    import duckdb
    import pyarrow as pa

    columns = [
        pa.array(rows[:, j], mask=np.isnan(rows[:, j]), from_pandas=False)
        for j in range(rows.shape[1])
    ]
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.register("features", pa.table(columns, names=list(names)))
        found = connection.execute(f"select {expression} from features").fetchall()  # noqa: S608
    return np.array([row[0] for row in found], np.float64)
