"""Topics that people have given to tickets: learned where that is due, and tested on later ones."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.contract import TopicFile, model_id
from holdfast.errors import TrainingError
from holdfast.estimators import TextLabels, fit_text_labels
from holdfast.registry import RelationName, Row, library_versions, to_json
from holdfast.scoring import TopicModel
from holdfast.texts import occurrences
from holdfast.threads import one_thread
from holdfast.training._text_models import (
    ARCHIVED,
    CURRENT,
    FITTED,
    by_script,
    former_rows,
    in_order,
)

__all__ = ["TICKET_TOPICS_SCHEMA", "update_ticket_topics"]

logger = logging.getLogger("holdfast.training")

# labelled tickets of a script, and of them those of a topic, with fewer there is nothing to learn
_LEAST_TICKETS, _LEAST_OF_TOPIC = 100, 10
# of more, the latest
_MOST_TICKETS = 20_000
# the latest tickets, which the model that is tested has not read
_HELD_OUT = 0.2
_TOO_FEW = "too_few_tickets"

TICKET_TOPICS_SCHEMA = pa.schema(
    [
        ("model_id", pa.string()),
        ("script", pa.string()),
        ("as_of_date", pa.date32()),
        ("fitted_at", pa.timestamp("us")),
        ("stage", pa.string()),
        ("status", pa.string()),
        ("ticket_count", pa.int64()),
        ("topics", pa.string()),
        ("held_out_count", pa.int64()),
        ("accuracy", pa.float64()),
        ("baseline_accuracy", pa.float64()),
        ("onnx", pa.binary()),
        ("onnx_sha256", pa.string()),
        ("library_versions", pa.string()),
    ]
)


def update_ticket_topics(
    session: Any, tickets: Any, settings: Any, registry: RelationName
) -> pa.Table:
    """Learn the stated topics of tickets where it is due, and return all models of them.

    Parameters
    ----------
    session
        The DuckDB connection of the dbt run. It is neither closed nor changed.
    tickets
        A relation with the tickets known at the as-of date: ticket_id, opened_at, topic, body.
    settings
        The relation `support_topic_settings`, of one row.
    registry
        The table of models, as ``dbt.this`` has it; it need not exist yet. All of its rows come
        back, unless the run begins history anew (``holdfast_reset``).

    Returns
    -------
    pyarrow.Table
        Rows of the schema `TICKET_TOPICS_SCHEMA`; of each script with stated topics, one is
        current. Accuracy is the share of the latest fifth of the tickets whose stated topic the
        model names that has read the tickets before them; topics that it does not know count as
        errors.

    Examples
    --------
    >>> def model(dbt, session):
    ...     tickets = dbt.ref("holdfast", "holdfast__ticket_texts")
    ...     settings = dbt.ref("holdfast", "holdfast__support_topic_settings")
    ...     return update_ticket_topics(session, tickets, settings, dbt.this)
    """
    as_of_date, is_forced, days = session.execute(
        f"""
        select as_of_date, is_forced, retrain_after_days
        from ({settings.sql_query()}) as settings
        """  # noqa: S608 - a relation of dbt's own
    ).fetchone()
    rows = former_rows(session, registry, TICKET_TOPICS_SCHEMA)
    fitted = [row for row in rows if row["stage"] == CURRENT and row["status"] == FITTED]
    ages = [(as_of_date - row["as_of_date"]).days for row in fitted]
    # a model that has read later tickets must not tell these
    if is_forced or not fitted or max(ages) >= days or min(ages) < 0:
        with one_thread():
            rows = _learn(_read_tickets(session, tickets), rows, as_of_date)
    return in_order(rows, TICKET_TOPICS_SCHEMA)


def _read_tickets(session: Any, tickets: Any) -> dict[str, tuple[list[str], list[str]]]:
    """Read texts and stated topics by script, in the order of time."""
    table = session.execute(
        f"""
        select body, topic
        from ({tickets.sql_query()}) as tickets
        where trim(body) != '' and trim(topic) != ''
        order by opened_at desc nulls last, md5(cast(ticket_id as varchar)) asc nulls last
        limit {_MOST_TICKETS}
        """  # noqa: S608 - a relation of dbt's own
    ).to_arrow_table()
    texts, scripts = by_script(table["body"])
    topics = [str(topic).strip() for topic in table["topic"].to_pylist()]
    # read from the latest on, and learned from the earliest on
    return {
        name: ([texts[row] for row in rows[::-1]], [topics[row] for row in rows[::-1]])
        for name, rows in scripts.items()
    }


def _learn(
    tickets: dict[str, tuple[list[str], list[str]]], rows: Sequence[Row], as_of_date: dt.date
) -> list[Row]:
    """Learn the topics of every script, and put the new models beside the former ones."""
    kept = {row["model_id"]: {**row, "stage": ARCHIVED} for row in rows}
    for script, (texts, topics) in tickets.items():
        row = _row(script, texts, topics, as_of_date)
        known = kept.get(row["model_id"])
        if known is not None and known["status"] == FITTED:
            known["stage"] = CURRENT
        else:
            kept[row["model_id"]] = row
    return list(kept.values())


def _row(script: str, texts: Sequence[str], topics: Sequence[str], as_of_date: dt.date) -> Row:
    """Learn the topics of one script, and write them as a row."""
    row: Row = {
        "script": script,
        "as_of_date": as_of_date,
        "fitted_at": dt.datetime.now(dt.UTC).replace(tzinfo=None),
        "stage": CURRENT,
        "status": _TOO_FEW,
        "ticket_count": len(texts),
        "topics": "[]",
        "library_versions": to_json(library_versions()),
    }
    held_out = round(_HELD_OUT * len(texts))
    learned, later = slice(None, len(texts) - held_out), slice(len(texts) - held_out, None)
    try:
        if len(texts) < _LEAST_TICKETS:
            raise TrainingError(f"only {len(texts)} tickets have a topic")
        tested = _fit(script, texts[learned], topics[learned])
        fit = _fit(script, texts, topics)
    except TrainingError as error:
        logger.info("No model of the topics of %s tickets: %s.", script, error)
        return row | {"model_id": model_id("ticket_topic", script, _TOO_FEW.encode())}
    named = np.array(_named(tested, texts[later]), dtype=object)
    stated = np.array(topics[later], dtype=object)
    commonest, _ = min(Counter(topics[learned]).items(), key=lambda each: (-each[1], each[0]))
    blob = fit.to_onnx()
    content = as_of_date.isoformat().encode() + json.dumps(fit.labels).encode() + blob
    logger.info("Learned %s topics of %s %s tickets.", len(fit.labels), len(texts), script)
    return row | {
        # the same model at another time is another row, or it would have read tickets it has not
        "model_id": model_id("ticket_topic", script, content),
        "status": FITTED,
        "topics": to_json(list(fit.labels)),
        "held_out_count": held_out,
        "accuracy": float((named == stated).mean()),
        "baseline_accuracy": float((stated == commonest).mean()),
        "onnx": blob,
        "onnx_sha256": hashlib.sha256(blob).hexdigest(),
    }


def _fit(script: str, texts: Sequence[str], topics: Sequence[str]) -> TextLabels:
    """Learn the topics that enough tickets have."""
    count = Counter(topics)
    kept = [at for at, topic in enumerate(topics) if count[topic] >= _LEAST_OF_TOPIC]
    if len({topics[at] for at in kept}) < 2:
        raise TrainingError(f"fewer than two topics have {_LEAST_OF_TOPIC} tickets")
    return fit_text_labels([texts[at] for at in kept], [topics[at] for at in kept], script=script)


def _named(fit: TextLabels, texts: Sequence[str]) -> list[str | None]:
    """Name the topics of texts by the file that would be stored; None where no word is known."""
    model = TopicModel(TopicFile.from_bytes(fit.to_onnx()))
    topic, _, is_unknown = model.assign(occurrences(texts), len(texts))
    return [
        None if unknown else fit.labels[at]
        for at, unknown in zip(topic.tolist(), is_unknown.tolist(), strict=True)
    ]
