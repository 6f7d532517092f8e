"""Stored models as SQL, compiled from their ONNX graphs.

`SqlModel` writes a model as an expression or as a query, `create_churn_function` keeps it in a
DuckDB file as a function that any DuckDB client can call, without Python::

    create_churn_function(connection, blob)
    select churn_probability(order_count_90d := order_count_90d, …) from customer_features;
"""

from __future__ import annotations

from holdfast.sql._dialects import DIALECTS
from holdfast.sql._errors import SqlError
from holdfast.sql._function import create_churn_function, create_what_if_function
from holdfast.sql._model import MOST_CHARACTERS, SqlModel

__all__ = [
    "DIALECTS",
    "MOST_CHARACTERS",
    "SqlError",
    "SqlModel",
    "create_churn_function",
    "create_what_if_function",
]
