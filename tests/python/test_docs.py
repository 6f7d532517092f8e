"""What the documents name is there: files behind links, sections, paths, models and vars."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
# of a relation each, read where it is needed; they have no default that could be listed
RELATION_VARS = {
    "policies",
    "recommendation_exclusions",
    "spine",
    "churn_labels",
    "feature_views",
    "customer_attributes",
    "demo",
    "tasks",
}
INPUT_VARS = {
    path.stem.removeprefix("stg_holdfast__") for path in ROOT.glob("models/inputs/stg_*.sql")
}
FENCE = re.compile(r"^```.*?^```", re.S | re.M)


def prose(page: Path) -> str:
    """Give a page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def present(page: Path) -> str:
    """Give a page without the column of former names that the changelog has."""
    text = page.read_text(encoding="utf-8")
    before, table, after = text.partition("| former | now |\n")
    rows, blank, rest = after.partition("\n\n")
    return before + table + re.sub(r"^\|[^|]*\|", "|", rows, flags=re.M) + blank + rest


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith(("http:", "https:")):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target) if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_in_the_text_exist(page: Path) -> None:
    roots = "models|macros|python|tests|benchmarks|seeds|docs|examples"
    named = re.findall(rf"`((?:{roots})/[\w./-]*)`", prose(page))
    # what a reader runs
    named += re.findall(r"python (benchmarks/\w+\.py)", page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_models_of_holdfast_exist(page: Path) -> None:
    there = {path.stem for path in ROOT.glob("models/**/*") if path.suffix in {".sql", ".py"}}
    text = present(page)
    named = set(re.findall(r"ref\('holdfast', '(\w+)'\)", text))
    named |= set(re.findall(r"\b((?:stg_)?holdfast__[a-z_]*[a-z])\b(?!_)(?![<{])", text))
    assert named - there == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_vars_exist(page: Path) -> None:
    settings = (ROOT / "macros" / "settings" / "settings.sql").read_text(encoding="utf-8")
    there = set(re.findall(r"^        '(\w+)': \{'default'", settings, re.M))
    there |= RELATION_VARS | INPUT_VARS
    # as a var is written: on a line of its own in yml, or set apart in the text
    named = set(re.findall(r"(?:^ *|`)holdfast_([a-z]\w*)(?=[:`])", present(page), re.M))
    semantic = "".join(path.read_text("utf-8") for path in ROOT.glob("models/semantic/*.yml"))
    python = "".join(path.read_text("utf-8") for path in ROOT.glob("python/holdfast/**/*.py"))
    unknown = {
        name
        for name in named - there
        # an entity and its dimension
        if "__" not in name
        # metrics, and functions of DuckDB, are called alike
        if f"name: holdfast_{name}\n" not in semantic and f'"holdfast_{name}"' not in python
    }
    assert unknown == set()
