"""Who may be contacted today, and on the day after something was decided."""

from __future__ import annotations

import json

import pytest

from projects import UserProject

AS_OF = "2026-01-25"
DAY_AFTER = "2026-01-26"


def build(shop: UserProject, as_of_date: str, *words: str) -> dict[int, str | None]:
    """Build the contact policy, and give why each customer is left out."""
    settings = {"holdfast_as_of_date": as_of_date, "holdfast_systems": ["decisions"]}
    settings |= {"holdfast_holdout_share": 0.3, "holdfast_contact_caps": {}}
    settings |= {f"holdfast_{name}": f"raw.{name}" for name in ("orders", "approvals")}
    settings["holdfast_campaign_sends"] = "raw.sends"
    shop.dbt("run", "--select", "+holdfast__contact_policy", "--vars", json.dumps(settings), *words)
    rows = shop.query("select customer_id, dropped_because from contact_policy")
    assert len(rows) == len(dict(rows))
    return dict(rows)


@pytest.mark.slow
def test_a_decision_keeps_a_second_one_away_until_it_is_sent_vetoed_or_expired(
    user_project: UserProject,
) -> None:
    shop = user_project
    shop.orders(
        "select range % 20 as customer_id, range as order_id, "
        "timestamp '2026-01-01' + to_hours(range::integer) as ordered_at, 10 as amount "
        "from range(200)"
    )
    shop.execute(
        "create table raw.sends as select 1 as send_id, 1 as customer_id, 1 as campaign_id, "
        "timestamp '2026-01-01' as sent_at, 'email' as channel, 'none' as decision_id limit 0"
    )
    shop.execute(
        "create table raw.approvals as select 'x' as decision_id, 'veto' as verdict, 'me' as "
        "decided_by, timestamp '2026-01-25 09:00' as decided_at limit 0"
    )
    first = build(shop, AS_OF)
    held_out = {customer for customer, reason in first.items() if reason == "global_holdout"}
    free = sorted(set(first) - held_out)
    assert len(first) == 20
    assert 2 <= len(held_out) <= 12
    assert {first[customer] for customer in free} == {None}

    waiting, sent, vetoed, expired, idle = free[:5]
    log = [
        (waiting, "A", "2026-02-01"),
        (sent, "A", "2026-02-01"),
        (vetoed, "A", "2026-02-01"),
        (expired, "A", DAY_AFTER),
        (idle, "leave_alone", "2026-02-01"),
    ]
    values = ", ".join(
        f"('d{customer}', {customer}::bigint, timestamp '{AS_OF}', 'offers', '{action}', 'email', "
        f"'policy', true, timestamp '{expires}')"
        for customer, action, expires in log
    )
    shop.execute(
        f"create table decision_log as select * from (values {values}) as log (decision_id, "
        "customer_id, as_of, system, action, channel, arm, needs_review, expires_at)"
    )
    shop.execute(
        f"insert into raw.sends values (9, {sent}, 1, timestamp '{AS_OF} 10:00', 'email', "
        f"'d{sent}')"
    )
    shop.execute(
        f"insert into raw.approvals values ('d{vetoed}', 'veto', 'me', timestamp '{AS_OF} 09:00')"
    )
    # what was decided today stands in the way of nothing today
    assert build(shop, AS_OF) == first
    assert build(shop, DAY_AFTER) == first | {waiting: "open_decision"}

    # more customers, and everything built from nothing: the holdout and the open decision stay
    shop.execute(
        "insert into raw.orders select range, 1000 + range, timestamp '2026-01-02', 10 "
        "from range(20, 60)"
    )
    later = build(shop, DAY_AFTER, "--full-refresh")
    assert len(later) == 60
    assert {customer: later[customer] for customer in first} == first | {waiting: "open_decision"}
