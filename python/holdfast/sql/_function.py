"""A model as a persisted function of a DuckDB file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.sql._dialects import DIALECTS
from holdfast.sql._errors import SqlError
from holdfast.sql._model import SqlModel

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["MOST_FUNCTION_CHARACTERS", "create_churn_function"]

# A statement that calls the function is planned anew each time: about a second at this length.
MOST_FUNCTION_CHARACTERS = 500_000


def create_churn_function(
    connection: DuckDBPyConnection,
    blob: bytes,
    sha256: str | None = None,
    *,
    name: str = "churn_probability",
    most_characters: int = MOST_FUNCTION_CHARACTERS,
) -> int:
    """Keep a model in a DuckDB file as a SQL function.

    The function is a macro of plain SQL: whoever opens the file, with any client of DuckDB 1.0 or
    later and without Python, can call it. It has one named parameter per feature; one that is left
    out is missing, as NULL is. A former function of the name is replaced.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A connection that may write; the function goes to its current schema unless `name` says
        another.
    blob : bytes
        The model's ONNX file, as in the column ``onnx`` of the model registry.
    sha256 : str, optional
        The hash that was stored with it.
    name : str
        SQL name of the function: one identifier, or several with dots, each quoted as needed.
    most_characters : int
        A model that takes more SQL is refused.

    Returns
    -------
    int
        Characters of the SQL.

    Raises
    ------
    SqlError
        The model is too large or cannot be written as SQL; publish without the function then.
    holdfast.contract.ModelError
        The bytes are not a model.

    Examples
    --------
    >>> create_churn_function(connection, blob)  # doctest: +SKIP
    112340
    >>> connection.sql('''
    ...     select customer_id, churn_probability(
    ...         days_since_order := 0, order_count_90d := order_count_90d + 1)
    ...     from customer_retention
    ... ''')  # doctest: +SKIP
    """
    model = SqlModel.from_bytes(blob, sha256)
    quote = DIALECTS["duckdb"].identifier
    # DuckDB does not tell names apart by case.
    if len({feature.lower() for feature in model.feature_names}) < len(model.feature_names):
        raise SqlError(
            "Two features differ only by upper and lower case, so they cannot be parameters of a"
            " function. Rename one of them."
        )
    parameters = [quote(feature) for feature in model.feature_names]
    body = model.expression(arguments=parameters, most_characters=most_characters)
    listed = ", ".join(f"{parameter} := null" for parameter in parameters)
    connection.execute(f"create or replace macro {name}({listed}) as {body}")
    return len(body)
