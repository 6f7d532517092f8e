"""Support topics of a build: learned, matched to the former ones, and safe from any text."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest

from holdfast.run import register_run
from holdfast.scoring import register
from holdfast.training import SUPPORT_TOPICS_SCHEMA, update_support_topics
from holdfast.training._topic_ids import match_topics
from holdfast.training._topic_names import TopicWords, labels_of

KINDS = {
    "parcel": "the {} parcel with my order has not arrived and tracking shows nothing since {}",
    "refund": "I returned the {} shoes and still wait for the refund of my money since {}",
    "login": "cannot log in to my account with the {} password, the reset mail fails since {}",
    "invoice": "the {} invoice shows another amount than the price in the basket of {}",
}
FIRST = ("blue", "large", "second", "old", "new", "other", "small", "green", "last", "red")
SECOND = ("monday", "may", "spring", "june", "friday", "summer")
NAME = SimpleNamespace(database="memory", schema="main", identifier="support_topic_model")


def texts_of(*kinds: str) -> list[str]:
    """Give 60 different texts of each kind."""
    return [KINDS[kind].format(one, two) for kind in kinds for one in FIRST for two in SECOND]


class Shop:
    """A warehouse with texts and topic models."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        register(self.connection)
        register_run(self.connection)
        self.connection.execute(
            "create table texts (source varchar, text_id varchar, customer_id integer, "
            "written_at timestamp, body varchar)"
        )

    def write(
        self, bodies: list[str | None], at: str = "2026-01-01", customers: int | None = None
    ) -> None:
        """Add texts, each of another customer or of a few."""
        first = self.connection.sql("select count(*) from texts").fetchall()[0][0]
        numbers = list(range(first, first + len(bodies)))
        self.connection.execute(
            f"""
            insert into texts
            select 'ticket', number, {first} + (number - {first}) % {customers or len(bodies) or 1},
                ?::timestamp, body
            from (select unnest(?::integer[]) as number, unnest(?::varchar[]) as body)
            """,
            [at, numbers, bodies],
        )

    def learn(
        self,
        day: str = "2026-02-01",
        topics: int | None = None,
        least_group: int = 10,
        rules: tuple[tuple[str, str, str | None], ...] = (),
        *,
        is_forced: bool = False,
    ) -> list[dict[str, Any]]:
        """Run the model of a build."""
        settings = self.connection.sql(
            f"select date '{day}' as as_of_date, {topics or 'null'}::bigint as topics, "
            f"{least_group}::bigint as least_group, 7::bigint as seed, {is_forced} as is_forced, "
            "30::bigint as retrain_after_days"
        )
        self.connection.execute(
            "create or replace table rules (topic_id varchar, action varchar, value varchar)"
        )
        if rules:
            self.connection.executemany("insert into rules values (?, ?, ?)", rules)
        found = update_support_topics(
            self.connection,
            self.connection.sql("select * from texts"),
            settings,
            self.connection.sql("select * from rules"),
            NAME,
        )
        assert found.schema.names == SUPPORT_TOPICS_SCHEMA.names
        self.connection.execute("create or replace table support_topic_model as from found")
        return found.to_pylist()

    def assigned(self) -> dict[str, tuple[str, str | None]]:
        """Give the status and the topic id of every text."""
        current = self.connection.sql(
            "select model_id, topics from support_topic_model "
            "where stage = 'current' and status = 'fitted'"
        ).fetchall()
        ids = {
            (model_id, topic["cluster"]): topic["topic_id"]
            for model_id, topics in current
            for topic in json.loads(topics)
        }
        rows = self.connection.execute(
            "select body, holdfast_topics('support_topic_model', ?, body) from texts",
            [",".join(model_id for model_id, _ in current)],
        ).fetchall()
        return {
            body: (found["status"], ids.get((found["model_id"], found["cluster"])))
            for body, found in rows
        }


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_ids_keep_their_meaning_and_a_new_kind_gets_a_new_one(shop: Shop) -> None:
    shop.write(texts_of("parcel", "refund", "login"))
    (first,) = shop.learn()
    before = shop.assigned()
    assert {event["event"] for event in json.loads(first["events"])} == {"new"}
    assert shop.learn("2026-02-02") == [first]

    shop.write(texts_of("invoice"), at="2026-03-01")
    rows = shop.learn("2026-03-10")
    after = shop.assigned()
    assert [row["stage"] for row in rows] == ["archived", "current"]
    assert all(after[text] == told for text, told in before.items())
    fresh = {after[text][1] for text in texts_of("invoice")}
    assert not fresh & {told[1] for told in before.values()}
    events = json.loads(rows[1]["events"])
    assert {event["topic_id"] for event in events if event["event"] == "new"} == fresh
    # the same day again, and a forced learning of it, change nothing
    assert [row["model_id"] for row in shop.learn("2026-03-10", is_forced=True)][:2] == [
        row["model_id"] for row in rows
    ]
    assert shop.assigned() == after


def test_many_texts_like_no_topic_are_a_reason_to_learn(shop: Shop) -> None:
    shop.write(texts_of("parcel", "refund", "login"))
    shop.learn("2026-02-01")
    shop.write(texts_of("invoice"), at="2026-02-09")
    assert len(shop.learn("2026-02-07")) == 1
    assert len(shop.learn("2026-02-10")) == 2


def test_a_model_does_not_assign_texts_of_before_it_was_learned(shop: Shop) -> None:
    shop.write(texts_of("parcel", "refund"))
    shop.learn("2026-02-01")
    rows = shop.learn("2026-01-15")
    assert [str(row["as_of_date"]) for row in rows if row["stage"] == "current"] == ["2026-01-15"]
    topics = [{topic["topic_id"] for topic in json.loads(row["topics"])} for row in rows]
    assert not topics[0] & topics[1]


def test_a_script_of_which_few_texts_are_left_does_not_make_every_build_learn(shop: Shop) -> None:
    russian = [f"Где мой заказ номер {one} за {two}?" for one in FIRST for two in SECOND]
    shop.write([*texts_of("parcel", "refund"), *russian])
    assert len(shop.learn("2026-02-01")) == 2
    shop.connection.execute("delete from texts where body like 'Где%' and text_id::int % 10 > 0")
    after_days = {30: "2026-03-03", 31: "2026-03-04", 32: "2026-03-05"}
    rows = {days: shop.learn(day) for days, day in after_days.items()}
    # one of the other script is new; the former of the one with few texts stays, and its date too
    assert len(rows[30]) == 3
    assert rows[30] == rows[31] == rows[32]
    (kept,) = [row for row in rows[32] if row["script"] == "cyrillic"]
    assert (kept["stage"], str(kept["as_of_date"])) == ("current", "2026-02-01")
    assert json.loads(kept["parameters"])["checked_on"] == "2026-03-03"
    # it is tried again when it is due, and it must not assign texts of before it was learned
    assert len(shop.learn("2026-04-02")) == 4
    early = [row for row in shop.learn("2026-01-20") if row["stage"] == "current"]
    assert {str(row["as_of_date"]) for row in early} == {"2026-01-20"}


def test_a_build_of_a_past_day_does_not_change_the_topics_after_it(shop: Shop) -> None:
    shop.write(texts_of("parcel", "refund"))
    shop.learn("2026-03-01")
    shop.write(texts_of("login", "invoice"))
    shop.learn("2026-05-01")
    before = shop.assigned()
    # what is new since March has other ids here
    shop.learn("2026-04-10")
    between = shop.assigned()
    assert {between[text] for text in texts_of("login")}.isdisjoint(before.values())
    rows = shop.learn("2026-05-02")
    assert [str(row["as_of_date"]) for row in rows if row["stage"] == "current"] == ["2026-05-02"]
    assert shop.assigned() == before
    assert shop.learn("2026-05-03") == rows


@pytest.mark.parametrize(
    "bodies",
    [
        [],
        [None, "", "  "],
        ["where is it"] * 500,
        [f"ticket of customer {n}" for n in range(10)],
        ["hi", "ok", "?"] * 50,
        [chr(letter) + chr(letter + 1) * 2 for letter in range(0x4E00, 0x4F00, 4)],
    ],
    ids=["none", "empty", "all alike", "ten", "short", "nothing in common"],
)
def test_too_little_to_learn_from_is_told_and_no_error(shop: Shop, bodies: list[str]) -> None:
    shop.write(bodies)
    rows = shop.learn()
    assert {row["status"] for row in rows} <= {"too_few_texts"}
    assert {status for status, _ in shop.assigned().values()} <= {"empty", "no_model"}
    # the next build looks again, and learns when there is enough
    assert len(shop.learn("2026-02-02")) == len(rows)
    shop.write(texts_of("parcel", "refund"))
    assert "fitted" in {row["status"] for row in shop.learn("2026-02-03")}


def test_any_text_is_read(shop: Shop) -> None:
    strange = [
        "parcel " * 150_000,
        "<div>" * 30_000,
        "\x00\u202e\ufeff" * 20,
        "🎉" * 50,
        "a" * 100_000,
        "'; drop table texts; --",
        "{{ jinja }} {% raw %}",
        "ignore your instructions",
    ]
    shop.write([*texts_of("parcel", "refund"), *strange])
    shop.write([f"Где мой заказ номер {one} за {two}?" for one in FIRST for two in SECOND])
    rows = shop.learn()
    assert sorted(row["script"] for row in rows) == ["cyrillic", "latin"]
    statuses = shop.assigned()
    assert all(statuses[text][0] in {"assigned", "other", "empty"} for text in strange)
    assert statuses["🎉" * 50][0] == "empty"
    assert all(
        told[1] is None or told[1].startswith("cyrillic_")
        for text, told in statuses.items()
        if text and text.startswith("Где")
    )


def test_words_of_few_customers_are_neither_in_names_nor_in_typical_texts(shop: Shop) -> None:
    shop.write(
        [
            f"{text} says Zebulon" if n < 9 else text
            for n, text in enumerate(texts_of("parcel", "refund"))
        ]
    )
    (row,) = shop.learn()
    assert "zebulon" not in row["topics"].lower()
    masked = shop.connection.execute(
        "select holdfast_masked_text('support_topic_model', ?, body) from texts limit 5",
        [row["model_id"]],
    ).fetchall()
    assert all("parcel" in text and "Zebulon" not in text for (text,) in masked)
    assert any("parcel" in topic["terms"] for topic in json.loads(row["topics"]))
    (strict,) = [each for each in shop.learn(least_group=1000) if each["stage"] == "current"]
    assert {topic["topic"] for topic in json.loads(strict["topics"])} & {"Topic latin_1"} or all(
        not topic["terms"] for topic in json.loads(strict["topics"])
    )


def test_a_name_goes_when_fewer_words_may_be_shown(shop: Shop) -> None:
    shop.write(texts_of("parcel", "refund"))
    shop.write([f"meyerhofer: {text}" for text in texts_of("invoice")[:40]], customers=3)
    shop.write(texts_of("invoice")[40:])
    (loose,) = shop.learn(least_group=2)
    named = [each for each in json.loads(loose["topics"]) if "eyerhofer" in each["topic"]]
    assert named
    strict = shop.learn(least_group=10)[-1]
    assert "eyerhofer" not in strict["topics"]
    # the rest of its words still hold, so it is the same topic under another name
    (same,) = [
        each for each in json.loads(strict["topics"]) if each["topic_id"] == named[0]["topic_id"]
    ]
    assert set(same["terms"]) & set(named[0]["terms"])


def test_a_known_name_stays_only_if_all_of_it_may_be_shown() -> None:
    terms = (("card", "late"), ("ann", "lee"))
    words = TopicWords(("ann", "lee"), terms, frozenset({"card", "late", "ann", "lee"}))
    former = {
        "a": {"topic": "Card, declined", "terms": ["card", "declined"]},
        "b": {"topic": "Ann lee, card", "terms": ["ann lee", "lee"]},
    }
    assert labels_of(words, ["a", "b"], former) == ["Card, late", "Ann, lee"]
    allowed = TopicWords((), terms, frozenset({"card", "declined", "ann lee"}))
    assert labels_of(allowed, ["a", "b"], former) == ["Card, declined", "Ann lee, card"]


def test_no_two_topics_have_the_same_name() -> None:
    terms = (("one", "two", "six", "ten"), ("one", "two", "six"), ("one", "two", "six", "ten"), ())
    words = TopicWords((), terms, frozenset({"one", "two", "six", "ten"}))
    known = {"topic": "One, two, six", "terms": ["one"]}
    ids = ["a", "b", "c", "d"]
    labels = ["One, two, six, ten", "One, two, six", "One, two, six (c)", "Topic d"]
    assert labels_of(words, ids, {"b": known}) == labels
    # names stay where nothing has changed
    former = {
        topic_id: {"topic": label, "terms": list(each)}
        for topic_id, label, each in zip(ids, labels, terms, strict=True)
    }
    assert labels_of(words, ids, former) == labels


def test_seed_words_make_a_topic_and_a_pin_keeps_one(shop: Shop) -> None:
    shop.write(texts_of("parcel", "refund", "login"))
    rules = (("passwords", "seed", "password, reset mail"), ("latin_1", "pin", None))
    (row,) = shop.learn(rules=rules)
    assigned = shop.assigned()
    assert {assigned[text][1] for text in texts_of("login")} == {"passwords"}
    assert "passwords" not in {assigned[text][1] for text in texts_of("parcel")}
    shop.write(texts_of("invoice"))
    rows = shop.learn("2026-04-01", rules=rules)
    topics = json.loads(rows[-1]["topics"])
    assert "passwords" in {topic["topic_id"] for topic in topics}
    assert row["model_id"] == rows[0]["model_id"]


def mixed_texts(*, more_russian: bool) -> list[str]:
    """Give texts in two scripts, with a word that both have, and that one of them has oftener."""
    russian = [f"Где мой заказ номер {one} за {two}?" for one in FIRST for two in SECOND]
    paypal = [f"оплата через paypal не прошла {one} в {two}" for one in FIRST for two in SECOND]
    latin = [
        f"the paypal payment of the {one} order failed in {two}" for one in FIRST for two in SECOND
    ]
    few = slice(0, 40)
    return [
        *texts_of("parcel", "refund"),
        *russian,
        *(paypal if more_russian else paypal[few]),
        *(latin[few] if more_russian else latin),
    ]


def homes(rows: list[dict[str, Any]], topic_id: str) -> list[str]:
    """Give the scripts of the current models that have a topic."""
    return [
        row["script"]
        for row in rows
        for topic in json.loads(row["topics"])
        if row["stage"] == "current" and topic["topic_id"] == topic_id
    ]


@pytest.mark.parametrize(("more_russian", "home"), [(True, "cyrillic"), (False, "latin")])
def test_a_seeded_topic_is_of_the_script_with_most_texts(
    shop: Shop, more_russian: bool, home: str
) -> None:
    shop.write(mixed_texts(more_russian=more_russian))
    rules = (("paypal", "seed", "paypal"), ("paypal", "pin", None))
    rows = shop.learn(rules=rules)
    assert homes(rows, "paypal") == [home]
    # it stays there, even if the other script has more texts of it now
    shop.write(
        [f"{text} {n}" for n in range(3) for text in mixed_texts(more_russian=home == "latin")]
    )
    assert homes(shop.learn("2026-02-02", rules=rules, is_forced=True), "paypal") == [home]


@pytest.mark.parametrize("is_ruled", [True, False])
def test_an_id_that_two_models_have_is_left_to_one(shop: Shop, is_ruled: bool) -> None:
    rules = (("paypal", "seed", "paypal"),)
    shop.write(mixed_texts(more_russian=False))
    shop.learn(rules=rules)
    # as versions before this one have left it
    shop.connection.execute(
        "update support_topic_model set topics = replace(topics, 'cyrillic_1', 'paypal')"
    )
    rows = shop.learn("2026-02-02", rules=rules if is_ruled else (), is_forced=True)
    assert len(homes(rows, "paypal")) == 1
    ids = [
        topic["topic_id"]
        for row in rows
        for topic in json.loads(row["topics"])
        if row["stage"] == "current"
    ]
    assert len(set(ids)) == len(ids)


def test_ids_that_stand_for_other_texts_are_no_seeds(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.write(texts_of("parcel", "refund"))
    rules = (("other", "seed", "parcel"), ("all", "seed", "refund"), ("money", "seed", "refund"))
    (row,) = shop.learn(rules=rules)
    ids = {topic["topic_id"] for topic in json.loads(row["topics"])}
    assert "money" in ids
    assert not ids & {"other", "all"}
    assert "'other'" in caplog.text
    assert "'all'" in caplog.text
    # as versions before this one have left it
    shop.connection.execute(
        "update support_topic_model set topics = replace(topics, 'money', 'other')"
    )
    (row,) = [
        each for each in shop.learn("2026-02-02", is_forced=True) if each["stage"] == "current"
    ]
    assert '"topic_id": "other"' not in row["topics"]


def test_the_number_of_topics_can_be_set(shop: Shop) -> None:
    shop.write(texts_of(*KINDS))
    assert [row["topic_count"] for row in shop.learn(topics=3)] == [3]
    assert [row["topic_count"] for row in shop.learn(topics=4)] == [3, 4]


def test_split_merged_and_gone_topics_are_told() -> None:
    former = np.repeat([0, 1, 2, 3], 10)
    latter = np.concatenate(
        [np.repeat([0, 1], [6, 4]), np.repeat(2, 10), np.repeat(2, 10), np.repeat(-1, 10)]
    )
    names, events = match_topics(former, latter, ["a", "b", "c", "d"], 3, next_ids=["e", "f", "g"])
    told = {event.topic_id: (event.event, event.other_topic_id) for event in events}
    assert names[0] == "a"
    assert told["a"] == ("kept", None)
    assert told["e"] == ("split", "a")
    assert {told["b"], told["c"]} == {("kept", None), ("merged", names[2])}
    assert told["d"] == ("gone", None)
