"""Lists of customers that the page sorts, filters and saves as CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.report._tables import Row, Tables

__all__ = ["Column", "CustomerList", "may_list", "reasons_expression"]


# what no text of a table can be, for it has no such character
_OTHER = "\0"


@dataclass(frozen=True)
class Column:
    """A column of a list.

    Attributes
    ----------
    key
        The field of the rows.
    title
        Its heading.
    kind
        How the page writes it: text, told (a text in the language of the shop), noted (the same,
        with another below it in small print), share, risk, amount, count, date, state, reasons or
        action.
    csv
        Its name in a CSV file; where it tells more than one thing, a name for each.
    is_sortable
        Whether the page sorts by it.
    more
        The fields of what else it tells, in the order of their names in a CSV file.
    """

    key: str
    title: str
    kind: str
    csv: tuple[str, ...]
    is_sortable: bool = True
    more: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether it is set flush right, and sorted from the greatest at first."""
        return self.kind in ("share", "risk", "amount", "count")


@dataclass
class CustomerList:
    """What the page needs to show a list.

    Attributes
    ----------
    name
        Its name, with which the ids of its fields and the name of its file begin.
    noun
        What a row is called, such as customer.
    rows
        The customers in their first order.
    columns
        What is shown of them.
    filters
        Fields to choose a value of, each with its title and the word for all.
    sort
        The column of the first order.
    per_page
        How many rows a page shows on a wide screen.
    least
        The column for which a least amount may be entered, and its title; None where there is none.
    total
        The column that is added up over the rows that are shown, and its title; None where there
        is none.
    is_downward
        Whether the first order begins with the greatest.
    """

    name: str
    noun: str = "customer"
    rows: list[Row] = field(default_factory=list)
    columns: tuple[Column, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    sort: str = "value_at_risk"
    per_page: int = 25
    least: tuple[str, str] | None = ("value_at_risk", "Value at risk, at least")
    total: tuple[str, str] | None = ("value_at_risk", "value at risk")
    is_downward: bool = True

    def as_data(self) -> dict[str, Any]:
        """Give what the page's script reads: rows without keys, and texts that recur but once."""
        keys = list(self.rows[0]) if self.rows else []
        texts: dict[str, list[str | None]] = {}
        for key in keys:
            values = list(dict.fromkeys(_text(row[key]) for row in self.rows))
            # a list of reasons is no text, and what differs from row to row gains nothing
            if _OTHER not in values and 4 * len(values) <= len(self.rows):
                texts[key] = values
        places = {key: {text: i for i, text in enumerate(known)} for key, known in texts.items()}
        return {
            "noun": self.noun,
            "keys": keys,
            "texts": texts,
            "rows": [
                [places[key][row[key]] if key in places else row[key] for key in keys]
                for row in self.rows
            ],
            "columns": [
                {
                    "key": each.key,
                    "title": each.title,
                    "kind": each.kind,
                    "csv": list(each.csv),
                    "more": list(each.more),
                }
                for each in self.columns
            ],
            "filters": [key for key, _ in self.filters],
            "sort": self.sort,
            "per_page": self.per_page,
            "is_downward": self.is_downward,
            "least": self.least[0] if self.least else None,
            "total": list(self.total) if self.total else None,
        }


def _text(value: Any) -> str | None:
    """Give a text or nothing as it is, and anything else as no text."""
    return value if value is None or isinstance(value, str) else _OTHER


def may_list(tables: Tables, table: str, *columns: str) -> bool:
    """Tell whether customers may be listed from a table.

    Parameters
    ----------
    tables
        What a build made.
    table
        The table.
    *columns
        What the list cannot do without, beside the id.

    Returns
    -------
    bool
        False where the columns are not there, or ids are marked as personal data: in this table, or
        in the one that projects mark first.
    """
    return tables.has(table, "customer_id", *columns) and tables.has(
        "customer_retention", "customer_id"
    )


def reasons_expression(names: Sequence[str]) -> str:
    """Give the SQL of a list of the reasons in these columns, without those that are NULL."""
    texts = ", ".join(f"cast({name} as varchar)" for name in names)
    return f"list_filter(cast([{texts}] as varchar[]), lambda reason: reason is not null)"
