"""The shelf of a publication: the file, the Parquet sets beside it, and whose turn it is."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.publishing._errors import PublishError

__all__ = ["Shelf"]

_PATIENCE_SECONDS = 600
_LOCK_SIZE = 4096


class Shelf:
    """The published file and what belongs to it.

    ``holdfast.duckdb``
        the publication; replaced in one step, never written to.
    ``holdfast_parquet/<publication>/<table>/*.parquet``
        the same tables as Parquet; ``holdfast_parquet/latest`` is a link to the newest set.
    ``.holdfast.duckdb.lock``
        held by whoever publishes; it notes whose the file is, and which sets were shown last.
    ``.holdfast.duckdb.<publication>.part``
        being written; a remnant of a killed build is removed by the next one.

    Parameters
    ----------
    file
        The published file.
    """

    def __init__(self, file: Path) -> None:
        # behind a link, so that what is written aside is renamed on its own file system
        self.file = Path(os.path.realpath(file))
        self.sets = self.file.with_name(f"{self.file.stem}_parquet")
        self._lock = self.file.with_name(f".{self.file.name}.lock")
        self._handle = -1
        self._noted: dict[str, Any] = {}

    @contextmanager
    def claimed(self, owner: Mapping[str, str], *, take_over: bool = False) -> Iterator[None]:
        """Hold the shelf alone, cleared of what killed builds left.

        The lock is the operating system's: it goes with the process that holds it, however that
        ends, so it is never stale.

        Parameters
        ----------
        owner
            What publishes, in words: its project, target, warehouse and schema. Another one than
            before is refused.
        take_over
            Whether it may take the place over from another one.
        """
        try:
            import fcntl
        except ImportError:
            raise PublishError("publishing needs file locks, which this system lacks") from None
        handle = self._open_lock()
        try:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise PublishError(
                            f"another build has been publishing to {self.file} for "
                            f"{_PATIENCE_SECONDS // 60} minutes; check whether it hangs"
                        ) from None
                    time.sleep(0.05)
            self._handle = handle
            self._noted = self._read_lock(handle)
            former = self._noted.get("owner")
            if former is not None and former != dict(owner) and not take_over:
                raise PublishError(
                    f"{self.file} is published from the {_told(former)}, and this is the "
                    f"{_told(owner)}; "
                    "give this one its own `holdfast_publish_path`, or replace the publication "
                    "with `holdfast publish --take-over`"
                )
            self._note(owner=dict(owner))
            self._sweep()
            yield
        finally:
            self._handle = -1
            os.close(handle)

    def aside(self, publication_id: str) -> tuple[Path, Path]:
        """Give the file and the folder to write a publication to before it is shown."""
        file = self.file.with_name(f".{self.file.name}.{publication_id}.part")
        return file, self.sets / f".{publication_id}.part"

    def show(self, publication_id: str) -> None:
        """Put a complete publication in the place of the former one.

        The file's rename is the moment of publication. Everything before it is invisible, and
        everything after it is repeated or cleared by the next publication.
        """
        file, folder = self.aside(publication_id)
        shown = self.sets / publication_id
        link, latest = self.sets / f".{publication_id}.link", self.sets / "latest"
        # the sets' names begin with the time, which may go back: so what is shown is noted. Whoever
        # was killed in between has left two, of which one is shown
        former = {self._noted.get("shown"), self._noted.get("showing")}
        former.add(Path(os.path.realpath(latest)).name)
        _flush(file)
        for path in [*folder.rglob("*"), folder]:
            _flush(path)
        folder.rename(shown)
        _flush(self.sets)
        self._note(showing=publication_id)
        file.replace(self.file)
        _flush(self.file.parent)
        try:
            if latest.is_dir() and not latest.is_symlink():
                # whoever copied the folder followed the link
                shutil.rmtree(latest)
            link.symlink_to(publication_id, target_is_directory=True)
            link.replace(latest)
        except OSError:
            # a file system without links: the manifest names the set
            link.unlink(missing_ok=True)
        self._note(shown=publication_id, showing=None)
        # somebody may be reading the former set file by file
        self._drop_sets_but({publication_id, *former})

    def drop(self, publication_id: str) -> None:
        """Remove what was written aside."""
        file, folder = self.aside(publication_id)
        for path in file.parent.glob(f"{file.name}*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def drop_former_sets(self, publication_id: str) -> None:
        """Remove all Parquet sets but the one shown; readers of the former ones lose them."""
        self._drop_sets_but({publication_id})

    def _drop_sets_but(self, kept: set[str | None]) -> None:
        """Remove the complete Parquet sets that are not among those to keep."""
        for folder in self.sets.iterdir():
            is_set = folder.is_dir() and not folder.is_symlink() and folder.name[:1] != "."
            if is_set and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _read_lock(self, handle: int) -> dict[str, Any]:
        """Read what the lock notes; nothing of a file that is not ours is ever told."""
        content = os.pread(handle, _LOCK_SIZE, 0)
        if not content:
            return {}
        try:
            noted = json.loads(content)
        except ValueError:
            noted = None
        if not isinstance(noted, dict) or not isinstance(noted.get("owner"), dict):
            raise PublishError(
                f"{self._lock} was not written by Holdfast or was changed; if {self.file} may be "
                "replaced, remove that file"
            )
        return noted

    def _note(self, **facts: Any) -> None:
        """Write something into the lock."""
        self._noted |= facts
        told = json.dumps(self._noted).encode()
        if len(told) > _LOCK_SIZE:
            raise PublishError(
                f"the names of project, target and warehouse of {self.file} are too long"
            )
        # in one write, padded: a killed process leaves the former note or this one
        os.pwrite(self._handle, told.ljust(_LOCK_SIZE), 0)
        os.fsync(self._handle)

    def _open_lock(self) -> int:
        """Open the lock file, and refuse to replace a file that Holdfast has not published."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if self.file.is_dir() or (self.file.exists() and not self._lock.exists()):
                raise PublishError(
                    f"{self.file} already exists and was not published by Holdfast; remove it, "
                    "or set the var `holdfast_publish_path` to another file"
                )
            if self._lock.is_symlink():
                raise PublishError(
                    f"{self._lock} is a link to another file, which Holdfast never makes; remove it"
                )
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            handle = os.open(self._lock, flags, 0o644)
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                raise PublishError(f"{self._lock} is not a regular file; remove it")
            self.sets.mkdir(exist_ok=True)
        except OSError as error:
            raise PublishError(
                f"{self.file.parent} cannot be written to ({error.strerror}); make it writable, "
                "or set the var `holdfast_publish_path` to a file elsewhere"
            ) from None
        return handle

    def _sweep(self) -> None:
        """Remove what builds left that were killed; the lock says that none is at work."""
        for path in self.file.parent.glob(f".{self.file.name}.*.part*"):
            path.unlink(missing_ok=True)
        for path in self.sets.glob(".*.part"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.sets.glob(".*.link"):
            path.unlink(missing_ok=True)


def _told(owner: Mapping[str, str]) -> str:
    """Say in words what publishes."""
    return ", ".join(f"{name} {value!r}" for name, value in owner.items())


def _flush(path: Path) -> None:
    """Have the disk hold a file or a folder before anybody relies on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
