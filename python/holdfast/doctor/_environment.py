"""Versions, the dbt package, the profile: what has to fit before any build."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from holdfast import __version__
from holdfast.doctor._checks import Check
from holdfast.shipped import package_version
from holdfast.warehouse.profile import Profile

__all__ = ["check_package", "check_plugin", "check_versions"]

_AREA = "versions"
_PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "scikit-learn", "onnxruntime")


def check_versions() -> Iterator[Check]:
    """Look at Python and the packages that a build needs, and whether they fit each other."""
    python = platform.python_version()
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Check(
        _AREA,
        "Python",
        "ok" if fits else "error",
        python,
        "" if fits else "Holdfast needs Python 3.11 to 3.13; make an environment with one of them",
        {"version": python},
    )
    yield Check(_AREA, "dbt-holdfast", "ok", __version__, "", {"version": __version__})
    wanted = _wanted()
    for name in _PACKAGES:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Check(
                _AREA, name, "error", "not installed", "install dbt-holdfast again, with pip"
            )
            continue
        specifier = wanted.get(name)
        fits = specifier is None or specifier.contains(version, prereleases=True)
        yield Check(
            _AREA,
            name,
            "ok" if fits else "error",
            version,
            "" if fits else f"Holdfast {__version__} needs {name}{specifier}; install that",
            {"version": version},
        )


def _wanted() -> dict[str, Any]:
    """Give the versions that the installed distribution asks for, as far as that can be told."""
    found = {}
    # packaging comes with dbt; a clone on the path is no distribution
    with suppress(ImportError, metadata.PackageNotFoundError):
        from packaging.requirements import Requirement

        for line in metadata.requires("dbt-holdfast") or ():
            requirement = Requirement(line)
            if requirement.marker is None:
                found[requirement.name.lower()] = requirement.specifier
    return found


def check_package(directory: Path, settings: Mapping[str, Any]) -> Iterator[Check]:
    """Look for the dbt package in the project, and compare its version with this one's."""
    if settings.get("name") == "holdfast":
        folder = directory
    else:
        folder = directory / str(settings.get("packages-install-path") or "dbt_packages")
        folder /= "holdfast"
    version = package_version(folder)
    if version is None:
        yield Check(
            _AREA,
            "dbt package",
            "error",
            "not installed in this project",
            "run `dbt deps`; if packages.yml does not name it, run `holdfast init` first",
        )
        return
    same = version == __version__
    yield Check(
        _AREA,
        "dbt package",
        "ok" if same else "error",
        version,
        ""
        if same
        else f"it must be {__version__}, as the Python package: `holdfast package copy` brings the "
        f"copy in this project there, or install dbt-holdfast=={version}; then run `dbt deps`",
        {"version": version},
    )


def check_plugin(profile: Profile) -> Iterator[Check]:
    """Look for the plugin in the profile."""
    is_there = "holdfast.plugin" in profile.plugins
    yield Check(
        "profile",
        f"target {profile.target}",
        "ok" if is_there else "error",
        "the plugin holdfast.plugin is registered" if is_there else "holdfast.plugin is missing",
        ""
        if is_there
        else "add `plugins: [{module: holdfast.plugin}]` to this target in profiles.yml",
        {"plugins": list(profile.plugins)},
    )
