"""What every page needs around its content: its data, style and scripts, and what they may do."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from holdfast import __version__
from holdfast.report._assets import asset

__all__ = ["shell"]


def shell(data: dict[str, Any], scripts: Iterable[str]) -> dict[str, Any]:
    """Give what the template base.html.j2 needs.

    Parameters
    ----------
    data
        What the page's scripts read; it needs no library of charts where its `charts` are empty.
    scripts
        The files of scripts, in their order.

    Returns
    -------
    dict
        Values of the template by name.
    """
    from markupsafe import Markup

    vega, own = _vega() if data["charts"] else "", _script(scripts)
    return {
        # of these, the first holds the shop's data; the others are files of this package
        "data": Markup(_json(data)),
        "policy": _policy(filter(None, (vega, own))),
        "style": Markup(asset("style.css")),
        "notice": Markup(asset("notice.txt")),
        "vega": Markup(vega),
        "script": Markup(own),
        "version": __version__,
        "written": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}",
    }


def _json(value: Any) -> str:
    """Write JSON that cannot end the element it stands in, nor begin a comment."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(scripts: Iterable[str]) -> str:
    """Give a content security policy that runs these scripts alone and loads nothing."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _script(scripts: Iterable[str]) -> str:
    """Put the page's own scripts into one closure, so that none of their names is global."""
    parts = "\n".join(asset(name) for name in scripts)
    return (
        '"use strict";\n(() => {\n'
        '  const data = JSON.parse(document.getElementById("report-data").textContent);\n'
        f"  const root = document.documentElement;\n\n{parts}}})();\n"
    )


@cache
def _vega() -> str:
    """Give Vega, Vega-Lite and vega-embed as one script, from the package vl-convert-python."""
    import altair
    import vl_convert

    version = altair.SCHEMA_VERSION.lstrip("v").rpartition(".")[0]
    # without a snippet it is the bundle for a browser; the stub does not know that
    return str(vl_convert.javascript_bundle(vl_version=version))  # type: ignore[call-arg]
