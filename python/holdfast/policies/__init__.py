"""Policies: what to do about each customer, chosen under limits."""

from holdfast.policies._choice import Choice, Grouping, choose
from holdfast.policies._offers import CHOICE_SCHEMA, choose_offers

__all__ = ["CHOICE_SCHEMA", "Choice", "Grouping", "choose", "choose_offers"]
