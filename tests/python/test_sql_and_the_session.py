"""No SQL of the package hangs on what a session makes of `/` and of `order by`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    path
    for folder in ("macros", "models", "tests/data", "tests/generic")
    for path in sorted((ROOT / folder).rglob("*.sql"))
]


def sql_of(path: Path) -> str:
    """Give the SQL of a template: without comments and without statements of Jinja."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", path.read_text(encoding="utf-8"), flags=re.S)
    return re.sub(r"--.*", "", text)


def order_keys(sql: str) -> Iterator[str]:
    """Give every key that something is ordered by."""
    for found in re.finditer(r"\border by\s", sql):
        depth, key = 0, ""
        for char in re.split(r"\b(?:rows|range|limit|from)\b|' ~", sql[found.end() :])[0] + ")":
            depth += (char == "(") - (char == ")")
            if depth < 0 or (depth == 0 and char == ","):
                yield key.strip()
                key = ""
            else:
                key += char
            if depth < 0:
                break


def test_the_files_are_found() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_division_is_of_floating_point_numbers(path: Path) -> None:
    """Of whole numbers it is cut off where a session sets `integer_division`."""
    divisors = re.findall(r"(?:^|\s)/\s(\S+)", sql_of(path), re.M)
    allowed = re.compile(r"cast\(|[0-9.]+e[0-9]+|\{\{")
    assert [word for word in divisors if not allowed.match(word)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_order_says_its_direction_and_where_null_goes(path: Path) -> None:
    """Unsaid, both are what `default_order` and `default_null_order` make of them."""
    keys = [key for key in order_keys(sql_of(path)) if "{{" not in key and key != "all"]
    assert [key for key in keys if not re.search(r"\b(asc|desc) nulls last$", key)] == []
