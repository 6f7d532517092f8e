"""Support topics of the demo, and what people's rules make of them."""

from __future__ import annotations

import json

from projects import DbtProject


def test_topics_are_the_kinds_of_issues(built_demo: DbtProject) -> None:
    ((purity, tickets),) = built_demo.query("""
        select cast(sum(largest) as double) / sum(texts), sum(texts)
        from (
            select topic_id, max(texts) as largest, sum(texts) as texts
            from (
                select assigned.topic_id, tickets.topic, count(*) as texts
                from support_issue_texts as assigned
                inner join stg_holdfast__support_tickets as tickets
                    on assigned.source = 'ticket'
                    and assigned.text_id = cast(tickets.ticket_id as varchar)
                group by all
            )
            group by topic_id
        )
    """)
    assert purity >= 0.9
    assert [(tickets,)] == built_demo.query(
        "select count(*) from support_texts where source = 'ticket'"
    )
    ((other, topics),) = built_demo.query(
        "select max(share) filter (where topic_id = 'other'), count(*) from support_issues"
    )
    assert other < 0.05
    assert 6 <= topics <= 80


def test_issues_count_every_text_once(built_demo: DbtProject) -> None:
    ((issues, texts, share),) = built_demo.query("""
        select sum(texts), (select count(*) from support_issue_texts), sum(share)
        from support_issues
    """)
    assert issues == texts
    assert abs(share - 1) < 1e-9
    assert (
        built_demo.query("""
        select topic_id from support_issue_texts
        except select topic_id from support_issues where status = 'current'
    """)
        == []
    )


def test_what_happened_to_topics_is_kept(built_demo: DbtProject) -> None:
    events = built_demo.query("select event, count(*) from support_issue_history group by all")
    topics = built_demo.query("select count(*) - 1 from support_issues")
    assert events == [("new", topics[0][0])]


def test_names_and_typical_texts_hold_only_what_many_customers_write(
    built_demo: DbtProject,
) -> None:
    rows = built_demo.query("""
        select topic, terms, typical_text from support_issues where topic_id != 'other'
    """)
    bodies = built_demo.query("select body, customer_id from support_texts where body is not null")
    writers: dict[str, set[int]] = {}
    for body, customer in bodies:
        for word in "".join(letter if letter.isalnum() else " " for letter in body.lower()).split():
            writers.setdefault(word, set()).add(customer)
    for shown in rows:
        for text in filter(None, shown):
            words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
            assert all(len(writers[word]) >= 10 for word in words), text
    assert sum(typical is not None for _, _, typical in rows) > len(rows) / 2


def test_rules_rename_and_merge_topics_and_a_second_build_changes_no_id(demo: DbtProject) -> None:
    before = dict(demo.query("select text_id || source, topic_id from support_issue_texts"))
    (demo.directory / "seeds" / "my_topics.csv").write_text(
        "topic_id,action,value\nlatin_1,rename,Pictures\nlatin_2,merge,latin_1\n"
        "latin_9999,rename,Nothing\nlatin_3,merge,latin_4\nlatin_4,merge,latin_3\n"
        "latin_5,merge,latin_9999\n",
        encoding="utf-8",
    )
    settings = json.dumps({"holdfast_topic_rules": "my_topics", "holdfast_publish": False})
    words = (
        "build",
        "--select",
        "my_topics",
        "path:models/systems/service",
        "--exclude-resource-type",
        "unit_test",
        "--vars",
        settings,
    )
    demo.dbt(*words)
    after = dict(demo.query("select text_id || source, topic_id from support_issue_texts"))
    assert after == {
        text: "latin_1" if topic == "latin_2" else topic for text, topic in before.items()
    }
    assert demo.query(
        "select topic, status from support_issues where topic_id in ('latin_1', 'latin_2') "
        "order by topic_id"
    )[0] == ("Pictures", "current")
    assert demo.query("select status from support_issues where topic_id = 'latin_2'") == [("gone",)]
    ruled = (
        "select topic_id, event, other_topic_id, note from support_issue_history "
        "where event != 'new' order by all"
    )
    told = [
        ("latin_1", "renamed", None, "Pictures"),
        ("latin_2", "merged", "latin_1", "by a rule"),
    ]
    assert demo.query(ruled) == told
    demo.dbt(*words, "--full-refresh")
    assert demo.query(ruled) == told


def test_topics_of_tickets_are_as_stated_and_the_model_is_better_than_the_commonest(
    built_demo: DbtProject,
) -> None:
    assert built_demo.query("""
        select
            count(*) filter (where topics.status <> 'stated'),
            count(*) filter (where topics.topic is distinct from tickets.topic),
            count(*) = (select count(*) from ticket_texts)
        from ticket_topics as topics
        left join ticket_texts as tickets using (ticket_id)
    """) == [(0, 0, True)]
    figures = dict(
        built_demo.query(
            "select algorithm, accuracy from model_performance where task = 'ticket_topic'"
        )
    )
    assert sorted(figures) == ["commonest_topic", "logistic_regression"]
    assert figures["logistic_regression"] > 0.9 > 0.6 > figures["commonest_topic"]
