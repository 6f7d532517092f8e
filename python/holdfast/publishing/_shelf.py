"""The shelf of a publication: the file, the Parquet sets beside it, and whose turn it is."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.publishing._errors import PublishError

__all__ = ["Shelf"]

_PATIENCE_SECONDS = 600
_KEPT_SETS = 2


class Shelf:
    """The published file and what belongs to it.

    ``holdfast.duckdb``
        the publication; replaced in one step, never written to.
    ``holdfast_parquet/<publication>/<table>/*.parquet``
        the same tables as Parquet; ``holdfast_parquet/latest`` is a link to the newest set.
    ``.holdfast.duckdb.lock``
        held by whoever publishes, and the sign that the file is Holdfast's to replace.
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

    @contextmanager
    def claimed(self, source: str) -> Iterator[None]:
        """Hold the shelf alone, cleared of what killed builds left.

        The lock is the operating system's: it goes with the process that holds it, however that
        ends, so it is never stale.

        Parameters
        ----------
        source
            The warehouse that publishes; another one than before is refused.
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
                            f"{_PATIENCE_SECONDS // 60} minutes; see whether it hangs"
                        ) from None
                    time.sleep(0.05)
            former = os.pread(handle, 4096, 0).decode()
            if former and former != source:
                raise PublishError(
                    f"{self.file} is published from the warehouse '{former}', and this one is "
                    f"'{source}'; give this target a `holdfast_publish_path` of its own, or "
                    f"remove {self._lock} to take the file over"
                )
            if not former:
                os.pwrite(handle, source.encode(), 0)
            self._sweep()
            yield
        finally:
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
        _flush(file)
        for path in [*folder.rglob("*"), folder]:
            _flush(path)
        folder.rename(shown)
        _flush(self.sets)
        file.replace(self.file)
        _flush(self.file.parent)
        link, latest = self.sets / f".{publication_id}.link", self.sets / "latest"
        former = Path(os.path.realpath(latest))
        try:
            if latest.is_dir() and not latest.is_symlink():
                # whoever copied the folder followed the link
                shutil.rmtree(latest)
            link.symlink_to(publication_id, target_is_directory=True)
            link.replace(latest)
        except OSError:
            # a file system without links: the manifest names the set
            link.unlink(missing_ok=True)
        for old in self._complete_sets()[:-_KEPT_SETS]:
            # somebody may be reading the former set file by file
            if old != former:
                shutil.rmtree(old, ignore_errors=True)

    def drop(self, publication_id: str) -> None:
        """Remove what was written aside."""
        file, folder = self.aside(publication_id)
        for path in file.parent.glob(f"{file.name}*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def drop_former_sets(self) -> None:
        """Remove all Parquet sets but the one shown; readers of the former ones lose them."""
        latest = Path(os.path.realpath(self.sets / "latest"))
        for folder in self._complete_sets():
            if folder != latest:
                shutil.rmtree(folder, ignore_errors=True)

    def _open_lock(self) -> int:
        """Open the lock file, and refuse to replace a file that Holdfast has not published."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if self.file.is_dir() or (self.file.exists() and not self._lock.exists()):
                raise PublishError(
                    f"{self.file} is there already and was not published by Holdfast; remove it, "
                    "or set the var `holdfast_publish_path` to another file"
                )
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
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

    def _complete_sets(self) -> list[Path]:
        """Give the complete Parquet sets, oldest first: their names begin with the time."""
        return sorted(
            path
            for path in self.sets.iterdir()
            if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
        )


def _flush(path: Path) -> None:
    """Have the disk hold a file or a folder before anybody relies on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
