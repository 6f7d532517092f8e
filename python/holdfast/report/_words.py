"""How the report writes numbers and dates."""

from __future__ import annotations

import datetime as dt
import re

__all__ = [
    "NONE",
    "count",
    "counted",
    "day",
    "moment",
    "money",
    "month",
    "number",
    "off",
    "plain_name",
    "points",
    "share",
    "signed",
]

NONE = "-"


def count(value: float | None) -> str:
    """Write a count, or a dash.

    Examples
    --------
    >>> count(12345), count(None)
    ('12,345', '-')
    """
    return NONE if value is None else f"{value:,.0f}"


def counted(value: float, noun: str) -> str:
    """Write a count with its noun, which gets an s unless there is one.

    Examples
    --------
    >>> counted(1, "customer"), counted(1200, "customer")
    ('1 customer', '1,200 customers')
    """
    return f"{count(value)} {noun}" + ("" if value == 1 else "s")


def money(value: float | None) -> str:
    """Write an amount: with cents below 100, in thousands or millions where it is large.

    Examples
    --------
    >>> money(46.038), money(57241.3), money(12_400_000)
    ('46.04', '57,241', '12.40 million')
    """
    if value is None:
        return NONE
    if abs(value) >= 10_000_000:
        return f"{value / 1_000_000:,.2f} million"
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def share(value: float | None, digits: int = 1) -> str:
    """Write a share as a percentage, or a dash.

    Examples
    --------
    >>> share(0.8887)
    '88.9%'
    """
    return NONE if value is None else f"{100 * value:.{digits}f}%"


def number(value: float | None, digits: int = 2) -> str:
    """Write a number, or a dash.

    Examples
    --------
    >>> number(1234.5), number(None)
    ('1,234.50', '-')
    """
    # what rounds to zero has no sign
    return NONE if value is None else f"{round(value, digits) + 0.0:,.{digits}f}"


def off(value: float | None) -> str:
    """Write by which share something was too high or too low, or a dash.

    Examples
    --------
    >>> off(-0.0421), off(0.031)
    ('-4.2%', '+3.1%')
    """
    return NONE if value is None else f"{signed(100 * value, 1)}%"


def points(value: float) -> str:
    """Write a difference of shares in percentage points, with its sign.

    Examples
    --------
    >>> points(-0.0123)
    '-1.2 points'
    """
    return f"{signed(100 * value, 1)} points"


def signed(value: float, digits: int = 0) -> str:
    """Write a number with its sign.

    Examples
    --------
    >>> signed(-12.0), signed(3.0)
    ('-12', '+3')
    """
    text = f"{abs(value):,.{digits}f}"
    if not text.strip("0.,"):
        return text
    return ("-" if value < 0 else "+") + text


def month(value: str | None) -> str:
    """Write the month of an ISO date.

    Examples
    --------
    >>> month("2026-06-01")
    'June 2026'
    """
    return NONE if value is None else f"{dt.date.fromisoformat(value[:10]):%B %Y}"


def day(value: str | None) -> str:
    """Write the day of an ISO date or moment.

    Examples
    --------
    >>> day("2026-07-01 12:00:00")
    '1 July 2026'
    """
    if value is None:
        return NONE
    date = dt.date.fromisoformat(value[:10])
    return f"{date.day} {date:%B %Y}"


def moment(value: str) -> str:
    """Write an ISO moment to the minute.

    Examples
    --------
    >>> moment("2026-07-01 12:30:59")
    '1 July 2026, 12:30 UTC'
    """
    return f"{day(value)}, {value[11:16]} UTC"


def plain_name(name: str) -> str:
    """Write the name of an algorithm or a feature in words.

    Examples
    --------
    >>> plain_name("hist_gradient_boosting")
    'gradient boosting'
    >>> plain_name("mbg_cnbd_2")
    'buying habit (MBG/CNBD-2)'
    """
    if habit := re.fullmatch(r"(m?bg)_cnbd_([0-9]+)", name):
        return f"buying habit ({habit[1].upper()}/CNBD-{habit[2]})"
    return _NAMES.get(name, name.replace("_", " "))


_NAMES = {
    "base_rate": "the same probability for all",
    "bg_nbd": "buying habit (BG/NBD)",
    "bg_nbd_fallback": "buying habit (BG/NBD)",
    "blend": "blend of models",
    "hist_gradient_boosting": "gradient boosting",
    "mbg_nbd": "buying habit (MBG/NBD)",
    "naive_rate": "orders go on at the same rate",
    "recency_mean_spend": "recency times mean spend",
    "two_part": "whether times how much",
    "days_since_last_order": "days since the last order",
}
