"""What reasons say is true: their numbers are computed again from the rows of the shop."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from projects import DbtProject

DAY = dt.timedelta(days=1)
Check = Callable[["Shop", Any, "re.Match[str]"], bool]


# what the view of support features takes for a complaint
COMPLAINT = re.compile(
    "complain|deliver|shipp|parcel|courier|delay|product|quality|defect|damag|broken|faulty|wrong"
    "|missing|billing|charge|refund"
)


def whole(text: str) -> int:
    """Read a whole number of a sentence."""
    return {"no": 0, "none": 0, "only one": 1}.get(text.lower()) or int(
        text.replace(",", "") if text[0].isdigit() else 0
    )


def money(text: str) -> float:
    """Read an amount of a sentence."""
    return float(text.replace(",", ""))


def near(told: float, true: float) -> bool:
    """Tell whether an amount is the true one, as it is rounded; features hold seven digits."""
    return abs(told - true) <= (0.5 if abs(true) >= 99 else 0.005) + 1e-6 * abs(true) + 1e-9


class Shop:
    """The rows of the demo shop at the as-of date, by customer."""

    def __init__(self, project: DbtProject) -> None:
        ((self.as_of,),) = project.query("select max(as_of) from churn_scores")
        self.orders = self._read(project, "orders", "ordered_at, cast(amount as double), loaded_at")
        self.visits = self._read(project, "web_events", "occurred_at, session_id, loaded_at")
        self.tickets = self._read(project, "support_tickets", "opened_at, lower(topic), loaded_at")
        self.solved = self._read(project, "support_tickets", "resolved_at, opened_at, loaded_at")
        self.sends = self._read(
            project,
            "campaign_sends",
            "sent_at, opened_at, clicked_at, is_control, send_id",
            known="",
        )

    def _read(
        self, project: DbtProject, name: str, columns: str, known: str = "and loaded_at < as_of.at"
    ) -> dict[Any, list[tuple[Any, ...]]]:
        found: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
        at = columns.split(",")[0]
        for customer, *row in project.query(
            f"select customer_id, {columns} from stg_holdfast__{name}, "
            f"(select max(as_of) as at from churn_scores) as as_of where {at} < as_of.at {known} "
            f"order by {at} nulls last"
        ):
            found[customer].append(tuple(row))
        return found

    def within(self, rows: list[tuple[Any, ...]], days: int, after: int = 0) -> list[Any]:
        """Give the rows of a window of days that ends `after` days before the as-of date."""
        end = self.as_of - after * DAY
        return [row for row in rows if end - days * DAY <= row[0] < end]

    def purchases(self, customer: Any, days: int = 100_000, after: int = 0) -> list[Any]:
        return [row for row in self.within(self.orders[customer], days, after) if row[1] > 0]

    def silence(self, customer: Any) -> int:
        return (self.as_of - self.purchases(customer)[-1][0]).days

    def gap(self, customer: Any) -> float:
        """Give the mean days between the purchases."""
        times = [row[0] for row in self.purchases(customer)]
        return (times[-1] - times[0]).days / (len(times) - 1)


def _usual(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    silence, gap = shop.silence(customer), shop.gap(customer)
    return (
        whole(said[1]) == silence
        and abs(int(said[2] or 1) - gap) <= 0.5 + 1e-6
        and len(shop.purchases(customer)) >= 4
        and silence > gap
    )


def _few(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    orders = len(shop.purchases(customer))
    return whole(said[1]) == shop.silence(customer) >= 30 and int(said[2]) == orders in (2, 3)


def _single(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    return whole(said[1]) == shop.silence(customer) >= 30 and len(shop.purchases(customer)) == 1


def _orders(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    days = int(said[2])
    now, before = (len(shop.purchases(customer, days, after)) for after in (0, days))
    return (whole(said[1]), whole(said[3])) == (now, before) and 0 < now < before


def _year(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    orders, now = shop.purchases(customer), shop.purchases(customer, 365)
    earlier = len(orders) - len(now)
    days = (shop.as_of - orders[0][0]).days - 365
    a_year = earlier * 365 / days
    told = int(said[3])
    right = abs(told - a_year) <= 0.5 + 1e-6 if said[2] else told == earlier
    return whole(said[1]) == len(now) and right and 0 < len(now) < a_year


def _since(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    orders = shop.purchases(customer)
    age = (shop.as_of - orders[0][0]).days
    return (int(said[1]), whole(said[2])) == (len(orders), age)


def _spent(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    days = int(said[2])
    now, before = (
        sum(row[1] for row in shop.within(shop.orders[customer], days, after))
        for after in (0, days)
    )
    return near(money(said[1]), now) and near(money(said[3]), before) and 0 <= now < before


def _rhythm(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    return (
        abs(int(said[2] or 1) - shop.gap(customer)) <= 0.5 + 1e-6
        and int(said[1] or 1) > int(said[2] or 1)
        and len(shop.purchases(customer)) >= 4
    )


def _average_gap(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    gap = shop.gap(customer)
    return abs(int(said[1]) - gap) <= 0.5 + 1e-6 and gap >= 45


def _basket(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    now, before = (
        [row[1] for row in shop.purchases(customer, days, after)]
        for days, after in ((90, 0), (275, 90))
    )
    average, former = sum(now) / len(now), sum(before) / len(before)
    return near(money(said[1]), average) and near(money(said[2]), former) and average < former


def _visits(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    days = int(said[2])
    now, before = (
        len({row[1] or row[0].date() for row in shop.within(shop.visits[customer], days, after)})
        for after in (0, days)
    )
    return (whole(said[1]), whole(said[3])) == (now, before) and now < before


def window(said: str) -> int:
    """Read the days of a window."""
    return 365 if said == "12 months" else int(said.split()[0])


def _tickets(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    return int(said[1]) == len(shop.within(shop.tickets[customer], window(said[2]))) > 0


def _complaints(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    tickets = shop.within(shop.tickets[customer], window(said[2]))
    return int(said[1]) == len([row for row in tickets if COMPLAINT.search(row[1])]) > 0


def _resolution(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    solved = shop.within(shop.solved[customer], window(said[2]))
    days = sum((at - opened).total_seconds() for at, opened, _ in solved) / 86400 / len(solved)
    return abs(int(said[1]) - days) <= 0.5 + 1e-6


def _returns(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    rows = shop.within(shop.orders[customer], window(said[3]))
    returns, orders = (len([row for row in rows if row[1] * sign > 0]) for sign in (-1, 1))
    return int(said[1]) == returns > 0 and int(said[2] or 0) == orders


def _sends(shop: Shop, customer: Any) -> list[tuple[Any, ...]]:
    return sorted(
        (row for row in shop.sends[customer] if not row[3]), key=lambda row: (row[0], row[4])
    )


def _ignored(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    last = _sends(shop, customer)[-int(said[1]) :]
    return len(last) == int(said[1]) and not [row for row in last if row[1] and row[1] < shop.as_of]


def _opened(shop: Shop, customer: Any, said: re.Match[str]) -> bool:
    sends = shop.within(_sends(shop, customer), window(said[4]))
    place = 1 if said[1] == "Opened" else 2
    seen = [row for row in sends if row[place] and row[place] < shop.as_of]
    return (whole(said[2]), int(said[3])) == (len(seen), len(sends))


CHECKS: dict[str, tuple[str, Check]] = {
    "usual silence": (r"Last order ([\d,]+) days? ago; usually every (?:([\d,]+) )?days?", _usual),
    "few orders": (r"Last order ([\d,]+) days? ago; (\d) orders so far", _few),
    "one order": (r"Only one order so far, ([\d,]+) days? ago", _single),
    "orders fell": (
        r"(No|[\d,]+) orders? in the last (\d+) days, (none|[\d,]+) in the \d+ days before",
        _orders,
    ),
    "fewer in the year": (
        r"(\d+) orders? in the last 12 months, (about )?(\d+)(?: a year)? before that", _year
    ),
    "orders since the first": (r"(\d) orders in ([\d,]+) days as a customer", _since),
    "spending fell": (
        r"([\d,.]+) spent in the last (\d+) days, ([\d,.]+) in the \d+ days before", _spent
    ),
    "rhythm": (r"Lately an order every (?:(\d+) )?days?; usually every (?:(\d+) )?days?", _rhythm),
    "average gap": (r"An order every (\d+) days on average", _average_gap),
    "basket": (
        r"([\d,.]+) per order in the last 90 days, ([\d,.]+) in the nine months before", _basket
    ),
    "visits": (
        r"(No|[\d,]+) visits? in the last (\d+) days, (none|[\d,]+) in the \d+ days before", _visits
    ),
    "tickets": (r"(\d+) support requests? in the last (\d+ days|12 months)", _tickets),
    "complaints": (r"(\d+) complaints? in the last (\d+ days|12 months)", _complaints),
    "resolution": (
        r"Support took (\d+) days? on average to solve a request in the last (\d+ days|12 months)",
        _resolution,
    ),
    "returns": (
        r"(\d+) returns?(?: and (\d+) orders?)? in the last (\d+ days|12 months)", _returns
    ),
    "ignored": (r"The last (\d+) campaign messages? (?:was|were) not opened", _ignored),
    "opened": (
        r"(Opened|Clicked in) (none|\d+) of (\d+) campaign messages? "
        r"in the last (\d+ days|12 months)",
        _opened,
    ),
}  # fmt: skip


def test_no_customer_has_two_reasons_of_one_theme(built_demo: DbtProject) -> None:
    assert built_demo.query("select count(*) > 1000 from churn_reasons") == [(True,)]
    assert (
        built_demo.query(
            "select customer_id, theme from churn_reasons group by all having count(*) > 1"
        )
        == []
    )


def test_sentences_agree_with_the_rows_of_the_shop(built_demo: DbtProject) -> None:
    shop = Shop(built_demo)
    told: Counter[str] = Counter()
    wrong = []
    for customer, rank, reason in built_demo.query(
        "select customer_id, rank, reason from churn_reasons order by all"
    ):
        for name, (pattern, check) in CHECKS.items():
            if said := re.fullmatch(pattern, reason):
                told[name] += 1
                if not check(shop, customer, said):
                    wrong.append((customer, rank, reason))
    assert wrong == []
    # each of these is told often enough for the test to mean something
    often = (
        "usual silence",
        "few orders",
        "average gap",
        "basket",
        "visits",
        "ignored",
        "opened",
        "complaints",
    )
    assert [name for name in often if told[name] < 10] == [], told
    assert sum(told.values()) > 800


def test_a_silence_is_not_told_again_as_an_empty_window(built_demo: DbtProject) -> None:
    again = (
        "select reason from churn_reasons where regexp_matches(reason, '^No orders? in the last')"
    )
    assert built_demo.query(again) == []


@pytest.mark.slow
def test_language_currency_names_and_actions_are_the_projects(demo: DbtProject) -> None:
    before = demo.query(
        "select customer_id, rank, theme, contribution from churn_reasons order by all"
    )
    steps = "theme,action\nsilence,Позвонить\nfewer_orders,\n"
    (demo.directory / "seeds" / "next_steps.csv").write_text(steps, encoding="utf-8")
    settings = {
        "holdfast_locale": "ru",
        "holdfast_currency": "RUB",
        "holdfast_theme_labels": {"silence": "Тишина"},
        "holdfast_theme_actions": "next_steps",
        "holdfast_reason_phrases": {"days_since_order": "дней без заказа: {days_since_order}"},
    }
    demo.dbt(
        *("build", "--exclude", "resource_type:test", "resource_type:unit_test", "--select"),
        *("next_steps", "holdfast__churn_reasons", "holdfast__churn_scores"),
        *("holdfast__customer_retention", "holdfast__churn_drivers"),
        *("--vars", json.dumps(settings)),
    )
    # the words change, and what is told of a feature with a phrase of the project's
    after = demo.query(
        "select customer_id, rank, theme, contribution from churn_reasons order by all"
    )
    assert len(set(before) & set(after)) > 0.9 * len(before)
    # the names of event types are the data's, and stand in quotation marks
    of_ours = "regexp_replace(reason, '«[^»]*»', '', 'g')"
    assert (
        demo.query(f"select reason from churn_reasons where regexp_matches({of_ours}, '[A-Za-z]')")
        == []
    )
    for told in (
        "Последний заказ [0-9]+ (день|дня|дней) назад",
        "[0-9]\u00a0₽",
        "^дней без заказа: [0-9]+$",
    ):
        found = f"select count(*) > 0 from churn_reasons where regexp_matches(reason, '{told}')"
        assert demo.query(found) == [(True,)], told
    labels = dict(demo.query("select distinct driver, driver_label from churn_drivers"))
    assert labels["silence"] == "Тишина"
    assert labels["service"] == "Служба поддержки"
    actions = dict(
        demo.query("select distinct reason_1_theme, suggested_action from customer_retention")
    )
    assert actions["silence"] == "Позвонить"
    assert actions["fewer_orders"] is None
    assert actions["service"] == "Позвонить и убедиться, что вопрос решён"
    assert actions[None] is None
