from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from holdfast.contract import predict_onnx
from holdfast.scoring import OnnxModel
from holdfast.training import TrainingError, train

Shop = Callable[..., str]

MODULE = '''
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC


def filled(*steps):
    return make_pipeline(SimpleImputer(strategy="median"), *steps)


def linear(C=1.0):
    return filled(StandardScaler(), LogisticRegression(C=C))


def forest(trees=20):
    return filled(RandomForestClassifier(trees, max_depth=4))


def boosting():
    return HistGradientBoostingClassifier(max_iter=10, max_depth=2)


def categorical():
    return HistGradientBoostingClassifier(categorical_features=[0])


def bare_linear():
    return LogisticRegression()


def bare_forest():
    return RandomForestClassifier(5, max_depth=3, random_state=0)


def isotonic():
    return CalibratedClassifierCV(
        filled(StandardScaler(), LogisticRegression()), method="isotonic", cv=3
    )


def isotonic_inside():
    return filled(CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=3))


def calibrated_pipeline():
    return CalibratedClassifierCV(filled(LogisticRegression()), method="sigmoid", cv=3)


def sigmoid():
    return filled(StandardScaler(), CalibratedClassifierCV(LogisticRegression(), cv=3))


def bayes():
    return filled(GaussianNB())


def regressor():
    return Ridge()


def ridge(alpha=1.0):
    return filled(StandardScaler(), Ridge(alpha=alpha))


def forest_of_numbers():
    return filled(RandomForestRegressor(10, max_depth=4))


def boosting_of_numbers(loss="squared_error"):
    return HistGradientBoostingRegressor(loss=loss, max_iter=10, max_depth=2)


def without_probability():
    return LinearSVC()


def broken():
    raise KeyError("no such thing")


def a_class():
    return LogisticRegression


class Odd(LogisticRegression):
    """scikit-learn knows it, skl2onnx does not."""


def odd():
    return filled(Odd())


NOT_CALLABLE = 3
'''


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a module of the user's into the current folder, where dbt would run."""
    name = f"shop_models_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return name


def champion(rows: pa.Table) -> dict[str, Any]:
    (row,) = [row for row in rows.to_pylist() if row["stage"] == "champion"]
    return row


def matrix(session: Any, shop: str, names: list[str]) -> np.ndarray:
    listed = ", ".join(f'"{name}"' for name in names)
    table = session.execute(f"select {listed} from {shop}").to_arrow_table()
    return np.column_stack([column.to_numpy() for column in table.columns]).astype(np.float32)


@pytest.mark.parametrize("function", ["linear", "forest", "boosting", "sigmoid"])
def test_function_that_returns_a_classifier_becomes_the_champion(
    session, make_shop: Shop, module: str, function: str
):
    shop = make_shop()
    name = f"{module}:{function}"
    rows = train(session, shop, settings={"estimator": name})
    assert {row["algorithm"] for row in rows.to_pylist() if row["stage"] != "baseline"} == {name}
    found = champion(rows)
    again = train(session, shop, settings={"estimator": name})
    assert again["model_id"].to_pylist() == rows["model_id"].to_pylist()

    # the file scores in the warehouse, and explains where it can
    model = OnnxModel.from_bytes(found["onnx"], found["onnx_sha256"])
    features = matrix(session, shop, found["feature_names"])
    probability = predict_onnx(found["onnx"], features)
    explained = json.loads(found["parameters"])["is_explained"]
    assert explained is (function not in ("forest", "sigmoid"))
    if explained:
        log_odds = model.base_value + model.contributions(features).sum(axis=1)
        np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), probability, atol=1e-5)


def spend_of(session: Any, shop: str) -> tuple[str, dict[str, Any]]:
    """Give a training set whose label is a number, and the settings of its task."""
    spend = "40 * order_count_90d + days_since_order + 10 * (customer_id % 7)"
    return f"(select * replace ({spend} as churned) from {shop})", {
        "task": "spend",
        "target": "regression",
        "baseline_feature": "order_count_90d",
    }


@pytest.mark.parametrize(
    ("function", "parameters", "is_explained"),
    [
        ("ridge", {"alpha": 0.5}, True),
        ("boosting_of_numbers", {"loss": "absolute_error"}, True),
        ("forest_of_numbers", {}, False),
    ],
)
def test_function_that_returns_a_regressor_predicts_a_number(
    session, make_shop: Shop, module: str, function: str, parameters: Any, is_explained: bool
):
    shop = make_shop()
    training_set, settings = spend_of(session, shop)
    name = f"{module}:{function}"
    settings = {**settings, "estimator": name, "estimator_parameters": parameters}
    rows = train(session, training_set, settings=settings)
    assert {row["algorithm"] for row in rows.to_pylist() if row["stage"] != "baseline"} == {name}
    (twin,) = [row for row in rows.to_pylist() if row["stage"] == "evaluated"]
    assert json.loads(twin["metrics"])["test"]["r2"] > 0.4
    found = champion(rows)
    model = OnnxModel.from_bytes(found["onnx"], found["onnx_sha256"])
    features = matrix(session, shop, found["feature_names"])
    values = model.predict(features)
    assert values.max() > 100
    assert json.loads(found["parameters"])["is_explained"] is is_explained
    if is_explained:
        total = model.base_value + model.contributions(features).sum(axis=1)
        np.testing.assert_allclose(total, values, rtol=1e-5, atol=1e-3)
    scored = session.execute(f"select {found['score_sql']} from {shop}").fetchall()
    np.testing.assert_allclose(np.ravel(scored), values, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    ("function", "parameters", "told"),
    [
        ("linear", {}, "must return a regressor of scikit-learn"),
        # its trees add up the logarithm
        ("boosting_of_numbers", {"loss": "poisson"}, "ONNX Runtime and the fitted"),
    ],
)
def test_function_that_gives_no_number_is_told_by_name(
    session, make_shop: Shop, module: str, function: str, parameters: Any, told: str
):
    training_set, settings = spend_of(session, make_shop())
    name = f"{module}:{function}"
    settings = {**settings, "estimator": name, "estimator_parameters": parameters}
    with pytest.raises(TrainingError) as caught:
        train(session, training_set, settings=settings)
    assert told in str(caught.value)
    assert name in str(caught.value)


def test_parameters_reach_the_function(session, make_shop: Shop, module: str):
    name = f"{module}:forest"
    settings = {"estimator": name, "estimator_parameters": {"trees": 3}}
    found = champion(train(session, make_shop(), settings=settings))
    said = json.loads(found["parameters"])["hyperparameters"]
    assert said["function"] == name
    assert said["parameters"] == {"trees": 3}


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("absent", "cannot be imported: AttributeError"),
        ("NOT_CALLABLE", "must be a function"),
        ("broken", "cannot be called with {}: KeyError: 'no such thing'."),
        ("regressor", "must return a classifier of scikit-learn"),
        ("a_class", "must return a classifier of scikit-learn"),
        ("without_probability", "returned a LinearSVC without predict_proba"),
        ("categorical", "names categorical_features"),
        ("bare_linear", "cannot be fitted: ValueError"),
        ("odd", "cannot be exported as an ONNX model"),
        ("bayes", "uses the operator ai.onnx.ReduceLogSumExp"),
        # skl2onnx loses where missing values go; the parity of the file is what tells
        ("bare_forest", "ONNX Runtime and the fitted"),
        ("bare_forest", "for example make_pipeline(SimpleImputer(), RandomForestClassifier(…))."),
        ("isotonic", "isotonic regression, which ONNX does not reproduce. Calibrate the"),
        ("isotonic_inside", "CalibratedClassifierCV(…, method='sigmoid'))."),
        ("calibrated_pipeline", "It calibrates a pipeline, which skl2onnx does not always"),
    ],
)
def test_function_that_gives_no_usable_model_is_told_by_name(
    session, make_shop: Shop, module: str, function: str, told: str
):
    with pytest.raises(TrainingError) as caught:
        train(session, make_shop(), settings={"estimator": f"{module}:{function}"})
    assert told in str(caught.value)
    assert f"{module}:{function}" in str(caught.value)
    # nothing is kept yet, so no backup has it, and the libraries are not at fault
    assert "backup" not in str(caught.value)
    assert "Install the library versions" not in str(caught.value)


def test_parameters_that_the_function_does_not_take_are_told(session, make_shop: Shop, module: str):
    settings = {"estimator": f"{module}:linear", "estimator_parameters": {"trees": 3}}
    with pytest.raises(TrainingError, match=r"cannot be called with \{'trees': 3\}: TypeError"):
        train(session, make_shop(), settings=settings)


def test_module_that_is_not_there_is_told(session, make_shop: Shop):
    with pytest.raises(TrainingError, match="nowhere:f cannot be imported: ModuleNotFoundError"):
        train(session, make_shop(), settings={"estimator": "nowhere:f"})


@pytest.mark.parametrize("estimator", ["logistic_regression", "hist_gradient_boosting", "blend"])
def test_one_of_the_models_can_be_asked_for(session, make_shop: Shop, estimator: str):
    rows = train(session, make_shop(), settings={"estimator": estimator})
    assert {row["algorithm"] for row in rows.to_pylist() if row["stage"] != "baseline"} == {
        estimator
    }


@pytest.mark.parametrize(
    ("estimator", "parameters", "said"),
    [
        ("logistic_regression", {"C": 0.02, "l1_ratio": 0.5}, {"C": 0.02, "l1_ratio": 0.5}),
        ("logistic_regression", {"l1_ratio": 1}, {"l1_ratio": 1}),
        ("hist_gradient_boosting", {"max_iter": 17}, {"max_iter": 17, "max_depth": 3}),
        ("hist_gradient_boosting", {"learning_rate": 0.2}, {"learning_rate": 0.2}),
    ],
)
def test_parameters_are_kept_and_not_searched(
    session, make_shop: Shop, estimator, parameters, said
):
    settings = {"estimator": estimator, "estimator_parameters": parameters}
    found = champion(train(session, make_shop(), settings=settings))
    hyperparameters = json.loads(found["parameters"])["hyperparameters"]
    assert hyperparameters | said == hyperparameters


def test_parameters_of_several_stand_under_their_names(session, make_shop: Shop):
    parameters = {"logistic_regression": {"C": 0.5}, "hist_gradient_boosting": {"max_iter": 5}}
    settings = {"estimator": "blend", "estimator_parameters": parameters}
    found = champion(train(session, make_shop(), settings=settings))
    said = json.loads(found["parameters"])["hyperparameters"]
    assert said["logistic_regression"]["C"] == 0.5
    assert said["hist_gradient_boosting"]["max_iter"] == 5


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"estimator": "forest"}, "There is no estimator 'forest'"),
        ({"estimator_parameters": {"C": 1}}, "put the parameters under its name"),
        (
            {"estimator": "logistic_regression", "estimator_parameters": {"alpha": 1}},
            "no parameter 'alpha'. Allowed in estimator_parameters: C, l1_ratio",
        ),
        (
            {"estimator": "logistic_regression", "estimator_parameters": {"C": 0}},
            "'C' parameter",
        ),
        (
            {"estimator": "hist_gradient_boosting", "estimator_parameters": {"max_depth": "deep"}},
            "max_depth",
        ),
    ],
)
def test_wrong_estimator_or_parameter_is_told_with_what_is_allowed(
    session, make_shop: Shop, settings: dict[str, Any], told: str
):
    with pytest.raises(TrainingError, match=told.replace("(", r"\(")):
        train(session, make_shop(), settings=settings)
