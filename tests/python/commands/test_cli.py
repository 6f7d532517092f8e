"""The `holdfast` command: words, exit codes, help, and what it answers to wrong words."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from holdfast import __version__, cli
from holdfast.cli import main
from holdfast.commands import COMMANDS
from holdfast.errors import HoldfastError

# a way to call each command that works on a project
ON_A_PROJECT = {
    "summary": (),
    "report": ("--output", "page.html"),
    "mcp": (),
    "review": (),
    "features": ("list",),
    "models": ("list",),
    "publish": (),
    "score": ("--input", "new.csv", "--output", "scores.csv"),
    "forget": ("17",),
    "backtest": (),
}
ACTIONS = {
    "features": ("list", "describe"),
    "models": ("list", "show", "promote", "rollback", "export", "card"),
    "package": ("copy", "path"),
    "tasks": ("add",),
}


def help_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main([*words, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    told = help_of([], capsys)
    for name, command in COMMANDS.items():
        # argparse wraps what is longer than a line
        assert f"    {name}" in told
        assert command.HELP.split(",")[0][:40] in " ".join(told.split())


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = help_of([name], capsys)
    assert told.startswith(f"usage: holdfast {name} ")
    for action in ACTIONS.get(name, ()):
        assert help_of([name, action], capsys).startswith(f"usage: holdfast {name} {action} ")


def test_each_command_is_the_module_of_its_name() -> None:
    assert {name: getattr(command, "__name__", "") for name, command in COMMANDS.items()} == {
        name: f"holdfast.commands.{name}" for name in COMMANDS
    }
    assert set(COMMANDS) == {*ON_A_PROJECT, "doctor", "init", "package", "simulate", "tasks"}


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"holdfast {__version__}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "required: COMMAND"),
        (["summarise"], "invalid choice: 'summarise'"),
        (["summary", "--customers", "many"], "invalid int value: 'many'"),
        (["models"], "required: ACTION"),
        (["models", "delete"], "invalid choice: 'delete'"),
        (["models", "promote"], "required: MODEL_ID"),
        (["models", "export", "a1"], "required: --output"),
        (["forget"], "required: CUSTOMER_ID"),
        (["tasks", "add"], "required: TASK"),
        (["simulate", "--output", "x", "--end", "someday"], "invalid fromisoformat value"),
    ],
)
def test_wrong_usage_leaves_with_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""


@pytest.mark.parametrize("name", list(ON_A_PROJECT))
def test_a_folder_without_a_built_project_is_refused_with_1(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [name, *ON_A_PROJECT[name]]
    assert main([*words, "--project-dir", str(tmp_path / "nowhere")]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"holdfast {name}: ")
    assert "is not a dbt project" in said.err
    (tmp_path / "dbt_project.yml").write_text("name: empty\n", encoding="utf-8")
    assert main(words) == 1
    more = capsys.readouterr()
    assert "the project was not built yet; run `dbt build`" in more.err
    assert said.out == more.out == ""
    # nothing was begun
    assert [path.name for path in tmp_path.iterdir()] == ["dbt_project.yml"]


def test_server_of_postgres_must_be_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOLDFAST_POSTGRES_DSN", raising=False)
    monkeypatch.setattr("holdfast.commands.publish.project_of", lambda options: None)
    assert main(["publish", "--postgres"]) == 1
    assert "name the server: --postgres DSN" in capsys.readouterr().err


class _Command(ModuleType):
    """A command that ends as it is told to."""

    HELP = "for this test"
    EXAMPLE = "holdfast stub"

    def __init__(self, error: BaseException | None) -> None:
        super().__init__("stub")
        self.error = error

    def add_arguments(self, parser: Any) -> None:
        """Add nothing."""

    def run(self, options: Any) -> None:
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (HoldfastError("say what to do next"), 1),
        (PermissionError(13, "Permission denied", "page.html"), 1),
        (FileNotFoundError(2, "No such file or directory", "orders.csv"), 1),
    ],
)
def test_refusals_leave_with_1_and_a_message(
    error: Exception | None,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("holdfast.cli.COMMANDS", {"stub": _Command(error)})
    assert main(["stub"]) == code
    assert capsys.readouterr().err == ("" if error is None else f"holdfast stub: {error}\n")


def test_defects_are_not_made_to_look_like_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.cli.COMMANDS", {"stub": _Command(ZeroDivisionError())})
    with pytest.raises(ZeroDivisionError):
        main(["stub"])


def test_message_that_quotes_data_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = HoldfastError("there is no customer '\x1b[2J17'\nwrite it as it stands")
    monkeypatch.setattr("holdfast.cli.COMMANDS", {"stub": _Command(error)})
    assert main(["stub"]) == 1
    assert capsys.readouterr().err == (
        "holdfast stub: there is no customer '\\x1b[2J17'\nwrite it as it stands\n"
    )


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_help_has_a_sentence_and_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for action in ([], *([word] for word in ACTIONS.get(name, ()))):
        told = help_of([name, *action], capsys)
        assert re.search(r"\n\n[A-Z][^\n]+\.\n\n", told)
        example = told.split("example:\n  ")[1].strip().split()
        assert example[: 2 + len(action)] == ["holdfast", name, *action]
        # and it is one that the command takes
        assert cli._parser(example[1:]).parse_args(example[1:]).command == name


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["sumary"], "summary"),
        (["models", "premote"], "promote"),
        (["models", "export", "a1", "--output", "x", "--format", "onx"], "onnx"),
        (["summary", "--custmers", "3"], "--customers"),
        (["simulate", "--ouput", "x"], "--output"),
        (["summary", "--projet-dir=x"], "--project-dir"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_one_that_was_meant(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert f"; did you mean {meant}?" in capsys.readouterr().err


def test_nothing_is_offered_for_a_word_like_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["xyzzy"])
    assert "did you mean" not in capsys.readouterr().err


def test_simulation_replaces_nothing_unless_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["simulate", "--output", str(tmp_path), "--customers", "10", "--months", "6"]
    (tmp_path / "orders.parquet").write_text("mine", encoding="utf-8")
    assert main(words) == 1
    assert "holds orders.parquet; write to another folder, or replace" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["orders.parquet"]
    assert (tmp_path / "orders.parquet").read_text(encoding="utf-8") == "mine"
    assert main([*words, "--overwrite"]) == 0
    assert (tmp_path / "orders.parquet").read_bytes()[:4] == b"PAR1"
    assert main(words) == 1


def loaded_by(words: list[str], cwd: Path) -> set[str]:
    """Give the packages that a command has loaded when it is done."""
    code = (
        "import sys; from holdfast.cli import main\n"
        f"try: main({words!r})\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True
    )
    return set(done.stdout.rsplit("LOADED ", 1)[1].split())


def test_help_waits_for_no_library(tmp_path: Path) -> None:
    heavy = {"dbt", "duckdb", "ibis", "numpy", "onnx", "pandas", "pyarrow", "sklearn", "yaml"}
    assert not loaded_by(["--help"], tmp_path) & heavy
    assert not loaded_by(["models", "export", "--help"], tmp_path) & heavy


def test_summary_of_a_plain_project_does_not_wait_for_dbt(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n", encoding="utf-8")
    (tmp_path / "profiles.yml").write_text(
        "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}", encoding="utf-8"
    )
    loaded = loaded_by(["summary"], tmp_path)
    assert "duckdb" in loaded
    assert not loaded & {"dbt", "ibis", "sklearn", "altair", "networkx", "pandas"}
