"""How good support topics are, whether their ids last, and how long a million texts take.

    HOLDFAST_SHARED_DATA=<folder> python benchmarks/support_issues.py
    HOLDFAST_SHARED_DATA=<folder> python benchmarks/support_issues.py --split train --seeds 3

- `banking77`: topics of the 3,080 questions of the test part, their number given (77) and chosen:
  normalised mutual information, adjusted Rand index and purity against the 77 intents. Nothing was
  tuned on these rows; what was tuned, was tuned on the train part (`--split train` takes 40 texts
  of each intent of it).
- `refit`: the same texts without a tenth of them, then with all, through what a build calls: the
  share of texts that keep their topic id, of those whose topic is there both times.
- `outside`: intents left out of the learning, sentences of the documentation, and texts of known
  intents that were not learned from: the share that becomes `other`.
- `labels`: learned from the 10,003 questions of the train part with their intents, the share of the
  test part whose intent is named. The penalty was chosen within the train part.
- `demo`: purity of the demo shop's tickets against the issue kinds of the simulator.
- `speed`: seconds and memory to assign a million texts in DuckDB with two threads.

`HOLDFAST_SHARED_DATA` names the folder with `banking77.parquet`; where it is not there, the demo
and the speed, on texts of the demo, are all that is measured.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from holdfast.contract import TopicFile
from holdfast.estimators import fit_text_labels, fit_topics
from holdfast.run import register_run
from holdfast.scoring import TopicModel, register
from holdfast.texts import clean, occurrences
from holdfast.threads import one_thread
from holdfast.training import update_support_topics

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("HOLDFAST_SHARED_DATA", ROOT.parent / "shared" / "data"))
BANKING = DATA / "banking77.parquet"
TICKETS = ROOT / "seeds" / "demo" / "support_tickets.parquet"


def sentences() -> list[str]:
    """Give short sentences of this project's documentation, which are about other matters."""
    found = []
    for page in sorted((ROOT / "docs").glob("*.md")):
        prose = re.sub(r"```.*?```|^[|#].*?$|[*`()\[\]]", "", page.read_text(), flags=re.S | re.M)
        for sentence in re.split(r"(?<=[.?])\s+", prose):
            text = " ".join(sentence.split())
            if 25 < len(text) < 80 and text[0].isupper():
                found.append(text)
    return found


def read_banking(split: str, seed: int) -> tuple[list[str], np.ndarray]:
    """Give texts and intents; of the train part, 40 texts of each intent."""
    rows = duckdb.execute(
        f"select text, category from '{BANKING}' where split = ? order by category, text", [split]
    ).fetchall()
    texts = np.array([text for text, _ in rows], dtype=object)
    intent = np.unique([name for _, name in rows], return_inverse=True)[1]
    if split == "train":
        random = np.random.default_rng(seed)
        order = random.permutation(len(rows))
        order = order[np.argsort(intent[order], kind="stable")]
        sorted_intent = intent[order]
        place = np.arange(len(order)) - np.searchsorted(sorted_intent, sorted_intent)
        chosen = order[place < 40]
        texts, intent = texts[chosen], intent[chosen]
    return texts.tolist(), intent


def as_learned(texts: Sequence[str]) -> list[str]:
    """Clean texts as a build does."""
    return [text.lower() for text in clean(list(texts)).to_pylist()]


def purity(truth: np.ndarray, found: np.ndarray) -> float:
    """Give the share of rows that are of the most frequent truth of what was found for them."""
    return float(
        sum(np.bincount(truth[found == each]).max() for each in np.unique(found)) / len(truth)
    )


def agreement(truth: np.ndarray, found: np.ndarray) -> str:
    """Put the three figures into words."""
    return (
        f"NMI {normalized_mutual_info_score(truth, found):.3f}, "
        f"ARI {adjusted_rand_score(truth, found):.3f}, purity {purity(truth, found):.3f}"
    )


def banking(split: str, seeds: int) -> None:
    """Measure topics against intents."""
    for seed in range(seeds):
        texts, intent = read_banking(split, seed)
        for topics in (77, None):
            fit = fit_topics(as_learned(texts), topics=topics)
            how = "given" if topics else "chosen"
            print(
                f"banking77 {split}, {len(texts)} texts, {len(fit.centres)} topics ({how}): "
                f"{agreement(intent, fit.nearest)}; other {fit.is_other.mean():.3f}"
            )


def labels() -> None:
    """Measure how often the intent of a new question is named."""
    texts, names = {}, {}
    for split in ("train", "test"):
        rows = duckdb.execute(
            f"select text, category from '{BANKING}' where split = ? order by category, text",
            [split],
        ).fetchall()
        texts[split] = as_learned([text for text, _ in rows])
        names[split] = [name for _, name in rows]
    fit = fit_text_labels(texts["train"], names["train"])
    model = TopicModel(TopicFile.from_bytes(fit.to_onnx()))
    told, probability, _ = model.assign(occurrences(texts["test"]), len(texts["test"]))
    right = np.array([fit.labels[each] for each in told]) == np.array(names["test"])
    print(f"labels: accuracy {right.mean():.3f}, mean probability {probability.mean():.3f}")


def learn(connection: Any, day: str, topics: int | None, rules: str = "") -> Any:
    """Learn as a build does, from the table `texts`."""
    settings = connection.sql(
        f"""
        select
            date '{day}' as as_of_date, cast({topics or "null"} as bigint) as topics,
            10::bigint as least_group, 7::bigint as seed, false as is_forced,
            30::bigint as retrain_after_days
        """
    )
    told = connection.sql(rules or "select '' as topic_id, '' as action, '' as value where 1 = 0")
    name = SimpleNamespace(database="memory", schema="main", identifier="support_topic_model")
    texts = connection.sql("select * from texts")
    made = update_support_topics(connection, texts, settings, told, name)
    connection.execute("create or replace table support_topic_model as select * from made")
    return made


def ids(connection: Any) -> dict[str, str]:
    """Give the topic id of every text, `other` left out."""
    model_id = connection.sql(
        "select model_id from support_topic_model where stage = 'current'"
    ).fetchone()[0]
    return dict(
        connection.execute(
            """
            with topics as (
                select unnest(from_json(topics, '["JSON"]')) as topic
                from support_topic_model where stage = 'current'
            )
            select text_id, json_extract_string(topic, '$.topic_id')
            from (
                select text_id, holdfast_topics('support_topic_model', ?, body) as found from texts
            )
            inner join topics on found.cluster = cast(topic ->> '$.cluster' as integer)
            """,
            [model_id],
        ).fetchall()
    )


def refit(split: str, topics: int | None) -> None:
    """Measure how many texts keep their id when a tenth is added."""
    texts, _ = read_banking(split, 0)
    connection = duckdb.connect()
    register(connection)
    register_run(connection)
    order = np.random.default_rng(0).permutation(len(texts))
    rows = [("ticket", str(number), f"c{number % 997}", texts[number]) for number in order.tolist()]
    connection.execute(
        "create table texts (source varchar, text_id varchar, customer_id varchar,"
        " written_at timestamp, body varchar)"
    )
    connection.executemany(
        "insert into texts values (?, ?, ?, '2025-12-31', ?)", rows[: len(rows) * 10 // 11]
    )
    learn(connection, "2026-01-01", topics)
    before = ids(connection)
    connection.executemany(
        "insert into texts values (?, ?, ?, '2025-12-31', ?)", rows[len(rows) * 10 // 11 :]
    )
    learn(connection, "2026-02-01", topics)
    after = ids(connection)
    both = set(before.values()) & set(after.values())
    shared = [
        key for key, topic in before.items() if topic in both and after.get(key, "none") != "none"
    ]
    kept = np.mean([before[key] == after[key] for key in shared])
    print(
        f"refit with 10% more texts ({split}, topics {topics or 'chosen'}): {kept:.4f} of "
        f"{len(shared)} texts keep their topic id; {len(set(before.values()))} topics before, "
        f"{len(set(after.values()))} after, {len(both)} in both"
    )


def outside() -> None:
    """Measure what becomes other: 62 intents are learned, 15 are not."""
    rows = duckdb.sql(
        f"select text, category from '{BANKING}' where split = 'train' order by category, text"
    ).fetchall()
    random = np.random.default_rng(3)
    intents = sorted({name for _, name in rows})
    left_out = {intents[number] for number in random.permutation(len(intents))[:15]}
    is_learned = random.random(len(rows)) < 0.7
    inside = [row for row, learned in zip(rows, is_learned, strict=True) if row[1] not in left_out]
    learned = [
        row[0]
        for row, chosen in zip(rows, is_learned, strict=True)
        if chosen and row[1] not in left_out
    ]
    fresh = sorted({text for text, _ in inside} - set(learned)) or [
        row[0]
        for row, chosen in zip(rows, is_learned, strict=True)
        if not chosen and row[1] not in left_out
    ]
    unknown = [text for text, name in rows if name in left_out]
    fit = fit_topics(as_learned(learned))
    model = TopicModel(TopicFile.from_bytes(fit.to_onnx([])))
    for name, texts in {
        "known intents, new texts": fresh,
        "intents that were not learned": unknown,
        "sentences of the documentation": sentences(),
    }.items():
        found = model.assign(occurrences(as_learned(texts)), len(texts))
        print(f"other, {name} ({len(texts)}): {found[2].mean():.3f}")


def demo() -> None:
    """Measure the topics of the demo's tickets."""
    rows = duckdb.sql(
        f"select body, topic from '{TICKETS}' where body is not null order by ticket_id"
    ).fetchall()
    kind = np.unique([topic for _, topic in rows], return_inverse=True)[1]
    texts = as_learned([body for body, _ in rows])
    different, place = np.unique(texts, return_inverse=True)
    fit = fit_topics(different.tolist())
    found = fit.nearest[place]
    print(
        f"demo, {len(rows)} tickets, {len(fit.centres)} topics (chosen), {kind.max() + 1} kinds: "
        f"{agreement(kind, found)}"
    )


def speed(count: int) -> None:
    """Measure the assignment of many texts that all differ."""
    source = BANKING if BANKING.is_file() else TICKETS
    column = "text" if BANKING.is_file() else "body"
    fitted = duckdb.sql(
        f"select distinct {column} from '{source}' where {column} is not null order by all"
    ).fetchall()
    fit = fit_topics(as_learned([text for (text,) in fitted]), topics=77)
    connection = duckdb.connect(config={"threads": 2})
    register(connection)
    register_run(connection)
    blob = fit.to_onnx([])
    connection.execute("create table models (model_id varchar, onnx blob, onnx_sha256 varchar)")
    connection.execute("insert into models values ('m', ?, sha256(?::blob))", [blob, blob])
    connection.execute(
        f"""
        create table texts as
        select
            first.{column} || ' ' || second.{column} || ' ref' || number as body
        from range({count}) as numbers (number)
        inner join (select row_number() over (order by {column}) as place, {column}
            from '{source}') as first on first.place = 1 + number % {len(fitted)}
        inner join (select row_number() over (order by {column}) as place, {column}
            from '{source}') as second on second.place = 1 + (number * 7919) % {len(fitted)}
        """
    )
    length = connection.sql("select avg(length(body)) from texts").fetchone()[0]
    begun, worked = time.perf_counter(), time.process_time()
    found = connection.sql(
        "select count(*), count(*) filter (where found.status = 'assigned') from "
        "(select holdfast_topics('models', 'm', body) as found from texts)"
    ).fetchone()
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"speed: {found[0]} texts of {length:.0f} characters, {len(fit.centres)} topics, "
        f"{seconds:.0f} s, {worked:.0f} s of the processors, peak memory {memory:.1f} GB"
    )


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=["test", "train"], default="test")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("parts", nargs="*", help="banking77, refit, outside, labels, demo, speed")
    given = parser.parse_args()
    parts = set(given.parts or ["banking77", "refit", "outside", "labels", "demo", "speed"])
    with one_thread():
        if not BANKING.is_file():
            print("Banking77 is left out: HOLDFAST_SHARED_DATA is not set")
            parts -= {"banking77", "refit", "outside", "labels"}
        if "banking77" in parts:
            banking(given.split, given.seeds)
        if "refit" in parts:
            refit(given.split, 77)
            refit(given.split, None)
        if "outside" in parts:
            outside()
        if "labels" in parts:
            labels()
        if "demo" in parts:
            demo()
    if "speed" in parts:
        speed(given.texts)


if __name__ == "__main__":
    main()
