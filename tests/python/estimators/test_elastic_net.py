from __future__ import annotations

import numpy as np
import pytest

from holdfast.estimators._elastic_net import fit_elastic_net, fit_elastic_net_to_values


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    design = random.normal(size=(600, 8))
    design[:, 7] = design[:, 0] + 0.1 * random.normal(size=600)
    design = (design - design.mean(axis=0)) / design.std(axis=0)
    score = design[:, 0] - 0.7 * design[:, 1] - 0.4
    return design, (random.random(600) < 1 / (1 + np.exp(-score))).astype(np.int64)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("inverse_penalty", [0.01, 0.1, 10.0])
def test_solution_is_that_of_scikit_learn(rows, inverse_penalty: float, l1_ratio: float):
    from sklearn.linear_model import LogisticRegression

    design, y = rows
    reference = LogisticRegression(
        solver="saga", C=inverse_penalty, l1_ratio=l1_ratio, tol=1e-9, max_iter=20_000
    ).fit(design, y)
    found = fit_elastic_net(design, y, inverse_penalty=inverse_penalty, l1_ratio=l1_ratio)
    assert found[0] == pytest.approx(reference.intercept_[0], abs=1e-4)
    np.testing.assert_allclose(found[1:], reference.coef_[0], atol=2e-4)


def test_start_does_not_change_the_solution(rows):
    design, y = rows
    cold = fit_elastic_net(design, y, inverse_penalty=0.05, l1_ratio=0.5)
    warm = fit_elastic_net(design, y, inverse_penalty=0.05, l1_ratio=0.5, start=np.full(9, 0.3))
    np.testing.assert_allclose(warm, cold, atol=1e-4)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_columns_that_are_copies_of_each_other_and_separable_rows_are_solved(l1_ratio: float):
    column = np.linspace(-1.5, 1.5, 40)
    design = np.column_stack([column, column])
    found = fit_elastic_net(
        design, (column > 0).astype(np.int64), inverse_penalty=1.0, l1_ratio=l1_ratio
    )
    assert np.isfinite(found).all()
    assert found[1] + found[2] > 1


def test_elastic_net_finds_what_least_squares_finds() -> None:
    random = np.random.default_rng(7)
    design = random.normal(size=(400, 3))
    design = (design - design.mean(axis=0)) / design.std(axis=0)
    y = 1000 + design @ [50.0, -20.0, 0.0] + random.normal(size=400)
    full = np.column_stack([np.ones(400), design])
    expected = np.linalg.lstsq(full, y, rcond=None)[0]
    found = fit_elastic_net_to_values(design, y, inverse_penalty=1e9, l1_ratio=0.0)
    assert found == pytest.approx(expected, rel=1e-6)
    sparse = fit_elastic_net_to_values(design, y, inverse_penalty=0.02, l1_ratio=1.0)
    assert sparse[3] == 0
    assert 0 < sparse[1] < expected[1]


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_weights_with_signs_are_the_best_of_those_allowed(rows, l1_ratio: float):
    from scipy.optimize import minimize

    design, y = rows
    # the first and the last are near copies, of which one may not help out with the wrong sign
    signs = np.array([-1, -1, 1, 0, 1, -1, 0, 1], np.int8)
    found = fit_elastic_net(design, y, inverse_penalty=0.05, l1_ratio=l1_ratio, signs=signs)
    assert (found[1:] * signs >= 0).all()

    # the absolute value is smooth where positive and negative parts are apart
    penalty, width = 1 / (0.05 * len(y)), design.shape[1]

    def objective(parts: np.ndarray) -> float:
        weights = parts[1 : 1 + width] - parts[1 + width :]
        odds = parts[0] + design @ weights
        loss = (np.logaddexp(0, odds) - y * odds).mean()
        squares = 0.5 * (1 - l1_ratio) * weights @ weights
        return float(loss + penalty * (l1_ratio * parts[1:].sum() + squares))

    bounds = [(None, None)]
    bounds += [(0, 0 if sign < 0 else None) for sign in signs]
    bounds += [(0, 0 if sign > 0 else None) for sign in signs]
    best = minimize(
        objective, np.zeros(1 + 2 * width), bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9}
    )
    weights = best.x[1 : 1 + width] - best.x[1 + width :]
    np.testing.assert_allclose(found, [best.x[0], *weights], atol=5e-4)
    free = fit_elastic_net(design, y, inverse_penalty=0.05, l1_ratio=l1_ratio)
    assert (free[1:] * signs < 0).any()
