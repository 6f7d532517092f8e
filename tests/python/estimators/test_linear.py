"""The regression, its preparation and its terms."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from holdfast.contract import predict_onnx
from holdfast.estimators._linear import fit_linear


def test_linear_contributions_add_up_to_the_log_odds(part, header):
    model = fit_linear(part.features, part.y, part.names)
    blob = model.to_onnx(header)
    session = onnxruntime.InferenceSession(blob)
    probes = part.features.copy()
    probes[0] = np.nan
    probabilities, terms = session.run(["probabilities", "contributions"], {"features": probes})
    assert terms.dtype == np.float32
    said = {e.key: e.value for e in onnx.load_from_string(blob).metadata_props}
    total = float(said["holdfast.base_value"]) + terms.astype(np.float64).sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-total)), probabilities[:, 1], atol=1e-6)
    np.testing.assert_allclose(terms, model.contributions(probes), atol=1e-5)


def test_linear_contributions_are_the_exact_values_against_the_training_mean(part):
    model = fit_linear(part.features, part.y, part.names)
    np.testing.assert_allclose(model.contributions(part.features).mean(axis=0), 0, atol=1e-9)


def test_linear_model_uses_what_missingness_tells(part):
    model = fit_linear(part.features, part.y, part.names)
    assert model.missing_coefficient[1] > 0.2
    # A share had no missing values in training, so there is no flag to weigh.
    assert model.missing_coefficient[2] == 0


def test_shares_and_narrow_features_stay_off_the_logarithm():
    features = np.array([[5, 5, 5, 0.5], [9, 9, 9, -1], [2, 2, 2, 1]], np.float32)
    names = ("orders", "share_of_web", "days_per_gap", "narrow")
    model = fit_linear(features, np.array([0, 1, 0]), names)
    assert model.signed_log.tolist() == [True, False, False, False]


def test_linear_model_takes_infinity_as_missing(part, header):
    blob = fit_linear(part.features, part.y, part.names).to_onnx(header)
    rows = np.array([[np.inf, 1, 1, 1], [-np.inf, 1, 1, 1], [np.nan, 1, 1, 1]], np.float32)
    given = predict_onnx(blob, rows)
    assert given[0] == given[1] == given[2]


def test_linear_model_holds_to_the_bounds_of_what_it_has_seen(part, header):
    model = fit_linear(part.features, part.y, part.names)
    rows = np.nan_to_num(part.features[:1])
    highest, beyond = rows.copy(), rows.copy()
    highest[0, 1] = np.nanmax(part.features[:, 1])
    beyond[0, 1] = 1e9
    assert model.log_odds(highest)[0] == pytest.approx(model.log_odds(beyond)[0])
    blob = model.to_onnx(header)
    np.testing.assert_allclose(predict_onnx(blob, highest), predict_onnx(blob, beyond), atol=1e-6)


def test_silence_goes_on_to_twice_the_longest_that_was_seen(part):
    model = fit_linear(part.features, part.y, part.names)
    longest = float(np.nanmax(part.features[:, 0]))
    rows = np.repeat(np.nan_to_num(part.features[:1]), 4, axis=0)
    rows[:, 0] = [longest, 1.5 * longest, 2 * longest + 1, 1e9]
    given = model.log_odds(rows)
    assert (given[1] - given[0]) * model.coefficient[0] > 0
    assert given[2] == pytest.approx(given[3])


def test_what_moved_with_the_dates_is_left_to_the_dates():
    # the rate rises from month to month, and so does a feature that says nothing within a month
    random = np.random.default_rng(0)
    month = np.repeat(np.arange(8), 500)
    as_of = (np.datetime64("2025-01", "M") + month).astype("datetime64[us]")
    features = (month + random.normal(0, 2, 4000))[:, None].astype(np.float32)
    rate = 1 / (1 + np.exp(3.5 - month))
    y = (random.random(4000) < rate).astype(np.int64)
    alone = fit_linear(features, y, ("share",)).coefficient[0]
    dated = fit_linear(features, y, ("share",), as_of=as_of).coefficient[0]
    assert dated < 0.8 * alone
