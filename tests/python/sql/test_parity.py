"""scikit-learn, ONNX Runtime and SQL give the same probabilities and take the same leaves."""

from __future__ import annotations

import warnings

import duckdb
import numpy as np
import onnx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from holdfast.contract import OnnxHeader, predict_onnx
from holdfast.estimators._blend import blend
from holdfast.estimators._linear import fit_linear
from holdfast.estimators._trees import TreeModel
from holdfast.scoring import OnnxModel
from holdfast.sql import SqlModel
from scoring_models import fit_trees, linear_model, tree_attribute, tree_model
from sql_models import bg_nbd, column, converted, load, odd_rows, random_trees

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE")


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        yield opened


def assert_same(connection, model, rows, expected=None):
    """Compare ONNX Runtime, how Holdfast runs it, the expression and the query; give the query."""
    blob = model if isinstance(model, bytes) else model.SerializeToString()
    given = predict_onnx(blob, rows)
    compiled = SqlModel.from_bytes(blob)
    load(connection, "rows", rows, compiled.feature_names)
    query = compiled.query("rows", keys=["row_number"], output="p")
    results = {
        "expression": f"select {compiled.expression()} from rows order by row_number",
        "query": f"select p from ({query}) order by row_number",
    }
    for form, sql in results.items():
        np.testing.assert_allclose(column(connection, sql), given, atol=1e-6, err_msg=form)
    held = OnnxModel.from_bytes(blob).predict(rows)
    np.testing.assert_allclose(held, given, atol=1e-6)
    if expected is not None:
        np.testing.assert_allclose(given, expected, atol=1e-6)
    return query


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    trees=st.integers(1, 12),
    leaves=st.integers(1, 40),
    width=st.integers(1, 6),
)
def test_random_trees_take_the_same_leaves(connection, seed, trees, leaves, width):
    model = random_trees(seed, trees=trees, leaves=leaves, width=width, modes=MODES)
    thresholds = tree_attribute(model, "nodes_values").floats
    query = assert_same(connection, model, odd_rows(seed + 1, width, 400, thresholds))
    assert ("_tables" in query) == (trees * (leaves - 1) >= 50)


def test_one_leaf_trees(connection):
    model = random_trees(1, trees=3, leaves=1, width=2)
    assert_same(connection, model, odd_rows(2, 2, 20))


def test_deep_and_large_trees(connection):
    rows, outcome = _training_rows(4, 1500, seed=5)
    chain = DecisionTreeClassifier(max_leaf_nodes=None, random_state=0).fit(rows[:, :1], outcome)
    assert chain.get_depth() > 12
    assert chain.get_n_leaves() > 100
    model = converted(chain, 1)
    thresholds = tree_attribute(model, "nodes_values").floats
    edges = odd_rows(6, 1, 2000, thresholds)
    edges = edges[~np.isnan(edges) & np.isfinite(edges)].reshape(-1, 1)
    assert_same(connection, model, edges, chain.predict_proba(edges)[:, 1])


def test_no_rows(connection):
    for model in (random_trees(3, trees=9, leaves=9, width=2), linear_model([1.0, 2.0])):
        query = assert_same(connection, model, np.empty((0, 2), np.float32))
        assert connection.execute(query).fetchall() == []


def test_all_missing_rows(connection):
    assert_same(
        connection,
        random_trees(4, trees=9, leaves=9, width=3),
        np.full((2, 3), np.nan, np.float32),
    )


@pytest.mark.parametrize("iterations", [3, 40])
def test_histogram_gradient_boosting(connection, iterations):
    classifier, rows = fit_trees(max_iter=iterations, max_leaf_nodes=16)
    model = tree_model(classifier)
    edges = odd_rows(7, rows.shape[1], 3000, tree_attribute(model, "nodes_values").floats)
    query = assert_same(connection, model, edges, classifier.predict_proba(edges)[:, 1])
    assert "_tables" in query or iterations == 3


def _training_rows(width, count, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, width)).astype(np.float32)
    rows[:, -1] = rng.integers(0, 4, count)
    score = rows[:, 0] + rows[:, 1] * rows[:, 2] + (rows[:, -1] == 2)
    return rows, (score + rng.normal(size=count) > 0.3).astype(int)


@pytest.mark.parametrize(
    "classifier",
    [
        RandomForestClassifier(12, max_depth=6, random_state=0),
        GradientBoostingClassifier(n_estimators=25, random_state=0),
        DecisionTreeClassifier(max_depth=5, random_state=0),
        CalibratedClassifierCV(
            GradientBoostingClassifier(n_estimators=12, random_state=0), method="sigmoid", cv=2
        ),
        CalibratedClassifierCV(
            HistGradientBoostingClassifier(max_iter=12, random_state=0), method="sigmoid", cv=2
        ),
        make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression()),
        make_pipeline(
            SimpleImputer(strategy="median"),
            GradientBoostingClassifier(n_estimators=20, random_state=0),
        ),
        make_pipeline(
            ColumnTransformer(
                [
                    ("categories", OneHotEncoder(handle_unknown="ignore"), [3]),
                    ("numbers", StandardScaler(), [0, 1, 2]),
                ]
            ),
            LogisticRegression(),
        ),
    ],
    ids=lambda each: "-".join(
        type(step).__name__ for step in getattr(each, "named_steps", {"": each}).values()
    ),
)
def test_scikit_learn_models(connection, classifier):
    rows, outcome = _training_rows(4, 600)
    classifier.fit(rows, outcome)
    fresh, _ = _training_rows(4, 1500, seed=9)
    fresh[:, 3][::5] = 7.0
    if "simpleimputer" in getattr(classifier, "named_steps", {}):
        fresh[::3, 1] = np.nan
        fresh[::7] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = classifier.predict_proba(fresh)[:, 1]
    assert_same(connection, converted(classifier, 4), fresh, expected)


def test_linear_model_with_logarithms(connection):
    model = linear_model([0.5, -1.25, 0.01], log=True)
    rows = odd_rows(8, 3, 500)
    assert_same(
        connection,
        model,
        rows[
            np.isfinite(rows).all(axis=1) | np.isnan(rows).any(axis=1) & ~np.isinf(rows).any(axis=1)
        ],
    )


def _header(algorithm, names):
    return OnnxHeader("churn", algorithm, algorithm, names)


def test_trained_linear_model_trees_and_their_blend(connection):
    names = ("orders_30d", "days since", "Umsatz €", 'a"b', "share")
    classifier, rows = fit_trees(max_iter=40, max_leaf_nodes=8)
    # The first two have tails, so that the linear model takes their logarithms.
    rows[:, :2] = np.sign(rows[:, :2]) * np.expm1(np.abs(rows[:, :2]) * 3)
    outcome = (np.nan_to_num(rows[:, 0]) > 1).astype(np.int64)
    outcome[::5] = 1 - outcome[::5]
    linear = fit_linear(rows, outcome, names)
    trees = TreeModel(classifier).scaled(0.8)
    edges = odd_rows(10, 5, 3000)
    for name, model in (("linear", linear), ("trees", trees), ("blend", blend(linear, trees))):
        assert_same(connection, model.to_onnx(_header(name, names)), edges, model.predict(edges))


def test_linear_model_of_counts(connection):
    # Counts and amounts from 0 on: the logarithm needs no sign, and infinite values are missing.
    rng = np.random.default_rng(7)
    rows = np.floor(np.exp(rng.normal(size=(2_000, 4)) * 2)).astype(np.float32)
    rows[:, 3] -= 3
    rows[rng.random(rows.shape) < 0.1] = np.nan
    outcome = (np.nan_to_num(rows[:, 0]) + rng.normal(size=2_000) > 2).astype(np.int64)
    model = fit_linear(rows, outcome, ("f0", "f1", "f2", "f3"))
    assert model.signed_log.any()
    assert (model.lower[:3] >= 0).all()
    assert model.lower[3] < 0
    blob = model.to_onnx(_header("linear", ("f0", "f1", "f2", "f3")))
    compiled = SqlModel.from_bytes(blob)
    assert compiled._finite == {0, 1, 2, 3}
    assert "infinity" not in compiled.query("rows")
    edges = odd_rows(8, 4, 3_000)
    assert_same(connection, blob, edges, model.predict(edges))


def test_infinite_values_that_trees_read_stay_infinite(connection):
    classifier, rows = fit_trees(width=3, max_iter=30, max_leaf_nodes=8)
    outcome = (np.nan_to_num(rows[:, 0]) > 0).astype(np.int64)
    outcome[::4] = 1 - outcome[::4]
    linear, trees = fit_linear(rows, outcome, ("f0", "f1", "f2")), TreeModel(classifier)
    both = blend(linear, trees)
    blob = both.to_onnx(_header("blend", ("f0", "f1", "f2")))
    assert SqlModel.from_bytes(blob)._finite == frozenset()
    edges = odd_rows(9, 3, 2_000)
    assert_same(connection, blob, edges, both.predict(edges))


def test_linear_model_rounds_wider_types_to_float32_once(connection):
    rows = np.array([[0, 1], [1, 0], [2, 5], [3, 3], [9, 2], [40, 1]] * 40, np.float32)
    model = fit_linear(rows, np.arange(len(rows)) % 3 % 2, ("f0", "f1"))
    blob = model.to_onnx(_header("linear", ("f0", "f1")))
    most = 3.4028235677973362e38  # the last double that float32 does not make infinite
    doubles = [most, -most, np.nextafter(most, np.inf), 1e300, -1e300, np.inf, np.nan, 1e-320, 0.1]
    integers = [2**24 + 1, -(2**63), 2**62, 0, 1, 2, 3, 4, 5]
    with np.errstate(over="ignore"):
        expected = predict_onnx(
            blob, np.array([doubles, integers], np.float64).T.astype(np.float32)
        )
    compiled = SqlModel.from_bytes(blob)
    data = {"i": np.arange(9), "f0": doubles, "f1": pa.array(integers, pa.int64())}
    connection.register("wide_linear", pa.table(data))
    for sql in (
        f"select {compiled.expression()} from wide_linear order by i",
        f"select p from ({compiled.query('wide_linear', keys=['i'], output='p')}) order by i",
    ):
        np.testing.assert_allclose(column(connection, sql), expected, atol=1e-6)
    connection.execute(
        "create or replace table narrow as select 1 as i, true as f0, 3::decimal(18, 2) as f1"
    )
    (given,) = column(connection, compiled.query("narrow", keys=[], output="p"))
    assert given == pytest.approx(predict_onnx(blob, np.array([[1, 3]], np.float32))[0], abs=1e-6)


def test_bgnbd(connection):
    edges = odd_rows(12, 3, 1000, [0, 1, 2, 100])
    rows = np.array([[1, 20, 20], [3, 10, 60], [5, 5, 90], [1, 80, 80]], np.float32)
    assert_same(connection, bg_nbd(), np.concatenate([rows, edges]).astype(np.float32))


@pytest.mark.parametrize("trees", [3, 60])
def test_wider_types_are_rounded_to_float32_once(connection, trees):
    width = 2
    model = random_trees(13, trees=trees, leaves=5, width=width)
    edges = np.asarray(tree_attribute(model, "nodes_values").floats, np.float64)
    edges = edges[np.isfinite(edges) & (np.abs(edges) < 1e30)]
    above = np.nextafter(edges.astype(np.float32), np.float32(np.inf)).astype(np.float64)
    middle = (edges + above) / 2
    doubles = np.concatenate([middle, np.nextafter(middle, np.inf), np.nextafter(middle, -np.inf)])
    doubles = np.concatenate([doubles, [1e300, -1e300, 3.4028235677973366e38, 1e-320, np.nan]])
    integers = np.resize([2**24 + 1, 2**24 + 2, 2**24 + 3, -(2**53) - 1, 2**62, 0], len(doubles))
    with np.errstate(over="ignore"):
        rows = np.stack([doubles.astype(np.float32), integers.astype(np.float32)], axis=1)
    blob = model.SerializeToString()
    expected = OnnxModel.from_bytes(blob).predict(rows)
    compiled = SqlModel.from_bytes(blob)
    data = pa.table(
        {"i": np.arange(len(doubles)), "f0": doubles, "f1": pa.array(integers, pa.int64())}
    )
    connection.register("wide", data)
    for sql in (
        f"select {compiled.expression()} from wide order by i",
        f"select p from ({compiled.query('wide', keys=['i'], output='p')}) order by i",
    ):
        np.testing.assert_allclose(column(connection, sql), expected, atol=1e-6)


def test_a_model_read_back_from_bytes_gives_the_same_sql():
    blob = random_trees(14, trees=20, leaves=8, width=4).SerializeToString()
    again = onnx.load_model_from_string(blob).SerializeToString()
    first, second = SqlModel.from_bytes(blob), SqlModel.from_bytes(again)
    assert first.query("t") == second.query("t")
    assert first.expression("spark") == second.expression("spark")
