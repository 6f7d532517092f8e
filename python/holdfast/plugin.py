"""The dbt-duckdb plugin that gives every connection of a dbt run Holdfast's functions.

Name it in the profile, and models may call ``holdfast_predict`` and ``holdfast_contributions``; a
run begins with ``holdfast_begin_run`` and publishes its marts through ``holdfast_publish``::

    outputs:
      dev:
        type: duckdb
        path: shop.duckdb
        plugins:
          - module: holdfast.plugin
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt.adapters.duckdb.plugins import BasePlugin

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Plugin"]


class Plugin(BasePlugin):
    """Registers Holdfast's functions on the connection that dbt opens.

    The functions belong to the database instance, so every cursor that dbt makes of this
    connection, one per thread, has them too.
    """

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Register the functions; dbt calls it once, before databases are attached.

        Parameters
        ----------
        conn : duckdb.DuckDBPyConnection
            The connection that dbt-duckdb opened. No model is read yet.
        """
        # Here and not above: dbt imports every plugin, also for `dbt parse` and `dbt deps`.
        from holdfast.publishing import register_publisher
        from holdfast.run import register_run
        from holdfast.scoring import register

        register_run(conn)
        register(conn)
        register_publisher(conn)
