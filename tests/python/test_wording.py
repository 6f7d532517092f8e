"""Every shipped feature can be told in every language, and the languages say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORDING = ROOT / "macros" / "wording"
LANGUAGES = ("english", "german", "russian")
PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")


def returned(name: str, macro: str, *arguments: Any) -> dict[str, Any]:
    """Give what a macro of the wording returns."""
    found: list[dict[str, Any]] = []
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["return"] = lambda value: found.append(value) or ""
    text = (WORDING / f"{name}.sql").read_text(encoding="utf-8")
    environment.from_string(f"{text}{{% do {macro}(*arguments) %}}").render(arguments=arguments)
    return found[0]


KNOWN = returned("statements", "statements", 90)
CATALOGUES = {name: returned(f"_{name}", f"_{name}") for name in LANGUAGES}


def shipped_features() -> dict[str, Mapping[str, Any]]:
    """Give the meta of every feature of the shipped views, its view's meta included."""
    features = {}
    views = [*(ROOT / "models" / "features").glob("holdfast__*_features.yml")]
    for path in views:
        (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        if model["name"] == "holdfast__customer_features":
            continue
        of_view = model["config"].get("meta", {})
        for column in model["columns"]:
            if column["name"] not in ("customer_id", "as_of"):
                meta = column.get("config", {}).get("meta", {})
                features[column["name"]] = {**of_view, **meta}
    return features


FEATURES = shipped_features()


def statements_of(feature: str) -> list[str]:
    """Give the statements of a feature, as feature_statements finds them."""
    family = re.sub(r"_[0-9]+d$", "_[W]d", feature)
    listed = KNOWN["features"].get(feature, KNOWN["features"].get(family, []))
    return [item.partition("@")[0] for item in listed]


def placeholders(template: str) -> set[tuple[str, str]]:
    """Give the values of a sentence, each with its kind of format."""
    return {
        (name, "" if re.search("[#|=]", format_ or "") else format_)
        for name, format_ in PLACEHOLDER.findall(template)
    }


def test_there_are_features_statements_and_languages() -> None:
    assert len(FEATURES) > 110
    assert len(KNOWN["statements"]) > 50
    assert len(CATALOGUES) == 3


def test_every_shipped_feature_has_a_theme() -> None:
    assert [name for name, meta in FEATURES.items() if not meta.get("theme")] == []
    told = {meta["theme"] for meta in FEATURES.values() if meta.get("tell", True)}
    for language in CATALOGUES.values():
        assert set(language["themes"]) == set(language["actions"]) == told


def test_every_feature_that_is_told_has_statements() -> None:
    told = [name for name, meta in FEATURES.items() if meta.get("tell", True)]
    assert [name for name in told if not statements_of(name)] == []
    assert {name for name in FEATURES if name not in told} == {
        "calendar_month_sin", "calendar_month_cos", "calendar_year_share",
    }  # fmt: skip


def test_every_statement_is_used_and_every_one_that_is_used_is_there() -> None:
    used = {item.partition("@")[0] for items in KNOWN["features"].values() for item in items}
    assert used == set(KNOWN["statements"])


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_statement_is_said_in_every_language(name: str) -> None:
    assert set(CATALOGUES[name]["statements"]) == set(KNOWN["statements"])
    assert [key for key, text in CATALOGUES[name]["statements"].items() if not text.strip()] == []


@pytest.mark.parametrize("statement", sorted(KNOWN["statements"]))
def test_languages_name_the_same_values(statement: str) -> None:
    said = {name: placeholders(CATALOGUES[name]["statements"][statement]) for name in CATALOGUES}
    assert said["german"] == said["english"]
    assert said["russian"] == said["english"]


@pytest.mark.parametrize("name", LANGUAGES)
def test_values_of_sentences_and_conditions_are_features_or_made_of_them(name: str) -> None:
    known = {*FEATURES, *KNOWN["values"]}
    texts = [*CATALOGUES[name]["statements"].values(), *KNOWN["values"].values()]
    for statement in KNOWN["statements"].values():
        texts += [text for text in statement.values() if isinstance(text, str)]
    for value in {value for text in texts for value, _ in PLACEHOLDER.findall(text)}:
        days = ("7", "30", "90", "180", "365") if "[W]" in value else ("",)
        assert [window for window in days if value.replace("[W]", window) in known], value


@pytest.mark.parametrize("name", LANGUAGES)
def test_words_have_all_forms_of_the_language(name: str) -> None:
    forms = {"one_other": 2, "one_few_many": 3}[CATALOGUES[name]["plural"]]
    wrong = {}
    for key, text in CATALOGUES[name]["statements"].items():
        for value, format_ in PLACEHOLDER.findall(text):
            words = [form for form in format_.split("|") if not re.match("[0-9]+=", form)]
            if re.search("[#|=]", format_) and len(words) != forms:
                wrong[key] = value
    assert wrong == {}


@pytest.mark.parametrize("name", LANGUAGES)
def test_catalogues_have_the_same_keys(name: str) -> None:
    assert set(CATALOGUES[name]) == set(CATALOGUES["english"])
    assert len(CATALOGUES[name]["months"]) == 12


def test_what_is_told_without_a_direction_says_so() -> None:
    """A statement has both directions or none; a gain alone would be told of every risk."""
    wrong = [
        key
        for key, statement in KNOWN["statements"].items()
        if ("risk" in statement) != ("gain" in statement) and key != "renewal"
    ]
    assert wrong == []
