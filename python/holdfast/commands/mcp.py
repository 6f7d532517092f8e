"""`holdfast mcp`: answers for assistants, from the published file."""

from __future__ import annotations

import argparse
from pathlib import Path

from holdfast.commands._options import add_project, project_of

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "answer the questions of an assistant from the published file, over MCP"
EXAMPLE = "holdfast mcp --file serving/holdfast.duckdb --without-customers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command can be told."""
    parser.add_argument(
        "--file",
        type=Path,
        help="the published file (default: the one that the project's builds publish)",
    )
    parser.add_argument(
        "--http",
        action="store_true",
        help="listen on this machine's loopback address instead of standard input",
    )
    parser.add_argument(
        "--port", type=int, default=8765, help="where to listen with --http (default: 8765)"
    )
    parser.add_argument(
        "--tools", nargs="+", metavar="TOOL", help="offer only these tools (default: all)"
    )
    parser.add_argument(
        "--without-customers",
        action="store_true",
        help="offer no tool that tells of single customers",
    )
    add_project(parser)


def run(options: argparse.Namespace) -> None:
    """Answer until the assistant ends, or the server is interrupted."""
    from holdfast.assistants import PublishedFile, chosen_tools, serve_http, serve_stdio

    tools = chosen_tools(options.tools, without_customers=options.without_customers)
    path = options.file
    if path is None:
        from holdfast.publishing import publish_path

        path = publish_path(project_of(options))
    # assistants start commands in folders of their own, and a server may outlive its folder
    file = PublishedFile(path.absolute())
    if options.http:
        serve_http(file, tools, options.port)
    else:
        serve_stdio(file, tools)
