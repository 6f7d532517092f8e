"""What dbt makes of a project's profile: where its artifacts lie, and how its warehouse opens."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml

from holdfast.errors import HoldfastError
from holdfast.warehouse.quoting import quoted

__all__ = ["Opening", "Profile", "ProjectError", "read_profile"]

# settings that help to find files and say nothing of what SQL means
_HARMLESS = ("file_search_path", "extension_directory", "home_directory", "temp_directory")
# settings that say how much of the machine a build may use
_LIMITS = ("memory_limit", "max_memory", "threads", "temp_directory", "max_temp_directory_size")
_HARMLESS_PREFIXES = ("s3_", "azure_", "http_")


class ProjectError(HoldfastError):
    """The dbt project, its build or its warehouse cannot be read."""


@dataclass(frozen=True)
class Opening:
    """How a profile opens its warehouse beside naming the file.

    It may hold secrets, and so is never shown.

    Attributes
    ----------
    config
        Options of the connection.
    extensions
        The extensions to load.
    secrets
        The statements that create its secrets.
    settings
        Settings that help to find files.
    attached
        The databases that it attaches, as dbt-duckdb describes them.
    home
        The attached database that models are built into, where all are attached to one in memory.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[Any, ...] = ()
    home: str = ""

    def __repr__(self) -> str:
        return f"Opening({len(self.attached)} attached)"

    def prepare(
        self, connection: duckdb.DuckDBPyConnection, *, read_only: bool, needed: frozenset[str]
    ) -> None:
        """Attach what the profile attaches, after what that takes.

        Parameters
        ----------
        connection
            A connection to the warehouse.
        read_only
            Whether nothing is to be written.
        needed
            The databases that models lie in, in lower case. That another one, such as the source of
            some input, cannot be reached is no concern of most commands.

        Raises
        ------
        ProjectError
            If a database that models lie in cannot be attached.
        """
        for extension in self.extensions:
            with suppress(duckdb.Error):
                connection.load_extension(extension)
        for name, value in self.settings.items():
            with suppress(duckdb.Error):
                connection.execute(f"set {name} = ?", [value])
        for statement in self.secrets:
            with suppress(duckdb.Error):
                connection.execute(statement)
        for attachment in self.attached:
            name = _name_of(attachment)
            try:
                if _is_file(attachment.path) and not Path(attachment.path).exists():
                    raise duckdb.IOException("there is no such file")  # attaching would make one
                connection.execute(_told_read_only(attachment, read_only=read_only).to_sql())
            except duckdb.Error as error:
                if name.lower() in needed:
                    # no more than its kind: the text may hold the password of a server
                    raise ProjectError(
                        f"the database '{name}', which the profile attaches and models are built "
                        f"into, cannot be opened ({type(error).__name__}); most likely a build or "
                        "a client is writing to it, or it is not there"
                    ) from None
        if self.home:
            connection.execute(f"use {quoted(self.home)}")


@dataclass(frozen=True)
class Profile:
    """The profile of a project, read for one target.

    Attributes
    ----------
    project_name
        The project's own name.
    target
        The name of the target.
    default_target
        The target that dbt takes when none is named.
    warehouse
        The DuckDB file of the target.
    artifacts
        The folder that dbt writes its artifacts to.
    databases
        The databases that the target knows, in lower case.
    opening
        How the warehouse opens.
    plugins
        The modules of the dbt-duckdb plugins that the target names.
    settings
        The settings of DuckDB that limit what a build may use, such as `memory_limit`.
    """

    project_name: str
    target: str
    default_target: str
    warehouse: Path
    artifacts: Path
    databases: frozenset[str]
    opening: Opening
    plugins: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


def read_profile(directory: Path, target: str | None, target_path: Path | None) -> Profile:
    """Read a project's profile and settings, as dbt does, with all the Jinja in them.

    Parameters
    ----------
    directory
        The folder of `dbt_project.yml`.
    target
        The target; that of DBT_TARGET, or the profile's default, when None.
    target_path
        Where dbt wrote its artifacts; where dbt would write them now when None.

    Returns
    -------
    Profile
        What dbt makes of them.

    Raises
    ------
    ProjectError
        If they cannot be read, or the target is no DuckDB file.
    """
    # where dbt itself looks: the environment, then the project, then the home folder
    places = [_told("PROFILES_DIR"), str(directory), str(Path.home() / ".dbt")]
    profiles = next((p for p in places if p and (Path(p) / "profiles.yml").exists()), None)
    if profiles is None:
        raise ProjectError(f"there is no profiles.yml in {directory} or {places[-1]}")
    plain = _read_plain_profile(directory, Path(profiles), target, target_path)
    return plain or _have_dbt_read(directory, profiles, target, target_path)


def _read_plain_profile(
    directory: Path, profiles: Path, target: str | None, target_path: Path | None
) -> Profile | None:
    """Read a profile that only names a file, without dbt, which takes over a second to load.

    Gives nothing where there is Jinja, a setting or a word that is dbt's to understand.
    """
    try:
        told, settings = (
            yaml.safe_load((folder / name).read_text(encoding="utf-8"))
            for folder, name in ((profiles, "profiles.yml"), (directory, "dbt_project.yml"))
        )
        name, by_default = _told("PROFILE") or settings["profile"], _told("TARGET")
        profile = told[name]
        default = by_default or profile.get("target", "default")
        output = profile["outputs"][target or default]
        words = (settings["name"], settings.get("target-path", "target"), default, output["path"])
    except UnicodeDecodeError:
        raise ProjectError(
            f"profiles.yml in {profiles} or dbt_project.yml in {directory} is not written in "
            "UTF-8; save it as UTF-8"
        ) from None
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return None
    path = words[-1]
    if (
        output.get("type") != "duckdb"
        or not output.keys() <= {"type", "path", "schema", "threads", "plugins"}
        or any(not isinstance(word, str) or "{" in word for word in words)
        or default not in profile["outputs"]
        or not re.fullmatch(r"(?!:)[^:?#]+", path)
    ):
        return None
    artifacts = target_path or _told("TARGET_PATH") or settings.get("target-path", "target")
    # DuckDB calls a database by its file, up to the first dot
    database = Path(path).name.lstrip(".").split(".")[0]
    return Profile(
        project_name=settings["name"],
        target=target or default,
        default_target=default,
        warehouse=directory / path,
        artifacts=directory / artifacts,
        databases=frozenset({database.lower()}),
        opening=Opening(),
        plugins=tuple(
            str(plugin.get("module"))
            for plugin in output.get("plugins") or ()
            if isinstance(plugin, dict)
        ),
    )


def _have_dbt_read(
    directory: Path, profiles: str, target: str | None, target_path: Path | None
) -> Profile:
    """Have dbt read the profile and the project, with all that it understands in them."""
    from argparse import Namespace

    import click
    from dbt.config.runtime import load_profile, load_project
    from dbt.flags import set_from_args
    from dbt_common.context import set_invocation_context
    from dbt_common.exceptions import DbtBaseException

    # what env_var() reads in a profile and a project
    set_invocation_context(os.environ)
    try:
        set_from_args(Namespace(PROFILES_DIR=profiles, project_dir=str(directory)), None)
        name, by_default = _told("PROFILE"), _told("TARGET")
        profile = load_profile(
            str(directory), {}, profile_name_override=name, target_override=target or by_default
        )
        default = profile
        if target is not None:
            with suppress(DbtBaseException):
                default = load_profile(
                    str(directory), {}, profile_name_override=name, target_override=by_default
                )
        project = load_project(str(directory), False, profile, {}, require_vars=False)
    except click.ClickException as error:
        raise ProjectError(f"dbt refuses its settings: {error.format_message()}") from None
    except DbtBaseException as error:
        raise ProjectError(f"the dbt profile or project cannot be read: {error}") from None
    credentials: Any = profile.credentials
    attached = tuple(
        dataclasses.replace(attachment, path=str(directory / attachment.path))
        if _is_file(attachment.path)
        else attachment
        for attachment in getattr(credentials, "attach", None) or ()
    )
    path, home = getattr(credentials, "path", None), ""
    if path == ":memory:":
        # models may be built into a database that is attached to one in memory
        named = [one for one in attached if _name_of(one) == credentials.database]
        if named and _is_file(named[0].path):
            path, home = named[0].path, _name_of(named[0])
    if credentials.type != "duckdb" or path in (None, ":memory:"):
        raise ProjectError(
            f"the target '{profile.target_name}' of the profile '{profile.profile_name}' is no "
            f"DuckDB file ({credentials.type}, {path}); name another with --target"
        )
    return Profile(
        project_name=str(project.project_name),
        target=str(profile.target_name),
        default_target=str(default.target_name),
        warehouse=directory / str(path),
        # as dbt has it: --target-path, else DBT_TARGET_PATH, else what the project says
        artifacts=directory / (target_path or _told("TARGET_PATH") or project.target_path),
        databases=frozenset(
            name.lower() for name in (str(credentials.database), *map(_name_of, attached))
        ),
        opening=_opening_of(credentials, attached, home),
        plugins=tuple(str(plugin.module) for plugin in credentials.plugins or ()),
        settings={
            str(name): str(value)
            for told in (credentials.config_options, credentials.settings)
            for name, value in (told or {}).items()
            if name in _LIMITS
        },
    )


def _told(option: str) -> str | None:
    """Give what the environment says of an option of dbt's, under its newer or its older name."""
    return os.environ.get(f"DBT_ENGINE_{option}") or os.environ.get(f"DBT_{option}") or None


def _opening_of(credentials: Any, attached: tuple[Any, ...], home: str) -> Opening:
    """Take from the credentials what opening the warehouse needs."""
    extensions = [
        extension if isinstance(extension, str) else str(extension.get("name"))
        for extension in credentials.extensions or ()
    ]
    settings = {
        name: str(value)
        for name, value in (credentials.settings or {}).items()
        if name in _HARMLESS or name.startswith(_HARMLESS_PREFIXES)
    }
    secrets = [
        secret.to_sql()
        for secret in getattr(credentials, "_secrets", ())
        if not getattr(secret, "persistent", False)
    ]
    return Opening(
        dict(credentials.config_options or {}),
        tuple(extensions),
        tuple(secrets),
        settings,
        attached,
        home,
    )


def _name_of(attachment: Any) -> str:
    """Give the name under which an attached database is known."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    return str(
        attachment.alias or DuckDBCredentials.path_derived_database_name(attachment.path)
    ).strip('"')


def _is_file(path: str) -> bool:
    """Tell whether a database is a file of this machine, not an address."""
    scheme, colon, _ = path.partition(":")
    # C: is a drive of Windows
    return not colon or len(scheme) == 1


def _told_read_only(attachment: Any, *, read_only: bool) -> Any:
    """Give an attachment that writes nothing where nothing is to be written."""
    if not read_only:
        return attachment
    options = {
        name: value for name, value in (attachment.options or {}).items() if name != "read_only"
    }
    return dataclasses.replace(attachment, read_only=True, options=options or None)
