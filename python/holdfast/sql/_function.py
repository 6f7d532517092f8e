"""A model as a persisted function of a DuckDB file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from holdfast.sql._dialects import DIALECTS
from holdfast.sql._errors import SqlError
from holdfast.sql._model import SqlModel
from holdfast.warehouse.quoting import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["MOST_FUNCTION_CHARACTERS", "create_churn_function", "create_what_if_function"]

# A statement that calls the function is planned anew each time: about a second at this length.
MOST_FUNCTION_CHARACTERS = 500_000
# of a table of features, the columns that are none
_OF_THE_ROW = ("customer_id", "as_of_date", "model_id")


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
    out is missing, as NULL is, and not what it was for some customer: for that there is
    `create_what_if_function`. A former function of the name is replaced.

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
    >>> connection.sql("select churn_probability(order_count_90d := order_count_90d, …) "
    ...                "from customer_features")  # doctest: +SKIP
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


def create_what_if_function(
    connection: DuckDBPyConnection,
    *,
    schema: str,
    table: str = "customer_model_features",
) -> None:
    """Keep a function that asks what a customer's probability would be if some features differed.

    ``churn_what_if(customer, feature := value, …)`` is a table function of plain SQL, one row for
    the customer: the model's probability with the customer's own features, and with those that are
    named put in their place. It reads a table of features and calls the function
    ``churn_probability``, which stand beside it. A feature that the table does not have, since it
    is personal, is missing in both probabilities. Features that are not named stay as they are,
    also where they could not.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A connection that may write, to a database that has the table and the function.
    schema : str
        SQL name of the schema that has both, with its database.
    table : str
        The table: ``customer_id``, ``as_of_date``, ``model_id``, and features of the model.

    Examples
    --------
    >>> create_what_if_function(connection, schema="shop.main")  # doctest: +SKIP
    >>> connection.sql("from churn_what_if(17, campaign_send_count_30d := 3)")  # doctest: +SKIP
    """
    relation = f"{schema}.{quoted(table)}"
    described = connection.execute(f"describe {relation}").fetchall()
    known = [quoted(str(name)) for name, *_ in described if str(name).lower() not in _OF_THE_ROW]
    parameters = "".join(f", {name} := null" for name in known)
    as_it_is = ", ".join(f"{name} := own.{name}" for name in known)
    changed = ", ".join(f"{name} := coalesce({name}, own.{name})" for name in known)
    body = f"""
        select
            own.customer_id,
            own.as_of_date,
            own.model_id,
            churn_probability({as_it_is}) as churn_probability_as_it_is,
            churn_probability({changed}) as churn_probability_what_if
        from {quoted(table)} as own
        where own.customer_id = customer
    """  # noqa: S608 - the names are quoted
    # Without its database the table is found whatever the file is attached as; DuckDB looks for it
    # already now, and finds it in the current schema only.
    with _current_schema(connection, schema):
        connection.execute(
            f"create or replace macro churn_what_if(customer{parameters}) as table {body}"
        )


@contextmanager
def _current_schema(connection: DuckDBPyConnection, schema: str) -> Iterator[None]:
    """Make a schema the current one for a while."""
    former = connection.execute("select current_database(), current_schema()").fetchone()
    assert former is not None
    connection.execute(f"use {schema}")
    try:
        yield
    finally:
        connection.execute(f"use {quoted(*former)}")
