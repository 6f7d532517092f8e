"""Decisions from day to day: proposed by a user's own policy, reviewed, sent, and forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from projects import UserProject, run

FIRST, SECOND, THIRD = "2026-01-25", "2026-01-26", "2026-01-27"
# whom the contact policy allows to be called is called, but for the random arm
POLICY = """
with actions as (
    select distinct customer_id, 'leave_alone' as action, cast(null as varchar) as channel,
        false as is_chosen
    from {{ ref('holdfast', 'holdfast__contact_policy') }}
    union all
    select customer_id, 'call', channel, true
    from {{ ref('holdfast', 'holdfast__contact_policy') }}
    where is_contactable
),
arms as (
    {% set as_of = "cast(" ~ holdfast.as_of_date() ~ " as timestamp)" %}
    {{ holdfast.policy_arms('actions', as_of, 'calls') }}
)
select *, {{ as_of }} as as_of, 'We owe them a call' as reason,
    if(action = 'call', 5.0, 0.0) as expected_profit
from arms
"""
MADE = """
create table raw.consents as
select i as customer_id, 'email' as channel, true as is_allowed,
    timestamp '2026-01-01' as changed_at
from range(40) as customers (i);
create table raw.offers as
select 'gift' as offer_id, 'A gift' as offer_name, 2.0 as cost, 0.0 as discount;
create table raw.sends as
select 1 as send_id, 1 as customer_id, 1 as campaign_id, 'gift' as offer_id,
    timestamp '2026-01-01' as sent_at, 'email' as channel, 'none' as decision_id
limit 0;
create table raw.approvals (
    decision_id varchar, system varchar, action varchar, channel varchar, customer_id bigint,
    verdict varchar, replacement varchar, decided_by varchar, decided_at timestamp, why varchar
);
"""
LOGGED = "decision_id, customer_id, as_of, action, channel, arm, propensity, reason, needs_review"
SENT_UNSEEN = "sent_decisions_were_approved"


class Calls:
    """The shop, and what it decides."""

    def __init__(self, shop: UserProject, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = shop
        self._monkeypatch = monkeypatch

    def build(self, day: str, *words: str) -> None:
        """Build the decisions as of a day."""
        # a date in the environment does not have dbt parse the project again
        self._monkeypatch.setenv("HOLDFAST_AS_OF_DATE", day)
        models = ("+holdfast__contact_list", "+holdfast__approval_problems")
        self.shop.dbt("run", "--select", *models, "holdfast__customer_removals", *words)

    def log(self, day: str | None = None) -> list[tuple[Any, ...]]:
        """Give what is logged, of a day or of all."""
        where = f"where as_of = timestamp '{day}'" if day else ""
        return self.shop.query(f"select {LOGGED} from decision_log {where} order by all")

    def waiting(self) -> dict[int, str]:
        """Give the decisions that wait, by customer."""
        return dict(
            self.shop.query(
                "select customer_id, decision_id from decisions where status = 'needs_review' "
                "order by customer_id"
            )
        )

    def of(self, decision: str) -> tuple[Any, ...]:
        """Give what has become of a decision."""
        [row] = self.shop.query(
            "select status, action, held_because, contradiction from decisions "
            f"where decision_id = '{decision}'"
        )
        return row

    def listed(self) -> dict[int, str]:
        """Give whom to contact, with what."""
        return dict(self.shop.query("select customer_id, action from contact_list"))

    def decide(self, verdict: str, decision: str | None = None, **more: str | int) -> None:
        """Write an approval as somebody does on the first day."""
        row = {"verdict": verdict, "decision_id": decision, "decided_by": "Ann"}
        row |= {"decided_at": f"{FIRST} 10:00", **more}
        names = [name for name, value in row.items() if value is not None]
        values = ", ".join(f"'{row[name]}'" for name in names)
        self.shop.execute(f"insert into raw.approvals ({', '.join(names)}) values ({values})")

    def send(self, number: int, customer: int, decision: str, at: str) -> None:
        """Write a send that has come back."""
        self.shop.execute(
            f"insert into raw.sends values ({number}, {customer}, 1, 'gift', '{at}', 'email', "
            f"'{decision}')"
        )


@pytest.fixture
def calls(user_project: UserProject, monkeypatch: pytest.MonkeyPatch) -> Calls:
    shop = user_project
    shop.orders(
        "select range % 40 as customer_id, range as order_id, "
        "timestamp '2026-01-01' + to_hours(range::integer) as ordered_at, 10 as amount "
        "from range(400)"
    )
    for statement in MADE.split(";")[:-1]:
        shop.execute(statement)
    (shop.directory / "models").mkdir(exist_ok=True)
    (shop.directory / "models" / "calls.sql").write_text(POLICY)
    names = ("orders", "consents", "offers", "campaign_sends", "approvals")
    inputs = {f"holdfast_{name}": f"raw.{name}" for name in names}
    shop.write(
        vars=inputs
        | {
            "holdfast_campaign_sends": "raw.sends",
            "holdfast_systems": ["decisions"],
            "holdfast_policies": ["calls"],
            "holdfast_holdout_share": 0.1,
            "holdfast_random_share": 0.2,
            "holdfast_contact_caps": {"any": [1, 7]},
        }
    )
    return Calls(shop, monkeypatch)


@pytest.mark.slow
def test_days_of_proposals_reviews_sends_and_withdrawn_consents(calls: Calls) -> None:
    shop = calls.shop
    calls.build(FIRST)
    first = calls.log()
    assert len(first) == 40
    assert {row[5] for row in first} == {"policy", "random", "holdout"}
    holdout = {row[1] for row in first if row[5] == "holdout"}
    assert calls.listed() == {}
    calls.build(FIRST)
    assert calls.log() == first

    # by one decision, by a rule, with another action, in vain, and against each other
    waiting = calls.waiting()
    assert len(waiting) > 20
    approved, vetoed, replaced, refusing, torn, ruled, unseen, later = list(waiting)[:8]
    calls.decide("approve", waiting[approved])
    calls.decide("veto", waiting[vetoed])
    calls.decide("replace", waiting[replaced], replacement="gift", why="they like gifts")
    calls.decide("approve", waiting[refusing])
    calls.decide("approve", waiting[torn])
    calls.decide("veto", waiting[torn], decided_by="Ben")
    calls.decide("approve", system="calls", action="call", customer_id=ruled)
    calls.decide("approve", "no such decision")
    calls.decide("approve", waiting[later], decided_at=f"{SECOND} 09:00")
    shop.execute(
        f"insert into raw.consents values ({refusing}, 'email', false, timestamp '{FIRST} 12:00')"
    )
    calls.build(SECOND)
    # what was proposed stays, and nobody who waits or is approved gets a second decision
    assert calls.log(FIRST) == first
    again = {row[1] for row in calls.log(SECOND) if row[3] == "call"}
    assert again == {vetoed, torn}
    assert {row[1] for row in calls.log(SECOND) if row[5] == "holdout"} == holdout
    assert calls.listed() == {approved: "call", replaced: "gift", ruled: "call"}
    assert calls.of(waiting[vetoed]) == ("vetoed", "call", None, None)
    assert calls.of(waiting[refusing]) == ("approved", "call", "no_consent", None)
    assert calls.of(waiting[torn]) == ("vetoed", "call", None, "approve (Ann), veto (Ben)")
    assert calls.of(waiting[later])[0] == "needs_review"
    problems = "select decision_id, problem from approval_problems order by problem desc"
    assert shop.query(problems) == [
        ("no such decision", "unknown_decision"),
        (waiting[later], "not_known_yet"),
    ]
    assert "no such decision" in run("holdfast", "review", cwd=shop.directory, check=True).stdout

    # one message has gone out; a customer withdraws the consent before the next does
    calls.send(1, approved, waiting[approved], f"{SECOND} 09:00")
    shop.execute(
        f"insert into raw.consents values ({ruled}, null, false, timestamp '{SECOND} 08:00')"
    )
    calls.build(SECOND)
    assert calls.of(waiting[ruled]) == ("approved", "call", "consent_withdrawn", None)
    assert calls.listed() == {approved: "call", replaced: "gift"}
    second = calls.log()
    calls.build(THIRD)
    assert calls.log(FIRST) + calls.log(SECOND) == sorted(second, key=lambda row: row[2])
    assert calls.of(waiting[approved]) == ("sent", "call", None, None)
    assert calls.of(waiting[ruled]) == ("approved", "call", "do_not_contact", None)
    assert calls.listed() == {replaced: "gift", later: "call"}
    # the cap keeps a second message away
    assert (approved, "leave_alone") in {(row[1], row[3]) for row in calls.log(THIRD)}
    third, listed = calls.log(), calls.listed()
    calls.build(THIRD, "--full-refresh")
    assert (calls.log(), calls.listed()) == (third, listed)

    # nothing that needs a review has gone out, until something does
    shop.dbt("test", "--select", SENT_UNSEEN)
    calls.send(2, unseen, waiting[unseen], f"{SECOND} 10:00")
    calls.send(3, vetoed, waiting[vetoed], f"{SECOND} 10:00")
    calls.build(THIRD)
    failed = shop.dbt("test", "--select", SENT_UNSEEN, check=False)
    assert failed.returncode == 1
    assert "Got 2 results" in failed.stdout

    forgotten = run("holdfast", "forget", str(replaced), cwd=shop.directory, check=True).stdout
    told = {line.split()[0]: line.split()[-1] for line in forgotten.splitlines() if line}
    assert told["main.decision_log"] == "3"
    assert told["main.contact_list"] == "1"
    # the id of a decision is a hash of the customer's, and approvals are the user's own
    assert "raw.approvals" in forgotten
    calls.build(THIRD, "--full-refresh")
    assert calls.log() == [row for row in third if row[1] != replaced]
    assert calls.listed() == {later: "call"}
    assert waiting[replaced] not in str(shop.query(problems))
