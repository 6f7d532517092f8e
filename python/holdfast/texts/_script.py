"""The script that a text is written in, by the Unicode ranges of its letters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.texts._terms import code_points

__all__ = ["SCRIPTS", "scripts_of"]

# Chinese and Japanese share characters, so they are one.
SCRIPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "latin": ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF)),
    "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "cyrillic": ((0x400, 0x52F),),
    "armenian": ((0x531, 0x58F),),
    "hebrew": ((0x590, 0x5FF),),
    "arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)),
    "devanagari": ((0x900, 0x97F),),
    "thai": ((0xE00, 0xE7F),),
    "georgian": ((0x10A0, 0x10FF),),
    "hangul": ((0x1100, 0x11FF), (0xAC00, 0xD7AF)),
    "han": ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x2FA1F)),
}
_OTHER = "other"


def scripts_of(texts: Sequence[str]) -> NDArray[np.object_]:
    """Return the script most letters of each text are of.

    Parameters
    ----------
    texts
        Texts, shape (n,).

    Returns
    -------
    numpy.ndarray, object, shape (n,)
        A key of `SCRIPTS`, ``other`` for letters of another script, or an empty text where there
        are no letters at all.

    Examples
    --------
    >>> scripts_of(["Where is it?", "Где заказ?", "1 + 1"]).tolist()
    ['latin', 'cyrillic', '']
    """
    codes, row, is_letter = code_points(texts)
    codes, row = codes[is_letter], row[is_letter]
    counts = np.zeros((len(texts), len(SCRIPTS) + 1), np.int64)
    known = np.zeros(len(codes), bool)
    for index, ranges in enumerate(SCRIPTS.values()):
        is_of = np.zeros(len(codes), bool)
        for first, last in ranges:
            is_of |= (codes >= first) & (codes <= last)
        counts[:, index] = np.bincount(row[is_of], minlength=len(texts))
        known |= is_of
    # digits are of no script
    is_other = ~known & (codes > 0x7F)
    counts[:, -1] = np.bincount(row[is_other], minlength=len(texts))
    names = np.array([*SCRIPTS, _OTHER], dtype=object)
    found: NDArray[np.object_] = names[counts.argmax(axis=1)]
    found[counts.sum(axis=1) == 0] = ""
    return found
