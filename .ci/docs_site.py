"""Hooks of mkdocs: the pages beside docs/ join the site, and links to the code become its names.

`mkdocs build --strict` fails at a link that leads nowhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
# where they are in the repository, and in the site
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "examples/online_retail/README.md": "online_retail.md",
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]*)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie elsewhere."""
    for source, name in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=_linked(text, source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Change the links of the pages in docs/; those of the others are changed already."""
    name = page.file.src_uri
    return markdown if name in PAGES.values() else _linked(markdown, f"docs/{name}")


def _linked(text: str, source: str) -> str:
    """Write the links of a page as the site has them."""
    parts = re.split(r"(^```.*?^```)", text, flags=re.S | re.M)
    return "".join(
        part if part.startswith("```") else _LINK.sub(lambda link: _link(link, source), part)
        for part in parts
    )


def _link(link: re.Match[str], source: str) -> str:
    image, told, target, anchor = link[1], link[2], link[3], link[4] or ""
    if not target or re.match(r"[a-z]+:", target):
        return link[0]
    path = (ROOT / source).parent.joinpath(target).resolve().relative_to(ROOT).as_posix()
    if path in PAGES:
        return f"{image}[{told}]({PAGES[path]}{anchor})"
    if path.startswith("docs/"):
        return f"{image}[{told}]({path.removeprefix('docs/')}{anchor})"
    # a file of the code, of which the site has no page
    return told
