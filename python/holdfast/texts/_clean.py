"""What a customer wrote: without markup, quoted mail and signature, and with numbers masked.

All expressions are run by RE2, whose time grows with the length of the text and no faster, so no
text can hold a build up.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["MOST_KEPT", "MOST_READ", "clean"]

# characters of a text that are read, and of what is left of it that are kept
MOST_READ = 50_000
MOST_KEPT = 1_000

_MARKUP = (
    (r"(?is)<(?:style|script|head|title)\b.*?</(?:style|script|head|title)\s*>", " "),
    (r"(?is)<!--.*?-->", " "),
    # quoted mail may hold quoted mail
    (r"(?is)<blockquote\b.*?</blockquote\s*>", "\n"),
    (r"(?is)<blockquote\b.*?</blockquote\s*>", "\n"),
    (r"(?i)<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^<>]*>", "\n"),
    (r"</?[a-zA-Z][^<>]*>", " "),
)
_WROTE = (
    r"(?:on\b[^\n]{0,200}(?:\n[^\n]{0,80})?\bwrote"
    r"|am\b[^\n]{0,200}(?:\n[^\n]{0,80})?\bschrieb\b[^\n:]{0,80}"
    r"|le\b[^\n]{0,200}(?:\n[^\n]{0,80})?\ba écrit"
    r"|el\b[^\n]{0,200}(?:\n[^\n]{0,80})?\bescribió"
    r"|[^\n]{0,200}(?:пишет|написала?))\s{0,3}:[ \t]*"
)
_QUOTED = (
    # an introduction with the lines that it introduces
    rf"(?im)^[ \t]*{_WROTE}\n(?:[ \t]*\n)*(?:[ \t]*>[^\n]*(?:\n|$))+",
    r"(?m)^[ \t]*>[^\n]*$",
)
_THREAD = (
    rf"(?is)(?:^|\n)[ \t]*{_WROTE}\n.*",
    r"(?is)(?:^|\n)[ \t]*-{2,}[ \t]*(?:original message|forwarded message|ursprüngliche nachricht"
    r"|weitergeleitete nachricht|message d'origine|mensaje original|исходное сообщение).*",
    r"(?is)(?:^|\n)[ \t*]*(?:from|von|de|от)[*]?:[^\n]+\n[ \t*]*"
    r"(?:sent|date|gesendet|datum|envoyé|enviado|to|an|дата|отправлено)[*]?:.*",
    r"(?s)\n[ \t]*_{5,}[ \t]*\n.*",
)
_SIGNATURE = (
    r"(?s)\n--[ \t]*\n.*",
    r"(?im)^[ \t]*(?:sent from my|sent from|von meinem|gesendet mit|gesendet von|envoyé de|"
    r"enviado desde|отправлено с)\b[^\n]{0,80}$",
    r"(?is)\n[ \t]*(?:(?:kind|best|warm|many) (?:regards|wishes|thanks)|regards|sincerely|cheers"
    r"|yours (?:truly|faithfully|sincerely)|(?:mit )?(?:freundlichen|besten|vielen) grüßen"
    r"|(?:viele|beste|liebe) grüße|cordialement|saludos|с уважением)[ \t]*[,.!]*[ \t]*\n.{0,200}$",
)
_MASKS = (
    (r"(?i)\b(?:https?://|www\.)\S+", " [link] "),
    (r"[\pL\pN._%+\-]+@[\pL\pN\-]+(?:\.[\pL\pN\-]+)*", " [e-mail] "),
    (r"\b[A-Z]{2}\pN{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", " [number] "),
    # of cards and phones: seven digits and more, however they are set apart
    (r"[+(]{0,2}\pN(?:[\s().\-/–]{0,3}\pN){6,}", " [number] "),
    (r"\pN{5,}", " [number] "),
)


def clean(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return what customers wrote themselves, on one line and masked.

    The first `MOST_READ` characters of a text are read. Markup, quoted mail and signatures are
    dropped; e-mail addresses, links, and the numbers of cards, accounts, phones and orders become
    ``[e-mail]``, ``[link]`` and ``[number]``. The first `MOST_KEPT` characters are kept.

    Parameters
    ----------
    texts
        Texts of any length; None is an empty one.

    Returns
    -------
    pyarrow.Array
        One string per text.

    Examples
    --------
    >>> clean(["<p>Where is it?<br>Write to ann@shop.example or +49 30 1234567</p>"]).to_pylist()
    ['Where is it? Write to [e-mail] or [number]']
    """
    found: Any = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(list(texts))
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    found = pc.fill_null(found.cast(pa.string()), "")
    found = pc.utf8_slice_codeunits(found, 0, MOST_READ)
    found = _without_markup(found)
    found = _without_quotes(found)
    for expression, mask in _MASKS:
        found = pc.replace_substring_regex(found, expression, mask)
    found = pc.utf8_trim_whitespace(pc.replace_substring_regex(found, r"[\s\pZ\pC]+", " "))
    return pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(found, 0, MOST_KEPT))


def _without_markup(texts: Any) -> Any:
    """Drop tags, and write entities as what they stand for."""
    for expression, instead in _MARKUP if _any(texts, "<") else ():
        texts = pc.replace_substring_regex(texts, expression, instead)
    if not _any(texts, "&"):
        return texts
    return pa.array([html.unescape(text) if "&" in text else text for text in texts.to_pylist()])


def _without_quotes(texts: Any) -> Any:
    """Drop quoted mail and signatures, unless nothing else is there."""
    if not _any(texts, "\n") and not _any(texts, "\r"):
        return texts
    texts = pc.replace_substring_regex(texts, r"\r\n?", "\n")
    for expression in _QUOTED:
        texts = pc.replace_substring_regex(texts, expression, "")
    cut = texts
    for expression in (*_THREAD, *_SIGNATURE):
        cut = pc.replace_substring_regex(cut, expression, "")
    # an answer below what it answers to: better with it than without both
    is_empty = pc.equal(pc.utf8_trim_whitespace(cut), "")
    return pc.if_else(is_empty, texts, cut)


def _any(texts: Any, part: str) -> bool:
    """Tell whether a part occurs in any text."""
    return bool(pc.any(pc.match_substring(texts, part)).as_py())
