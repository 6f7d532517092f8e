"""The doctor: what may keep a build from working as it should, and what to do about it."""

from holdfast.doctor._checks import Check, DoctorError, as_json, as_text, problems
from holdfast.doctor._doctor import examine

__all__ = ["Check", "DoctorError", "as_json", "as_text", "examine", "problems"]
