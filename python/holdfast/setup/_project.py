"""The files of a project: what is written, what is added, and what a person has to add."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from holdfast.files import write_aside
from holdfast.setup._errors import SetupError
from holdfast.setup._find import Found
from holdfast.setup._models import model_name, model_sql
from holdfast.setup._yaml import as_yaml, with_entries
from holdfast.shipped import copy_package

__all__ = ["PACKAGE_FOLDER", "Changes", "Folder", "plan_changes", "read_folder", "write_changes"]

PACKAGE_FOLDER = "holdfast_package"
_PLUGIN = {"module": "holdfast.plugin"}
_IGNORED = (
    "target/",
    "dbt_packages/",
    "logs/",
    "serving/",
    "*.duckdb",
    "*.duckdb.wal",
    ".user.yml",
)


@dataclass(frozen=True)
class Folder:
    """A folder in which a project is, or is to be, set up.

    Attributes
    ----------
    path
        The folder.
    settings
        What its `dbt_project.yml` says; None where there is none.
    """

    path: Path
    settings: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        """The project's name, made of the folder's where there is no project yet."""
        if self.settings is not None:
            return str(self.settings.get("name") or "")
        name = re.sub(r"[^a-z0-9]+", "_", self.path.resolve().name.lower()).strip("_")
        if not name or name in ("holdfast", "dbt", "dbt_duckdb"):
            return "my_shop"
        return f"shop_{name}" if name[0].isdigit() else name

    @property
    def profile(self) -> str:
        """The name of its profile."""
        return str((self.settings or {}).get("profile") or self.name)

    @property
    def orders(self) -> Any:
        """What its vars name as the orders, if they do."""
        told = (self.settings or {}).get("vars") or {}
        scopes = [told, *(told.get(key) for key in (self.name, "holdfast"))]
        return next(
            (
                s["holdfast_orders"]
                for s in scopes
                if isinstance(s, dict) and "holdfast_orders" in s
            ),
            None,
        )

    @property
    def models(self) -> Path:
        """The folder for its models."""
        paths = (self.settings or {}).get("model-paths") or ["models"]
        return self.path / str(paths[0])


@dataclass
class Changes:
    """What is to be done in a folder.

    Attributes
    ----------
    files
        The text of each new file.
    edits
        The new text of files that get entries and keep all they had.
    by_hand
        The lines that a person has to add, by file.
    kept
        Files that are there already, and were to be written.
    """

    files: dict[Path, str] = field(default_factory=dict)
    edits: dict[Path, str] = field(default_factory=dict)
    by_hand: dict[str, list[str]] = field(default_factory=dict)
    kept: list[Path] = field(default_factory=list)


def read_folder(path: Path) -> Folder:
    """Read the dbt project in a folder, if it has one.

    Parameters
    ----------
    path
        The folder; it need not be there.

    Raises
    ------
    SetupError
        If `dbt_project.yml` is no YAML, or is Holdfast's own.
    """
    file = path / "dbt_project.yml"
    if path.exists() and not path.is_dir():
        raise SetupError(f"{path} is a file; name a folder")
    if not file.is_file():
        return Folder(path, None)
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SetupError(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(settings, dict) or not settings.get("name"):
        raise SetupError(f"{file} names no project; dbt needs at least `name:`")
    if settings["name"] == "holdfast":
        raise SetupError(
            f"{path} is Holdfast itself, which needs no setting up: `make demo` builds its demo. "
            "For a project of your own, name another folder, such as `holdfast init ../my_shop`"
        )
    return Folder(path, settings)


def plan_changes(
    folder: Folder, warehouse: Path | None, found: Sequence[Found], *, target: str | None = None
) -> Changes:
    """Plan the files of a project.

    Parameters
    ----------
    folder
        Where.
    warehouse
        The DuckDB file of a project that has no profile yet.
    found
        The inputs in the warehouse.
    target
        The target of the profile that there is; its default when None.

    Returns
    -------
    Changes
        What `write_changes` writes.
    """
    changes = Changes()
    there = {path.stem: path for path in folder.models.rglob("*.sql")}
    variables: dict[str, str] = {}
    for one in found:
        relation = _ref_of(folder, one, there, target)
        if one.is_plain:
            variables[f"holdfast_{one.input}"] = (
                f"{{{{ ref('{folder.name}', '{one.table.name}') }}}}" if relation else one.table.sql
            )
            continue
        name = model_name(one.input)
        variables[f"holdfast_{one.input}"] = f"{{{{ ref('{folder.name}', '{name}') }}}}"
        if name in there:
            changes.kept.append(there[name])
        else:
            file = folder.models / "for_holdfast" / f"{name}.sql"
            changes.files[file] = model_sql(one, relation)
    _plan_project(changes, folder, variables)
    _plan_packages(changes, folder)
    _plan_profile(changes, folder, warehouse, target)
    ignored = folder.path / ".gitignore"
    if not ignored.exists():
        changes.files[ignored] = "\n".join(_IGNORED) + "\n"
    return changes


def _ref_of(
    folder: Folder, found: Found, there: Mapping[str, Path], target: str | None
) -> str | None:
    """Give the ref of a table that a model of the project builds, so that dbt builds it before."""
    if folder.settings is None or found.table.name not in there:
        return None
    own = _schema_of(folder, target)
    schema = found.table.schema.lower()
    # raw.orders is not what the model `orders` makes of it
    if own and schema != own and not schema.startswith(f"{own}_"):
        return None
    return f"{{{{ ref('{found.table.name}') }}}}"


def _schema_of(folder: Folder, target: str | None) -> str:
    """Give the schema that the models' own begin with, or nothing where that cannot be told."""
    if any(
        "generate_schema_name" in file.read_text("utf-8", "replace") for file in _macros(folder)
    ):
        return ""
    for place in _places(folder):
        profile = _profile_in(place, folder.profile)
        if profile is not None:
            output = (profile.get("outputs") or {}).get(_target_of(profile, target))
            told = str(output.get("schema", "main")) if isinstance(output, dict) else ""
            return "" if "{" in told else told.lower()
    return "main"


def _macros(folder: Folder) -> Iterator[Path]:
    for path in (folder.settings or {}).get("macro-paths") or ["macros"]:
        yield from (folder.path / str(path)).rglob("*.sql")


def _plan_project(changes: Changes, folder: Folder, variables: Mapping[str, str]) -> None:
    """Plan dbt_project.yml: the vars that name the inputs, and a schema for Holdfast's tables."""
    file = folder.path / "dbt_project.yml"
    own_schema = {"holdfast": {"+schema": "retention"}}
    if folder.settings is None:
        changes.files[file] = (
            "# `holdfast init` wrote this file; it is yours to change.\n"
            + as_yaml(
                {
                    "name": folder.name,
                    "version": "1.0.0",
                    "config-version": 2,
                    "profile": folder.profile,
                    "flags": {"send_anonymous_usage_stats": False},
                }
            )
            + "\n# What Holdfast reads; only the orders are needed.\n"
            + as_yaml({"vars": dict(variables)})
            + "\n# Holdfast's tables stand apart: in main_retention, if your schema is main.\n"
            + as_yaml({"models": own_schema})
        )
        return
    if folder.orders is not None:
        return
    text = file.read_text(encoding="utf-8")
    added: tuple[tuple[str, dict[str, Any]], ...] = (
        ("vars", dict(variables)),
        ("models", own_schema),
    )
    for path, entries in added:
        told = folder.settings.get(path)
        if path == "models" and isinstance(told, dict) and "holdfast" in told:
            continue
        if isinstance(told, dict):
            entries = {key: value for key, value in entries.items() if key not in told}
        new = with_entries(text, [path], entries)
        if new is None:
            changes.by_hand.setdefault("dbt_project.yml", []).append(as_yaml({path: entries}))
        else:
            text = changes.edits[file] = new


def _plan_packages(changes: Changes, folder: Folder) -> None:
    """Plan packages.yml: the copy of the dbt package in the project."""
    entry = {"packages": [{"local": PACKAGE_FOLDER}]}
    names = [folder.path / name for name in ("packages.yml", "dependencies.yml")]
    file = next((path for path in names if path.is_file()), None)
    if file is None:
        changes.files[names[0]] = (
            "# The dbt package of the installed version. Commit the folder; after an upgrade of\n"
            "# dbt-holdfast, `holdfast package copy` and `dbt deps` bring it to the new version.\n"
            + as_yaml(entry)
        )
        return
    text = file.read_text(encoding="utf-8")
    if re.search(r"holdfast", re.sub(r"#.*", "", text), re.I):
        return
    new = with_entries(text, ["packages"], entry["packages"])
    if new is None:
        changes.by_hand.setdefault(file.name, []).append(as_yaml(entry))
    else:
        changes.edits[file] = new


def _plan_profile(
    changes: Changes, folder: Folder, warehouse: Path | None, target: str | None
) -> None:
    """Plan profiles.yml: the warehouse, and the line that registers Holdfast's functions."""
    file = folder.path / "profiles.yml"
    for place in _places(folder):
        profile = _profile_in(place, folder.profile)
        if profile is None:
            continue
        name = _target_of(profile, target)
        output = (profile.get("outputs") or {}).get(name)
        if output is None:
            # most likely a name in Jinja, which only dbt can read
            there = ", ".join(map(str, profile.get("outputs") or ())) or "none"
            raise SetupError(
                f"the profile '{folder.profile}' in {place} has no target called '{name}'; name "
                f"the one to use with --target (it has {there})"
            )
        kind = output.get("type") if isinstance(output, dict) else None
        if isinstance(kind, str) and kind != "duckdb":
            raise SetupError(
                f"the target '{name}' of the profile '{folder.profile}' is of type {kind}; this "
                "command sets up DuckDB warehouses. Name a target of type duckdb with --target"
            )
        plugins = output.get("plugins") or [] if isinstance(output, dict) else []
        if any(isinstance(one, dict) and one.get("module") == "holdfast.plugin" for one in plugins):
            return
        path = [folder.profile, "outputs", name, "plugins"]
        # a file outside the project is not ours to change
        new = with_entries(place.read_text("utf-8"), path, [_PLUGIN]) if place == file else None
        if new is None:
            whole = {path[0]: {path[1]: {path[2]: {path[3]: [_PLUGIN]}}}}
            changes.by_hand.setdefault(str(place), []).append(as_yaml(whole))
        else:
            changes.edits[place] = new
        return
    if warehouse is None:
        raise SetupError(
            f"the project has no profile '{folder.profile}'; name its DuckDB file with --warehouse"
        )
    output = {
        "type": "duckdb",
        "path": _path_of(folder.path, warehouse),
        "threads": min(4, os.cpu_count() or 1),
        "plugins": [_PLUGIN],
    }
    content = {folder.profile: {"target": "dev", "outputs": {"dev": output}}}
    if file.exists():
        changes.by_hand.setdefault("profiles.yml", []).append(as_yaml(content))
        return
    changes.files[file] = (
        "# The warehouse, and the plugin that registers Holdfast's functions. A relative path\n"
        "# begins at the folder that dbt runs in; on another machine, change it here.\n"
        + as_yaml(content)
    )


def _places(folder: Folder) -> list[Path]:
    """Give where the profile may be, in dbt's order."""
    file = folder.path / "profiles.yml"
    if folder.settings is None:
        return [file]
    told = os.environ.get("DBT_PROFILES_DIR")
    if told:
        return [Path(told) / "profiles.yml", file]
    return [file, Path.home() / ".dbt" / "profiles.yml"]


def _target_of(profile: Mapping[str, Any], target: str | None) -> str:
    """Give the name of the target that dbt would take."""
    return str(target or os.environ.get("DBT_TARGET") or profile.get("target") or "default")


def _profile_in(file: Path, name: str) -> dict[str, Any] | None:
    """Give a profile as a file has it, its Jinja unrendered."""
    try:
        profiles = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    profile = profiles.get(name) if isinstance(profiles, dict) else None
    return profile if isinstance(profile, dict) else None


def _path_of(folder: Path, warehouse: Path) -> str:
    """Give the path of the warehouse: from the folder, if it is in it or beside it."""
    folder, warehouse = folder.resolve(), warehouse.resolve()
    if warehouse.is_relative_to(folder) or warehouse.is_relative_to(folder.parent):
        return Path(os.path.relpath(warehouse, folder)).as_posix()
    return warehouse.as_posix()


def write_changes(folder: Folder, changes: Changes) -> Iterator[str]:
    """Write what was planned, and tell it a line at a time; no file that is there is replaced.

    Parameters
    ----------
    folder
        Where.
    changes
        What `plan_changes` returned.

    Yields
    ------
    str
        What was done.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    for path, text in changes.files.items():
        told = _short(path, folder.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            yield f"{told} is there already, and was not changed"
            continue
        yield f"wrote {told}"
    for path, text in changes.edits.items():
        content = path.read_bytes()
        former = content.decode("utf-8").splitlines()
        if b"\r\n" in content and content.count(b"\r\n") == content.count(b"\n"):
            text = text.replace("\n", "\r\n")
        # a link stays one, and what others may not read they may not read afterwards
        own = path.resolve()
        write_aside(own, text.encode(), error=SetupError, mode=own.stat().st_mode & 0o777)
        added = [line.strip() for line in _added(former, text.splitlines()) if line.strip()]
        yield f"added to {path.relative_to(folder.path)}: {'; '.join(added)}"
    for path in changes.kept:
        yield f"{_short(path, folder.path)} is there already, and was not changed"
    if not (folder.path / PACKAGE_FOLDER).exists():
        copy_package(folder.path / PACKAGE_FOLDER)
        yield f"copied the dbt package to {PACKAGE_FOLDER}/"


def _short(path: Path, folder: Path) -> Path:
    """Give a path as seen from the folder of the project, if it is in it."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _added(former: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Give the lines that are new; the former ones are all there, in their order."""
    rest = list(former)
    for line in new:
        if rest and line == rest[0]:
            rest.pop(0)
        else:
            yield line
