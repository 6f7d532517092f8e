"""What the package index and pip are told: the name, the version, and a page without dead links."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import holdfast

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]


def test_the_halves_have_one_version() -> None:
    """The build takes it from the Python package; dbt cannot."""
    dbt_project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    macro = (ROOT / "macros" / "settings" / "version.sql").read_text(encoding="utf-8")
    assert dbt_project["version"] == holdfast.__version__
    assert re.findall(r"return\('(.+)'\)", macro) == [holdfast.__version__]


def test_extras_that_name_the_distribution_name_this_one() -> None:
    """The index has a foreign project named holdfast, and pip would take it without a word."""
    assert PROJECT["name"] == "dbt-holdfast"
    own = re.compile(r"(?:dbt-)?holdfast\[(\w+)\]")
    named = [line for extra in EXTRAS.values() for line in extra if own.match(line)]
    assert named
    for line in named:
        assert line.startswith("dbt-holdfast[")
        assert own.sub(r"\1", line) in EXTRAS


@pytest.mark.parametrize(
    "place", ["python", "macros", "models", "docs", "benchmarks", "examples", "*.md"]
)
def test_nobody_is_told_to_install_what_is_not_ours_or_not_there(place: str) -> None:
    """The index has a foreign project `holdfast`, and no release of `dbt-holdfast`."""
    wrong = re.compile(r"""pip install[^\n]*?[\s'"](dbt-)?holdfast(?=[\['"=<>~\s`]|$)""", re.M)
    at_address = re.compile(r"pip install 'dbt-holdfast(\[\w+\])? @ git\+")
    suffixes = {".py", ".sql", ".yml", ".md"}
    paths = ROOT.glob(place) if "*" in place else (ROOT / place).rglob("*")
    files = [path for path in paths if path.suffix in suffixes and "dbt_packages" not in path.parts]
    assert files
    texts = {path: at_address.sub("", path.read_text(encoding="utf-8")) for path in files}
    assert [path for path, text in texts.items() if wrong.search(text)] == []


def test_the_page_of_the_index_has_no_link_that_an_index_cannot_follow() -> None:
    page = (ROOT / PROJECT["readme"]).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)|(?:src|href)=\"([^\"]+)\"", page)
    assert [link for pair in links for link in pair if link and not link.startswith("https:")] == []


def test_the_licence_of_every_dependency_is_told() -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| ([\w-]+)(?: \(extra `\w+`\))? \|", page, re.M)) - {"package"}
    extras = [line for name in EXTRAS if name != "dev" for line in EXTRAS[name]]
    needed = {re.match(r"[\w-]+", line)[0].lower() for line in [*PROJECT["dependencies"], *extras]}  # type: ignore[index]
    assert told == needed


def name_of(requirement: str) -> str:
    """Give the name in a requirement, as the index writes it."""
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def pins(file: str) -> dict[str, str]:
    """Give the versions that a file of requirements holds."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pinned = [re.match(r"([\w.-]+)==([^\s;]+)", line) for line in lines]
    return {name_of(found[1]): found[2] for found in pinned if found}


@pytest.mark.parametrize("extra", ["report", "dev", "spark", "docs"])
def test_make_installs_the_versions_of_the_constraints_each_with_its_hash(extra: str) -> None:
    file = f"requirements/{extra}.txt"
    constraints, locked = pins("constraints.txt"), pins(file)
    assert locked.items() <= constraints.items()
    # a requirement goes on over lines that end with a backslash
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(requirements) == len(locked)
    hashed = re.compile(r" --hash=sha256:[0-9a-f]{64}\b")
    assert [line for line in requirements if not hashed.search(line)] == []

    groups = PYPROJECT["dependency-groups"]
    named = [*PROJECT["dependencies"], *groups["build"], *EXTRAS[extra]]
    assert {name_of(line) for line in named} - {"dbt-holdfast"} <= set(locked)


def test_no_version_is_constrained_that_nothing_installs() -> None:
    locked = [pins(f"requirements/{extra}.txt") for extra in ("report", "dev", "spark", "docs")]
    assert set(pins("constraints.txt")) == set().union(*locked)


def test_the_wheel_is_told_to_hold_what_copies_of_the_dbt_package_need() -> None:
    from holdfast import shipped

    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    inside = {*wheel["only-include"], *wheel["force-include"]} - {"python/holdfast"}
    assert inside == set(shipped._PARTS)
    places = {**wheel["sources"], **wheel["force-include"]}
    for part in shipped._PARTS:
        top = part.split("/")[0]
        assert places[top] == f"holdfast/dbt_package/{top}"


def test_the_public_checks_run_on_every_python_that_is_promised() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    promised = [
        line.rsplit(" ", 1)[1]
        for line in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", line)
    ]
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python-version"] == promised
    commands = [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands:
        made = re.match(r"make ([\w-]+)", command)
        assert f"\n{made[1]}: " in makefile if made else (ROOT / ".ci" / "run").exists()
