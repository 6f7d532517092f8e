"""Texts of customers: cleaned, masked, told apart by script, and counted as words and n-grams.

Learning and assigning both read texts through this package, so that they see the same terms.
Nothing here knows a language: words are runs of letters, and which of them matter is learned.
"""

from __future__ import annotations

from holdfast.texts._clean import MOST_KEPT, MOST_READ, clean
from holdfast.texts._function_words import FUNCTION_WORDS
from holdfast.texts._script import SCRIPTS, scripts_of
from holdfast.texts._terms import Occurrences, is_too_short, occurrences
from holdfast.texts._vocabulary import Counts, Vocabulary
from holdfast.texts._words import mask_rare, terms_of, words_of

__all__ = [
    "FUNCTION_WORDS",
    "MOST_KEPT",
    "MOST_READ",
    "SCRIPTS",
    "Counts",
    "Occurrences",
    "Vocabulary",
    "clean",
    "is_too_short",
    "mask_rare",
    "occurrences",
    "scripts_of",
    "terms_of",
    "words_of",
]
