"""Offers, campaigns, prices, issues, results and fairness, each when its tables are there."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.warehouse.project import Project
from small_shop import Customer, customers, data_of, page_of

MakeProject = Callable[..., Project]

SHOP = customers([Customer(1)])
SECTIONS = ("offers", "campaigns", "prices", "issues", "results")

OFFERS = """
    create table offer_effects as
    select
        offer_id, channel, segment, 'margin' as outcome, status, treated, control,
        effect, effect - 1 as effect_lower, effect + 1 as effect_upper,
        shrunk as effect_shrunk, shrunk - 1 as effect_shrunk_lower,
        shrunk + 1 as effect_shrunk_upper, 'as measured' as finding,
    from (
        values
            (1, 'email', 'all', 'estimated', 900, 300, 3.0, 2.0),
            (2, 'email', 'all', 'estimated', 900, 300, 0.5, 0.4),
            (3, 'email', 'all', 'estimated', 900, 300, -4.0, -3.0),
            (null, 'push', 'all', 'small_control', 900, 9, null, null),
            (1, 'email', 'slipping', 'estimated', 90, 40, 3.0, 1.5),
            (2, 'email', 'slipping', 'estimated', 90, 40, 0.5, 0.4),
            (2, 'email', 'new', 'estimated', 90, 40, 0.5, 0.4),
            (3, 'email', 'lapsed', 'estimated', 90, 40, -4.0, -3.0)
    ) as made (offer_id, channel, segment, status, treated, control, effect, shrunk)
"""
SUGGESTED = """
    create table next_best_offer as
    select
        n as customer_id,
        case when n <= 20 then '1' when n <= 23 then '2' else 'leave_alone' end as action,
        if(n <= 23, 'email', null) as channel,
        case when n <= 20 then 1 when n <= 23 then 2 end as offer_id,
        case when n <= 20 then 'Ten <b>percent</b> off' when n <= 23 then 'A gift' end
            as offer_name,
        if(n <= 20, 1.5, 0.0) as expected_profit,
        case when n <= 23 then null when n <= 63 then 'no_consent' else 'open_complaint' end
            as dropped_because,
    from range(1, 67) as made (n)
"""
CAMPAIGNS = """
    create table campaign_performance as
    select
        id as campaign_id, status, is_ended,
        timestamp '2026-01-01' + to_months(id) as first_sent_at,
        500 as sends, 100 as control_sends, 0.3 as response_rate, 0.2 as control_response_rate,
        profit, profit - 300 as profit_lower, profit + 300 as profit_upper,
        profit + 500 as incremental_margin, if(profit is null, null, 500) as mature_cost,
        'as measured' as finding,
    from (
        values
            (1, 'estimated', true, 1000.0), (2, 'estimated', true, -100.0),
            (3, 'not_randomised', true, null), (4, 'estimated', false, 200.0),
            (5, 'immature', false, null)
    ) as made (id, status, is_ended, profit)
"""
ALLOCATION = """
    create table campaign_allocation as
    select
        campaign as campaign_id, 'all' as segment, offer as offer_id, message as variant,
        'email' as channel, status, 250 as sends, share, share as probability_best,
    from (
        values
            (4, 1, 'A', 'winner', 0.9), (4, 1, 'B', 'beaten', 0.1),
            (5, 1, 'A', 'single_variant', 1.0), (1, 1, 'A', 'ended', 0.5), (1, 1, 'B', 'ended', 0.5)
    ) as made (campaign, offer, message, status, share)
"""
PRICES = """
    create table price_suggestions as
    select
        n as product_id, 'Product ' || n as product_name, status,
        10.0 as current_price, if(status = 'suggested', 11.0, null) as suggested_price,
        if(status in ('suggested', 'uncertain'), 11.0, null) as best_price,
        n as contribution_change, if(status = 'suggested', 0.5, -3.0) as contribution_change_lower,
        40.0 as contribution_change_upper, -0.1 as quantity_change, 4.0 as units_per_week,
        'because' as reason,
    from (
        select
            n,
            case
                when n <= 1 then 'suggested' when n <= 15 then 'uncertain' else 'changed_lately'
            end as status
        from range(1, 19) as made (n)
    )
"""
RESPONSE = """
    create table price_response as
    select n as product_id, -n / 1e0 as elasticity, if(n = 9, 'wrong_sign', 'estimated') as status,
    from range(1, 10) as made (n)
"""
ISSUES = """
    create table support_issue_trends as
    select
        id as topic_id, topic, date '2026-06-29' - to_days(cast(7 * age as integer)) as week,
        -- the running week has but two days, and the last seven are judged
        cast(if(age = 0, 2, few) as bigint) as texts,
        cast(if(age = 0 and id = 't1', 31, few) as bigint) as judged_texts,
        20.0 as median_hours_to_resolve, 0.7 as csat, 8.5 as expected_texts, 15 as upper_bound,
        age = 0 and id = 't1' or age = 3 and id = 't2' as is_unusual,
        age > 0 as is_complete, date '2026-01-05' as first_seen_at,
    from (values ('t1', 'late <i>parcel</i>', 8), ('t2', 'refund', 6), ('other', 'other', 9))
        as made (id, topic, few), range(10) as weeks (age)
"""
ISSUES_NOW = """
    create table support_issues as
    select
        id as topic_id, id || ' now' as topic,
        'My parcel, order [number], of ' || id as typical_text,
        texts, customers, 0.6 as share, date '2026-01-05' as first_seen_at,
        date '2026-06-05' as last_seen_at,
    from (values ('t1', 80, 60), ('t2', 9, 4), ('other', 99, 60)) as made (id, texts, customers)
"""
FEEDBACK = """
    create table feedback_summary as
    select
        date '2026-06-01' - to_months(cast(age as integer)) as month, segment,
        if(segment = 'all', 'all', 'state') as segment_by, age > 0 as is_complete,
        'all' as topic_id, if(age = 2, 4, 120) as answers,
        12.3 as nps, 2.0 as nps_lower, 22.0 as nps_upper,
        if(age = 2, null, 0.71) as csat, 22 as detractors, 9 as detractors_without_ticket,
        400 as asked, 120 as answered,
    from range(3) as months (age), (values ('all'), ('Champions')) as made (segment)
"""


def told(html: str, section: str) -> str:
    """Give what a section says, without its markup."""
    found = re.search(rf'<section id="{section}">.*?</section>', html, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", markup.unescape(re.sub(r"<[^>]+>", " ", found[0])))


def test_without_their_tables_there_are_no_such_sections(
    project: MakeProject, tmp_path: Path
) -> None:
    html = page_of(project(SHOP), tmp_path)
    for section in SECTIONS:
        assert f'<section id="{section}"' not in html
        assert f'href="#{section}"' not in html
    assert "treated alike" not in html


def test_offers_tell_what_works_and_for_whom(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(SHOP, OFFERS, SUGGESTED, meta={"currency": "EUR"}), tmp_path)
    text = told(html, "offers")
    assert (
        "1 of 4 offers, counted by channel, are shown to bring in more, and 1 less. "
        "Of the other 2 the tests do not tell."
    ) in text
    assert "Extra margin per customer (EUR)" in text
    # the name of an offer is text, whatever it holds
    assert "<b>percent" not in html
    assert "Ten <b>percent</b> off email 900 300 +3.00 (2.00 to 4.00) +2.00" in text
    assert "no offer push 900 9 - - as measured" in text
    # the best of each group, in the order of a customer's life
    best = text[text.index("For whom") : text.index("Groups by the state")]
    assert "new A gift email +0.40 (-0.60 to 1.40) not yet: it may be chance" in best
    assert "slipping Ten <b>percent</b> off email +1.50 (0.50 to 2.50) yes" in best
    assert "lapsed offer 3 email -3.00 (-4.00 to -2.00) no: even the best" in best
    assert best.index("new A gift") < best.index("slipping") < best.index("lapsed")


def test_suggestions_of_few_customers_are_told_together(
    project: MakeProject, tmp_path: Path
) -> None:
    text = told(page_of(project(SHOP, SUGGESTED), tmp_path), "offers")
    assert "an offer is suggested for 23 of 66 customers" in text
    assert "off email 20 30.00" in text
    assert "leave alone: has not agreed to messages 40" in text
    # three with a gift, and three with a complaint
    assert "A gift" not in text
    assert "complaint" not in text


def test_campaigns_that_run_are_told_with_the_division_of_the_next_send(
    project: MakeProject, tmp_path: Path
) -> None:
    text = told(page_of(project(SHOP, CAMPAIGNS, ALLOCATION, SUGGESTED), tmp_path), "campaigns")
    assert "2 campaigns are running now." in text
    assert (
        "Of 3 campaigns that could be compared with customers who were left alone, 1 earned more "
        "than it cost, 0 lost money, and 2 did neither for certain."
    ) in text
    divided = text[text.index("How the next sends are divided") : text.index("Ended")]
    assert (
        "campaign 4 Ten <b>percent</b> off, A, email 250 90% 90% better than the others" in divided
    )
    assert "beaten by another" in divided
    # one has a single variant, and one is over
    assert "the only variant" not in divided
    assert len(re.findall(r"email 250", divided)) == 2


def test_prices_are_to_be_reviewed_and_never_said_to_change(
    project: MakeProject, tmp_path: Path
) -> None:
    built = project(SHOP, PRICES, RESPONSE, meta={"currency": "EUR"})
    text = told(page_of(built, tmp_path), "prices")
    assert "expected to earn more for 1 of 18 products; for 14 more a gain is expected" in text
    assert "a person decides" in text
    # the median of -1 to -8
    assert "rises by 1%, about 4.5% fewer units are sold (8 products with an estimate)" in text
    listed = text[text.index("Prices that may") : text.index("Why other")]
    assert "Price today (EUR)" in listed
    assert "Product 1 10.00 11.00 +1.00 (0.50 to 40.00) -10.0% 4.0 yes: review it" in listed
    assert listed.index("Product 1 ") < listed.index("Product 15 ") < listed.index("Product 14 ")
    assert "Not listed: 5 more products with less." in listed
    assert "the price changed lately 3" in text


def test_rising_issues_come_first_without_texts_of_few_customers(
    project: MakeProject, tmp_path: Path
) -> None:
    html = page_of(project(SHOP, ISSUES, ISSUES_NOW, FEEDBACK), tmp_path)
    text = told(html, "issues")
    # a rise of today is told today, one of earlier weeks no more
    assert "In the last seven days customers wrote 46 messages; 1 issue is rising" in text
    assert "late <i>parcel</i> (31 instead of about 8.5)" in text
    assert "<i>parcel" not in html
    listed = text[text.index("Issues of the last seven") : text.index("Feedback by month")]
    assert (
        "My parcel, order [number], of t1 31 8.5 (up to 15) 8 20 70% 5 January 2026 yes" in listed
    )
    # four customers are no group whose texts are shown
    assert "of t2" not in listed
    assert "refund 6 8.5 (up to 15) 6 20 70% 5 January 2026 no" in listed
    assert len(data_of(html)["charts"]["issue_weeks"]["datasets"]) == 1
    assert "(NPS, from -100 to 100) was +12, from 120 answers; 9 of 22 unhappy answers" in text
    # the month that is not over is listed, but not told
    assert "In May 2026 the score" in text
    assert "June 2026 400" in text
    assert "May 2026 400 120 120 +12 (+2 to +22) 71% 22 9" in text
    assert "April 2026" not in text


EFFECTS = """
    create table support_issue_effects as
    select
        id as topic_id, id || ' topic' as topic, outcome, 90 as horizon_days, status,
        matched, if(outcome = 'churn', 0.05, -12.0) as difference,
        if(outcome = 'churn', 0.02, -20.0) as difference_lower,
        if(outcome = 'churn', 0.08, -4.0) as difference_upper,
    from
        (values ('t1', 'higher', 80), ('t2', 'too_few', 4), ('all', 'higher', 300)) as made
            (id, status, matched),
        (values ('churn'), ('spend')) as outcomes (outcome)
"""


def test_what_follows_a_ticket_is_no_proof(project: MakeProject, tmp_path: Path) -> None:
    built = project(SHOP, ISSUES, EFFECTS, meta={"currency": "EUR"})
    text = told(page_of(built, tmp_path), "issues")
    assert (
        "Spent in 90 days (EUR) all issues 300 +5.0 points (+2.0 to +8.0) -12.00 (-20.00 to -4.00) "
        "t1 topic 80 +5.0 points"
    ) in text
    assert "t2 topic" not in text
    assert "no proof that the issue is the cause" in text


def test_issues_without_weeks_are_told_as_a_whole(project: MakeProject, tmp_path: Path) -> None:
    text = told(page_of(project(SHOP, ISSUES_NOW), tmp_path), "issues")
    assert "Customers write most about t1 now: 60% of all messages." in text
    assert "other now" in text
    assert "t2" not in text


def test_nothing_rising_is_said(project: MakeProject, tmp_path: Path) -> None:
    calm = "update support_issue_trends set is_unusual = false"
    text = told(page_of(project(SHOP, ISSUES, calm), tmp_path), "issues")
    assert "and no issue is rising unusually." in text


def test_ratings_of_tickets_are_told_without_a_survey(project: MakeProject, tmp_path: Path) -> None:
    no_survey = """
        update feedback_summary
        set answers = 0, nps = null, nps_lower = null, nps_upper = null, detractors = null,
            detractors_without_ticket = null, asked = null, answered = null
    """
    text = told(page_of(project(SHOP, FEEDBACK, no_survey), tmp_path), "issues")
    assert "June 2026 - - 0 - 71% - -" in text
    assert "May 2026 - - 0 - 71% - -" in text
    assert "April 2026" not in text
    assert "the score of recommendation" not in text


def test_a_month_without_a_survey_hides_no_score_and_tells_no_few_answers(
    project: MakeProject, tmp_path: Path
) -> None:
    skipped = """
        update feedback_summary set answers = 3, csat = 0.5 where month = date '2026-05-01';
        update feedback_summary set answers = 120 where month = date '2026-04-01';
        update feedback_summary set is_complete = false where month = date '2026-06-01'
    """
    text = told(page_of(project(SHOP, FEEDBACK, *skipped.split(";")), tmp_path), "issues")
    assert "In April 2026 the score of recommendation" in text
    assert "May 2026 400 120 - - 50% - -" in text


def test_two_topics_with_one_name_are_two_lines(project: MakeProject, tmp_path: Path) -> None:
    alike = "update support_issue_trends set topic = 'refund' where topic_id in ('t1', 't2')"
    chart = data_of(page_of(project(SHOP, ISSUES, alike), tmp_path))["charts"]["issue_weeks"]
    drawn = chart["encoding"]
    assert drawn["detail"]["field"] == "id"
    assert drawn["color"]["field"] == "topic"
    assert drawn["color"]["scale"]["domain"] == ["refund"]
    (points,) = chart["datasets"].values()
    assert {(row["id"], row["topic"]) for row in points} == {("t1", "refund"), ("t2", "refund")}
    assert len({(row["id"], row["week"]) for row in points}) == len(points)


def test_a_rise_of_what_is_like_no_issue_is_said(project: MakeProject, tmp_path: Path) -> None:
    rise = "update support_issue_trends set judged_texts = 31, is_unusual = true where {}"
    new = rise.format("topic_id = 'other' and not is_complete")
    calm = "update support_issue_trends set is_unusual = false"
    text = told(page_of(project(SHOP, ISSUES, calm, new), tmp_path), "issues")
    assert (
        "customers wrote 68 messages; more messages than usual are like no known issue "
        "(31 instead of about 8.5)."
    ) in text
    assert "no issue is rising" not in text


def test_tickets_are_called_tickets(project: MakeProject, tmp_path: Path) -> None:
    texts = """
        create table support_issue_texts as
        select * from (values ('feedback'), ('ticket')) as made (source)
    """
    new = """
        update support_issue_trends set is_unusual = true
        where topic_id = 'other' and not is_complete
    """
    text = told(page_of(project(SHOP, ISSUES, texts, new), tmp_path), "issues")
    assert (
        "In the last seven days customers opened 46 tickets; 1 issue is rising unusually: "
        "late <i>parcel</i> (31 instead of about 8.5); and more tickets than usual are like no "
        "known issue (9 instead of about 8.5)."
    ) in text
    assert "Issue Tickets Usual" in text


def test_comments_alone_are_no_tickets(project: MakeProject, tmp_path: Path) -> None:
    texts = "create table support_issue_texts as select 'feedback' as source"
    text = told(page_of(project(SHOP, ISSUES, texts), tmp_path), "issues")
    assert "customers wrote 46 messages" in text
    assert "Issue Messages Usual" in text


RATES = """
    create table decision_rates as
    select
        'offers' as system, 'discount' as outcome, 'country' as segment_by, segment, status,
        200 as customers, rate, rate - 0.05 as rate_lower, rate + 0.05 as rate_upper,
        0.2 as rest_rate, rate - 0.2 as difference, rate - 0.3 as difference_lower,
        rate - 0.1 as difference_upper,
    from (
        values ('NL', 'different', 0.35), ('DE', 'no_difference_shown', 0.22),
            ('all', 'nothing_to_compare', 0.2)
    ) as made (segment, status, rate)
"""


def test_fairness_is_a_part_of_trust(project: MakeProject, tmp_path: Path) -> None:
    text = told(page_of(project(SHOP, RATES), tmp_path), "trust")
    assert "In 1 of 2 comparisons a group of customers is treated differently" in text
    assert (
        "country: NL 200 get a discount 35.0% 20.0% +15.0 points (+5.0 to +25.0) yes country: DE"
    ) in text
    assert "country: all" not in text


def test_without_groups_fairness_says_how_to_name_them(
    project: MakeProject, tmp_path: Path
) -> None:
    text = told(page_of(project(SHOP, RATES, "delete from decision_rates"), tmp_path), "trust")
    assert "the var holdfast_segments names the columns" in text


# what the comparison with the holdout reads: 60 customers, every third of whom is never contacted
DECIDED = (
    """
    create table contact_policy as
    select n as customer_id, channel, n % 3 = 0 as is_holdout
    from range(1, 121) as made (n), (values ('email'), ('push')) as channels (channel)
    """,
    """
    create table decision_log as
    select
        customer_id, timestamp '2026-04-01' as as_of,
        if(is_holdout, 'holdout', 'policy') as arm,
    from contact_policy where channel = 'email'
    """,
    """
    create table customer_history as
    select
        customer_id, if(customer_id > 105, timestamp '2026-05-01', timestamp '2025-01-01')
            as first_order_at,
    from decision_log
    """,
    """
    create table btyd_orders as
    select
        customer_id, date '2026-04-01' + day as order_date,
        cast(if(customer_id % 3 = 0, 10, 30) + customer_id % 5 as decimal(38, 4)) as spend,
    from decision_log, (values (0), (20), (-40)) as days (day)
    """,
    """
    create table send_outcomes as
    select customer_id, 'd' || customer_id as decision_id, timestamp '2026-04-02' as sent_at,
        false as is_control,
    from decision_log where customer_id in (1, 2, 3)
    """,
)


def test_results_add_up_every_campaign_that_can_be_told(
    project: MakeProject, tmp_path: Path
) -> None:
    text = told(page_of(project(SHOP, CAMPAIGNS, meta={"currency": "EUR"}), tmp_path), "results")
    # 1000 - 100 + 200, each with 300 on either side: 300 times the root of 3
    assert (
        "Since 1 February 2026 the campaigns have earned EUR\u00a01,100 more than they cost "
        "(between EUR\u00a0580 and EUR\u00a01,620)."
    ) in text.replace("EUR ", "EUR\u00a0")
    assert "all 3 campaigns that can be compared" in text
    assert "Of 2 more campaigns nothing can be told." in text


@pytest.mark.parametrize(
    ("profit", "said"),
    [
        ("-2000", "have cost 6,000 more than they brought in (between 5,480 and 6,520)"),
        ("10", "are not shown to have earned more than they cost: the result is 30.00"),
    ],
)
def test_a_loss_and_a_draw_are_said_as_plainly(
    project: MakeProject, tmp_path: Path, profit: str, said: str
) -> None:
    changed = (
        f"update campaign_performance set profit = {profit}, profit_lower = {profit} - 300, "
        f"profit_upper = {profit} + 300 where status = 'estimated'"
    )
    assert said in told(page_of(project(SHOP, CAMPAIGNS, changed), tmp_path), "results")


def test_the_holdout_tells_what_all_contacts_achieve(project: MakeProject, tmp_path: Path) -> None:
    text = told(page_of(project(SHOP, *DECIDED), tmp_path), "results")
    # two orders since 1 April: 20 more each; those who came later do not count
    assert (
        "Since decisions began on 1 April 2026, customers who may be contacted have spent 40.00 "
        "more each than those who are never contacted."
    ) in text
    assert "may be contacted 70 64.00 100.0% never contacted 35 24.00 100.0%" in text
    # who was contacted all the same stays where they were drawn
    assert "1 customer of the comparison group got a message all the same" in text


def test_who_is_never_contacted_is_a_step_to_take(project: MakeProject, tmp_path: Path) -> None:
    html = page_of(project(SHOP, DECIDED[0]), tmp_path)
    assert "40 customers were drawn by lot and must not be contacted." in told(html, "next")
    assert "Leave a random tenth out" not in html
    nobody = "update contact_policy set is_holdout = false"
    (tmp_path / "shop.duckdb").unlink()
    html = page_of(project(SHOP, DECIDED[0], nobody), tmp_path)
    assert "Leave a random tenth out" in html


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("drop table send_outcomes", "it takes the warehouse"),
        ("update contact_policy set is_holdout = false", "nobody is left alone for comparison"),
        ("update decision_log set as_of = timestamp '2026-06-20'", "a comparison takes 30 days"),
        ("update send_outcomes set decision_id = null", "no decision has come back as sent"),
        ("update send_outcomes set is_control = true", "no decision has come back as sent"),
        (
            "update decision_log set arm = 'holdout' where customer_id = 1",
            "the comparison group was drawn anew",
        ),
        ("delete from decision_log", "no decision has been made"),
        ("delete from customer_history where customer_id > 60", "only 20 customers"),
    ],
)
def test_where_the_holdout_cannot_tell_the_page_says_why(
    project: MakeProject, tmp_path: Path, change: str, said: str
) -> None:
    text = told(page_of(project(SHOP, *DECIDED, change), tmp_path), "results")
    assert "What all contacts together achieve cannot be told" in text
    assert said in text
    assert "have spent" not in text


def test_the_record_tells_what_became_of_decisions(project: MakeProject, tmp_path: Path) -> None:
    made = """
        create table decisions as
        select n as customer_id, timestamp '2026-05-01' + to_days(n) as as_of,
            if(n < 4, 'sent', 'vetoed') as status,
        from (select unnest([1, 2, 3, 3, 9]) as n)
    """
    text = told(page_of(project(SHOP, made), tmp_path), "results")
    assert "sent 4 3 2 May 2026 4 May 2026 vetoed 1 1 10 May 2026" in text
    assert "Every decision since 2 May 2026" in text
