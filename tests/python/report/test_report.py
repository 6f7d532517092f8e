"""The report of small warehouses made by hand: what is missing, what is odd, what is hostile."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast.report import ReportError, write_report
from holdfast.warehouse.project import Project, ProjectError
from small_shop import STATES, Customer, customers, data_of, listed_in, page_of

HOSTILE = "</script><img src=x onerror=alert(1)>"
ONE = customers([Customer(7)])

MakeProject = Callable[..., Project]


@contextmanager
def held(warehouse: Path) -> Iterator[None]:
    """Have another process write to the warehouse, as a build does."""
    script = f"import duckdb; c = duckdb.connect({str(warehouse)!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate(b"\n")


def test_hostile_text_stays_text(project: MakeProject, tmp_path: Path) -> None:
    hostile = (
        Customer(HOSTILE, segment=HOSTILE, reason=HOSTILE),
        Customer("<!--<script>", revenue=200, segment="@ink", reason="\u2028&amp;"),
    )
    html = page_of(
        project(
            customers(hostile),
            f"""create table churn_overview as select '{HOSTILE}' as segment, 'high' as risk_band,
            2 as customers, 30.0 as value_at_risk""",
            f"""create table churn_drivers as select '{HOSTILE}' as driver_label,
            'high' as risk_band, 2 as customers, 30.0 as attributed_value_at_risk,
            '{HOSTILE}' as example, 1.0 as contribution""",
        ),
        tmp_path,
    )
    # what a browser takes for a script ends at the first end tag, whoever wrote it
    scripts = re.compile(r"<script[^>]*>.*?</script>", re.DOTALL)
    assert "University of Washington Interactive Data Lab" in html.split("<script>")[0]
    assert len(scripts.findall(html)) == 3
    rest = scripts.sub("", html)
    assert "<img" not in rest
    assert "<script" not in rest
    assert "&lt;/script&gt;&lt;img" in rest
    data = data_of(html)
    rows = listed_in(html)
    assert [row["id"] for row in rows] == ["<!--<script>", HOSTILE]
    assert rows[0]["reasons"] == ["\u2028&amp;"]
    assert data["charts"].keys() == {"segments", "drivers"}


def test_without_model_marts_and_scores_the_page_says_why(
    project: MakeProject, tmp_path: Path
) -> None:
    html = page_of(
        project(
            """
            create table customer_retention as
            select 1 as customer_id, date '2026-07-01' as as_of_date, 'no_model' as status,
                cast(null as double) as churn_probability, cast(null as varchar) as risk_band,
                cast(null as double) as value_at_risk, cast(null as double) as revenue_365d,
                cast(null as double) as expected_spend_365d
            """,
            "create table retention_cohorts (segment_by varchar, cohort_month date, "
            "months_since integer, customers bigint, retained_customers bigint, "
            "retention_rate double)",
            "create table model_performance (task varchar, algorithm varchar, stage varchar, "
            "model_id varchar, evaluated_as varchar, trained_at timestamp, training_to timestamp, "
            "split varchar, row_count bigint, base_rate double, mean_probability double, "
            "auroc double, auroc_lower double, auroc_upper double, log_loss double, "
            "expected_calibration_error double, top_decile_lift double)",
        ),
        tmp_path,
    )
    data = data_of(html)
    assert (data["charts"], data["lists"], data["flow"]) == ({}, {}, {})
    assert "No customer has a score. Either there is no model yet" in html
    assert "There is no model yet: there is too little mature history" in html
    assert "No month after the first purchases is over yet" in html
    assert "The table retention_curves is missing, or an earlier version built it" in html


def test_an_empty_shop_has_a_page(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(ONE, "delete from customer_retention"), tmp_path)
    assert "Customer retention" in html


def test_numbers_that_are_not_finite_are_left_out(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(
        project(
            ONE,
            "alter table customer_retention alter revenue_365d type double",
            "update customer_retention set revenue_365d = 'nan'",
        ),
        tmp_path,
    )
    assert listed_in(html)[0]["revenue_365d"] is None


def test_large_ids_keep_all_their_digits(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(customers([Customer(9007199254740993)])), tmp_path)
    assert listed_in(html)[0]["id"] == "9007199254740993"


def test_personal_columns_are_not_shown(project: MakeProject, tmp_path: Path) -> None:
    made = customers([Customer(7, reason="lives in Delft"), Customer(8, reason="lives in Gouda")])
    columns = tuple(("customer_retention", name) for name in ("reason_1", "segment"))
    html = page_of(project(made, personal=columns), tmp_path)
    assert "Delft" not in html
    assert all("segment" not in row for row in listed_in(html))


def test_personal_ids_are_not_listed(project: MakeProject, tmp_path: Path) -> None:
    personal = (("customer_retention", "customer_id"),)
    made = customers([Customer("ann@example.com")])
    html = page_of(project(made, personal=personal), tmp_path)
    assert "ann@example.com" not in html
    assert "its ids are marked as personal data" in html


def test_a_list_is_cut_where_most_value_is(project: MakeProject, tmp_path: Path) -> None:
    made = customers(Customer(n, revenue=n) for n in range(1, 1203))
    rows = listed_in(page_of(project(made), tmp_path))
    assert [row["id"] for row in rows] == [str(n) for n in range(1202, 202, -1)]


def test_change_is_told_against_scores_of_a_month_before(
    project: MakeProject, tmp_path: Path
) -> None:
    html = page_of(
        project(
            customers(
                (
                    Customer(7, band="medium", probability=0.5, revenue=20),
                    Customer(8, probability=0.5, revenue=40),
                    Customer(9, probability=0.5, revenue=60),
                ),
                without=STATES,
            ),
            """
            create table churn_scores as
            select * from (values
                (7, timestamp '2026-06-01', 'scored', 'high', 0.8),
                (8, timestamp '2026-06-01', 'scored', 'low', 0.1),
                (7, timestamp '2026-04-01', 'scored', 'high', 0.9),
                (7, timestamp '2026-07-01', 'scored', 'high', 0.9)
            ) as made (customer_id, as_of, status, risk_band, churn_probability)
            """,
        ),
        tmp_path,
    )
    # two of three are at high risk now, and one was; nobody has kept what was expected of them then
    assert "1 more than on 1 June 2026" in html
    assert "what was expected a month before is not kept" in html


def test_while_a_build_holds_the_warehouse_the_published_file_is_read(
    project: MakeProject, tmp_path: Path
) -> None:
    built = project(customers([Customer(7, reason="published")]))
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    with held(built.warehouse):
        with pytest.raises(ProjectError, match="writing to it"):
            write_report(built, tmp_path / "report.html")
        (tmp_path / "serving").mkdir()
        shutil.copy(built.warehouse, tmp_path / "serving" / "holdfast.duckdb")
        html = page_of(built, tmp_path)
    assert listed_in(html)[0]["reasons"] == ["published"]
    assert "was read from holdfast.duckdb, which does not have model_performance in full" in html


def test_an_older_schema_is_refused(project: MakeProject, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="run `dbt build` first"):
        write_report(project("create table customer_retention (id bigint)"), tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_a_missing_warehouse_is_refused(tmp_path: Path) -> None:
    manifest: dict[str, Any] = {"nodes": {}, "metadata": {}}
    with pytest.raises(ProjectError, match="run `dbt build` first"):
        write_report(Project(tmp_path, tmp_path / "no.duckdb", manifest, {}), tmp_path / "r.html")


def test_a_missing_extra_is_named(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ReportError, match=re.escape("pip install './holdfast[report]'")):
        write_report(project(ONE), tmp_path / "r.html")


def test_a_folder_is_no_file_to_write(project: MakeProject, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="is a folder"):
        write_report(project(ONE), tmp_path)
