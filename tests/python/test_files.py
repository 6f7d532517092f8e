"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.errors import HoldfastError
from holdfast.files import write_aside


class RefusedError(HoldfastError):
    """What a caller wants to be told."""


def test_a_former_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(b"a longer former page")
    write_aside(tmp_path / "page.html", b"new", error=RefusedError)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("page.html", b"new")
    ]


def test_what_cannot_be_written_is_refused_with_the_callers_error(tmp_path: Path) -> None:
    for output, told in (
        (tmp_path, "is a folder; name a file in it"),
        (tmp_path / "nowhere" / "page.html", "there is no folder"),
        (tmp_path / ("x" * 300), "cannot be written: File name too long"),
    ):
        with pytest.raises(RefusedError, match=told):
            write_aside(output, b"new", error=RefusedError)
    assert list(tmp_path.iterdir()) == []
