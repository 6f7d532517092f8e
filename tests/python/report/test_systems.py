"""What the report shows of value, timing and recommendations, as far as their tables are there."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.report._hours import _in_blocks, _told
from holdfast.warehouse.project import Project
from small_shop import WORTH, Customer, customers, data_of, listed_in, page_of, systems

MakeProject = Callable[..., Project]

SECTIONS = {"value", "timing", "recommend"}
LISTS = {"customers", "overdue", "replenish", "suggestions"}
# how many, so that tenths and blocks of hours are no small groups
COUNT = 120


def shop(count: int = COUNT) -> str:
    """Make customers of whom the first is worth least."""
    return customers(
        Customer(
            n,
            revenue=n,
            probability=0.5,
            trigger="overdue",
            weekday="Tuesday",
            hour=9,
            offer="Coffee",
        )
        for n in range(1, count + 1)
    )


def sections_of(html: str) -> set[str]:
    """Give which of the new sections a page has."""
    return SECTIONS & set(re.findall(r'<section id="([a-z]+)">', html))


def text_of(html: str, section: str) -> str:
    """Give what a section says, without its markup."""
    found = re.search(rf'<section id="{section}">.*?</section>', html, re.DOTALL)
    assert found is not None
    # a no-break space is no markup
    return re.sub(r"[ \n]+", " ", markup.unescape(re.sub(r"<[^>]+>", " ", found[0])))


def drawn_in(html: str, chart: str) -> list[dict[str, Any]]:
    """Give the rows that a chart draws."""
    spec = data_of(html)["charts"][chart]
    rows: list[dict[str, Any]] = spec["datasets"][spec["data"]["name"]]
    return rows


def test_a_section_is_there_when_its_tables_are(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(shop()), tmp_path)
    assert sections_of(html) == set()
    assert "#value" not in html
    assert "overdue" not in listed_in(html)[0]


def test_all_sections_together(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(shop(), *systems(COUNT)), tmp_path)
    assert sections_of(html) == SECTIONS
    data = data_of(html)
    assert data["charts"].keys() == {"concentration", "overdue", "hours"}
    assert data["lists"].keys() == LISTS
    assert "Probability of leaving times the spend expected" in text_of(html, "words")


def test_worth_is_told_as_a_sum_without_an_interval(project: MakeProject, tmp_path: Path) -> None:
    built = project(shop(), *systems(COUNT), meta={"currency": "EUR"})
    told = text_of(page_of(built, tmp_path), "value")
    # 10 + 20 + … + 1200, and four times as much in the year
    assert (
        "120 customers are expected to spend EUR\u00a072,600 in the next 90 days and "
        "EUR\u00a0290,400 in the next 365 days. That is about 240 and 960 orders."
    ) in told
    # of customers 109 to 120
    assert "The tenth of customers with the highest expected spend brings 19% of the year." in told
    # margin is known of nobody, and the ends of intervals are not added up
    assert "The margin in it" not in told
    assert "145,200" not in told
    # a customer has an interval of their own
    assert "120 Champions 4,800 (2,400 to 7,200) 50.0%" in told


def test_small_groups_are_not_told_apart(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(shop(20), *systems(20)), tmp_path)
    told = text_of(html, "value")
    assert "too few customers to divide them into tenths" in told
    # the fair won 4 and the flyer 7: together they are a group
    assert "other 11 470 42.73 2.0 \u00d7 2 of 2 1" in told
    assert "search 150 3,000 20.00 1.5 \u00d7 1 of 2 3" in told
    assert "fair" not in told
    # three anniversaries are no group of their own, and nothing is large enough to join them
    told = text_of(html, "timing")
    assert "order later than usual 16 9" in told
    assert "anniversary of the first order" not in told
    # a pair of three customers, and each pair in one direction alone
    pairs = re.findall(r"<tr><td>(\w+)</td><td>(\w+)</td>", html)
    assert pairs == [("Tea", "Milk"), ("Ham", "Eggs")]


def test_the_setting_says_what_a_small_group_is(project: MakeProject, tmp_path: Path) -> None:
    built = project(shop(20), *systems(20), meta={"least_group": "2"})
    html = page_of(built, tmp_path)
    assert "anniversary of the first order 3 1" in text_of(html, "timing")
    assert "fair 4 400 100 1.2 \u00d7 1 of 1 1" in text_of(html, "value")


def test_overdue_customers_are_grouped_and_listed(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(shop(), *systems(COUNT)), tmp_path)
    assert "60 customers are overdue for their next order." in text_of(html, "timing")
    # up to a week only 2, 4 and 6 days, so they join the next groups
    bars = drawn_in(html, "overdue")
    assert [(bar["name"], bar["customers"]) for bar in bars] == [
        ("1 to 30 days", 15),
        ("31 to 60 days", 15),
        ("61 to 90 days", 15),
        ("more than 90 days", 15),
    ]
    rows = listed_in(html, "overdue")
    assert [row["id"] for row in rows[:3]] == ["120", "118", "116"]
    assert "the highest expected spend first." in html
    assert (rows[0]["expected"], rows[0]["spend"], rows[0]["alive"]) == ("2026-07-09", 120, 0.75)


def test_without_an_expected_spend_the_longest_overdue_come_first(
    project: MakeProject, tmp_path: Path
) -> None:
    made = "alter table customer_retention drop column expected_spend_365d"
    html = page_of(project(shop(), *systems(COUNT), made), tmp_path)
    assert "the longest overdue first." in text_of(html, "timing")
    assert [row["days"] for row in listed_in(html, "overdue")[:2]] == [120, 118]
    assert data_of(html)["lists"]["overdue"]["sort"] == "days"


def test_reminders_of_the_next_days_are_listed(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(shop(), *systems(COUNT)), tmp_path)
    rows = listed_in(html, "replenish")
    # up to and with 14 July, without what is out of stock
    assert [row["id"] for row in rows] == ["1", *(str(n) for n in range(3, 17))]
    assert "will in the next 14, the earliest first." in html
    assert rows[0]["product"] == "Coffee"
    assert rows[0]["remind"] == "2026-06-29"


def test_products_that_ran_out_long_ago_are_counted_only(
    project: MakeProject, tmp_path: Path
) -> None:
    built = project(
        shop(),
        *systems(COUNT),
        "update replenishment_due set remind_at = remind_at - interval 20 day",
    )
    html = page_of(built, tmp_path)
    # 1 and 3 to 8 fell due before 17 June
    assert listed_in(html, "replenish")[0]["id"] == "9"
    assert "Not listed: 7 products that ran out earlier." in text_of(html, "timing")


def test_reminders_are_a_step_to_take(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(shop(), *systems(COUNT)), tmp_path)
    assert "15 reminders fell due in the last 14 days or will in the next 14" in text_of(
        html, "next"
    )
    assert 'data-shows="replenish"' in html


def test_hours_of_activity_are_a_map(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(shop(40), *systems(40)), tmp_path)
    told = text_of(html, "timing")
    assert "Customers are most active on Friday, 19:00 to 20:00." in told
    assert "For 40 of 40 customers the recommended hour rests on their own activity." in told
    # a quarter on Tuesday at 18, a quarter on Friday at 18, half of all on Friday at 19
    cells = drawn_in(html, "hours")
    assert len(cells) == 7 * 24
    assert {(c["weekday"], c["hour"]): c["share"] for c in cells if c["share"]} == {
        (2, 18): 0.25,
        (5, 18): 0.25,
        (5, 19): 0.5,
    }


def test_what_few_customers_do_in_an_hour_is_not_told(project: MakeProject, tmp_path: Path) -> None:
    # 18 on Friday at 18, each of them again at 19, and two at night
    built = project(
        shop(18),
        *systems(18),
        "update activity_hours set weekday = 5, hour = 18",
        "insert into activity_hours select customer_id, 5, 19 from activity_hours",
        "insert into activity_hours values (1, 1, 3), (2, 1, 3)",
    )
    cells = drawn_in(page_of(built, tmp_path), "hours")
    assert {(c["weekday"], c["hour"]) for c in cells if c["share"]} == {(5, 18), (5, 19)}


def test_hours_of_few_are_joined() -> None:
    assert _told(_in_blocks(HOURLY, 1), 10) == 0.4
    assert _told(_in_blocks(HOURLY, 2), 10) == 1.0
    # those who are active at 18 may be among those at 19
    [cell] = [cell for cell in _in_blocks(HOURLY, 2) if cell["activity"]]
    assert (cell["hours"], cell["activity"], cell["customers"]) == ("18:00 to 20:00", 50, 12)


HOURLY = [
    {"weekday": 5, "hour": 18, "activity": 20, "customers": 12},
    {"weekday": 5, "hour": 19, "activity": 30, "customers": 9},
]


def test_few_customers_have_no_map(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(shop(8), *systems(8)), tmp_path)
    told = text_of(html, "timing")
    assert "too few customers for a map of their hours" in told
    assert "There are too few of them to tell groups apart" in told


def test_dates_without_times_have_no_hours(project: MakeProject, tmp_path: Path) -> None:
    built = project(
        shop(),
        *systems(COUNT),
        "update contact_timing set is_fallback = true, best_hour = null",
        "update activity_hours set hour = null",
        "update customer_retention set send_at_hour = null",
    )
    html = page_of(built, tmp_path)
    assert "There are no hours in the data" in text_of(html, "timing")
    # the weekday is known all the same
    assert {row["time"] for row in listed_in(html)} == {"Tue"}


@pytest.mark.parametrize(("lower", "told"), [(0.002, "+3.0)."), (-0.002, ", so it may be chance.")])
def test_what_the_hour_does_for_clicks_is_told_with_its_interval(
    project: MakeProject, tmp_path: Path, lower: float, told: str
) -> None:
    measured = f"""
        create table system_evaluations as
        select *, 'contact_timing' as task, 'dirichlet' as algorithm, 'in_use' as stage,
            'test' as split, 400 as row_count, cast(null as timestamp) as as_of
        from (
            values
                ('click_lift', null, 0.015, {lower}, 0.03),
                ('click_rate', 'send: recommended hour', 0.08, null, null),
                ('click_rate', 'send: other hour', 0.065, null, null)
        ) as made (metric, segment, value, lower, upper)
    """
    said = text_of(page_of(project(shop(), *systems(COUNT), measured), tmp_path), "timing")
    assert "in 8.0% of cases, those at other hours in 6.5%: a difference of +1.5 points" in said
    assert told in said


def test_the_list_at_risk_says_what_other_systems_know(
    project: MakeProject, tmp_path: Path
) -> None:
    html = page_of(project(shop(), *systems(COUNT)), tmp_path)
    row = listed_in(html)[0]
    assert (row["id"], row["expected_spend_365d"], row["time"]) == ("120", 120, "Tue 09:00")
    assert (row["overdue"], row["expected"]) == (120, "2026-07-05")
    assert row["offer"] == "Coffee"
    columns = {column["key"]: column for column in data_of(html)["lists"]["customers"]["columns"]}
    assert columns["state"]["csv"] == ["lifecycle_state", "expected_next_order_at", "overdue_days"]
    assert columns["state"]["more"] == ["expected", "overdue"]
    assert columns["action"]["csv"] == [
        "suggested_action",
        "trigger",
        "best_time",
        "recommended_product",
    ]
    assert columns["action"]["more"] == ["occasion", "time", "offer"]
    assert row["occasion"] == "overdue"
    assert data_of(html)["names"]["occasion"]["overdue"] == "order later than usual"
    assert len(listed_in(html)) == COUNT


def test_customers_at_risk_have_three_suggestions(project: MakeProject, tmp_path: Path) -> None:
    rows = listed_in(page_of(project(shop(), *systems(COUNT)), tmp_path), "suggestions")
    assert [row["id"] for row in rows[:3]] == ["120", "119", "118"]
    assert (rows[0]["offer_3"], rows[0]["why_3"]) == ("Product 3", "Bought 3 times")
    assert "offer_4" not in rows[0]


@pytest.mark.parametrize("table", ["customer_retention", "each"])
def test_personal_ids_are_in_no_list_of_any_system(
    project: MakeProject, tmp_path: Path, table: str
) -> None:
    names = (
        "customer_value",
        "next_purchase",
        "contact_timing",
        "replenishment_due",
        "lifecycle_triggers",
        "product_recommendations",
        "customer_retention",
    )
    marked = names if table == "each" else ("customer_retention",)
    built = project(
        shop(), *systems(COUNT), personal=tuple((name, "customer_id") for name in marked)
    )
    html = page_of(built, tmp_path)
    assert data_of(html)["lists"] == {}
    # sums and counts of groups tell of nobody
    assert sections_of(html) == SECTIONS
    assert "290,400" in text_of(html, "value")
    assert "4,800" not in text_of(html, "value")


def test_who_is_expected_to_spend_nothing_is_not_divided(
    project: MakeProject, tmp_path: Path
) -> None:
    worth = WORTH.format(customers=COUNT)
    built = project(shop(), worth, "update customer_value set expected_spend_365d = 0")
    told = text_of(page_of(built, tmp_path), "value")
    assert "No customer is expected to spend anything." in told
    assert "both at high or medium risk and expected to spend" in told


def test_who_has_no_expected_spend_is_not_counted(project: MakeProject, tmp_path: Path) -> None:
    worth = WORTH.format(customers=COUNT)
    built = project(shop(), worth, "update customer_value set expected_spend_365d = null")
    assert "No customer has an expected spend yet." in text_of(page_of(built, tmp_path), "value")


EVALUATIONS = """
    create table system_evaluations as
    select *, 'test' as split, null as segment, 400 as row_count,
        null as lower, null as upper, cast(null as timestamp) as as_of
    from (
        values
            ('value_spend', 'mbg_cnbd_2', 'in_use', 'total_error', -0.042),
            ('value_spend', 'mbg_cnbd_2', 'in_use', 'total_error_raw', 0.12),
            ('value_spend', 'mbg_cnbd_2', 'in_use', 'mae', 31.5),
            ('value_spend', 'two_part', 'candidate', 'total_error', 0.2),
            ('value_spend', 'two_part', 'candidate', 'mae', 30.0),
            ('timing', 'everyone', 'baseline', 'log_loss', 3.0)
    ) as made (task, algorithm, stage, metric, value)
"""


def test_the_winner_is_told_with_how_far_its_total_was_off(
    project: MakeProject, tmp_path: Path
) -> None:
    built = project(shop(), WORTH.format(customers=COUNT), EVALUATIONS)
    told = text_of(page_of(built, tmp_path), "value")
    assert (
        "On held-out dates (400 observations) the model in use, buying habit (MBG/CNBD-2), "
        "expected 4.2% less in 90 days than was spent (12.0% more before recalibration)."
    ) in told
    assert "buying habit (MBG/CNBD-2), in use spend -4.2% +12.0% 31.50 - -" in told
    assert "whether times how much spend +20.0% - 30.00 - -" in told


LISTS_MEASURED = """
    create table recommendation_performance as
    select *, 4 as dates, hit_rate_at_10 - 0.02 as hit_rate_at_10_lower,
        hit_rate_at_10 + 0.02 as hit_rate_at_10_upper, 0.18 as recall_at_10, 0.34 as ndcg_at_10,
        0.5 as catalogue_coverage
    from (
        values
            ('top', 'hist_gradient_boosting', 'in_use', 400, {in_use}),
            ('top', 'popularity', 'baseline', 400, 0.613),
            ('top', 'personal_frequency', 'baseline', 400, 0.803),
            ('explore', 'hist_gradient_boosting', 'in_use', 300, 0.43),
            ('explore', 'popularity', 'baseline', 9, 0.41)
    ) as made (list, algorithm, stage, row_count, hit_rate_at_10)
"""


def test_suggestions_are_compared_with_best_sellers(project: MakeProject, tmp_path: Path) -> None:
    measured = LISTS_MEASURED.format(in_use=0.842)
    told = text_of(page_of(project(shop(), *systems(COUNT), measured), tmp_path), "recommend")
    assert (
        "On 4 held-out dates, 10 suggestions hit at least one purchase of the next 28 days for 84 "
        "of 100 customers who bought (what they bought most often: 80, the best sellers: 61)."
    ) in told
    assert "for 120 of them the first rests on purchases or views of their own." in told
    assert "no worse" not in told
    assert "suggestions in use any 84% (82% to 86%) 18% 0.340 50%" in told
    assert "suggestions in use new to them 43% (41% to 45%)" in told
    # of nine customers, hardly anything can be said
    assert "the best sellers new to them" not in told


def test_suggestions_that_a_simple_list_beats_say_so(project: MakeProject, tmp_path: Path) -> None:
    measured = LISTS_MEASURED.format(in_use=0.79)
    told = text_of(page_of(project(shop(), *systems(COUNT), measured), tmp_path), "recommend")
    assert "A simple list does no worse here." in told
