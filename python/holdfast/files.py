"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from holdfast.errors import HoldfastError

__all__ = ["write_aside"]


def write_aside(
    output: Path, content: bytes, *, error: type[HoldfastError], mode: int | None = None
) -> None:
    """Write a file beside its place and rename it, so that nobody reads half of it.

    Parameters
    ----------
    output
        The file; a former one stays until the new one is complete.
    content
        What to write.
    error
        What to raise where it cannot be written.
    mode
        Who may read and write it; as the system has it for new files when None.

    Raises
    ------
    HoldfastError
        Of the class `error`: if `output` is a folder, or cannot be written.

    Examples
    --------
    >>> write_aside(Path("nowhere/card.html"), b"", error=HoldfastError)
    Traceback (most recent call last):
    ...
    holdfast.errors.HoldfastError: there is no folder nowhere; make it first
    """
    # of a name that the system refuses, Path.is_dir would raise
    if os.path.isdir(output):
        raise error(f"{output} is a folder; name a file in it")
    if not os.path.isdir(output.parent):
        raise error(f"there is no folder {output.parent}; make it first")
    aside = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with aside.open("xb") as file:
            if mode is not None:
                aside.chmod(mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(output)
    except OSError as reason:
        raise error(f"{output} cannot be written: {reason.strerror or reason}") from None
    finally:
        with suppress(OSError):
            aside.unlink()
