"""Declarations that cannot be meant, former names, and versions that differ: each said in words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from holdfast import __version__
from projects import PROJECT_FILES, ROOT, UserProject, write_user_project

RETURN: dict[str, Any] = {
    "label": "returned",
    "event": {"model": "orders", "at": "ordered_at", "where": "amount < 0"},
    "horizon_days": 60,
}
FORMER_SCORES = "{{ holdfast.scores('return', eligible='features.orders_lifetime > 1') }}"


@pytest.fixture(scope="module")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    project = write_user_project(tmp_path_factory.mktemp("declared") / "project")
    project.orders(
        "select 1 as customer_id, 1 as order_id, timestamp '2026-01-01' as ordered_at, 1 as amount"
    )
    return project


@pytest.fixture
def shop(_shop: UserProject) -> Iterator[UserProject]:
    """Give a user's project without models, and clear away what a test writes into it."""
    kept = {
        name: (_shop.directory / name).read_text()
        for name in ("dbt_project.yml", "profiles.yml", "packages.yml")
    }
    settings = dict(_shop.settings)
    yield _shop
    for name, text in kept.items():
        (_shop.directory / name).write_text(text)
    _shop.settings = settings
    shutil.rmtree(_shop.directory / "models", ignore_errors=True)


def refused(
    project: UserProject,
    *words: str,
    tasks: Any = None,
    models: dict[str, str] | None = None,
    **variables: Any,
) -> str:
    """Run dbt on a project with these declarations and models, and give what it refuses."""
    more = {} if tasks is None else {"holdfast_tasks": tasks}
    project.write(vars={"holdfast_orders": "raw.orders", **more, **variables})
    for name, text in (models or {}).items():
        (project.directory / "models" / name).parent.mkdir(exist_ok=True)
        (project.directory / "models" / name).write_text(text, encoding="utf-8")
    result = project.dbt(*(words or ("parse",)), check=False)
    assert result.returncode != 0, result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    return " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("tasks", "messages"),
    [
        ({"return": RETURN, "Return": RETURN}, ["declares Return twice"]),
        ({"return": {"horizon_days": 60}}, ["task return", "has no `label`"]),
        ({"return": {"label": "returned"}}, ["task return", "has no `horizon_days`"]),
        (
            {"return": {**RETURN, "horizon_day": 60}},
            ["has no setting `horizon_day`; did you mean horizon_days?", "the settings are "],
        ),
        (
            {"return": {**RETURN, "event": {**RETURN["event"], "when": "x"}}},
            ["has `event`", "a mapping with model, at and"],
        ),
        ({"return": {**RETURN, "entity": ["product_id"]}}, ["`entity`", "customer_id among them"]),
        ({"return": {**RETURN, "horizon_days": "soon"}}, ["has `horizon_days` soon", "1 or more"]),
        ({"return": {**RETURN, "target": "ranking"}}, ["classification or regression"]),
        (
            {"return": {**RETURN, "target": "regression", "bands": {"high": 0.6, "medium": 0.3}}},
            ["predicts a number, and `bands` are of probabilities"],
        ),
        ({"return": "returned"}, ["must be declared by a mapping"]),
        ({"re turn": RETURN}, ["letters, digits and _; got: re turn"]),
    ],
    ids=[
        "twice", "no label", "no horizon", "unknown key", "unknown key of the event", "entity",
        "horizon", "target", "bands of a number", "no mapping", "name",
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_wrong_declaration_is_named_with_what_is_allowed(
    shop: UserProject, tasks: Any, messages: list[str]
) -> None:
    said = refused(shop, tasks=tasks)
    for message in messages:
        assert message in said


@pytest.mark.slow
def test_a_step_of_a_task_that_nobody_declared_is_refused(shop: UserProject) -> None:
    said = refused(
        shop, tasks={"returns": RETURN}, models={"x.sql": "{{ holdfast.scores('return') }}"}
    )
    assert "There is no task return; did you mean returns?" in said
    assert "holdfast_tasks: {return: {label: …, horizon_days: 60}}" in said


@pytest.mark.slow
def test_an_entity_that_the_features_do_not_have_is_refused(shop: UserProject) -> None:
    task = {**RETURN, "entity": ["customer_id", "product_id"], "features": "pairs"}
    said = refused(
        shop,
        *("build", "--select", "pairs", "return_training_set", "--exclude-resource-type", "test"),
        tasks={"return": task},
        models={
            "pairs.sql": "{{ config(materialized='table') }} "
            "select 1 as customer_id, timestamp '2026-01-01' as as_of, 2 as product",
            **{
                f"return_{step}.sql": "select 1 as one -- depends_on: {{ ref('pairs') }}"
                for step in ("labels", "model", "reasons", "scores", "holdout_predictions")
            },
            "return_training_set.sql": "{{ holdfast.training_set('return') }}",
        },
    )
    assert "has the entity customer_id, product_id, but its features" in said
    assert "have no column product_id; they have customer_id, as_of, product" in said


@pytest.mark.parametrize("name", ["holdfast__mine", "stg_holdfast__orders"])
@pytest.mark.slow
def test_a_model_with_the_prefix_of_holdfast_is_refused(shop: UserProject, name: str) -> None:
    said = refused(
        shop,
        *("run", "--select", f"shop.{name}"),
        models={f"{name}.sql": "{{ config(schema='mine') }} select 1 as one"},
    )
    assert f"The model {name} of the package shop has a name that begins with" in said
    assert "Rename it" in said


FORMER_YML = """
models:
  - name: return_model
    config: {meta: {training: {task: return, label: returned, horizon_days: 60}}}
"""


@pytest.mark.parametrize(
    ("words", "project", "messages"),
    [
        (
            ("parse",),
            {"tasks": ["churn", "return"]},
            ["`holdfast_tasks` must be a mapping of names to", "the former list of names"],
        ),
        (
            ("run", "--select", "stg_holdfast__orders"),
            {"holdfast_live_tasks": ["churn"]},
            ["`holdfast_live_tasks` was replaced by `live: true`"],
        ),
        (
            ("run", "--select", "return_model"),
            {"models": {"return_model.sql": "select 1 as one", "return_model.yml": FORMER_YML}},
            ["The model return_model has training settings in its `meta`", "{label: returned"],
        ),
        (
            ("parse",),
            {"tasks": {"return": RETURN}, "models": {"return_scores.sql": FORMER_SCORES}},
            ["takes the name of a task, such as holdfast.scores('return'); eligible belong"],
        ),
        (
            ("parse",),
            {"models": {"x.sql": "{{ holdfast.training_set(ref('a'), label='b') }}"}},
            ["holdfast.training_set takes the name of a task"],
        ),
        (
            ("parse",),
            {"models": {"x.sql": "select * from {{ ref('holdfast', 'customer_features') }}"}},
            ["depends on a node named 'customer_features' in package or project 'holdfast'"],
        ),
    ],
    ids=["list of tasks", "live tasks", "meta", "scores", "training set", "ref"],
)
@pytest.mark.slow
def test_former_names_are_answered_with_what_to_change(
    shop: UserProject, words: tuple[str, ...], project: dict[str, Any], messages: list[str]
) -> None:
    said = refused(shop, *words, **project)
    for message in messages:
        assert message in said


@pytest.mark.slow
def test_another_version_of_the_package_stops_the_run_and_says_what_to_install(
    shop: UserProject, tmp_path: Path
) -> None:
    package = tmp_path / "holdfast"
    package.mkdir()
    for name in PROJECT_FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, package / name)
    for name in ("dbt_project.yml", "macros/settings/version.sql"):
        text = (package / name).read_text(encoding="utf-8")
        assert text.count(f"'{__version__}'") == 1
        (package / name).write_text(text.replace(f"'{__version__}'", "'9.9.9'"), encoding="utf-8")
    packages = {"packages": [{"local": str(package)}]}
    (shop.directory / "packages.yml").write_text(yaml.safe_dump(packages))
    shop.dbt("deps")
    try:
        said = refused(shop, "build", "--select", "stg_holdfast__orders")
    finally:
        (shop.directory / "packages.yml").write_text(
            yaml.safe_dump({"packages": [{"local": str(ROOT)}]})
        )
        shop.dbt("deps")
    assert f"package holdfast is 9.9.9 and the Python package is {__version__}" in said
    assert "Install dbt-holdfast==9.9.9" in said
    assert not shop.query("select 1 from duckdb_views() where view_name = 'stg_holdfast__orders'")


@pytest.mark.slow
def test_a_profile_without_the_plugin_is_told_which_line_it_lacks(shop: UserProject) -> None:
    path = shop.directory / "profiles.yml"
    profile = yaml.safe_load(path.read_text())
    del profile["shop"]["outputs"]["dev"]["plugins"]
    path.write_text(yaml.safe_dump(profile))
    said = refused(shop, "build", "--select", "stg_holdfast__orders")
    assert f"Install dbt-holdfast=={__version__}" in said
    assert "plugins: [{module: holdfast.plugin}]" in said
