"""House rules of the macros, read from their text."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MACROS = ROOT / "macros"
# where an engine's own SQL may stand
ENGINES = MACROS / "engines"
# private macros that all folders may use
SHARED = MACROS / "sql"
LINE_LENGTH = 160
MACRO = re.compile(
    r"(?P<comment>\{#-(?:(?!-#\}).)*-#\}\n)?\{% macro (?P<name>\w+)\((?P<arguments>.*?)\) -?%\}"
    r"(?P<body>.*?)\{%-? endmacro %\}",
    re.DOTALL,
)
CALL = re.compile(r"\bholdfast\.(\w+)\s*\(")
DISPATCHED = re.compile(r"adapter\.dispatch\('(\w+)', 'holdfast'\)")
# these still hold engine SQL of their own, or lines and macros that break a rule
UNDER_WORK = {
    "settings/setting.sql",
    "settings/settings.sql",
}


@dataclass(frozen=True)
class Macro:
    """A macro and where it stands."""

    name: str
    path: Path
    comment: str
    body: str

    @property
    def is_private(self) -> bool:
        return self.name.startswith("_")

    @property
    def is_of_an_engine(self) -> bool:
        return "__" in self.name.lstrip("_")

    @property
    def is_public(self) -> bool:
        return not self.is_private and not self.is_of_an_engine


def read_macros() -> list[Macro]:
    """Give all macros of the package."""
    return [
        Macro(match["name"], path, match["comment"] or "", match["body"])
        for path in sorted(MACROS.rglob("*.sql"))
        for match in MACRO.finditer(path.read_text(encoding="utf-8"))
    ]


ALL = read_macros()
FILES = sorted(MACROS.rglob("*.sql"))


def where(path: Path) -> str:
    """Name a file as a message should."""
    return path.relative_to(ROOT).as_posix()


def is_under_work(path: Path) -> bool:
    return path.relative_to(MACROS).as_posix() in UNDER_WORK


def calls() -> dict[str, set[Path]]:
    """Give the files that call each macro by holdfast.<name>."""
    found: dict[str, set[Path]] = defaultdict(set)
    for folder in ("macros", "models", "tests/generic", "tests/data", "examples"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".sql", ".yml"} and path.is_file():
                for name in CALL.findall(path.read_text(encoding="utf-8")):
                    found[name].add(path)
    return found


def test_every_macro_in_a_file_is_found() -> None:
    written = sum(text.count("{% macro ") for text in map(Path.read_text, FILES))
    assert len(ALL) == written > 100


def test_every_macro_that_is_called_is_there_once() -> None:
    names = [macro.name for macro in ALL]
    assert sorted(set(names)) == sorted(names)
    tests = set()
    for path in (ROOT / "tests" / "generic").glob("*.sql"):
        tests |= {f"test_{name}" for name in re.findall(r"\{% test (\w+)", path.read_text())}
    missing = {
        name: sorted(map(where, paths))
        for name, paths in calls().items()
        if name not in tests and name not in names
    }
    assert missing == {}


def test_a_private_macro_is_used_in_its_folder_only() -> None:
    called = calls()
    strangers = {
        macro.name: sorted(where(path) for path in outside)
        for macro in ALL
        if macro.is_private and macro.path.parent != SHARED
        if (outside := {path for path in called[macro.name] if path.parent != macro.path.parent})
    }
    assert strangers == {}, "make it public, or move it to macros/sql/"


def test_every_private_macro_is_used() -> None:
    texts = [macro.body for macro in ALL] + [
        path.read_text(encoding="utf-8")
        for folder in ("models", "tests/generic", "tests/data")
        for path in (ROOT / folder).rglob("*.sql")
    ]
    # a macro may be handed on, as what ref() is while a view renders
    named = {name for text in texts for name in re.findall(r"\bholdfast\.(_\w+)", text)}
    dispatched = {name for macro in ALL for name in DISPATCHED.findall(macro.body)}
    unused = [
        macro.name
        for macro in ALL
        if macro.is_private and not macro.is_of_an_engine and macro.name not in named | dispatched
    ]
    assert unused == []


@pytest.mark.parametrize("folder", sorted({path.parent.name for path in FILES} - {"engines"}))
def test_every_public_macro_is_described(folder: str) -> None:
    entries = yaml.safe_load((MACROS / folder / "_macros.yml").read_text(encoding="utf-8"))
    described = {entry["name"]: entry.get("description") for entry in entries["macros"]}
    public = [macro.name for macro in ALL if macro.is_public and macro.path.parent.name == folder]
    assert sorted(described) == sorted(public)
    assert [name for name, description in described.items() if not description] == []


def test_dispatched_bodies_stand_in_the_files_of_engines() -> None:
    astray = [
        f"{macro.name} in {where(macro.path)}"
        for macro in ALL
        if macro.is_of_an_engine and macro.path.parent != ENGINES and not is_under_work(macro.path)
    ]
    assert astray == []
    wrong = [
        macro.name
        for macro in ALL
        if macro.path.parent == ENGINES and not macro.name.startswith(f"{macro.path.stem}__")
    ]
    assert wrong == []


def test_engines_write_what_is_dispatched() -> None:
    dispatched = {
        name
        for macro in ALL
        if not is_under_work(macro.path)
        for name in DISPATCHED.findall(macro.body)
    }
    engines: dict[str, set[str]] = defaultdict(set)
    for macro in ALL:
        if macro.path.parent == ENGINES:
            engines[macro.path.stem].add(macro.name.removeprefix(f"{macro.path.stem}__"))
    # DuckDB, on which all of Holdfast is built, writes everything
    assert engines["duckdb"] == dispatched
    assert engines["spark"] <= dispatched


def test_a_file_is_named_after_its_public_macro() -> None:
    wrong = {}
    for path in FILES:
        public = [macro.name for macro in ALL if macro.path == path and macro.is_public]
        if public and public != [path.stem] and not is_under_work(path):
            wrong[where(path)] = public
    assert wrong == {}


def test_a_comment_stands_before_every_public_macro() -> None:
    assert [macro.name for macro in ALL if macro.is_public and not macro.comment] == []


def test_lines_of_macros_are_short_and_without_tabs() -> None:
    wrong = [
        f"{where(path)}:{number}"
        for path in FILES
        if not is_under_work(path)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LINE_LENGTH or "\t" in line or line != line.rstrip()
    ]
    assert wrong == []
