"""What waits for a person: decisions to approve, verdicts that contradict, approvals of no use."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import duckdb

from holdfast import terminal
from holdfast.files import write_aside
from holdfast.report._errors import ReportError
from holdfast.report._lists import may_list
from holdfast.report._tables import Row, Tables, open_tables
from holdfast.warehouse.project import Project

__all__ = ["APPROVAL_COLUMNS", "NEEDED", "has_problems", "review", "told"]

# those of the input `holdfast_approvals`; what follows them in a file only helps the reader
APPROVAL_COLUMNS = (
    "decision_id",
    "system",
    "action",
    "channel",
    "customer_id",
    "verdict",
    "replacement",
    "decided_by",
    "decided_at",
    "why",
    "expires_at",
)
_HELPFUL = (
    "owner",
    "offer_name",
    "reason",
    "expected_profit",
    "expected_profit_lower",
    "expected_profit_upper",
    "due_at",
    "to_be_sent_before",
)
# what is read of a decision that waits
_READ = (
    "decision_id",
    "system",
    "action",
    "channel",
    "customer_id",
    "owner",
    "offer_name",
    "reason",
    "expected_profit",
    "expected_profit_lower",
    "expected_profit_upper",
    "due_at",
    "expires_at",
)
NEEDED = ("decision_id", "status", "action", "offer_name", "held_because", "as_of_date")
# a cell that begins with one of these is a formula to a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def review(project: Project, *, limit: int = 10, output: Path | None = None) -> str:
    """Tell which decisions wait for a person, and write a file to decide them in.

    Parameters
    ----------
    project
        A built project, from `holdfast.warehouse.project.open_project`.
    limit
        How many decisions of each action to list, and how many contradictions and problems.
    output
        The CSV file to write, with every decision that waits: an approvals input whose verdicts
        are still to be filled in. None for no file.

    Returns
    -------
    str
        Text for a terminal.

    Raises
    ------
    ReportError
        If the build made no decisions, or the file cannot be written.
    holdfast.warehouse.project.ProjectError
        If neither the warehouse nor the published file can be opened.

    Examples
    --------
    >>> print(review(open_project(Path("my_shop"))))  # doctest: +SKIP
    """
    if limit < 1:
        raise ReportError(f"the number of decisions to list must be 1 or more; got {limit}")
    with open_tables(project) as tables:
        if not tables.has("decisions", *NEEDED):
            raise ReportError(
                f"{tables.path} has no table decisions; name `decisions` in the var "
                "`holdfast_systems`, and run `dbt build`"
            )
        try:
            return _review(tables, limit, output)
        except duckdb.Error as error:
            raise ReportError(
                f"{tables.path} does not hold what the last dbt command built; run `dbt build` "
                f"for this target ({str(error).splitlines()[0]})"
            ) from error


def _review(tables: Tables, limit: int, output: Path | None) -> str:
    """Tell it, and write the file if one is wanted."""
    rows = _decisions(tables)
    parts = [" ".join(told(tables, len(rows)))]
    if rows:
        parts += [_listed(rows, limit), _how(rows[0], _decided_at(tables))]
    parts += [_contradictions(tables, limit), _problems(tables, limit)]
    if output is not None:
        write_aside(output, _file(tables, rows).encode(), error=ReportError)
        parts.append(
            f"Wrote {output} with {_counted(len(rows), 'decision')}. Fill in verdict (approve, "
            "veto or replace) and decided_by, delete the rows that you do not decide on, and load "
            "the file into the table that `holdfast_approvals` names."
        )
    return "\n\n".join(part for part in parts if part) + "\n"


def _how(row: Row, decided_at: str) -> str:
    """Show the rows that approve a decision, and all of its kind."""
    one = {"decision_id": row["decision_id"]}
    rule = {"system": row["system"], "action": row["action"], "channel": row["channel"]}
    verdict = {"verdict": "approve", "decided_by": "your name", "decided_at": decided_at}
    names = [name for name in APPROVAL_COLUMNS if name in one | rule | verdict]
    table = [names, *([(each | verdict).get(name) or "" for name in names] for each in (one, rule))]
    return (
        "To decide, write a row into the table that `holdfast_approvals` names, such as the first "
        "of these for one decision, or the second for all decisions of a kind, also those to come. "
        "`holdfast review --csv approvals.csv` writes a file with all that wait, to fill in. The "
        "verdict is approve, veto or replace (the other action goes into the column replacement). "
        "A build knows what was decided before its as-of date:\n" + terminal.table(table, right=())
    )


def told(tables: Tables, count: int) -> list[str]:
    """Say how many decisions wait, how many are approved, and what holds some of these back.

    Parameters
    ----------
    tables
        What a build made, `decisions` among it.
    count
        How many wait.

    Returns
    -------
    list of str
        Sentences.
    """
    row = tables.row("select max(as_of_date) as as_of from {decisions}")
    as_of = f", as of {row['as_of']}" if row and row["as_of"] else ""
    number = _counted(count, "decision") if count else "No decision"
    sentences = [f"{number} {'wait' if count > 1 else 'waits'} for review{as_of}."]
    approved = tables.rows(
        """
        select
            held_because as held,
            count(*) as decisions,
        from {decisions}
        where status = 'approved'
        group by held_because
        order by decisions desc, held_because
        """
    )
    listed = sum(row["decisions"] for row in approved if row["held"] is None)
    held = [f"{row['held']} ({row['decisions']:,})" for row in approved if row["held"]]
    if approved:
        sentences.append(f"Approved and on the contact list: {listed:,}.")
    if held:
        sentences.append(f"Approved, but held back today: {', '.join(held)}.")
    return sentences


def has_problems(tables: Tables) -> bool:
    """Tell whether there is a table of approvals with a problem."""
    return tables.has("approval_problems", "approval_number", "problem", "told", "verdict")


def _counted(count: int, noun: str) -> str:
    """Write a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _decisions(tables: Tables) -> list[Row]:
    """Read what waits, by action, the largest expected profit first."""
    # what is marked as personal data is in no list and no file
    shown = [name for name in _READ if tables.has("decisions", name)]
    if not may_list(tables, "decisions"):
        shown = [name for name in shown if name != "customer_id"]
    rows = tables.rows(
        f"""
        select {", ".join(shown)}
        from {{decisions}}
        where status = 'needs_review'
        order by
            action,
            {"expected_profit desc nulls last," if "expected_profit" in shown else ""}
            decision_id
        """  # noqa: S608 - constant names
    )
    # in an approval, the column expires_at says until when the verdict holds
    return [
        dict.fromkeys(_READ)
        | row
        | {"expires_at": None, "to_be_sent_before": row.get("expires_at")}
        for row in rows
    ]


def _listed(rows: list[Row], limit: int) -> str:
    """List the first decisions of each action."""
    titles = ["decision", "customer", "channel", "expected profit", "95 % interval", "due"]
    titles += ["send before", "why"]
    if has_owners := any(row["owner"] for row in rows):
        titles.insert(-1, "owner")
    parts = []
    for action in dict.fromkeys(row["action"] for row in rows):
        of_action = [row for row in rows if row["action"] == action]
        name = of_action[0]["offer_name"]
        heading = action if name in (None, action) else f"{name} (action {action})"
        table = [titles]
        for row in of_action[:limit]:
            cells = [
                row["decision_id"],
                "-" if row["customer_id"] is None else str(row["customer_id"]),
                row["channel"] or "-",
                terminal.number(row["expected_profit"], 2),
                _interval(row),
                _day(row["due_at"]),
                _day(row["to_be_sent_before"]),
                row["reason"] or "-",
            ]
            if has_owners:
                cells.insert(-1, row["owner"] or "-")
            table.append(cells)
        parts.append(
            f"{terminal.plain(heading)}: {len(of_action):,}{_first(of_action, limit)}\n"
            + terminal.table(table, right=(3, 4))
        )
    return "\n\n".join(parts)


def _first(rows: list[Row], limit: int) -> str:
    """Say that only the first of some rows are listed."""
    return f", the first {limit:,}" if len(rows) > limit else ""


def _interval(row: Row) -> str:
    """Write the interval of the expected profit, or a dash."""
    lower, upper = row["expected_profit_lower"], row["expected_profit_upper"]
    if lower is None or upper is None:
        return "-"
    return f"{terminal.number(lower, 2)} to {terminal.number(upper, 2)}"


def _day(moment: str | None) -> str:
    """Write a moment, midnight as a day, or a dash."""
    return "-" if moment is None else moment.removesuffix(" 00:00:00")


def _contradictions(tables: Tables, limit: int) -> str:
    """List open decisions on which people disagree, and what counts."""
    rows = tables.rows(
        """
        select decision_id, action, status, contradiction
        from {decisions}
        where
            contradiction is not null
            and status in ('approved', 'vetoed')
            and (expires_at is null or expires_at > cast(as_of_date as timestamp))
        order by decision_id
        """
    )
    if not rows:
        return ""
    table = [("decision", "action", "status", "verdicts")]
    table += [
        (row["decision_id"], row["action"], row["status"], row["contradiction"])
        for row in rows[:limit]
    ]
    return (
        f"Decisions with verdicts that contradict each other: {len(rows):,}{_first(rows, limit)}. "
        "The latest counts; of the same moment, veto before replace before approve:\n"
        + terminal.table(table, right=())
    )


def _problems(tables: Tables, limit: int) -> str:
    """List the approvals that have decided nothing."""
    if not has_problems(tables):
        return ""
    rows = tables.rows(
        """
        select decision_id, verdict, decided_by, decided_at, problem, told
        from {approval_problems}
        order by problem, approval_number
        """
    )
    if not rows:
        return ""
    table = [("decision", "verdict", "by", "at", "what is wrong")]
    table += [
        (
            row["decision_id"] or "a rule",
            row["verdict"] or "-",
            row["decided_by"] or "-",
            row["decided_at"] or "-",
            row["told"],
        )
        for row in rows[:limit]
    ]
    return f"Approvals with a problem: {len(rows):,}{_first(rows, limit)}:\n" + terminal.table(
        table, right=()
    )


def _file(tables: Tables, rows: list[Row]) -> str:
    """Write the decisions as an approvals input without verdicts."""
    decided_at = _decided_at(tables)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*APPROVAL_COLUMNS, *_HELPFUL], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells: dict[str, Any] = {name: row.get(name) for name in (*APPROVAL_COLUMNS, *_HELPFUL)}
        cells["decided_at"] = decided_at
        for name in ("owner", "offer_name", "reason"):
            cells[name] = _no_formula(cells[name])
        writer.writerow(cells)
    return text.getvalue()


def _decided_at(tables: Tables) -> str:
    """Give the time to fill in: now, or the end of the as-of day where the data are older.

    A build knows what was decided before its as-of date. With data of last year, a verdict of today
    would never be known.
    """
    row = tables.row("select max(as_of_date) as as_of from {decisions}")
    as_of = row["as_of"] if row else None
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    if as_of is not None:
        end = dt.datetime.fromisoformat(as_of) + dt.timedelta(days=1, seconds=-1)
        now = min(now, end)
    return now.isoformat(sep=" ")


def _no_formula(text: str | None) -> str | None:
    """Keep a spreadsheet from running a text."""
    return f"'{text}" if text and text.lstrip(" ").startswith(_FORMULA) else text
