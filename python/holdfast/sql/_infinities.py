"""Features of which a model treats an infinite value as a missing one.

Where that is so, the border can turn infinite values into NULL, and one question is left where
there were two, for every row and feature of a linear model.
"""

from __future__ import annotations

import math
from dataclasses import replace

from holdfast.sql._terms import Term, is_missing, terms_below

__all__ = ["without_infinities"]


def without_infinities(root: Term) -> tuple[Term, frozenset[int]]:
    """Ask only for missing values where the answer is the same for infinite ones.

    Parameters
    ----------
    root : Term
        What a model computes.

    Returns
    -------
    Term
        The same, for features that come in without infinite values.
    frozenset of int
        The features, by their column, whose infinite values have to come in as NULL for that.
    """
    terms = terms_below([root])
    asked = {index for term in terms if (index := _asked_for(term)) is not None}
    columns = frozenset(index for index in asked if not _is_read_unasked(root, index))
    if not columns:
        return root, columns
    new: dict[int, Term] = {}
    for term in terms:
        index = _asked_for(term)
        if index in columns:
            new[id(term)] = is_missing(_column_of(term.arguments[0].arguments[0]))
            continue
        arguments = tuple(new.get(id(each), each) for each in term.arguments)
        is_same = all(a is b for a, b in zip(arguments, term.arguments, strict=True))
        new[id(term)] = term if is_same else replace(term, arguments=arguments)
    return new[id(root)], columns


def _asked_for(term: Term) -> int | None:
    """Return the column of a condition that it is missing or infinite."""
    if term.operator != "or":
        return None
    missing, infinite = term.arguments
    if missing.operator != "is missing" or infinite.operator != "=":
        return None
    size, limit = infinite.arguments
    if size.operator != "abs" or not limit.is_constant or limit.value != math.inf:
        return None
    column, same = _column_of(missing.arguments[0]), _column_of(size.arguments[0])
    is_one = column.operator == same.operator == "column" and column.value == same.value
    return int(column.value) if is_one else None


def _column_of(term: Term) -> Term:
    """Return what a term is cast from; a cast to a wider type changes no answer here."""
    while term.operator == "cast":
        (term,) = term.arguments
    return term


def _is_read_unasked(root: Term, index: int) -> bool:
    """Whether a column is read other than behind the question whether it is missing or infinite."""
    stack, seen = [root], set()
    while stack:
        term = stack.pop()
        if id(term) in seen:
            continue
        seen.add(id(term))
        if term.operator == "column" and term.value == index:
            return True
        arguments = term.read
        if term.operator == "where" and _asked_for(arguments[0]) == index:
            arguments = arguments[1:2]
        stack += arguments
    return False
