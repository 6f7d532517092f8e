"""Topics of support texts: learned where that is due, matched to the former ones, and kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.contract import TopicFile, model_id
from holdfast.errors import TrainingError
from holdfast.estimators import LEAST_TEXTS, Topics, fit_topics
from holdfast.registry import RelationName, Row, library_versions, to_json
from holdfast.scoring import TopicModel, assign
from holdfast.texts import is_too_short, occurrences, terms_of
from holdfast.threads import one_thread
from holdfast.training._text_models import (
    ARCHIVED,
    CURRENT,
    FITTED,
    by_script,
    former_rows,
    in_order,
)
from holdfast.training._topic_ids import Event, match_topics
from holdfast.training._topic_names import labels_of, topic_words

__all__ = ["SUPPORT_TOPICS_SCHEMA", "update_support_topics"]

logger = logging.getLogger("holdfast.training")

# texts that are learned from; of more, always the same ones
_MOST_TEXTS = 40_000
# texts are this many times those on which the number of topics was chosen: it is chosen again
_GROWN = 2.0
# something new has come up where this many different texts of these days, and this many times the
# usual share, are like no topic; looked for when the topics are a week old
_NEWS_DAYS, _LEAST_NEWS, _NEWS_RISE, _NEWS_AGE = 14, 10, 3.0, 7
_MOST_NEWS = 20_000
_CHECKED, _TOLERANCE = 2_000, 1e-5
_TOO_FEW = "too_few_texts"
# what stands for texts of no topic and for all texts, in the tables that people read
_RESERVED = ("other", "all")

SUPPORT_TOPICS_SCHEMA = pa.schema(
    [
        ("model_id", pa.string()),
        ("script", pa.string()),
        ("as_of_date", pa.date32()),
        ("fitted_at", pa.timestamp("us")),
        ("stage", pa.string()),
        ("status", pa.string()),
        ("text_count", pa.int64()),
        ("topic_count", pa.int64()),
        ("topics", pa.string()),
        ("events", pa.string()),
        ("parameters", pa.string()),
        ("settings_hash", pa.string()),
        ("onnx", pa.binary()),
        ("onnx_sha256", pa.string()),
        ("library_versions", pa.string()),
    ]
)


@dataclass(frozen=True)
class _Settings:
    """The row of `support_topic_settings`, and the rules that learning heeds."""

    as_of_date: dt.date
    topics: int | None
    least_group: int
    seed: int
    is_forced: bool
    retrain_after_days: int
    pinned: tuple[str, ...]
    seeded: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, session: Any, settings: Any, rules: Any) -> _Settings:
        """Read them."""
        row = session.execute(
            f"""
            select as_of_date, topics, least_group, seed, is_forced, retrain_after_days
            from ({settings.sql_query()}) as settings
            """  # noqa: S608 - a relation of dbt's own
        ).fetchone()
        told = session.execute(
            f"""
            select topic_id, action, value
            from ({rules.sql_query()}) as rules
            where action in ('pin', 'seed')
            order by topic_id asc nulls last, action asc nulls last, value asc nulls last
            """  # noqa: S608 - a relation of dbt's own
        ).fetchall()
        seeded: dict[str, tuple[str, ...]] = {}
        for topic_id, action, value in told:
            if action == "seed" and (not topic_id or topic_id in _RESERVED):
                logger.warning(
                    "Ignored a seed of support topics with the id '%s': no topic can have it.",
                    topic_id or "",
                )
                continue
            words = [word.strip().lower() for word in str(value or "").split(",")]
            if action == "seed":
                seeded[topic_id] = (*seeded.get(topic_id, ()), *filter(None, words))
        pinned = tuple(topic_id for topic_id, action, _ in told if action == "pin" and topic_id)
        topics = None if row[1] is None else int(row[1])
        least_group, seed, is_forced, days = int(row[2]), int(row[3]), bool(row[4]), int(row[5])
        return cls(row[0], topics, least_group, seed, is_forced, days, pinned, seeded)

    @property
    def hash(self) -> str:
        """Hash of what a model depends on beside the texts."""
        told = {
            "topics": self.topics,
            "least_group": self.least_group,
            "seed": self.seed,
            "pinned": self.pinned,
            "seeded": dict(self.seeded),
        }
        return hashlib.sha256(to_json(told).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Texts:
    """Written texts of one script: the different ones, and of each written one which it is."""

    different: list[str]
    place: NDArray[np.int64]
    customer: NDArray[np.int64]
    usable: NDArray[np.int64]


def update_support_topics(
    session: Any, texts: Any, settings: Any, rules: Any, registry: RelationName
) -> pa.Table:
    """Learn the topics of support texts where it is due, and return all models of them.

    Parameters
    ----------
    session
        The DuckDB connection of the dbt run. It is neither closed nor changed.
    texts
        The relation `support_texts`: source, text_id, customer_id, written_at, body. All of it is
        read only where learning is due.
    settings
        The relation `support_topic_settings`, of one row.
    rules
        The relation `support_topic_rules`: topic_id, action, value.
    registry
        The table of models, as ``dbt.this`` has it; it need not exist yet. All of its rows come
        back, unless the run begins history anew (``holdfast_reset``).

    Returns
    -------
    pyarrow.Table
        Rows of the schema `SUPPORT_TOPICS_SCHEMA`; of each script with texts, one is current.

    Examples
    --------
    >>> def model(dbt, session):
    ...     texts = dbt.ref("holdfast", "holdfast__support_texts")
    ...     settings = dbt.ref("holdfast", "holdfast__support_topic_settings")
    ...     rules = dbt.ref("holdfast", "holdfast__support_topic_rules")
    ...     return update_support_topics(session, texts, settings, rules, dbt.this)
    """
    told = _Settings.read(session, settings, rules)
    rows = former_rows(session, registry, SUPPORT_TOPICS_SCHEMA)
    if _is_due(rows, told) or _has_news(session, texts, rows, told):
        with one_thread():
            rows = _learn(_read_texts(session, texts), rows, told)
    return in_order(rows, SUPPORT_TOPICS_SCHEMA)


def _is_due(rows: Sequence[Row], told: _Settings) -> bool:
    """Tell whether topics have to be learned."""
    current = [row for row in rows if row["stage"] == CURRENT]
    if told.is_forced or not any(row["status"] == FITTED for row in current):
        return True
    return (
        any(row["settings_hash"] != told.hash for row in current)
        or max((told.as_of_date - _tried_on(row)).days for row in current)
        >= told.retrain_after_days
        # a model that has read later texts must not assign these
        or any(row["as_of_date"] > told.as_of_date for row in current)
        # after a build of a past day, the models of later days are the ones to go on with
        or any(
            row["script"] == other["script"]
            and row["as_of_date"] < other["as_of_date"] <= told.as_of_date
            for row in current
            for other in rows
            if other["status"] == FITTED
        )
    )


def _tried_on(row: Row) -> dt.date:
    """Return when learning was last tried: later than the model where texts had become too few."""
    noted = json.loads(row["parameters"]).get("checked_on")
    made: dt.date = row["as_of_date"]
    return made if noted is None else max(made, dt.date.fromisoformat(noted))


def _has_news(session: Any, texts: Any, rows: Sequence[Row], told: _Settings) -> bool:
    """Tell whether many texts of late are like no topic: then something new has come up."""
    current = [row for row in rows if row["stage"] == CURRENT and row["status"] == FITTED]
    if min((told.as_of_date - _tried_on(row)).days for row in current) < _NEWS_AGE:
        return False
    found = session.execute(
        f"""
        select distinct body
        from ({texts.sql_query()}) as texts
        where
            trim(body) != ''
            and written_at >= cast('{told.as_of_date}' as timestamp) - interval {_NEWS_DAYS} day
        order by body asc nulls last
        limit {_MOST_NEWS}
        """  # noqa: S608 - a relation of dbt's own
    ).fetchall()
    models = {}
    for row in current:
        model = TopicModel(TopicFile.from_bytes(row["onnx"], row["onnx_sha256"]))
        models[row["script"]] = (row["model_id"], model)
    statuses = assign(models, [body for (body,) in found])["status"]
    strange = statuses.count("other")
    known = max(json.loads(row["parameters"])["other_share"] for row in current)
    is_new: bool = strange >= max(_LEAST_NEWS, _NEWS_RISE * known * len(statuses))
    if is_new:
        logger.info("%s of %s texts of late are like no topic: learning.", strange, len(statuses))
    return is_new


def _read_texts(session: Any, texts: Any) -> dict[str, _Texts]:
    """Read the texts by script; of very many some, always the same."""
    table = session.execute(
        f"""
        select body, dense_rank() over (order by customer_id asc nulls last) - 1 as customer
        from (
            select body, customer_id, md5(source || ':' || text_id) as place
            from ({texts.sql_query()}) as texts
            where trim(body) != ''
            order by place asc nulls last
            limit {_MOST_TEXTS}
        ) as taken
        order by place asc nulls last
        """  # noqa: S608 - a relation of dbt's own
    ).to_arrow_table()
    cleaned, scripts = by_script(table["body"])
    customer = table["customer"].to_numpy().astype(np.int64)
    found = {}
    for name, rows in scripts.items():
        numbers: dict[str, int] = {}
        place = [numbers.setdefault(cleaned[row], len(numbers)) for row in rows]
        different = list(numbers)
        short = is_too_short(occurrences(different), len(different))
        usable = np.flatnonzero(~short)
        found[name] = _Texts(different, np.array(place, np.int64), customer[rows], usable)
    return found


def _learn(texts: Mapping[str, _Texts], rows: Sequence[Row], told: _Settings) -> list[Row]:
    """Learn the topics of every script, and put the new models beside the former ones."""
    kept = {row["model_id"]: dict(row) for row in rows}
    for row in kept.values():
        # a script of which no text is left has no topics either
        if row["script"] not in texts:
            row["stage"] = ARCHIVED
    past = [row for row in kept.values() if row["as_of_date"] <= told.as_of_date]
    fitted = [row for row in past if row["status"] == FITTED]
    # not the current one: a build of a past day may have made an early model current
    formers = {
        row["script"]: row
        for row in sorted(fitted, key=lambda row: (row["as_of_date"], row["fitted_at"]))
    }
    with_words = {script: _with_words(found, told.seeded) for script, found in texts.items()}
    homes = _homes(texts, formers, with_words, told)
    used = {topic["topic_id"] for row in rows for topic in json.loads(row["topics"])}
    used |= set(told.seeded) | set(told.pinned)
    for script, found in texts.items():
        former = formers.get(script)
        own = replace(
            told,
            pinned=tuple(each for each in told.pinned if homes.get(each) == script),
            seeded={
                each: words for each, words in told.seeded.items() if homes.get(each) == script
            },
        )
        strange = {topic_id for topic_id, home in homes.items() if home != script} | {*_RESERVED}
        made = _row(script, found, former, with_words[script], own, used, strange)
        made["settings_hash"] = told.hash
        for row in kept.values():
            if row["script"] == script:
                row["stage"] = ARCHIVED
        if made["status"] == _TOO_FEW and former is not None:
            # better the former topics than none
            former["stage"], former["settings_hash"] = CURRENT, told.hash
            # its as-of date stays, since it has read no later texts
            noted = json.loads(former["parameters"]) | {"checked_on": told.as_of_date.isoformat()}
            former["parameters"] = to_json(noted)
            continue
        known = kept.get(made["model_id"])
        if known is not None and known["status"] == FITTED:
            known["stage"] = CURRENT
        else:
            kept[made["model_id"]] = made
    return list(kept.values())


def _with_words(
    texts: _Texts, seeded: Mapping[str, tuple[str, ...]]
) -> dict[str, NDArray[np.bool_]]:
    """Tell by seeded topic which of the different texts it can begin with."""
    has = {topic_id: np.zeros(len(texts.different), bool) for topic_id in seeded}
    for index in texts.usable if seeded else ():
        terms = set(terms_of(texts.different[index]))
        for topic_id, words in seeded.items():
            has[topic_id][index] = not terms.isdisjoint(words)
    return has


def _homes(
    texts: Mapping[str, _Texts],
    formers: Mapping[str, Row],
    with_words: Mapping[str, Mapping[str, NDArray[np.bool_]]],
    told: _Settings,
) -> dict[str, str]:
    """Return the one script of each former, pinned or seeded topic.

    The same words may occur in texts of several scripts, and each has a model of its own; but an
    id must mean one topic of one model.
    """
    ids = {
        script: {topic["topic_id"] for topic in json.loads(formers[script]["topics"])}
        for script in texts
        if script in formers
    }
    is_learned = {script: len(found.usable) >= LEAST_TEXTS for script, found in texts.items()}
    homes = {}
    for topic_id in {
        *told.pinned,
        *told.seeded,
        *(each for every in ids.values() for each in every),
    }:
        having = [script for script in ids if topic_id in ids[script]]
        count = {
            script: int(with_words[script][topic_id][found.place].sum())
            for script, found in texts.items()
            if topic_id in told.seeded
        }
        # of several that have it, one with too few texts keeps its former topics in any case
        order = sorted(
            having or [script for script in texts if is_learned[script]],
            key=lambda script: (is_learned[script], -count.get(script, 0), script),
        )
        if order:
            homes[topic_id] = order[0]
    return homes


def _row(
    script: str,
    texts: _Texts,
    former: Row | None,
    with_words: Mapping[str, NDArray[np.bool_]],
    told: _Settings,
    used: set[str],
    strange: set[str],
) -> Row:
    """Learn the topics of one script, and write them as a row.

    The settings have the pinned and seeded topics of this script only; `used` are the ids that no
    new topic may have, `strange` those that no topic of this script may keep.
    """
    row: Row = {
        "script": script,
        "as_of_date": told.as_of_date,
        "fitted_at": dt.datetime.now(dt.UTC).replace(tzinfo=None),
        "stage": CURRENT,
        "status": _TOO_FEW,
        "text_count": len(texts.place),
        "topic_count": 0,
        "topics": "[]",
        "events": "[]",
        "parameters": "{}",
        "library_versions": to_json(library_versions()),
    }
    if len(texts.usable) < LEAST_TEXTS:
        row["model_id"] = model_id("support_topic", script, _TOO_FEW.encode())
        return row
    learned = [texts.different[index] for index in texts.usable]
    before = np.full(len(learned), -1, np.int64)
    ids: list[str] = []
    if former is not None:
        had = [topic["topic_id"] for topic in json.loads(former["topics"])]
        ids = [topic_id for topic_id in had if topic_id not in strange]
        # -1 for no topic, and for one that may not stay here
        number = [ids.index(topic_id) if topic_id in ids else -1 for topic_id in had]
        before = np.array([*number, -1], np.int64)[_assigned(former, learned)]
    try:
        fit, given = _fit(
            script,
            learned,
            before,
            ids,
            former,
            {topic_id: np.flatnonzero(has[texts.usable]) for topic_id, has in with_words.items()},
            told,
        )
    except TrainingError as error:
        logger.info("No topics of %s texts: %s.", script, error)
        row["model_id"] = model_id("support_topic", script, _TOO_FEW.encode())
        return row
    now = np.where(fit.is_other, -1, fit.nearest)
    names, events = match_topics(
        before,
        now,
        ids,
        len(fit.centres),
        next_ids=_unused(script, used, len(fit.centres)),
        given=given,
    )
    return row | _described(fit, names, events, texts, former, told)


def _fit(
    script: str,
    learned: Sequence[str],
    before: NDArray[np.int64],
    ids: Sequence[str],
    former: Row | None,
    with_words: Mapping[str, NDArray[np.int64]],
    told: _Settings,
) -> tuple[Topics, dict[int, str]]:
    """Learn topics, beginning with the former ones as long as their number may stay."""
    noted = {} if former is None else json.loads(former["parameters"])
    is_warm = bool(ids) and noted.get("topics_asked") == told.topics
    # topics of long ago were chosen for far fewer texts
    is_warm = is_warm and (
        told.topics is not None or len(learned) < _GROWN * noted.get("chosen_on", 0)
    )
    begun = {
        topic_id: np.flatnonzero(before == number)
        for number, topic_id in enumerate(ids)
        if is_warm or topic_id in told.pinned
    }
    for topic_id in told.seeded:
        if topic_id not in begun or not len(begun[topic_id]):
            begun[topic_id] = with_words[topic_id]
    firm = {*told.pinned, *told.seeded}
    order = sorted(begun, key=lambda topic_id: topic_id not in firm)
    begun = {topic_id: begun[topic_id] for topic_id in order if len(begun[topic_id])}
    given = {number: each for number, each in enumerate(begun) if each in firm}
    fit = fit_topics(
        learned,
        script=script,
        topics=told.topics,
        seed=told.seed,
        starts=list(begun.values()),
        firm=len(given),
        is_warm=is_warm,
    )
    return fit, given


def _assigned(former: Row, learned: Sequence[str]) -> NDArray[np.int64]:
    """Return what a former model makes of texts, -1 for none."""
    model = TopicModel(TopicFile.from_bytes(former["onnx"], former["onnx_sha256"]))
    topic, _, is_other = model.assign(occurrences(learned), len(learned))
    return np.where(is_other, -1, topic).astype(np.int64)


def _check(fit: Topics, blob: bytes, learned: Sequence[str]) -> None:
    """Refuse a file that tells other topics than those that were learned."""
    _, certainty, _ = TopicModel(TopicFile.from_bytes(blob)).assign(
        occurrences(learned), len(learned)
    )
    gap = float(np.abs(certainty - fit.certainty[: len(learned)]).max(initial=0.0))
    if gap > _TOLERANCE:
        raise TrainingError(
            f"ONNX Runtime and scikit-learn disagree on the topics of {fit.script} texts by "
            f"{gap:.2g}; nothing was written. Please report it with the versions of both."
        )


def _unused(script: str, used: set[str], count: int) -> list[str]:
    """Return ids that no topic has had."""
    numbers = [
        int(name.rpartition("_")[2])
        for name in used
        if name.rpartition("_")[0] == script and name.rpartition("_")[2].isdigit()
    ]
    first = max(numbers, default=0) + 1
    return [f"{script}_{number}" for number in range(first, first + count)]


def _described(
    fit: Topics,
    names: Sequence[str],
    events: Sequence[Event],
    texts: _Texts,
    former: Row | None,
    told: _Settings,
) -> Row:
    """Write what was learned, and check that ONNX Runtime tells the same."""
    size = len(fit.centres)
    of_different = np.full(len(texts.different), -1, np.int64)
    of_different[texts.usable] = np.where(fit.is_other, -1, fit.nearest)
    topic = of_different[texts.place]
    words = topic_words(texts.different, texts.place, texts.customer, topic, size, told.least_group)
    blob = fit.to_onnx(words.shown)
    _check(fit, blob, [texts.different[index] for index in texts.usable[:_CHECKED]])
    known = (
        {} if former is None else {each["topic_id"]: each for each in json.loads(former["topics"])}
    )
    labels = labels_of(words, names, known)
    topics = []
    for number, topic_id in enumerate(names):
        inside = topic == number
        topics.append(
            {
                "cluster": number,
                "topic_id": topic_id,
                "topic": labels[number],
                "terms": list(words.terms[number]),
                "texts": int(inside.sum()),
                "customers": len(np.unique(texts.customer[inside])),
                "is_pinned": topic_id in told.pinned,
                "is_seeded": topic_id in told.seeded,
            }
        )
    noted = {} if former is None else json.loads(former["parameters"])
    is_chosen = bool(fit.tried) or told.topics is not None or former is None
    chosen_on = len(texts.usable) if is_chosen else noted.get("chosen_on")
    parameters = {
        "topics_asked": told.topics,
        "chosen_on": chosen_on,
        "different_texts": len(texts.usable),
        "other_share": round(float(fit.is_other.mean()), 4),
        "tried": [
            [each.topics, round(each.stability, 4), round(each.coverage, 4)] for each in fit.tried
        ],
    }
    # the same model at another time is another row, or it would have read texts it has not
    content = told.as_of_date.isoformat().encode() + blob
    logger.info("Learned %s topics of %s texts in %s.", size, len(texts.place), fit.script)
    return {
        "model_id": model_id("support_topic", fit.script, content),
        "status": FITTED,
        "topic_count": size,
        "topics": to_json(topics),
        "events": to_json(
            [
                {
                    "topic_id": each.topic_id,
                    "event": each.event,
                    "other_topic_id": each.other_topic_id,
                    "texts": each.texts,
                }
                for each in events
            ]
        ),
        "parameters": to_json(parameters),
        "onnx": blob,
        "onnx_sha256": hashlib.sha256(blob).hexdigest(),
    }
