"""The dbt package that ships inside the Python package, and copies of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast import __version__, shipped
from holdfast.cli import main
from holdfast.shipped import ShippedError, copy_package, package_version, shipped_package


def test_the_shipped_package_has_this_version() -> None:
    assert package_version(shipped_package()) == __version__


def test_a_copy_has_what_a_project_needs_and_no_more(tmp_path: Path) -> None:
    copy = copy_package(tmp_path / "copy")
    assert (copy.done, copy.version, copy.former) == ("written", __version__, None)
    there = {path.name for path in (tmp_path / "copy").iterdir()}
    assert there == {"dbt_project.yml", "macros", "models", "seeds", "tests", ".holdfast.json"}
    assert {path.name for path in (tmp_path / "copy" / "tests").iterdir()} == {"data", "generic"}
    assert not (tmp_path / "copy" / "seeds" / "demo" / "truth").exists()
    assert copy_package(tmp_path / "copy").done == "same"


def test_a_copy_of_a_former_version_is_updated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = tmp_path / "former"
    (former / "macros").mkdir(parents=True)
    (former / "dbt_project.yml").write_text("name: holdfast\nversion: '0.0.9'\n", "utf-8")
    (former / "macros" / "gone.sql").write_text("a macro that is no more", "utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(shipped, "shipped_package", lambda: former)
        copy_package(tmp_path / "copy")
    # what a .gitignore left out
    (tmp_path / "copy" / "macros" / "gone.sql").unlink()
    copy = copy_package(tmp_path / "copy")
    assert (copy.done, copy.former) == ("updated", "0.0.9")
    assert package_version(tmp_path / "copy") == __version__
    assert not (tmp_path / "copy" / "macros" / "gone.sql").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_copy_stays_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_package(tmp_path / "copy")
    (tmp_path / "copy" / "dbt_project.yml").unlink()
    there = sorted(path.name for path in (tmp_path / "copy").iterdir())
    rename = Path.rename

    def fails(path: Path, target: Path) -> Path:
        if path.name.endswith(".part"):
            raise OSError(16, "Device or resource busy")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(ShippedError, match="cannot be written: Device or resource busy"):
        copy_package(tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == there
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


@pytest.mark.parametrize("change", ["edit", "add"])
def test_a_copy_that_somebody_changed_is_left_as_it_is(tmp_path: Path, change: str) -> None:
    copy_package(tmp_path / "copy")
    file = tmp_path / "copy" / ("dbt_project.yml" if change == "edit" else "macros/mine.sql")
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(ShippedError, match="was changed by hand"):
        copy_package(tmp_path / "copy")
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_no_copy_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with pytest.raises(ShippedError, match="is no copy that Holdfast made"):
        copy_package(tmp_path / "copy")
    assert list((tmp_path / "copy").iterdir()) == []


def test_the_command_tells_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["package", "path"]) == 0
    assert Path(capsys.readouterr().out.strip()) == shipped_package()
    words = ["package", "copy", "--project-dir", str(tmp_path)]
    # a folder that is no project gets no package
    assert main(words) == 1
    assert "has no dbt_project.yml; run the command in a dbt project" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "dbt_project.yml").write_text("name: shop", encoding="utf-8")
    assert main(words) == 0
    assert f"holdfast_package is now version {__version__}" in capsys.readouterr().out
    assert main(words) == 0
    assert f"is version {__version__} already" in capsys.readouterr().out
