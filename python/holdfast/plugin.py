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

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.plugins import BasePlugin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

__all__ = ["Plugin"]


class Plugin(BasePlugin):
    """Registers Holdfast's functions on the connection that dbt opens.

    The functions belong to the database instance, so every cursor that dbt makes of this
    connection, one per thread, has them too.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Say in a sentence why dbt cannot use the warehouse, before it fails with a stack.

        Another process has it open, or a name has quotes, which dbt-duckdb writes into SQL as
        they are.

        Parameters
        ----------
        plugin_config
            What the profile says of the plugin; nothing is needed.
        """
        import duckdb
        from dbt_common.exceptions import DbtRuntimeError

        for what, name, remedy in self._names():
            if "'" in name or '"' in name:
                raise DbtRuntimeError(
                    f"The {what} {name} has a quote in its name, and dbt-duckdb cannot write SQL "
                    f"for it: {remedy} in profiles.yml."
                )
        path = Path(getattr(self.creds, "path", "") or "")
        if getattr(self.creds, "retries", None) or not path.is_file():
            return
        try:
            duckdb.connect(str(path)).close()
        except duckdb.IOException as error:
            told = str(error).splitlines()[0]
            if "lock" not in told:
                return
            raise DbtRuntimeError(
                f"The warehouse {path} is in use by another process, most likely another build or "
                "a program that has it open: wait for it or close it, and run dbt again. To read "
                f"while builds run, open the published file. ({told})"
            ) from None
        except duckdb.Error:
            # whatever else there is to say, dbt says when it connects
            return

    def _names(self) -> Iterator[tuple[str, str, str]]:
        """Give the names in the profile that become SQL: what they name, and what to do."""
        creds = self.creds
        yield "database", str(getattr(creds, "database", "") or ""), "rename the file in `path`"
        yield "schema", str(getattr(creds, "schema", "") or ""), "change `schema`"
        for attached in getattr(creds, "attach", None) or ():
            alias = getattr(attached, "alias", None) or Path(attached.path).stem
            yield "attached database", str(alias), "change its `alias`"

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
