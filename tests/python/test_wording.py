"""Every shipped feature can be told in every language, and the languages say the same."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
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
    told.add("activity")  # of the features of events, whose names the data decides on
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


class Macros:
    """The macros that make sentences, as dbt would call them on DuckDB, with some settings."""

    def __init__(self, **settings: Any) -> None:
        self._settings = {
            "currency": None,
            "locale": "en",
            "reason_phrases": {},
            "theme_labels": {},
            **settings,
        }
        files = [*WORDING.glob("*.sql"), ROOT / "macros" / "engines" / "duckdb.sql"]
        files.append(ROOT / "macros" / "recommendations" / "recommendation_reason.sql")
        files += [
            ROOT / "macros" / "sql" / f"{name}.sql"
            for name in ("text", "quoted", "literals", "list_of", "list_item", "plus_days")
        ]
        text = "".join(path.read_text(encoding="utf-8") for path in files)
        environment = jinja2.Environment(extensions=["jinja2.ext.do"])
        environment.globals.update(
            {
                "holdfast": self,
                "return": self._return,
                "modules": SimpleNamespace(re=re),
                "adapter": SimpleNamespace(dispatch=self._dispatch),
                "exceptions": SimpleNamespace(raise_compiler_error=self._refuse),
            }
        )
        # names that begin with _ are not exported
        text = re.sub(r"(\{% macro )_", r"\1private_", text)
        self._module = environment.from_string(text).module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name == "setting":
            return lambda key: self._settings[key]
        found = getattr(self._module, re.sub("^_", "private_", name))

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return str(found(*arguments, **named))
            except Returned as returned:
                return returned.value

        return call

    def _dispatch(self, name: str, _package: str) -> Callable[..., Any]:
        return getattr(self, f"duckdb__{name}")  # type: ignore[no-any-return]

    @staticmethod
    def _return(value: Any) -> None:
        raise Returned(value)

    @staticmethod
    def _refuse(message: str) -> None:
        raise ValueError(message)

    def say(self, template: str, name: str, **values: float | None) -> str | None:
        """Say a sentence with some values."""
        columns = {value: value for value in values}
        found = self.sentence(template, columns, KNOWN["values"], CATALOGUES[name])
        row = ", ".join(
            f"{'null' if value is None else value}::float as {key}" for key, value in values.items()
        )
        ((said,),) = duckdb.sql(
            f"select case when {found['when']} then {found['sql']} end "
            f"from (select timestamp '2026-07-01' as as_of, {row})"
        ).fetchall()
        return None if said is None else str(said).replace("\u00a0", "_")


@functools.cache
def macros_with(currency: str | None = None) -> Macros:
    """Give the macros with a currency; making them takes a while."""
    return Macros(currency=currency)


class Returned(Exception):  # noqa: N818 - no error
    """What a macro returns."""

    def __init__(self, value: Any) -> None:
        self.value = value


@pytest.mark.parametrize(
    ("name", "now", "before", "said"),
    [
        ("english", 3, 17, "3 orders in the last 90 days, 17 in the 90 days before"),
        ("english", 1, 1234, "1 order in the last 90 days, 1,234 in the 90 days before"),
        ("english", 0, 21, "No orders in the last 90 days, 21 in the 90 days before"),
        ("german", 3, 17, "3 Bestellungen in den letzten 90 Tagen, 17 in den 90 Tagen davor"),
        ("german", 1, 1234, "1 Bestellung in den letzten 90 Tagen, 1.234 in den 90 Tagen davor"),
        ("russian", 1, 17, "1 заказ за последние 90 дней, 17 за предыдущие 90 дней"),
        ("russian", 3, 17, "3 заказа за последние 90 дней, 17 за предыдущие 90 дней"),
        ("russian", 5, 1234, "5 заказов за последние 90 дней, 1_234 за предыдущие 90 дней"),
        ("russian", 11, 17, "11 заказов за последние 90 дней, 17 за предыдущие 90 дней"),
        ("russian", 21, 170, "21 заказ за последние 90 дней, 170 за предыдущие 90 дней"),
        ("russian", 112, 170, "112 заказов за последние 90 дней, 170 за предыдущие 90 дней"),
        ("russian", 22, 170, "22 заказа за последние 90 дней, 170 за предыдущие 90 дней"),
        ("russian", 0, 3, "Ни одного заказа за последние 90 дней, 3 за предыдущие 90 дней"),
    ],
)
def test_numbers_and_their_words_agree(name: str, now: int, before: int, said: str) -> None:
    language = CATALOGUES[name]
    template = language["statements"]["orders"].replace("[window]", language["window"])
    template = template.replace("[before]", language["before"]).replace("[W]", "90")
    values = {"order_count_90d": now, "order_count_trend_90d": now - before}
    assert macros_with().say(template, name, **values) == said
    assert macros_with().say(template, name, **{**values, "order_count_trend_90d": None}) is None


@pytest.mark.parametrize(
    ("name", "currency", "amount", "said"),
    [
        ("english", None, 1234.5, "1,235"),
        ("english", "EUR", 1234.4, "€1,234"),
        ("english", "USD", 45.5, "$45.50"),
        ("english", "CHF", 45, "CHF_45"),
        ("english", "JPY", 45.4, "¥45"),
        ("german", None, 45.05, "45,05"),
        ("german", "EUR", 12345.4, "12.345_€"),
        ("german", "CHF", 7.1, "7,10_CHF"),
        ("russian", "RUB", 12345.4, "12_345_₽"),
        ("russian", "USD", 99.99, "99,99_$"),
        ("english", "USD", 99.999, "$100"),
        ("english", "USD", -0.25, "$-0.25"),
    ],
)
def test_amounts_are_written_as_the_language_writes_them(
    name: str, currency: str | None, amount: float, said: str
) -> None:
    assert macros_with(currency).say("{x:money}", name, x=amount) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("english", "45% 3.5 4 14 July 2026"),
        ("german", "45_% 3,5 4 14. Juli 2026"),
        ("russian", "45_% 3,5 4 14 июля 2026 г."),  # noqa: RUF001
    ],
)
def test_shares_decimals_and_dates_are_those_of_the_language(name: str, said: str) -> None:
    values = {"share": 0.451, "score": 3.46, "whole": 4.02, "days": 13}
    assert macros_with().say("{share:%} {score:1} {whole:1} {days:date}", name, **values) == said


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'days', which is not a format"):
        macros_with().say("{x:days}", "english", x=1)


@pytest.mark.parametrize("name", LANGUAGES)
def test_all_statements_can_be_said(name: str) -> None:
    """Every sentence runs on DuckDB, whatever the direction, and no placeholder is left in it."""
    columns = {feature: feature for feature in FEATURES}
    # no two windows hold the same, so that nothing is divided by zero
    sizes = {"7d": 2, "30d": 3, "90d": 5, "180d": 8, "365d": 12, "first_order_age_days": 900}
    row = ", ".join(
        f"{next((n for end, n in sizes.items() if feature.endswith(end)), 40)}::float as {feature}"
        for feature in FEATURES
    )
    macros = macros_with("EUR")
    texts, conditions = {}, set()
    for feature, meta in FEATURES.items():
        for direction in ("risk", "gain", None) if meta.get("tell", True) else ():
            found = macros.feature_statements(
                feature, None, columns, direction, KNOWN, CATALOGUES[name]
            )
            assert found, feature
            texts.update({statement["sql"]: feature for statement in found})
            conditions |= {statement["when"] for statement in found}
    ((said, _),) = duckdb.sql(
        f"select [{', '.join(texts)}], [{', '.join(conditions)}] "
        f"from (select timestamp '2026-07-01' as as_of, {row})"
    ).fetchall()
    assert len(said) > 70
    for sentence, feature in zip(said, texts.values(), strict=True):
        assert sentence, feature
        assert not re.search(r"[{}\[\]#|]", sentence), sentence


def test_a_phrase_of_the_project_comes_first_and_needs_its_value() -> None:
    columns = {"late": "late"}
    macros = Macros(reason_phrases={"late": [{"say": "late {late} times", "when": "late > 2"}]})
    (own,) = macros.feature_statements("late", "{late} late", columns, "risk", KNOWN, {
        **CATALOGUES["english"]
    })  # fmt: skip
    assert own["when"].endswith("(late > 2)")
    assert own["needs_weight"]
    (of_yml,) = macros_with().feature_statements(
        "late", "often late", columns, "risk", KNOWN, CATALOGUES["english"]
    )
    assert of_yml["when"] == '(cast("late" as double) is not null)'
    (plain,) = macros_with().feature_statements(
        "late", None, columns, "risk", KNOWN, CATALOGUES["english"]
    )
    assert plain["sql"].startswith("'Late: '")


@functools.cache
def macros_in(locale: str) -> Macros:
    """Give the macros in a language."""
    return Macros(locale=locale)


def reason(locale: str = "en", **evidence: float | str | None) -> str | None:
    """Say why a product is recommended."""
    sql = macros_in(locale).recommendation_reason({name: f"row.{name}" for name in evidence})
    values = ", ".join(f"? as {name}" for name in evidence)
    ((said,),) = duckdb.execute(
        f"select {sql} from (select {values}) as row", [*evidence.values()]
    ).fetchall()
    return None if said is None else str(said).replace("\u00a0", "_")


EVIDENCE: dict[str, float | str | None] = {
    "times_bought": 4, "usual_gap_days": 21.2, "days_since_bought": 24, "carts_7d": 1,
    "views_7d": 2, "product": "Olive Oil", "share": 0.312, "neighbours": 50,
    "neighbours_who_bought": 12, "category": "pantry", "category_share": 0.62, "segment": "Loyal",
}  # fmt: skip
REASONS = {
    "cart": "Put in the cart once in the last 7 days",
    "viewed": "Viewed twice in the last 7 days",
    "rhythm": "Bought 4 times, usually every 21 days, last 24 days ago",
    "repeat": "Bought 4 times, last 24 days ago",
    "bought_with": "31% of the buyers of Olive Oil also bought it",
    "neighbours": "Bought by 12 of the 50 customers with the most similar purchases",
    "category": "62% of their purchases are from the category pantry",
    "popular_segment": "Popular in the segment Loyal in the last 28 days",
    "popular": "Popular with all customers in the last 28 days",
}


@pytest.mark.parametrize("source", REASONS)
def test_the_source_of_a_recommendation_is_told_with_its_evidence(source: str) -> None:
    assert reason(source=source, **EVIDENCE) == REASONS[source]


@pytest.mark.parametrize("source", sorted(set(REASONS) - {"popular"}))
def test_a_source_without_its_evidence_is_not_told(source: str) -> None:
    """What is missing or zero is told by no sentence, so the next one that is true is told."""
    missing = dict.fromkeys(EVIDENCE)
    assert reason(source=source, **missing) is None
    none_yet = {**missing, "carts_7d": 0, "views_7d": 0, "times_bought": 0, "share": 0.0}
    assert reason(source=source, **none_yet) is None
    assert reason(source=source, **{**none_yet, "segment": "Loyal"}) == REASONS["popular_segment"]


def test_a_reason_without_a_source_is_the_first_that_is_true() -> None:
    assert reason(**EVIDENCE) == REASONS["cart"]
    assert reason(**{**EVIDENCE, "carts_7d": 0}) == REASONS["rhythm"]
    assert reason(**{**EVIDENCE, "carts_7d": 0, "times_bought": 2}) == REASONS["viewed"]
    assert reason(times_bought=1, days_since_bought=0) == "Bought once, less than a day ago"
    assert macros_in("en").recommendation_reason({}) == "cast(null as varchar)"


@pytest.mark.parametrize("locale", ["de", "ru"])
def test_reasons_are_said_in_every_language(locale: str) -> None:
    said = [reason(locale, source=source, **EVIDENCE) for source in REASONS]
    assert len(set(said)) == len(REASONS)
    assert [text for text in said if not text or re.search(r"[{}\[\]#|]", text)] == []
    english = CATALOGUES["english"]["recommendations"]
    names = re.compile(r"\[[a-z]+\]")
    for language in CATALOGUES.values():
        told = language["recommendations"]
        for key, template in english.items():
            assert placeholders(told[key]) == placeholders(template), key
            assert set(names.findall(told[key])) == set(names.findall(template)), key


def test_numbers_in_reasons_have_the_forms_of_the_language() -> None:
    bought = {"times_bought": 21, "usual_gap_days": 2, "days_since_bought": 5}
    assert reason("ru", **bought) == "21 покупка, обычно каждые 2 дня, последняя 5 дней назад"
    assert reason("de", **bought) == "21-mal gekauft, sonst alle 2 Tage, zuletzt vor 5 Tagen"
    assert reason("de", **{**bought, "times_bought": 1}) == "Einmal gekauft, vor 5 Tagen"


def test_a_name_with_quotes_is_only_told() -> None:
    assert reason(product="Kid's 'Set'", share=0.5) == (
        "50% of the buyers of Kid's 'Set' also bought it"
    )
