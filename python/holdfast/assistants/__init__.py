"""The assistant's door: a few read-only questions about the published file, over MCP."""

from __future__ import annotations

from holdfast.assistants._errors import AssistantsError
from holdfast.assistants._file import PublishedFile
from holdfast.assistants._server import serve_http, serve_stdio
from holdfast.assistants._tool import Tool
from holdfast.assistants._tools import TOOLS, chosen_tools

__all__ = [
    "TOOLS",
    "AssistantsError",
    "PublishedFile",
    "Tool",
    "chosen_tools",
    "serve_http",
    "serve_stdio",
]
