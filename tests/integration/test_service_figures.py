"""feedback_summary and support_issue_trends of the demo, against sums over its inputs."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest

from projects import DbtProject


def test_nps_and_csat_are_those_of_the_answers_and_tickets(built_demo: DbtProject) -> None:
    scores, ratings = defaultdict(list), defaultdict(list)
    for at, score in built_demo.query(
        "select answered_at, score from (select distinct * from stg_holdfast__feedback)"
    ):
        scores[at.replace(day=1).date()].append(score)
    for at, csat in built_demo.query(
        "select resolved_at, csat from stg_holdfast__support_tickets where csat is not null "
        "and loaded_at < timestamp '2026-07-01' and resolved_at < timestamp '2026-07-01'"
    ):
        ratings[at.replace(day=1).date()].append(csat)
    rows = built_demo.query(
        "select month, answers, nps, ratings, csat from feedback_summary "
        "where segment = 'all' and topic_id = 'all'"
    )
    assert {row[0] for row in rows} == scores.keys() | ratings.keys()
    for month, answers, nps, count, csat in rows:
        if answers:
            given = scores[month]
            promoters = sum(score >= 9 for score in given)
            detractors = sum(score <= 6 for score in given)
            assert answers == len(given)
            assert nps == pytest.approx(100 * (promoters - detractors) / len(given), abs=1e-3)
        if count:
            given = ratings[month]
            assert count == len(given)
            assert csat == pytest.approx(sum(rating >= 4 for rating in given) / len(given))
    assert sum(bool(row[1]) and bool(row[3]) for row in rows) > 12


def test_weeks_of_topics_have_every_text_once(built_demo: DbtProject) -> None:
    counted: Counter[tuple[str, date]] = Counter()
    for topic, at in built_demo.query("select topic_id, written_at from support_issue_texts"):
        counted[topic, (at - timedelta(days=at.weekday())).date()] += 1
    rows = built_demo.query("select topic_id, week, texts, is_complete from support_issue_trends")
    found = {(topic, week): texts for topic, week, texts, _ in rows if texts}
    first = min(week for _, week, *_ in rows)
    assert found == {key: texts for key, texts in counted.items() if key[1] >= first}
    # the last day of the demo is a Tuesday
    assert {week for _, week, _, is_complete in rows if not is_complete} == {date(2026, 6, 29)}
