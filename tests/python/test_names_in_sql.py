"""Names and texts come into SQL through holdfast.quoted and holdfast.text, whatever they hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("macros", "models", "tests/generic", "tests/data")
    for path in (ROOT / folder).rglob("*.sql")
)
# the one place where quotes are put around something: the bodies of quoted and text
ENGINES = {"macros/engines/duckdb.sql", "macros/engines/spark.sql"}
QUOTING = re.compile(r"\{% macro \w+?__(quoted|text)\(.*?\{% endmacro %\}", re.DOTALL)
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
# what ends in a message to people is no SQL
MESSAGE = re.compile(
    r"\{%-? do (exceptions\.\w+|log|holdfast\._refuse\w*)\(.*?\)\s*-?%\}", re.DOTALL
)
FORBIDDEN = {
    "dbt's quoting leaves quotes in a name": re.compile(
        r"adapter\.quote\(|\bcolumn\.quoted\b|attribute='quoted'"
    ),
    "a text is quoted by hand in Jinja": re.compile(r"""'"\s*~|~\s*"'|"'"|~\s*'"'|'"'\s*~"""),
    # a hook is a template of its own
    "a name with a line break would be indented, too": re.compile(r"render_view\(.*\| *indent"),
    "a value stands between quotes in SQL": re.compile(r"""'\{\{|(?<!_hook=)"\{\{"""),
}


def code_of(path: Path) -> str:
    """Give a file without its comments and messages, and an engine's without quoting itself."""
    text = path.read_text(encoding="utf-8")
    if path.relative_to(ROOT).as_posix() in ENGINES:
        text = QUOTING.sub("", text)
    return MESSAGE.sub("", COMMENT.sub("", text))


@pytest.mark.parametrize("why", FORBIDDEN)
def test_nothing_is_quoted_by_hand(why: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in FILES
        for match in FORBIDDEN[why].finditer(code_of(path))
    ]
    assert found == [], f"{why}: write holdfast.quoted(name), or holdfast.text(value)"


@pytest.mark.parametrize(
    "code",
    [
        "select {{ adapter.quote(name) }}",
        "{% set columns = relation | map(attribute='quoted') %}",
        '{% set condition = "model_id = \'" ~ id ~ "\'" %}',
        "select '{{ name }}' as feature",
        'select "{{ name }}"',
        "{{ holdfast.render_view(node, 'moments').sql | indent(4) }}",
    ],
)
def test_what_is_forbidden_is_found(code: str) -> None:
    assert any(pattern.search(code) for pattern in FORBIDDEN.values())


# DuckDB takes no character NUL in a name or a text
WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1)
HOSTILE = [
    'q" as float) as "q", (select 42) as "leak", --',
    "num'b",
    "a\\",
    "/* a */ -- b",
    "two\nlines",
    "Größe (€) 顧客",
    "{{ 1 }}{% set x %}",
    "n" * 200,
    "select",
    "a'; drop table t; --",
]


def macro(engine: str, name: str) -> Any:
    """Give a macro of an engine as a function of a text."""
    text = (ROOT / "macros" / "engines" / f"{engine}.sql").read_text(encoding="utf-8")
    body = re.search(rf"\{{% macro {engine}__{name}\(.*?\{{% endmacro %\}}", text, re.DOTALL)
    assert body is not None
    template = jinja2.Environment().from_string(body[0], globals={"return": str})
    call = getattr(template.module, f"{engine}__{name}")
    return lambda value: call(value).strip("\n")


QUOTED, TEXT = macro("duckdb", "quoted"), macro("duckdb", "text")


def comes_back(word: str) -> None:
    with duckdb.connect() as connection:
        cursor = connection.execute(f"select {TEXT(word)} as {QUOTED(word)}")
        assert [column[0] for column in cursor.description] == [word]
        assert cursor.fetchall() == [(word,)]


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_names_and_texts_come_back_as_they_were(word: str) -> None:
    comes_back(word)


@given(WORDS)
def test_any_name_and_any_text_come_back_as_they_were(word: str) -> None:
    comes_back(word)


def test_spark_doubles_its_own_quotes() -> None:
    assert macro("spark", "quoted")('a`b"c') == '`a``b"c`'
    assert macro("spark", "text")("it's \\ so") == "'it\\'s \\\\ so'"
