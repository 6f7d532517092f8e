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
    columns = frozenset(asked - _read_unasked(terms)[id(root)])
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


def _read_unasked(terms: list[Term]) -> dict[int, frozenset[int]]:
    """Give the columns that each term reads other than behind the question whether it is missing.

    One pass for all columns, what comes first first: a model of a hundred features has as many
    questions, and a pass for each took longer than everything else that compiles it.
    """
    found: dict[int, frozenset[int]] = {}
    for term in terms:
        if term.operator == "column":
            found[id(term)] = frozenset({term.value})
            continue
        parts = [found[id(each)] for each in term.read]
        if term.operator == "where" and (index := _asked_for(term.arguments[0])) is not None:
            condition, then, otherwise = parts
            found[id(term)] = then | ((condition | otherwise) - {index})
        else:
            found[id(term)] = frozenset().union(*parts)
    return found
