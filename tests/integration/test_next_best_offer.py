"""The next best offers of the demo: whom they may reach, and that another build repeats them."""

from __future__ import annotations

import json

import pytest

from projects import DbtProject

STEPS = (
    *("open_decisions", "contact_policy", "offer_uplift", "offer_limits", "offer_candidates"),
    *("offer_choices", "next_best_offer", "decision_log", "decisions"),
)


@pytest.mark.slow
def test_every_customer_has_a_row_and_nobody_is_contacted_who_must_not_be(
    built_demo: DbtProject,
) -> None:
    customers = built_demo.query("select count(*) from customer_retention")[0][0]
    assert built_demo.query(
        "select count(*), count(distinct customer_id), count(reason) from next_best_offer"
    ) == [(customers,) * 3]
    contacts = "(select * from next_best_offer where action <> 'leave_alone')"
    assert built_demo.query(f"select count(*) from {contacts} where arm = 'random'")[0][0] > 0
    wrong = built_demo.query(
        f"select contacts.* from {contacts} as contacts "
        "left join contact_policy as policy using (customer_id, channel) "
        "left join stg_holdfast__offers as offers using (offer_id) "
        "where not coalesce(policy.is_contactable, false) or arm = 'holdout' "
        "or offers.discount > 0 and not policy.is_discount_allowed"
    )
    assert wrong == []


@pytest.mark.slow
def test_contacts_stay_within_the_budget_and_half_of_it_at_random(built_demo: DbtProject) -> None:
    ((most,),) = built_demo.query("select amount from offer_limits where kind = 'contacts'")
    ((contacts, at_random),) = built_demo.query(
        "select count(*), count(*) filter (arm = 'random') from next_best_offer "
        "where action <> 'leave_alone'"
    )
    assert 0 < at_random <= most / 2
    assert contacts <= most


@pytest.mark.slow
def test_propensities_are_those_of_the_actions_that_could_be_drawn(built_demo: DbtProject) -> None:
    wrong = built_demo.query(
        "select * from ("
        "select best.*, coalesce(trial.offers, 0) + 1 as actions from next_best_offer as best "
        "left join (select customer_id, count(*) as offers from offer_candidates "
        "where is_in_trial group by all) as trial using (customer_id)) "
        "where arm <> 'holdout' and abs(propensity - 0.1 / actions) > 1e-9 "
        "and abs(propensity - 0.9 - 0.1 / actions) > 1e-9 and abs(propensity - 0.9) > 1e-9"
    )
    assert wrong == []


@pytest.mark.slow
def test_a_build_of_the_same_day_repeats_the_offers_and_the_next_day_adds_to_them(
    demo: DbtProject,
) -> None:
    def build(*words: str, day: str = "2026-07-01") -> dict[int, tuple[str, str, float]]:
        models = [f"holdfast__{name}" for name in STEPS]
        settings = json.dumps({"holdfast_publish": False, "holdfast_as_of_date": day})
        demo.dbt("run", "--select", *models, "--vars", settings, *words)
        rows = demo.query("select customer_id, arm, action, propensity from next_best_offer")
        return {customer: (arm, action, share) for customer, arm, action, share in rows}

    def in_holdout(rows: dict[int, tuple[str, str, float]]) -> set[int]:
        return {customer for customer, (arm, *_) in rows.items() if arm == "holdout"}

    first = build()
    assert build("--full-refresh") == first
    later = build(day="2026-07-02")
    assert in_holdout(later) == in_holdout(first)
    # whoever waits for a person since yesterday gets no second offer
    contacted = {customer for customer, (_, action, _) in first.items() if action != "leave_alone"}
    again = {customer for customer, (_, action, _) in later.items() if action != "leave_alone"}
    assert contacted
    assert again
    assert not contacted & again
