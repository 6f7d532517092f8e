"""What the README tells a stranger to type, typed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from projects import ROOT, DbtProject, run

README = (ROOT / "README.md").read_text(encoding="utf-8")

SYSTEMS = "'timing', 'recommendations', 'decisions', 'offers', 'campaigns', 'pricing', 'service'"


def between(marker: str) -> str:
    """Give the part of the README between two marks."""
    return README.split(f"<!-- {marker}:begin -->")[1].split(f"<!-- {marker}:end -->")[0]


def copy_repository(target: Path) -> None:
    """Copy what a clone would have, with the changes that are not committed yet."""
    names = run(
        "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT, check=True
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


@pytest.mark.slow
def test_own_tables_in_five_minutes_is_true_to_the_letter(tmp_path: Path) -> None:
    copy_repository(tmp_path / "holdfast")
    script = "\n".join(re.findall(r"```bash\n(.*?)```", between("tutorial"), flags=re.DOTALL))
    assert "dbt build" in script
    # the reader's own environment: nothing of the one that runs this test
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    }
    environment["PATH"] = os.pathsep.join(
        part for part in environment["PATH"].split(os.pathsep) if ".venv" not in part
    )
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "customers can still be kept, as of" in result.stdout
    with duckdb.connect(str(tmp_path / "my_shop" / "shop.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select count(*) from main_retention.customer_retention where status = 'scored'"
        ).fetchall()
    assert rows[0][0] > 200


def test_figures_in_the_readme_are_those_of_the_demo(built_demo: DbtProject) -> None:
    figure = re.compile(r"^\s+(\w+)\s+(?:champion|challenger|baseline)\s+([\d.]+)", re.M)
    parts = between("demo").split("\n\n")
    told = {
        part.split(" on held-out months ")[0].strip(" `\n").removeprefix("text\n").lower(): (
            dict(figure.findall(part)),
            dict(figure.findall(after)),
        )
        for part, after in pairwise(parts)
        if " on held-out months (" in part.split("\n  ")[0] and "next 90 days" not in part
    }
    assert set(told) == {"churn", "winback"}
    everybody, keepable = told["churn"]
    assert len(everybody) == len(keepable) == 6
    rows = built_demo.query(
        "select task, algorithm, auroc, keepable_auroc from model_performance "
        "where task in ('churn', 'winback')"
    )
    for task, algorithm, value, keepable_auroc in rows:
        # another processor may round otherwise
        assert float(told[task][0][algorithm]) == pytest.approx(value, abs=2e-3)
        if task == "churn":
            assert float(keepable[algorithm]) == pytest.approx(keepable_auroc, abs=2e-3)


def test_every_setting_of_the_macros_is_in_the_readme() -> None:
    settings = (ROOT / "macros" / "settings" / "settings.sql").read_text(encoding="utf-8")
    names = re.findall(r"^        '(\w+)': \{'default'", settings, re.M)
    assert len(names) > 10
    missing = [name for name in names if f"`holdfast_{name}`" not in README]
    assert missing == []


def test_no_yml_of_a_model_has_a_default_of_its_own() -> None:
    """A dbt yml cannot call a macro, so a default there would be one that is written twice."""
    settings = (ROOT / "macros" / "settings" / "settings.sql").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"^        '(\w+)': \{'default': ([^,]+),", settings, re.M))
    assert len(defaults) > 10
    read = [
        found
        for path in (ROOT / "models").rglob("*.yml")
        for found in re.findall(r"var\('holdfast_(\w+)', ([^)]+)\)", path.read_text())
        if found[0] in defaults
    ]
    assert sorted(set(read)) == [
        ("churn_definition", "'non_contractual'"),
        ("currency", "''"),
        ("least_group", "10"),
        ("locale", "'en'"),
        ("publish_path", "''"),
        ("systems", f"[{SYSTEMS}]"),
        ("time_spine", "true"),
    ]
    assert defaults["churn_definition"] == "'non_contractual'"
    assert defaults["publish_path"] == "none"
    assert defaults["currency"] == "none"
    assert defaults["least_group"] == "10"
    assert defaults["locale"] == "'en'"
    assert f"'systems': {{'default': [{SYSTEMS}]," in settings
    assert defaults["time_spine"] == "true"
