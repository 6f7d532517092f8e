"""Names and texts in SQL, whatever they hold."""

from __future__ import annotations

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from holdfast.warehouse.quoting import quoted, text

# DuckDB takes no character NUL in a name
WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1)


@given(WORDS)
def test_any_name_and_any_text_come_back_from_duckdb_as_they_were(word: str) -> None:
    with duckdb.connect() as connection:
        cursor = connection.execute(f"select {text(word)} as {quoted(word)}")
        assert cursor.description[0][0] == word
        assert cursor.fetchall() == [(word,)]


def test_parts_of_a_name_are_quoted_each() -> None:
    assert quoted("a.b", 'c"d') == '"a.b"."c""d"'
