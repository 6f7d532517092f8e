"""Adding to files that somebody else wrote: all they had stays, in its place."""

from __future__ import annotations

import pytest
import yaml

from holdfast.setup._yaml import with_entries

VARS = {"holdfast_orders": "{{ ref('shop', 'orders') }}"}


@pytest.mark.parametrize(
    "text",
    [
        "name: shop\n",
        "name: shop  # ours\n\nvars:\n    theirs: 1   # four blanks\n    other: [1, 2]\n\nmodels:\n  shop:\n    +schema: x\n",
        "vars:\n  # a comment first\n  shop:\n    theirs: 'it''s'\nname: shop\n",
        "name: shop\nvars:\n  theirs: \"{{ env_var('X') }}\"",
    ],
)
def test_vars_are_added_and_every_line_stays(text: str) -> None:
    new = with_entries(text, ["vars"], VARS)
    assert new is not None
    former, now = yaml.safe_load(text), yaml.safe_load(new)
    assert now == {**former, "vars": {**former.get("vars", {}), **VARS}}
    kept = iter(new.splitlines())
    assert all(line in kept for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]\n",
        "name: shop\nvars: {a: 1}\n",
        "name: shop\nvars:\n",
        "name: shop\nvars: 5\n",
        "name: [\n",
        "vars:\n  holdfast_orders: raw.orders\n",
    ],
)
def test_what_cannot_be_added_safely_is_left_to_a_person(text: str) -> None:
    assert with_entries(text, ["vars"], VARS) is None


@pytest.mark.parametrize(
    "text",
    [
        "packages:\n  - package: dbt-labs/dbt_utils\n    version: 1.3.0\n",
        "packages:\n- package: dbt-labs/dbt_utils\n  version: 1.3.0\n",
    ],
)
def test_an_entry_of_a_list_is_added(text: str) -> None:
    new = with_entries(text, ["packages"], [{"local": "here"}])
    assert new is not None
    assert yaml.safe_load(new)["packages"] == [
        {"local": "here"},
        {"package": "dbt-labs/dbt_utils", "version": "1.3.0"},
    ]


def test_a_plugin_is_added_deep_in_a_profile() -> None:
    text = "shop:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb # here\n      path: shop.duckdb\n"
    new = with_entries(text, ["shop", "outputs", "dev", "plugins"], [{"module": "holdfast.plugin"}])
    assert new is not None
    assert "type: duckdb # here" in new
    assert yaml.safe_load(new)["shop"]["outputs"]["dev"] == {
        "plugins": [{"module": "holdfast.plugin"}],
        "type": "duckdb",
        "path": "shop.duckdb",
    }


def test_the_comments_of_the_first_entry_stay_with_it() -> None:
    text = "vars: # ours\n  # the first day\n  start: 2020\n  # the last\n  end: 2021\nname: shop\n"
    new = with_entries(text, ["vars"], VARS)
    assert new == text.replace(
        "# ours\n", "# ours\n  holdfast_orders: \"{{ ref('shop', 'orders') }}\"\n"
    )
    new = with_entries("packages:\n  # tools\n  - local: x\n", ["packages"], [{"local": "y"}])
    assert new == "packages:\n  - local: y\n  # tools\n  - local: x\n"
