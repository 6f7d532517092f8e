"""The dbt package that ships inside the Python package, and copies of it in projects."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holdfast.errors import HoldfastError

__all__ = ["PackageCopy", "ShippedError", "copy_package", "package_version", "shipped_package"]

# what a project needs of a clone; the wheel holds the same, see pyproject.toml
_PARTS = ("dbt_project.yml", "macros", "models", "seeds/demo", "tests/data", "tests/generic")
# a file in each copy: which files Holdfast wrote, so that an edit is not lost
_RECORD = ".holdfast.json"


class ShippedError(HoldfastError):
    """The dbt package cannot be found or copied."""


@dataclass(frozen=True)
class PackageCopy:
    """What became of a copy of the dbt package.

    Attributes
    ----------
    folder
        The copy.
    version
        Its version now.
    former
        The version that was there before; None for a new copy.
    done
        Whether it was written, updated, or was the same already.
    """

    folder: Path
    version: str
    former: str | None
    done: Literal["written", "updated", "same"]


def shipped_package() -> Path:
    """Give the folder of the dbt package that belongs to this Python package.

    Returns
    -------
    Path
        The folder in the installed package; the clone itself where that is installed to be edited.

    Raises
    ------
    ShippedError
        If neither is there.

    Examples
    --------
    >>> (shipped_package() / "dbt_project.yml").is_file()
    True
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "dbt_package", here.parents[1]):
        if (folder / "macros" / "settings" / "version.sql").is_file():
            return folder
    raise ShippedError(
        f"the dbt package is not beside the Python package in {here}; install dbt-holdfast from a "
        "wheel, or name the clone in packages.yml"
    )


def package_version(folder: Path) -> str | None:
    """Give the version of a dbt package `holdfast`, or None where the folder is none.

    Parameters
    ----------
    folder
        A folder with `dbt_project.yml`.

    Examples
    --------
    >>> package_version(Path("nowhere")) is None
    True
    """
    try:
        text = (folder / "dbt_project.yml").read_text(encoding="utf-8")
    except OSError:
        return None
    name = re.search(r"^name: *['\"]?([\w-]+)", text, re.M)
    version = re.search(r"^version: *['\"]?([^'\"\s]+)", text, re.M)
    return version[1] if name and name[1] == "holdfast" and version else None


def copy_package(target: Path) -> PackageCopy:
    """Copy the dbt package into a project, or bring a copy there to this version.

    The copy is meant to be committed: then a deploy from git needs no path of any machine.

    Parameters
    ----------
    target
        The folder of the copy.

    Returns
    -------
    PackageCopy
        What was done.

    Raises
    ------
    ShippedError
        If the folder is no copy that Holdfast made, somebody changed its files, or it cannot be
        written.
    """
    source = shipped_package()
    version = package_version(source) or ""
    files = _files(source)
    former: str | None = None
    if os.path.lexists(target):
        record = _record(target)
        if record is None:
            raise ShippedError(
                f"{target} is there already and is no copy that Holdfast made; it was not changed. "
                "Rename it, or name another folder with --to"
            )
        former = str(record["version"])
        kept = record["files"]
        there = _hashes(target, [path for path in _below(target) if path != _RECORD])
        if there == kept == _hashes(source, files):
            return PackageCopy(target, version, former, "same")
        # files that are gone, such as those that a .gitignore leaves out, come back
        changed = sorted(path for path in there if there[path] != kept.get(path))
        if changed:
            raise ShippedError(
                f"{target} was changed by hand ({', '.join(changed[:3])}"
                + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
                + "), so it was left as it is. Move your changes to your own project, delete the "
                "folder, and run the command again"
            )
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        for path in files:
            (aside / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, aside / path)
        record_text = json.dumps({"version": version, "files": _hashes(aside, files)}, indent=1)
        (aside / _RECORD).write_text(record_text + "\n", encoding="utf-8")
        if former is not None:
            target.rename(old)
        try:
            aside.rename(target)
        except BaseException:
            # the former copy is better than none
            if former is not None:
                old.rename(target)
            raise
    except OSError as error:
        raise ShippedError(f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return PackageCopy(target, version, former, "written" if former is None else "updated")


def _below(folder: Path) -> list[str]:
    """Give the files below a folder, as paths from there."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        # what Python and file managers leave behind
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".DS_Store"
    )


def _files(package: Path) -> list[str]:
    """Give the files of the package that projects need."""
    return [
        path
        for part in _PARTS
        for path in (
            [part]
            if (package / part).is_file()
            else [f"{part}/{name}" for name in _below(package / part)]
        )
        # the truth about the demo shop is for tests
        if not path.startswith("seeds/demo/truth/")
    ]


def _hashes(folder: Path, files: list[str]) -> dict[str, str]:
    return {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in files}


def _record(copy: Path) -> dict[str, dict[str, str]] | None:
    """Read what Holdfast wrote into a copy, or None where it wrote none."""
    try:
        record = json.loads((copy / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
        return None
    return record if "version" in record else None
