"""A Postgres server of the tests' own: a private cluster behind a Unix socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def server_programs() -> Path | None:
    """Give the folder of initdb and pg_ctl: Debian keeps it off the path, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def private_server() -> Iterator[str]:
    """Run a server of an unprivileged user and give the DSN of its superuser."""
    programs = server_programs()
    assert programs is not None
    # not below pytest's folder: another user must get in, and a socket's path must stay short
    directory = Path(tempfile.mkdtemp(prefix="holdfast-pg-"))
    user = _unprivileged()
    identity = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid}
    if user is not None:
        os.chown(directory, user.pw_uid, user.pw_gid)

    def run(program: str, *words: str | Path) -> None:
        log = directory / f"{program}.log"
        with log.open("a") as output:
            subprocess.run(
                [programs / program, *words],
                check=True,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                extra_groups=[] if identity else None,
                **identity,
            )

    data = directory / "data"
    try:
        run("initdb", "--pgdata", data, "--username", "holdfast", "--auth", "trust", "--no-sync")
        options = f"-k {directory} -c listen_addresses='' -c fsync=off -c full_page_writes=off"
        run("pg_ctl", "start", "--wait", "--pgdata", data, "--options", options)
        try:
            yield f"host={directory} user=holdfast dbname=postgres"
        finally:
            run("pg_ctl", "stop", "--wait", "--pgdata", data, "--mode", "immediate")
    finally:
        shutil.rmtree(directory)


def fresh_database(dsn: str, name: str) -> str:
    """Make an empty database on the server, in place of a former one, and give its DSN."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')
        connection.execute(f'create database "{name}"')
    return dsn.replace("dbname=postgres", f"dbname={name}")


def _version(initdb: Path) -> float:
    """Give the version in /usr/lib/postgresql/VERSION/bin/initdb."""
    return float(initdb.parents[1].name)


def _unprivileged() -> pwd.struct_passwd | None:
    """Give the user to run the server as; None where we are no root ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
