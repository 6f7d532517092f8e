"""The notice in a report names the programs that the script beside it is made of."""

from __future__ import annotations

import re
from pathlib import Path

import altair
import vl_convert

from holdfast.report._assets import asset
from holdfast.report._shell import _vega

# packages of npm that vega-embed has compiled into itself, and what of them is in the script
COMPILED_IN = {"fast-json-patch": "fast-json-patch README", "semver": "SEMVER"}


def sources() -> dict[str, str]:
    """Give the modules that vl-convert carries, by name and version, each with its source."""
    binary = next(Path(vl_convert.__file__).parent.glob("vl_convert.*.so")).read_bytes()
    # each begins with a comment that says where it comes from
    pieces = re.split(rb"Original file: /npm/([^\s/]+)/", binary)
    return {
        name.decode(): source.split(b"sourceMappingURL")[0].decode(errors="ignore")
        for name, source in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def bundled(modules: dict[str, str]) -> set[str]:
    """Give the packages that the script for a browser needs, as its modules import each other."""
    version = altair.SCHEMA_VERSION.lstrip("v")
    todo = [name for name in modules if re.match(r"vega(-embed)?@", name)]
    todo.append(f"vega-lite@{version}")
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += re.findall(r'(?:from|import)\s*"/npm/([^"]+?)/\+esm"', modules[name])
    return {name.rpartition("@")[0] for name in seen}


def test_the_notice_names_the_packages_in_the_script_and_no_others() -> None:
    found = bundled(sources())
    # a change of the layout of vl-convert must not go by as an empty list
    assert {"vega", "vega-lite", "vega-embed", "d3-geo", "json-stringify-pretty-compact"} <= found
    script = _vega()
    assert {name for name, words in COMPILED_IN.items() if words in script} == set(COMPILED_IN)

    listed = re.findall(r"^Packages: ([^.]+)\.", asset("notice.txt"), re.M)
    named = [name for names in listed for name in re.split(r",\s+", names)]
    assert sorted(named) == sorted(found | set(COMPILED_IN))


def test_the_notice_is_a_comment_that_the_page_can_hold() -> None:
    assert "--" not in asset("notice.txt")
