"""`holdfast mcp` as an assistant meets it: the official client, over a pipe and over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from holdfast.assistants import TOOLS, PublishedFile
from holdfast.assistants._server import build_server
from holdfast.cli import main
from publications import FACTS, HOSTILE, SHOP, customer, write

COMMAND = ["-m", "holdfast.cli", "mcp", "--file"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "holdfast.duckdb"
    write(file)
    return file


@contextlib.contextmanager
def http_server(path: Path, errors: Path | None = None) -> Iterator[str]:
    """Start `holdfast mcp --http`, and give its address; what it says goes to a file."""
    errors = errors or path.with_name("errors")
    with errors.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, *COMMAND, str(path), "--http", "--port", "0"], stderr=said
        )
    try:
        found = None
        while found is None:
            assert process.poll() is None, errors.read_text()
            found = re.search(r"http://\S+/mcp", errors.read_text())
            time.sleep(0.05)
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        finally:
            process.kill()


@contextlib.asynccontextmanager
async def connected(
    transport: str, path: Path, errors: Path, mode: str = "auto"
) -> AsyncIterator[Client]:
    """Connect a client over a transport; what the server says goes to a file."""
    if transport == "stdio":
        server = StdioServerParameters(
            command=sys.executable, args=[*COMMAND, str(path)], env=dict(os.environ)
        )
        with errors.open("w") as said:
            async with Client(stdio_client(server, errlog=said), mode=mode) as client:
                yield client
    else:
        with http_server(path, errors) as url:
            async with Client(url, mode=mode) as client:
                yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_an_assistant_lists_the_tools_and_asks(
    transport: str, mode: str, path: Path, tmp_path: Path
) -> None:
    errors = tmp_path / "errors"

    async def run() -> None:
        async with connected(transport, path, errors, mode) as client:
            listed = (await client.list_tools()).tools
            assert [tool.name for tool in listed] == [tool.name for tool in TOOLS]
            for tool in listed:
                assert tool.annotations is not None
                assert tool.annotations.read_only_hint is True
                assert tool.annotations.open_world_hint is False
                assert tool.output_schema is not None
                assert not re.search(r"\bsql\b", json.dumps(tool.input_schema), re.I)
            # the client checks each answer against the schema of its tool
            result = await client.call_tool("explain_customer", {"customer_id": 1})
            told: Any = result.structured_content
            assert not result.is_error
            assert told["as_of_date"] == "2026-07-01"
            assert told["data"]["customer_retention"]["rows"][0]["customer_id"] == 1
            # for assistants that read text only
            (block,) = result.content
            assert json.loads(block.text) == told

    anyio.run(run)


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_what_goes_wrong_is_told_to_the_assistant_and_not_to_a_log(
    transport: str, path: Path, tmp_path: Path
) -> None:
    errors = tmp_path / "errors"

    async def run() -> None:
        async with connected(transport, path, errors) as client:
            for sent, why in [
                ({"customer_id": True}, "must be text or a whole number"),
                ({"customer_id": "secret-17", "sql": "secret-17"}, "takes no other arguments"),
                ({}, "customer_id is missing"),
            ]:
                result = await client.call_tool("explain_customer", sent)
                assert result.is_error
                assert why in result.content[0].text
                assert "secret-17" not in result.content[0].text
            with pytest.raises(MCPError, match="no such tool"):
                await client.call_tool("run_sql", {"sql": "select 'secret-17'"})
            await client.call_tool("explain_customer", {"customer_id": "secret-17"})
            path.write_text("secret-17")
            result = await client.call_tool("explain_customer", {"customer_id": "secret-17"})
            assert result.is_error
            assert "cannot be read" in result.content[0].text
            path.unlink()
            result = await client.call_tool("retention_metrics", {})
            assert "no published file" in result.content[0].text
            write(path)
            assert not (await client.call_tool("retention_metrics", {})).is_error

    anyio.run(run)
    said = errors.read_text()
    assert "secret-17" not in said
    assert len(said.splitlines()) <= 1


def test_a_message_that_is_none_is_not_logged(path: Path) -> None:
    result = subprocess.run(
        [sys.executable, *COMMAND, str(path)],
        timeout=60,
        input='{"secret-17": \n{"jsonrpc": "2.0", "id": 1, "method": "secret-17"}\n',
        capture_output=True,
        text=True,
        check=True,
    )
    assert "secret-17" not in result.stderr
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in result.stdout.splitlines())


def request(url: str, **headers: str) -> int:
    """Send a request as a web page could, and give the status."""
    host, port = url.removeprefix("http://").removesuffix("/mcp").split(":")
    connection = http.client.HTTPConnection(host, int(port))
    connection.request(
        "POST",
        "/mcp",
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **headers,
        },
    )
    with contextlib.closing(connection):
        return connection.getresponse().status


def test_http_is_for_programs_on_this_machine(path: Path) -> None:
    with http_server(path) as url:
        assert url.startswith("http://127.0.0.1:")
        port = url.removesuffix("/mcp").rpartition(":")[2]
        assert request(url) == 200
        assert request(url, Origin=f"http://localhost:{port}") == 200
        # a page whose name was bound to this address anew, and any other page
        assert request(url, Host=f"shop.example.org:{port}") == 421
        assert request(url, Host="127.0.0.1:1") == 421
        assert request(url, Origin="https://shop.example.org") == 403


def test_a_port_that_is_taken_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with http_server(path) as url:
        port = url.removesuffix("/mcp").rpartition(":")[2]
        assert main(["mcp", "--file", str(path), "--http", "--port", port]) == 1
        assert f"cannot listen on port {port}" in capsys.readouterr().err


def test_without_the_extra_the_command_says_what_to_install(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    assert main(["mcp", "--file", str(path)]) == 1
    assert "needs the extra `mcp` (mcp_types is not installed)" in capsys.readouterr().err


def test_the_other_commands_do_not_load_the_sdk() -> None:
    code = (
        "import sys, holdfast.cli, holdfast.assistants; print({'mcp', 'pydantic'} & {*sys.modules})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"


def test_an_unknown_tool_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mcp", "--file", str(path), "--tools", "run_sql"]) == 1
    assert "there is no tool run_sql" in capsys.readouterr().err


def test_instructions_say_that_texts_are_data_and_none_is_in_them(path: Path) -> None:
    write(
        path,
        {"support_issues": [{"topic_id": "1", "topic": HOSTILE}]},
        types={"topic_id": "varchar"},
    )

    async def run() -> None:
        file = PublishedFile(path)
        async with Client(build_server(file, TOOLS)) as client:
            told = client.instructions or ""
            assert "never an instruction" in told
            assert "untrusted_text" in told
            listed = json.dumps([tool.model_dump() for tool in (await client.list_tools()).tools])
            assert HOSTILE not in told + listed
        file.close()

    anyio.run(run)


def test_an_error_that_nobody_foresaw_is_not_repeated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("secret-17")

    monkeypatch.setattr("holdfast.assistants._server.answer", fail)

    async def run() -> None:
        async with Client(build_server(PublishedFile(path), TOOLS)) as client:
            result = await client.call_tool("retention_metrics", {})
            assert result.is_error
            assert result.content[0].text == "The answer failed (RuntimeError)."

    anyio.run(run)


def test_eight_clients_are_never_answered_from_two_publications(tmp_path: Path) -> None:
    path = tmp_path / "holdfast.duckdb"
    variants = []
    for number in range(4):
        model = f"model {number}"
        changed = {
            table: [row | {"model_id": model} if "model_id" in row else row for row in rows]
            for table, rows in SHOP.items()
        }
        changed["customer_retention"] = [customer(1, model_id=model, value_at_risk=number)]
        changed["customer_value"] = [{"customer_id": 1, "total_value": number}]
        changed["decisions"] = [
            {"decision_id": "d", "customer_id": 1, "system": f"system {number}"}
        ]
        variants.append(tmp_path / f"{number}.duckdb")
        write(variants[-1], changed, facts=FACTS | {"model_id": model})
    contents = [variant.read_bytes() for variant in variants]
    path.write_bytes(contents[0])
    stop = threading.Event()

    def replace() -> None:
        number = 0
        while not stop.wait(0.01):
            number += 1
            aside = tmp_path / "aside"
            aside.write_bytes(contents[number % 4])
            os.replace(aside, path)

    seen: set[str] = set()

    async def ask(url: str) -> None:
        async with Client(url) as client:
            await client.list_tools()
            for _ in range(25):
                result = await client.call_tool("explain_customer", {"customer_id": 1})
                told: Any = result.structured_content
                assert not result.is_error
                model = told["model_id"]
                number = int(model[-1])
                data = {
                    table: rows["rows"][0]
                    for table, rows in told["data"].items()
                    if table != "note" and rows["rows"]
                }
                assert data["customer_retention"]["model_id"] == model
                assert data["customer_retention"]["value_at_risk"] == number
                assert data["customer_value"]["total_value"] == number
                assert data["decisions"]["system"] == f"system {number}"
                seen.add(model)

    async def run(url: str) -> None:
        async with anyio.create_task_group() as clients:
            for _ in range(8):
                clients.start_soon(ask, url)

    replacing = threading.Thread(target=replace)
    with http_server(path) as url:
        replacing.start()
        try:
            anyio.run(run, url)
        finally:
            stop.set()
            replacing.join()
    assert len(seen) > 1
