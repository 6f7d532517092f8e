"""Topics that people give to tickets: learned from the stated ones, and tested on later ones."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest

from holdfast.contract import TopicFile
from holdfast.errors import TrainingError
from holdfast.estimators import fit_text_labels
from holdfast.run import register_run
from holdfast.scoring import TopicModel, register
from holdfast.texts import occurrences
from holdfast.training import TICKET_TOPICS_SCHEMA, update_ticket_topics

KINDS = {
    "delivery": "the {} parcel with my order has not arrived since {}",
    "billing": "the {} invoice shows another amount than the basket of {}",
    "account": "cannot log in with the {} password, the reset mail fails since {}",
}
FIRST = ("blue", "large", "second", "old", "new", "other", "small", "green", "last", "red")
SECOND = ("monday", "may", "spring", "june", "friday", "summer")
NAME = SimpleNamespace(database="memory", schema="main", identifier="ticket_topic_model")


def texts_of(kind: str) -> list[str]:
    """Give 60 different texts of a kind."""
    return [KINDS[kind].format(one, two) for one in FIRST for two in SECOND]


class Shop:
    """A warehouse with tickets and the models of their topics."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        register(self.connection)
        register_run(self.connection)
        self.connection.execute(
            "create table tickets (ticket_id integer, opened_at timestamp, topic varchar, "
            "body varchar)"
        )

    def write(self, rows: list[tuple[str | None, str | None]], at: str) -> None:
        """Add tickets, a minute apart: topic and text."""
        ((first,),) = self.connection.sql("select count(*) from tickets").fetchall()
        if not rows:
            return
        self.connection.executemany(
            "insert into tickets values (?, ?::timestamp + ? * interval 1 minute, ?, ?)",
            [(first + number, at, number, *row) for number, row in enumerate(rows)],
        )

    def learn(self, day: str = "2026-02-01", *, is_forced: bool = False) -> list[dict[str, Any]]:
        """Run the model of a build."""
        found = update_ticket_topics(
            self.connection,
            self.connection.sql(f"select * from tickets where opened_at < timestamp '{day}'"),
            self.connection.sql(
                f"select date '{day}' as as_of_date, {is_forced} as is_forced, "
                "30::bigint as retrain_after_days"
            ),
            NAME,
        )
        assert found.schema.names == TICKET_TOPICS_SCHEMA.names
        self.connection.execute("create or replace table ticket_topic_model as from found")
        return found.to_pylist()

    def told(self, *texts: str) -> list[str | None]:
        """Name the topics of texts by the current models."""
        models = {
            model_id: json.loads(topics)
            for model_id, topics in self.connection.sql(
                "select model_id, topics from ticket_topic_model "
                "where stage = 'current' and status = 'fitted'"
            ).fetchall()
        }
        rows = self.connection.execute(
            "select holdfast_topics('ticket_topic_model', ?, body) "
            "from (select unnest(?::varchar[]) as body)",
            [",".join(models), list(texts)],
        ).fetchall()
        return [
            models[found["model_id"]][found["cluster"]] if found["status"] == "assigned" else None
            for (found,) in rows
        ]


def mixed(*kinds: str) -> list[tuple[str | None, str | None]]:
    """Give the texts of kinds, one of each in turn, with their topics."""
    return [
        row
        for rows in zip(*([(kind, text) for text in texts_of(kind)] for kind in kinds), strict=True)
        for row in rows
    ]


def test_new_tickets_are_named_as_those_before_them() -> None:
    shop = Shop()
    shop.write(mixed("delivery", "billing", "account"), "2026-01-01")
    (model,) = shop.learn()
    assert (model["status"], model["stage"]) == ("fitted", "current")
    assert json.loads(model["topics"]) == ["account", "billing", "delivery"]
    assert (model["ticket_count"], model["held_out_count"]) == (180, 36)
    assert model["accuracy"] == 1.0
    assert model["baseline_accuracy"] == pytest.approx(1 / 3)
    assert shop.told(
        "Where is my parcel? It has not arrived.", "This INVOICE shows the wrong amount!", "", "?"
    ) == ["delivery", "billing", None, None]


def test_accuracy_is_that_on_later_tickets_whose_topics_have_changed() -> None:
    shop = Shop()
    shop.write(mixed("delivery", "billing"), "2026-01-01")
    # from now on people call by another name what they called delivery: none of it can be known
    shop.write([("parcels", text) for text in texts_of("delivery")[:30]], "2026-01-15")
    (model,) = shop.learn()
    assert model["held_out_count"] == 30
    assert model["accuracy"] == 0.0
    assert "parcels" in json.loads(model["topics"])


def test_a_topic_of_few_tickets_is_not_named_and_counts_as_an_error() -> None:
    shop = Shop()
    shop.write(mixed("delivery", "billing"), "2026-01-01")
    shop.write(
        [("odd", f"something quite odd happened {number}") for number in range(4)], "2026-01-15"
    )
    (model,) = shop.learn()
    assert json.loads(model["topics"]) == ["billing", "delivery"]
    assert model["accuracy"] == pytest.approx(1 - 4 / model["held_out_count"])


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("delivery", text) for text in texts_of("delivery") * 2],
        mixed("delivery", "billing")[:90],
        [(None, text) for text in texts_of("delivery") * 2],
        [("delivery", None), (" ", "a text without a topic"), ("billing", "")],
        [(f"topic {number}", text) for number, text in enumerate(texts_of("billing") * 2)],
    ],
    ids=["no tickets", "one topic", "too few", "no topics", "blanks", "a topic for each"],
)
def test_too_little_to_learn_from_is_said_and_names_nothing(
    rows: list[tuple[str | None, str | None]],
) -> None:
    shop = Shop()
    shop.write(rows, "2026-01-01")
    for day in ("2026-02-01", "2026-02-02"):
        found = shop.learn(day)
        assert {row["status"] for row in found} <= {"too_few_tickets"}
        assert len(found) <= 1
    assert shop.told("the blue parcel has not arrived") == [None]


def test_models_are_learned_when_they_are_due_and_kept() -> None:
    shop = Shop()
    shop.write(mixed("delivery", "billing"), "2026-01-01")
    (first,) = shop.learn("2026-02-01")
    shop.write(mixed("account"), "2026-02-03")
    assert shop.learn("2026-02-20") == [first]
    former, second = shop.learn("2026-03-10")
    assert former == {**first, "stage": "archived"}
    assert (second["stage"], json.loads(second["topics"])) == (
        "current",
        ["account", "billing", "delivery"],
    )
    # of an earlier day nothing later may be told
    stages = [row["stage"] for row in shop.learn("2026-02-02")]
    assert sorted(stages) == ["archived", "archived", "current"]
    assert "account" not in shop.told("cannot log in with my password, the reset mail fails")
    # what is learned from the same tickets on the same day is the same model
    assert [row["stage"] for row in shop.learn("2026-02-02", is_forced=True)] == stages


def test_a_script_with_too_few_tickets_does_not_make_the_others_learn_every_day() -> None:
    shop = Shop()
    shop.write(mixed("delivery", "billing"), "2026-01-01")
    shop.write([("delivery", "посылка не пришла")] * 3, "2026-01-10")
    days = ("2026-02-01", "2026-03-03", "2026-03-04", "2026-03-05")
    assert [len(shop.learn(day)) for day in days] == [2, 3, 3, 3]


def test_every_script_has_a_model_of_its_own() -> None:
    shop = Shop()
    shop.write(mixed("delivery", "billing"), "2026-01-01")
    russian = {"delivery": "посылка {} не пришла с {}", "billing": "счёт {} неверный за {}"}  # noqa: RUF001
    words = [(one, two) for one in range(10) for two in range(6)]
    shop.write(
        [(kind, russian[kind].format(*word)) for word in words for kind in russian], "2026-01-10"
    )
    assert sorted(row["script"] for row in shop.learn()) == ["cyrillic", "latin"]
    assert shop.told("моя посылка не пришла", "the parcel has not arrived") == [
        "delivery",
        "delivery",
    ]


@pytest.mark.parametrize("kinds", [("delivery", "billing"), ("delivery", "billing", "account")])
def test_the_file_tells_the_probabilities_of_the_regression(kinds: tuple[str, ...]) -> None:
    texts = [text for kind in kinds for text in texts_of(kind)]
    labels = [kind for kind in kinds for _ in texts_of(kind)]
    fit = fit_text_labels(texts, labels)
    model = TopicModel(TopicFile.from_bytes(fit.to_onnx()))
    asked = ["a parcel and an invoice", "my password for the parcel", texts[0]]
    topic, probability, _ = model.assign(occurrences(asked), len(asked))

    from holdfast.contract import GRAM_WEIGHT
    from holdfast.texts import Vocabulary

    counts = Vocabulary(fit.vocabulary).count(occurrences(asked), len(asked))
    effects = fit.effects.astype(np.float64)
    log_odds = np.tile(fit.intercept.astype(np.float64), (len(asked), 1))
    square = (counts.unknown_words + GRAM_WEIGHT**2 * counts.unknown_grams) * float(
        fit.rarity[-1]
    ) ** 2
    weight = 1 + np.log(counts.count.astype(np.float64))
    np.add.at(square, counts.row, (weight * fit.rarity[counts.term]) ** 2)
    added = np.zeros_like(log_odds)
    np.add.at(added, counts.row, weight[:, None] * effects[counts.term])
    log_odds += added / np.sqrt(square)[:, None]
    expected = np.exp(log_odds) / np.exp(log_odds).sum(axis=1, keepdims=True)
    assert topic.tolist() == expected.argmax(axis=1).tolist()
    assert probability == pytest.approx(expected.max(axis=1), abs=1e-5)
    assert fit.labels[topic[2]] == "delivery"
    assert probability[2] > 0.9


def test_one_label_is_refused() -> None:
    with pytest.raises(TrainingError, match="one label"):
        fit_text_labels(texts_of("delivery"), ["delivery"] * 60)
