"""What a build found: the report and the card of a model as HTML pages, the summary as text."""

from __future__ import annotations

from holdfast.report._card import write_card
from holdfast.report._errors import ReportError
from holdfast.report._page import Report, write_report
from holdfast.report._review import review
from holdfast.report._summary import summarise

__all__ = ["Report", "ReportError", "review", "summarise", "write_card", "write_report"]
