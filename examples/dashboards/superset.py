"""Build a Superset dashboard over a published file: a ZIP that Superset imports.

    python examples/dashboards/superset.py serving/holdfast.duckdb --output holdfast_superset.zip

The pages stand in dashboards.yml, the SQL of the charts in sql/. Charts of systems that the file
does not have are left out. Ids are made from names, so a newer ZIP never adds a second dashboard;
Superset keeps charts that it has already, unless the ZIP is made with --replace.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import yaml

HERE = Path(__file__).parent
NAMESPACE = uuid.UUID("8f1c7a52-1d0b-4f0e-9f5e-6f6a3c0a7b11")
VERSION = "1.0.0"
# Every entry of the ZIP has the same time, so that equal input gives an equal file.
ZIP_TIME = (2020, 1, 1, 0, 0, 0)
WIDTHS = {"number": 3, "line": 6, "bar": 6, "table": 12}
HEIGHTS = {"number": 20, "line": 50, "bar": 50, "table": 60}
D3_FORMATS = {
    "percent": ".1%",
    "whole": ",.0f",
    "money": ",.0f",
    "two_places": ",.2f",
    "three_places": ".3f",
}
TIMES = ("DATE", "TIMESTAMP")

Chart = dict[str, Any]
Columns = dict[str, str]


class DashboardError(Exception):
    """A chart does not fit the published file, or its definition is wrong."""


def read_definition(directory: Path = HERE) -> dict[str, Any]:
    """Read the pages of the dashboard."""
    loaded: dict[str, Any] = yaml.safe_load(
        (directory / "dashboards.yml").read_text(encoding="utf-8")
    )
    return loaded


def read_sql(name: str, directory: Path = HERE) -> str:
    """Read the SQL of a chart."""
    return (directory / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def used_columns(chart: Chart) -> list[str]:
    """Give the columns that a chart shows. A table shows all that its query gives."""
    figures, order = (
        [chart[key]] if isinstance(chart.get(key), str) else list(chart.get(key, []))
        for key in ("y", "order")
    )
    named = [chart[key] for key in ("x", "by") if key in chart]
    return [*named, *figures, *(name.removeprefix("-") for name in order)]


def missing_tables(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """Give the tables of a query that the published file does not have."""
    listed = connection.execute("select table_name from duckdb_tables()").fetchall()
    there = {name for (name,) in listed}
    return sorted(set(connection.get_table_names(sql)) - there)


def query_columns(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> Columns:
    """Give the columns of a chart's query with their types."""
    try:
        described = connection.execute(f"describe {sql}").fetchall()
    except duckdb.Error as error:
        raise DashboardError(
            f"sql/{name}.sql does not run on the published file: {error}. Publish with the version "
            "of Holdfast that this dashboard comes from, or change the query."
        ) from error
    return {column: kind for column, kind, *_ in described}


def check_chart(chart: Chart, columns: Columns) -> None:
    """Stop at a chart that shows what its query does not give."""
    absent = [name for name in used_columns(chart) if name not in columns]
    if absent:
        raise DashboardError(
            f"The chart '{chart['title']}' shows {', '.join(absent)}, which sql/{chart['sql']}.sql "
            f"does not give. It gives {', '.join(columns)}."
        )


def identity(kind: str, name: str) -> str:
    """Make the id of a part of the dashboard, the same in every run."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def heading(column: str) -> str:
    """Write the name of a column as people read it."""
    return column.replace("_", " ").capitalize()


def column_formats(definition: dict[str, Any]) -> dict[str, str]:
    """Give the number format of each column that has one."""
    return {
        column: D3_FORMATS[name]
        for name, columns in definition["formats"].items()
        for column in columns
    }


def metric(column: str) -> dict[str, Any]:
    """Make a figure of a query that has one row per point already: its sum is itself."""
    return {
        "expressionType": "SQL",
        "sqlExpression": f'sum("{column}")',
        "label": heading(column),
        "optionName": f"metric_{column}",
        "hasCustomLabel": True,
    }


def order_of(chart: Chart) -> list[str]:
    """Give the order of a table's rows. Superset wraps the query, which loses the order within."""
    columns = chart.get("order", [])
    listed = [columns] if isinstance(columns, str) else columns
    return [json.dumps([name.removeprefix("-"), not name.startswith("-")]) for name in listed]


def chart_params(chart: Chart, columns: Columns, formats: dict[str, str]) -> dict[str, Any]:
    """Say how Superset draws a chart."""
    kind = chart["kind"]
    y = [chart["y"]] if isinstance(chart.get("y"), str) else list(chart.get("y", []))
    if kind == "number":
        return {
            "viz_type": "big_number_total",
            "metric": metric(y[0]),
            "y_axis_format": formats.get(y[0], "SMART_NUMBER"),
            "time_range": "No filter",
        }
    if kind == "table":
        return {
            "viz_type": "table",
            "query_mode": "raw",
            "all_columns": list(columns),
            "order_by_cols": order_of(chart),
            "row_limit": 1000,
            "include_search": True,
            "page_length": 10,
            "show_cell_bars": False,
            "column_config": {
                **{name: {"d3NumberFormat": formats[name]} for name in columns if name in formats},
                **{
                    name: {"d3TimeFormat": "%Y-%m-%d" if of == "DATE" else "%Y-%m-%d %H:%M"}
                    for name, of in columns.items()
                    if of.startswith(TIMES)
                },
            },
            "time_range": "No filter",
        }
    is_time = columns[chart["x"]].startswith(TIMES)
    is_category = kind == "bar" and not is_time
    keep_order = chart.get("keep_order", False)
    return {
        "viz_type": "echarts_timeseries_line" if kind == "line" else "echarts_timeseries_bar",
        "x_axis": chart["x"],
        "xAxisForceCategorical": is_category,
        # names are long, and lie better than they stand
        "orientation": "horizontal" if is_category and not keep_order else "vertical",
        "time_grain_sqla": "P1M" if is_time else None,
        "metrics": [metric(name) for name in y],
        "groupby": [chart["by"]] if "by" in chart else [],
        "stack": "Stack" if "by" in chart else None,
        "show_legend": "by" in chart or len(y) > 1,
        "y_axis_format": formats.get(y[0], "SMART_NUMBER"),
        # a rate of 3 % is not to look like zero, nor a count start elsewhere than at zero
        "truncateYAxis": False,
        "row_limit": 10000,
        "sort_series_type": "sum",
        # the categories with the largest figures first, unless they have an order of their own
        "x_axis_sort": chart["x"] if kind == "line" or is_time or keep_order else heading(y[0]),
        # bars that lie are drawn from the bottom
        "x_axis_sort_asc": True,
        "x_axis_sort_series": "sum",
        "x_axis_sort_series_ascending": False,
        "time_range": "No filter",
    }


def dataset_yaml(name: str, sql: str, columns: Columns, database: str) -> dict[str, Any]:
    """Describe a query as a dataset."""
    says = [line.removeprefix("-- ") for line in sql.splitlines() if line.startswith("-- ")]
    return {
        "table_name": f"holdfast_{name}",
        "description": " ".join(says),
        "sql": sql,
        "main_dttm_col": None,
        "filter_select_enabled": True,
        "uuid": identity("dataset", name),
        "database_uuid": database,
        "metrics": [{"metric_name": "count", "expression": "count(*)", "verbose_name": "Rows"}],
        "columns": [
            {
                "column_name": column,
                "verbose_name": heading(column),
                "type": kind,
                "is_dttm": kind.startswith(TIMES),
                "groupby": True,
                "filterable": True,
                "is_active": True,
            }
            for column, kind in columns.items()
        ],
        "version": VERSION,
    }


def rows_of(charts: Iterable[Chart]) -> Iterator[list[Chart]]:
    """Put charts side by side until a row of 12 columns is full."""
    row: list[Chart] = []
    for chart in charts:
        width = chart.get("width", WIDTHS[chart["kind"]])
        if row and sum(one.get("width", WIDTHS[one["kind"]]) for one in row) + width > 12:
            yield row
            row = []
        row.append(chart)
    if row:
        yield row


def layout(pages: list[dict[str, Any]]) -> dict[str, Any]:
    """Place the charts: a tab for each page, a sentence on top, then rows of charts."""
    parts: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["TABS-pages"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": "Retention"}},
        "TABS-pages": {
            "id": "TABS-pages",
            "type": "TABS",
            "children": [],
            "parents": ["ROOT_ID"],
            "meta": {},
        },
    }

    def add(kind: str, name: str, parent: str, **meta: Any) -> str:
        key = f"{kind}-{name}"
        parts[key] = {
            "id": key,
            "type": kind,
            "children": [],
            "parents": [*parts[parent]["parents"], parent],
            "meta": meta,
        }
        parts[parent]["children"].append(key)
        return key

    chart_number = 0
    for page_number, page in enumerate(pages):
        tab = add("TAB", str(page_number), "TABS-pages", text=page["title"])
        row = add("ROW", f"{page_number}-says", tab, background="BACKGROUND_TRANSPARENT")
        add("MARKDOWN", str(page_number), row, code=page["says"].strip(), width=12, height=12)
        for row_number, charts in enumerate(rows_of(page["charts"])):
            row = add(
                "ROW", f"{page_number}-{row_number}", tab, background="BACKGROUND_TRANSPARENT"
            )
            for chart in charts:
                chart_number += 1
                add(
                    "CHART",
                    str(chart_number),
                    row,
                    chartId=chart_number,
                    uuid=identity("chart", f"{page['title']}/{chart['title']}"),
                    sliceName=chart["title"],
                    width=chart.get("width", WIDTHS[chart["kind"]]),
                    height=HEIGHTS[chart["kind"]],
                )
    return parts


def bundle(
    published: Path, uri: str | None = None, directory: Path = HERE, replace: bool = False
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Make the files of the import, and say what was left out.

    Parameters
    ----------
    published
        The file that a build publishes. Its tables decide which charts there are.
    uri
        SQLAlchemy URI by which Superset reads the publication; without it the file, read-only.
    directory
        Folder of dashboards.yml and sql/.
    replace
        Whether the import replaces charts, queries and connection that Superset has already.

    Returns
    -------
    files, left_out
        Contents by path in the ZIP; and for each title of a chart that is left out, the tables
        that the file does not have.

    Raises
    ------
    DashboardError
        If a query does not run on the file, or a chart shows a column that its query does not give.
    """
    if not published.is_file():
        raise DashboardError(f"There is no file {published}. Run `dbt build`, which publishes it.")
    definition = read_definition(directory)
    formats = column_formats(definition)
    database = identity("database", "holdfast")
    files: dict[str, Any] = {
        "metadata.yaml": {
            "version": VERSION,
            "type": "assets" if replace else "Dashboard",
            "timestamp": "2020-01-01T00:00:00+00:00",
        },
        "databases/holdfast.yaml": {
            "database_name": "Holdfast",
            "sqlalchemy_uri": uri or f"duckdb:///{published.resolve()}?access_mode=READ_ONLY",
            "expose_in_sqllab": True,
            "allow_dml": False,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_file_upload": False,
            "extra": {"allows_virtual_table_explore": True},
            "uuid": database,
            "version": VERSION,
        },
    }
    pages: list[dict[str, Any]] = []
    left_out: dict[str, list[str]] = {}
    with duckdb.connect(str(published), read_only=True) as connection:
        for page in definition["pages"]:
            shown = []
            for chart in page["charts"]:
                name = chart["sql"]
                sql = read_sql(name, directory)
                missing = missing_tables(connection, sql)
                if missing:
                    left_out[chart["title"]] = missing
                    continue
                columns = query_columns(connection, name, sql)
                check_chart(chart, columns)
                shown.append(chart)
                files[f"datasets/Holdfast/{name}.yaml"] = dataset_yaml(name, sql, columns, database)
                chart_id = identity("chart", f"{page['title']}/{chart['title']}")
                params = chart_params(chart, columns, formats)
                files[f"charts/{chart_id}.yaml"] = {
                    "slice_name": chart["title"],
                    "viz_type": params["viz_type"],
                    "params": params,
                    "cache_timeout": None,
                    "uuid": chart_id,
                    "dataset_uuid": identity("dataset", name),
                    "version": VERSION,
                }
            if shown:
                pages.append({**page, "charts": shown})
    files["dashboards/retention.yaml"] = {
        "dashboard_title": "Retention",
        "description": "Whom to keep and why, what works, what waits, and how sure we are.",
        "css": "",
        "slug": "holdfast-retention",
        "uuid": identity("dashboard", "retention"),
        "position": layout(pages),
        "metadata": {"color_scheme": "supersetColors", "cross_filters_enabled": False},
        "version": VERSION,
    }
    return files, left_out


def write_zip(files: dict[str, Any], output: Path) -> None:
    """Write the import as Superset reads it: one folder with a YAML file for each part."""
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
            entry = zipfile.ZipInfo(f"holdfast/{path}", ZIP_TIME)
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, write the ZIP, and say what is in it."""
    parser = argparse.ArgumentParser(
        description="Build a Superset dashboard over a published file."
    )
    parser.add_argument("published", type=Path, help="the published file, serving/holdfast.duckdb")
    parser.add_argument("--output", type=Path, default=Path("holdfast_superset.zip"))
    parser.add_argument("--uri", help="SQLAlchemy URI for Superset, if it is not to read the file")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="make a ZIP for /api/v1/assets/import/, which replaces what Superset has already",
    )
    options = parser.parse_args(arguments)
    try:
        files, left_out = bundle(options.published, options.uri, replace=options.replace)
    except DashboardError as error:
        print(error, file=sys.stderr)
        return 1
    write_zip(files, options.output)
    charts = sum(path.startswith("charts/") for path in files)
    print(f"Wrote {options.output}: {charts} charts.")
    for title, tables in left_out.items():
        print(f"Left out '{title}': the published file has no {', '.join(tables)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
