"""What `holdfast_events` may be, and the names that event types give features."""

from __future__ import annotations

import hashlib
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .rendering import MACROS, add_macros


def refuse(message: str) -> None:
    """Stand in for the compile error."""
    raise ValueError(message)


def macros(events: Any = None, types: Any = (), horizon: int = 90) -> SimpleNamespace:
    """Give the macros of events, with a value of the var and the types that are kept."""
    own = SimpleNamespace(
        setting={"churn_horizon_days": horizon, "least_group": 10}.__getitem__,
        language=lambda: {
            "events": dict.fromkeys(
                [
                    *("type", "other", "all", "count", "more", "less", "since", "share"),
                    *("events", "days", "weeks", "types", "value_sum", "value_mean"),
                ],
                "[type] {n} [window]",
            ),
            **{"year": "in the year", "window": "in [W] days"},
        },
        kept_event_types=lambda source: types,
    )
    own.own__sql_type = lambda kind: "varchar"
    context = {
        "var": lambda name, default=None: events,
        "render": lambda text: text.upper(),
        "exceptions": SimpleNamespace(raise_compiler_error=refuse),
        "modules": SimpleNamespace(re=re),
        "local_md5": lambda text: hashlib.md5(text.encode()).hexdigest(),
        "adapter": SimpleNamespace(dispatch=lambda name, _: getattr(own, name)),
    }
    add_macros(own, [MACROS / "engines/duckdb.sql"], ["text", "quoted"], **context)
    paths = ["sql/plain_letters.sql", "inputs/event_inputs.sql", "features/horizon_windows.sql"]
    paths += ["features/choose_event_types.sql", "features/event_columns.sql"]
    return add_macros(own, [MACROS / path for path in paths], **context)


def test_one_relation_or_several_by_name() -> None:
    assert macros().event_inputs() == {}
    assert macros(" ").event_inputs() == {}
    assert macros({}).event_inputs() == {}
    assert list(macros("raw.app").event_inputs()) == ["events"]
    found = macros({"app": "raw.app", "social": {"relation": "raw.b", "types": ["Like"]}})
    assert found.event_inputs()["app"] == {
        **{"relation": "raw.app", "types": None, "var": "holdfast_events: app"},
    }
    assert found.event_inputs(reads=True)["social"]["relation"] == "RAW.B"
    assert found.event_inputs()["social"]["types"] == ["Like"]


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ({"App": "raw.app"}, "an input is named 'App'"),
        ({"events": "raw.app"}, "neither events nor web_events"),
        ({"a" * 31: "raw.app"}, "30 characters at most"),
        ({1: "raw.app"}, "an input is named '1'"),
        (["raw.app", "raw.b"], "it names one relation, or several as a mapping of names"),
        (True, "it names one relation, or several as a mapping of names"),
        ({"app": ""}, "the input app has no relation"),
        ({"app": ["raw.app", "raw.b"]}, "the input app has no relation"),
        ({"app": {"types": ["a"]}}, "the input app has no relation"),
        ({"app": {"relation": "raw.app", "type": ["a"]}}, "takes `relation` and `types`"),
        ({"app": {"relation": "raw.app", "types": []}}, "must be a list of 1 to 50 texts"),
        ({"app": {"relation": "raw.app", "types": ["a", " "]}}, "must be a list of 1 to 50 texts"),
        ({"app": "raw.app", "app_store": "raw.b"}, "app and app_store could get the same names"),
    ],
)
def test_what_cannot_be_an_input_is_refused_with_what_to_write(events: Any, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        macros(events).event_inputs()


@pytest.mark.parametrize(
    ("event_type", "word"),
    [
        ("view", "view"),
        ("add to  cart!", "add_to_cart"),
        ("Über-Café", "ueber_cafe"),
        ("покупка", "pokupka"),
        ('x"; drop table orders; --', "x_drop_table_orders"),
        ("2fa", "2fa"),
    ],
)
def test_words_are_readable(event_type: str, word: str) -> None:
    assert macros().own_word_of_type(event_type, []) == word


# rendered once: hypothesis calls them for every example
KEPT: list[dict[str, Any]] = []
SEVERAL = macros({"app": "a", "b": "b"}, KEPT)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=200), unique=True, max_size=12))
def test_names_of_features_are_plain_short_and_unlike_each_other(types: list[str]) -> None:
    odd = ["days_since_last", "view_count_30d", "other", "value", "log in", "log_in", "☕", "view"]
    words: list[str] = []
    for event_type in [*types, *odd]:
        words.append(SEVERAL.own_word_of_type(event_type, words))
    assert all(re.fullmatch("[a-z0-9_]{1,40}", word) for word in words)
    KEPT[:] = [
        {"event_type": event_type, "word": word, "place": place, "slot": place}
        for place, (event_type, word) in enumerate(zip([*types, *odd], words, strict=True), 1)
    ]
    KEPT.append({"event_type": None, "word": "other", "place": 90, "slot": 0})
    KEPT.append({"event_type": None, "word": "value", "place": 91, "slot": None})
    for source in ("events", "app"):
        found = SEVERAL.event_columns(source)
        names = [column["name"] for column in found["columns"]]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("horizon", [1, 7, 28, 90, 180, 365, 1000])
def test_the_number_of_features_of_an_input_is_bounded(horizon: int) -> None:
    types = [
        {"event_type": f"t{slot}", "word": f"t{slot}", "place": slot, "slot": slot}
        for slot in range(1, 13)
    ]
    types.append({"event_type": None, "word": "other", "place": 13, "slot": 0})
    types.append({"event_type": None, "word": "value", "place": 14, "slot": None})
    found = macros("raw.app", types, horizon).event_columns("events")
    assert 75 <= len(found["columns"]) <= 79
    assert all(column["say"] and column["description"] for column in found["columns"])


def test_web_events_keep_the_names_that_models_know() -> None:
    types = [{"event_type": "cart", "word": "cart", "place": 1, "slot": 1}]
    found = macros(None, types).event_columns("web_events", totals=False)
    assert [column["name"] for column in found["columns"]] == [
        *("web_cart_count_30d", "web_cart_count_90d", "web_cart_trend_90d"),
        *("web_cart_share_90d", "web_days_since_cart"),
    ]


def test_another_type_under_the_same_name_changes_the_definition() -> None:
    """With `types: ["buy now"]` changed to `types: ["buy-now"]`, the dates are computed again."""

    def definition(event_type: str) -> str:
        types = [{"event_type": event_type, "word": "buy_now", "place": 1, "slot": 1}]
        own = macros({"app": "raw.app"}, types)
        own.has_input = lambda name: False
        context = {"graph": {"nodes": {}}, "tojson": json.dumps}
        context["local_md5"] = lambda text: hashlib.md5(text.encode()).hexdigest()
        paths = ["features/event_features.sql", "features/_pending_dates.sql"]
        add_macros(own, [MACROS / path for path in paths], **context)
        calls = SimpleNamespace(macros=["macro.holdfast.event_columns"])
        found: str = own.own_definition_of(SimpleNamespace(depends_on=calls, raw_code=""))
        return found

    assert definition("buy now") == definition("buy now") != definition("buy-now")
