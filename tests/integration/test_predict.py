"""holdfast.predict in models of the user's own, as docs/scoring.md has it, and what it refuses."""

from __future__ import annotations

import re

import pytest

from projects import ROOT, DbtProject

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
FEATURES = "ref('holdfast', 'holdfast__customer_features')"
# of types that begin like those of numbers, too
NO_NUMBERS = (
    "orders_lifetime::varchar as orders_lifetime",
    "interval 1 day as days_since_order",
    "[revenue_90d::double] as revenue_90d",
)


def add_model(project: DbtProject, name: str, relation: str, config: str = "table") -> None:
    """Add a model that predicts churn of a relation."""
    (project.directory / "models" / f"{name}.sql").write_text(
        f"{{{{ config(materialized='{config}') }}}}\n"
        f"select * from {{{{ holdfast.predict('churn', {relation}) }}}}\n",
        encoding="utf-8",
    )


def test_predict_scores_by_name_and_refuses_at_compile_time(demo: DbtProject) -> None:
    example = re.search(r"```sql\n-- models/at_risk.sql\n(.*?)```", PAGE, flags=re.DOTALL)
    assert example is not None
    (demo.directory / "models" / "at_risk.sql").write_text(example[1], encoding="utf-8")
    pinned = demo.query("select min(model_id) from churn_model where stage <> 'champion'")[0][0]
    select = f"'(select %s from ' ~ {FEATURES} ~ ')'"
    add_model(demo, "turned", select % "columns(*)" + f", model_id='{pinned}'")
    add_model(demo, "gone", select % "* exclude (orders_lifetime, days_since_order)")
    add_model(demo, "text", select % f"* replace ({', '.join(NO_NUMBERS)})")
    add_model(demo, "named", select % "*, 1 as model_id")
    add_model(demo, "pinned", f"{FEATURES}, model_id='nobody'")
    add_model(demo, "seen", FEATURES, config="view")
    said = demo.dbt(
        "run", "--select", "at_risk turned gone text named pinned seen", check=False
    ).stdout

    assert demo.query(
        """
        select count(*) > 0, bool_and(at_risk.churn_probability = scores.churn_probability
            and at_risk.model_id = scores.model_id)
        from at_risk inner join churn_scores as scores using (customer_id, as_of)
        """
    ) == [(True, True)]
    assert demo.query("select distinct model_id from turned") == [(pinned,)]
    assert "does not have: " in said
    assert re.search("orders_lifetime, days_since_order|days_since_order, orders_lifetime", said)
    for told in (
        "orders_lifetime (varchar)",
        "days_since_order (interval)",
        "revenue_90d (double[])",
    ):
        assert told in said
    assert "has a column model_id, the name of the prediction" in said
    assert re.search(f"no model with the id nobody; it has .*{pinned}", said)
    assert "seen is a view" in said
    assert not any(demo.has(name) for name in ("gone", "text", "named", "pinned", "seen"))

    shown = re.search(r"dbt show --inline \"(.*)\"", PAGE)
    assert shown is not None
    preview = demo.dbt("show", "--inline", shown[1]).stdout
    assert re.search(r"\| +\d+ \| +0\.\d+", preview)


def test_features_that_are_gone_or_text_leave_the_former_scores(demo: DbtProject) -> None:
    given = demo.query("select * from churn_scores order by all")
    for change, named in (
        ("alter days_since_order type varchar", "days_since_order (varchar)"),
        ("drop column days_since_order", "does not have: days_since_order"),
    ):
        demo.execute(f"alter table customer_features {change}")
        said = demo.dbt(
            "run", "--select", "holdfast__churn_reasons holdfast__churn_scores", check=False
        ).stdout
        assert named in said
        assert demo.query("select * from churn_scores order by all") == given


def test_ids_that_have_become_text_do_not_mix_with_the_history(demo: DbtProject) -> None:
    given = demo.query("select * from churn_scores order by all")
    demo.execute("alter table customer_features alter customer_id type varchar")
    said = demo.dbt(
        "run", "--select", "holdfast__churn_reasons holdfast__churn_scores", check=False
    ).stdout
    assert "customer_id is VARCHAR now, and BIGINT in" in said
    assert "holdfast_reset" in said
    assert demo.query("select * from churn_scores order by all") == given


def test_without_a_champion_there_are_statuses_and_no_error(demo: DbtProject) -> None:
    add_model(demo, "predicted", FEATURES)
    demo.execute("update churn_model set stage = 'archived' where stage = 'champion'")
    demo.dbt("run", "--select", "holdfast__churn_reasons holdfast__churn_scores predicted")
    assert demo.query(
        "select count(*) > 0, count(churn_probability), count(model_id) from predicted"
    ) == [(True, 0, 0)]
    statuses = demo.query("select distinct status from churn_scores order by all")
    assert statuses == [("no_model",), ("not_enough_history",)]
