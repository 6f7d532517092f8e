"""The report: what a build found, on one HTML page that needs nothing else."""

from __future__ import annotations

from holdfast.report._errors import ReportError
from holdfast.report._page import write_report

__all__ = ["ReportError", "write_report"]
