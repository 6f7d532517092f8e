"""What customers write about: issues that rise, and how satisfied customers are."""

from __future__ import annotations

import altair as alt

from holdfast.report import _words as words
from holdfast.report._chart import count_axis, draw, legend, spec
from holdfast.report._money import Money
from holdfast.report._story import Cell, Grid, Story, effect, points
from holdfast.report._tables import Row, Tables

__all__ = ["issues"]

_LISTED, _DRAWN, _WEEKS, _MONTHS = 15, 5, 26, 12
# colours of style.css that are told apart without their hue, too: each line has its own dashes
_LINES = {
    "@accent": [1, 0],
    "@high": [6, 3],
    "@baseline": [2, 2],
    "@medium": [8, 3, 2, 3],
    "@low": [4, 2],
}
# every text belongs to a topic, but this one says nothing
_OTHER = "other"


def issues(tables: Tables, money: Money, least: int) -> Story:
    """Read what customers write about.

    Parameters
    ----------
    tables
        What a build made.
    money
        The currency.
    least
        How many customers a group must have to be told apart.

    Returns
    -------
    Story
        Empty where there are neither issues nor feedback.
    """
    found = Story(anchor="issues", name="Issues", title="What customers write about")
    _add_issues(tables, money, found, least)
    _add_feedback(tables, found, least)
    return found


def _add_issues(tables: Tables, money: Money, found: Story, least: int) -> None:
    """Add the issues of the last seven days, those that rise first, and their weeks."""
    columns = ("topic_id", "topic", "week", "texts", "judged_texts", "expected_texts")
    further = ("is_unusual", "is_complete", "first_seen_at", "median_hours_to_resolve", "csat")
    if not tables.has("support_issue_trends", *columns, *further, "upper_bound"):
        _add_totals(tables, found, least)
        return
    rows = tables.rows(
        """
        with

        -- of the newest week, the running one too, what is judged are the last seven days
        newest as (

            select *
            from {support_issue_trends}
            where week = (select max(week) from {support_issue_trends})

        ),

        complete as (

            select *
            from {support_issue_trends}
            where week = (select max(week) from {support_issue_trends} where is_complete)

        )

        select
            cast(coalesce(newest.topic_id, complete.topic_id) as varchar) as id,
            coalesce(newest.topic, complete.topic) as topic,
            coalesce(newest.judged_texts, 0) as texts,
            newest.expected_texts as expected,
            newest.upper_bound as bound,
            coalesce(newest.is_unusual, false) as is_unusual,
            cast(coalesce(newest.first_seen_at, complete.first_seen_at) as date) as first_seen,
            coalesce(complete.texts, 0) as week_texts,
            complete.median_hours_to_resolve as hours,
            complete.csat,
        from newest
        full outer join complete on complete.topic_id = newest.topic_id
        where newest.judged_texts > 0 or complete.texts > 0
        order by coalesce(newest.is_unusual, false) desc, texts desc, week_texts desc, topic, id
        """
    )
    if not rows:
        return
    named = [row for row in rows if row["id"] != _OTHER]
    noun = _judged(tables)
    found.lead.append(_told(rows, noun))
    typical = _typical(tables, least)
    more = len(rows) - _LISTED
    found.grids.append(
        Grid(
            "Issues of the last seven days",
            (
                ("Issue", False),
                (f"{noun.capitalize()}s", True),
                ("Usual", True),
                ("Last full week", True),
                ("Hours to resolve", True),
                ("Satisfied", True),
                ("First seen", False),
                ("Rising?", False),
            ),
            [
                (
                    Cell(row["topic"], typical.get(row["id"], "")),
                    words.count(row["texts"]),
                    _usual(row),
                    words.count(row["week_texts"]),
                    words.count(row["hours"]),
                    words.share(row["csat"], 0),
                    words.day(row["first_seen"]),
                    Cell("yes", tone="bad") if row["is_unusual"] else "no",
                )
                for row in rows[:_LISTED]
            ],
            "Rising: more messages than chance explains, given the weeks before. Usual: what was "
            "expected, and in brackets the most that is still usual. These count tickets alone, if "
            "there are any; the last full week counts comments, too. Hours to resolve: the median. "
            "Satisfied: share of good ratings."
            + (" In small print: a typical message, without personal data." if typical else "")
            + (f" Not listed: {words.counted(more, 'more issue')} with fewer." if more > 0 else ""),
        )
    )
    _add_weeks(tables, found, [row["id"] for row in named[:_DRAWN]])
    _add_effects(tables, money, found)


def _add_effects(tables: Tables, money: Money, found: Story) -> None:
    """Add what customers did after a ticket, beside similar customers without one."""
    columns = ("topic_id", "topic", "outcome", "horizon_days", "status", "matched")
    bounds = ("difference", "difference_lower", "difference_upper")
    if not tables.has("support_issue_effects", *columns, *bounds):
        return
    rows: dict[str, dict[str, Row]] = {}
    for row in tables.rows(
        f"""
        select {", ".join((*columns, *bounds))}
        from {{support_issue_effects}}
        where status <> 'too_few' and topic_id <> '{_OTHER}'
        order by topic_id = 'all' desc, matched desc, topic_id, outcome
        """  # noqa: S608 - constants
    ):
        rows.setdefault(row["topic_id"], {})[row["outcome"]] = row
    listed = [both for both in rows.values() if "churn" in both][:_LISTED]
    if not listed:
        return
    days = listed[0]["churn"]["horizon_days"]
    found.grids.append(
        Grid(
            "What customers did after a ticket",
            (
                ("Issue", False),
                ("Tickets compared", True),
                (f"Bought nothing in {days} days", True),
                (money.titled(f"Spent in {days} days"), True),
            ),
            [
                (
                    "all issues" if row["topic_id"] == "all" else row["topic"],
                    words.count(row["matched"]),
                    points(*(row[name] for name in bounds)),
                    effect(*(both["spend"][name] for name in bounds)) if "spend" in both else "-",
                )
                for both in listed
                for row in [both["churn"]]
            ],
            "The difference from similar customers without a ticket, with its 95% interval. It is "
            "no proof that the issue is the cause: customers who write may differ in other ways.",
        )
    )


def _add_totals(tables: Tables, found: Story, least: int) -> None:
    """Add the issues of all times, where nothing is known of their weeks."""
    columns = ("topic_id", "topic", "texts", "customers", "share", "first_seen_at", "last_seen_at")
    if not tables.has("support_issues", *columns):
        return
    rows = tables.rows(
        """
        select
            cast(topic_id as varchar) as id,
            topic,
            texts,
            share,
            cast(first_seen_at as date) as first_seen,
            cast(last_seen_at as date) as last_seen,
        from {support_issues}
        where texts > 0 and customers >= $least
        order by texts desc, id
        """,
        {"least": least},
    )
    named = [row for row in rows if row["id"] != _OTHER]
    if not named:
        return
    found.lead.append(
        f"Customers write most about {named[0]['topic']}: {words.share(named[0]['share'], 0)} of "
        "all messages."
    )
    typical = _typical(tables, least)
    found.grids.append(
        Grid(
            "Issues",
            (
                ("Issue", False),
                ("Messages", True),
                ("Share", True),
                ("First seen", False),
                ("Last seen", False),
            ),
            [
                (
                    Cell(row["topic"], typical.get(row["id"], "")),
                    words.count(row["texts"]),
                    words.share(row["share"]),
                    words.day(row["first_seen"]),
                    words.day(row["last_seen"]),
                )
                for row in rows[:_LISTED]
            ],
            "In small print: a typical message, without personal data." if typical else "",
        )
    )


def _judged(tables: Tables) -> str:
    """Name what is judged: tickets alone where there are any, otherwise comments."""
    if tables.has("support_issue_texts", "source") and tables.row(
        "select 1 as one from {support_issue_texts} where source = 'ticket' limit 1"
    ):
        return "ticket"
    return "message"


def _told(rows: list[Row], noun: str) -> str:
    """Say in one sentence whether anything rises, be it of an issue that has no name yet."""
    begin = (
        f"In the last seven days customers {'opened' if noun == 'ticket' else 'wrote'} "
        f"{words.counted(sum(row['texts'] for row in rows), noun)}"
    )
    rising = [row for row in rows if row["is_unusual"]]
    named = [row for row in rising if row["id"] != _OTHER]
    # before topics are learned again, a new kind of issue is like none that is known
    new = [
        f"more {noun}s than usual are like no known issue ({_instead(row)})"
        for row in rising
        if row["id"] == _OTHER
    ]
    if not rising:
        return f"{begin}, and no issue is rising unusually."
    if not named:
        return f"{begin}; {new[0]}."
    listed = ", ".join(f"{row['topic']} ({_instead(row)})" for row in named[:3])
    count = f"{len(named)} issues are" if len(named) > 1 else "1 issue is"
    told = f"{begin}; {count} rising unusually: {listed}{', …' if len(named) > 3 else ''}"
    return "; and ".join((told, *new)) + "."


def _instead(row: Row) -> str:
    """Write how many there were, and how many were expected."""
    return f"{words.count(row['texts'])} instead of about {_few(row['expected'])}"


def _usual(row: Row) -> Cell:
    """Write how many messages were expected, and up to how many are usual."""
    if row["expected"] is None:
        return Cell(words.NONE)
    bound = row["bound"]
    return Cell(
        _few(row["expected"]),
        "" if bound is None else f"(up to {words.count(bound)})",
    )


def _few(value: float | None) -> str:
    """Write a mean of counts, with a decimal where it is small."""
    return words.number(value, 0 if value is not None and value >= 10 else 1)


def _typical(tables: Tables, least: int) -> dict[str, str]:
    """Give a typical message of each issue, where enough customers have written of it."""
    if not tables.has("support_issues", "topic_id", "typical_text", "customers"):
        return {}
    return {
        row["id"]: row["text"]
        for row in tables.rows(
            """
            select
                cast(topic_id as varchar) as id,
                typical_text as text,
            from {support_issues}
            where typical_text is not null and customers >= $least
            """,
            {"least": least},
        )
    }


def _add_weeks(tables: Tables, found: Story, ids: list[str]) -> None:
    """Draw the weeks of the issues that are named first."""
    rows = tables.rows(
        f"""
        select
            cast(topic_id as varchar) as id,
            topic,
            cast(week as date) as week,
            texts,
            expected_texts as expected,
        from {{support_issue_trends}}
        where
            is_complete
            and list_contains($ids, cast(topic_id as varchar))
            and week > (select max(week) from {{support_issue_trends}} where is_complete)
                - interval {_WEEKS} week
        order by week, topic, id
        """,  # noqa: S608 - a constant
        {"ids": ids},
    )
    topics = list(dict.fromkeys(row["topic"] for row in rows))
    if len({row["week"] for row in rows}) < 2:
        return
    colours, dashes = list(_LINES)[: len(topics)], list(_LINES.values())[: len(topics)]
    # names of issues are long: two beside each other do not fit on a phone
    key = legend(columns=alt.expr("width < 520 ? 1 : 2"))
    chart = (
        draw(rows)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=24))
        .encode(
            x=alt.X("week:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=6, grid=False)),
            y=alt.Y("texts:Q", title="messages per week", axis=count_axis()),
            # two topics may have one name: each has a line of its own
            detail=alt.Detail("id:N"),
            color=alt.Color("topic:N", scale=alt.Scale(domain=topics, range=colours), legend=key),
            strokeDash=alt.StrokeDash(
                "topic:N", scale=alt.Scale(domain=topics, range=dashes), legend=key
            ),
            tooltip=[
                alt.Tooltip("topic:N", title="issue"),
                alt.Tooltip("week:T", format="%d %b %Y", title="week of"),
                alt.Tooltip("texts:Q", format=",", title="messages"),
                alt.Tooltip("expected:Q", format=",.1f", title="usual"),
            ],
        )
    )
    found.titles["issue_weeks"] = "Messages by week"
    found.charts["issue_weeks"] = spec(
        chart, description="Messages by week about the issues that are named first", height=300
    )


def _add_feedback(tables: Tables, found: Story, least: int) -> None:
    """Add how satisfied customers were by month."""
    columns = ("month", "segment", "topic_id", "answers", "nps", "nps_lower", "nps_upper", "csat")
    if not tables.has("feedback_summary", *columns, "detractors", "detractors_without_ticket"):
        return
    more = [name for name in ("asked", "answered") if tables.has("feedback_summary", name)]
    # a group may be called all, too
    whole = "and segment_by = 'all'" if tables.has("feedback_summary", "segment_by") else ""
    over = "is_complete" if tables.has("feedback_summary", "is_complete") else "true"
    # a month may be there for its ratings alone: then few answers stay untold
    of_answers = ", ".join(
        f"case when answers = 0 or answers >= $least then {name} end as {name}"
        for name in (*columns[3:7], "detractors", "detractors_without_ticket")
    )
    rows = tables.rows(
        f"""
        select
            cast(month as date) as month,
            {over} as is_over,
            {of_answers},
            {", ".join(("csat", *more))}
        from {{feedback_summary}} as summary
        where
            segment = 'all'
            and topic_id = 'all'
            -- without a survey there are no answers, but tickets are rated
            and (summary.answers >= $least or csat is not null)
            {whole}
        order by month desc
        limit {_MONTHS}
        """,  # noqa: S608 - constant names
        {"least": least},
    )
    if not rows:
        return
    scored = [row for row in rows if row["nps"] is not None]
    if scored:
        newest = next((row for row in scored if row["is_over"]), scored[0])
        silent = newest["detractors_without_ticket"]
        found.lead.append(
            f"In {words.month(newest['month'])} the score of recommendation (NPS, from -100 to "
            f"100) was {words.signed(newest['nps'])}, from "
            f"{words.counted(newest['answers'], 'answer')}"
            + (
                f"; {words.count(silent)} of {words.count(newest['detractors'])} unhappy answers "
                "came from customers without a ticket, so nobody may have noticed."
                if silent
                else "."
            )
        )
    found.grids.append(
        Grid(
            "Feedback by month",
            (
                ("Month", False),
                *((("Asked", True), ("Answered", True)) if len(more) == 2 else ()),
                ("Answers", True),
                ("NPS", True),
                ("Satisfied (CSAT)", True),
                ("Unhappy", True),
                ("Unhappy without a ticket", True),
            ),
            [
                (
                    words.month(row["month"]),
                    *(
                        (words.count(row["asked"]), words.count(row["answered"]))
                        if len(more) == 2
                        else ()
                    ),
                    words.count(row["answers"]),
                    _nps(row),
                    words.share(row["csat"], 0),
                    words.count(row["detractors"]),
                    words.count(row["detractors_without_ticket"]),
                )
                for row in rows
            ],
            "NPS: the share who would recommend the shop (9 or 10 of 10) less the share who would "
            "not (0 to 6), in points; in brackets its 95% interval. CSAT: the share of ratings "
            "of 4 or 5 of 5. Unhappy: answers of 0 to 6.",
        )
    )


def _nps(row: Row) -> Cell:
    """Write a score of recommendation with its interval."""
    if row["nps"] is None:
        return Cell(words.NONE)
    ends = row["nps_lower"], row["nps_upper"]
    if None in ends:
        return Cell(words.signed(row["nps"]))
    return Cell(words.signed(row["nps"]), f"({' to '.join(words.signed(end) for end in ends)})")
