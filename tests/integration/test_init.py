"""From a wheel to scores: what a person gets who has a table of orders and no clone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import duckdb
import pytest

from projects import ROOT, DbtProject, run
from test_readme import copy_repository

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel of the source distribution into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    copy_repository(folder / "clone")
    python = sys.executable
    run(
        python, "-m", "hatchling", "build", "-t", "sdist", "-d", folder,
        cwd=folder / "clone", check=True,
    )  # fmt: skip
    (sdist,) = folder.glob("*.tar.gz")
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(
        *pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, sdist,
        cwd=folder, check=True,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    run(*pip, "install", "--no-deps", "--target", folder / "site", wheel, cwd=folder, check=True)
    return folder / "site"


def holdfast(site: Path, *words: str | Path, cwd: Path) -> str:
    """Run the command of the installed wheel, with no clone on the path."""
    code = "import sys; from holdfast.cli import main; sys.exit(main())"
    result = run(sys.executable, "-c", code, *words, cwd=cwd, check=True, PYTHONPATH=str(site))
    return result.stdout


def test_a_german_warehouse_scores_without_a_file_edited_by_hand(
    installed: Path, tmp_path: Path, simulated_orders: Path
) -> None:
    with duckdb.connect(str(tmp_path / "erp.duckdb")) as warehouse:
        warehouse.execute(
            "create table bestellungen as select cast(order_id as double) as bestellnr, 'K-' || "
            "customer_id as kundennr, strftime(ordered_at, '%d.%m.%Y %H:%M') as bestelldatum, "
            "replace(cast(amount as varchar), '.', ',') || ' €' as betrag "
            f"from read_parquet('{simulated_orders}')"
        )
    package = Path(holdfast(installed, "package", "path", cwd=tmp_path).strip())
    assert package.is_relative_to(installed)
    told = holdfast(installed, "init", "laden", "--warehouse", "erp.duckdb", cwd=tmp_path)
    assert "dbt parse: done" in told
    folder = tmp_path / "laden"
    assert (folder / "dbt_packages" / "holdfast").resolve() == folder / "holdfast_package"
    run("dbt", "build", cwd=folder, check=True, PYTHONPATH=str(installed))
    project = DbtProject(folder, tmp_path / "erp.duckdb")
    scored = project.query(
        "select count(*), min(churn_probability), max(churn_probability), min(customer_id[:2]) "
        "from main_retention.churn_scores where status = 'scored'"
    )[0]
    assert scored[0] > 100
    assert 0 <= scored[1] < scored[2] <= 1
    assert scored[3] == "K-"
    assert project.query("select count(*) from main_retention.stg_holdfast__orders") == [
        (duckdb.sql(f"select count(*) from read_parquet('{simulated_orders}')").fetchall()[0][0],)
    ]
    assert "none failed" in holdfast(installed, "doctor", cwd=folder)


def test_lines_of_orders_in_a_project_that_is_there_are_staged(
    installed: Path, tmp_path: Path, simulated_orders: Path
) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as warehouse:
        warehouse.execute(
            'create table online_retail_ii as select cast(order_id as varchar) as "Invoice", '
            '\'P\' || line as "StockCode", line as "Quantity", ordered_at as "InvoiceDate", '
            'amount / line / 2 as "Price", cast(customer_id as double) as "Customer ID" '
            f"from read_parquet('{simulated_orders}'), range(1, 3) as lines (line)"
        )
    (tmp_path / "dbt_project.yml").write_text(
        "name: mine\nprofile: mine\nvars:\n  theirs: 1\n", encoding="utf-8"
    )
    (tmp_path / "profiles.yml").write_text(
        "mine:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      path: shop.duckdb\n",
        encoding="utf-8",
    )
    holdfast(installed, "init", cwd=tmp_path)
    select = "+stg_holdfast__orders +stg_holdfast__order_items"
    run(
        "dbt", "run", "--select", *select.split(), cwd=tmp_path, check=True,
        PYTHONPATH=str(installed),
    )  # fmt: skip
    project = DbtProject(tmp_path, tmp_path / "shop.duckdb")
    found, expected = (
        project.query(f"select count(*), round(sum(amount)) from {source}")[0]
        for source in (
            "main_retention.stg_holdfast__orders",
            f"read_parquet('{os.fspath(simulated_orders)}')",
        )
    )
    assert found[0] == expected[0]
    assert float(found[1]) == pytest.approx(float(expected[1]), rel=1e-3)
    assert project.query("select count(*) from main_retention.stg_holdfast__order_items") == [
        (2 * expected[0],)
    ]
    assert ROOT not in (tmp_path / "dbt_packages" / "holdfast").resolve().parents
