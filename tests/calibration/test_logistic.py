"""Logistic regression without the library that fitted it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from cbvae_cli.calibration import logistic
from cbvae_cli.calibration.logistic import Logistic, fit_logistic
from cbvae_cli.calibration.present import ABSENT

STORED = {"float32", "float64", "int32", "int64", "uint8", "bool"}


def table(seed=0, n_rows=500, n_classes=2, n_features=6):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, n_features)) * 10.0 ** rng.integers(-3, 4, n_features)
    x += rng.normal(0, 100, n_features)
    score = (
        (x - x.mean(axis=0)) / x.std(axis=0) @ rng.normal(size=(n_features, n_classes))
    )
    labels = (score + rng.gumbel(size=score.shape)).argmax(axis=1)
    labels[:n_classes] = np.arange(n_classes)
    return x, labels, rng.gamma(2.0, size=n_rows)


def by_the_library(x, labels, weights, strength):
    shares = weights / weights.sum()
    centre = shares @ x
    spread = np.sqrt(shares @ (x - centre) ** 2)
    model = LogisticRegression(
        C=1 / strength, tol=logistic.TOLERANCE, max_iter=logistic.MOST_STEPS
    )
    ready = (x - centre) / spread
    model.fit(ready, labels, sample_weight=weights / weights.mean())
    return model, lambda rows: (rows - centre) / spread


@pytest.mark.parametrize("n_classes", [2, 3, 6])
@pytest.mark.parametrize("strength", [0.01, 1.0, 100.0])
def test_answers_are_those_of_the_library(n_classes, strength):
    x, labels, weights = table(n_classes=n_classes)
    fitted = fit_logistic(x, labels, weights, n_classes, strength)
    model, scaled = by_the_library(x, labels, weights, strength)
    found = fitted.log_probabilities(x)
    np.testing.assert_allclose(
        np.exp(found), model.predict_proba(scaled(x)), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_stored_numbers_answer_as_their_model_does(n_classes, monkeypatch):
    models = []
    fit = logistic._fitted
    monkeypatch.setattr(
        logistic, "_fitted", lambda *args: models.append(fit(*args)) or models[0]
    )
    x, labels, weights = table(n_classes=n_classes)
    fitted = fit_logistic(x, labels, weights, n_classes, 1.0)
    ready = (x - fitted.centre) / fitted.spread
    np.testing.assert_allclose(
        fitted.log_probabilities(x), models[0].predict_log_proba(ready), atol=1e-10
    )


def test_a_known_slope_is_found_again():
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 5.0, (20_000, 1))
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-(0.4 * x[:, 0] - 1)))).astype(int)
    fitted = fit_logistic(x, labels, np.ones(20_000), 2, 1e-3)
    logs = fitted.log_probabilities(np.array([[0.0], [1.0]]))
    odds = logs[:, 1] - logs[:, 0]
    assert odds[0] == pytest.approx(-1, abs=0.1)
    assert odds[1] - odds[0] == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-300, -1e8 / 3, 12345678.9])
def test_constant_columns_say_nothing(value):
    x, labels, weights = table()
    plain = fit_logistic(x, labels, weights, 2, 1.0)
    wide = np.column_stack([np.full(len(x), value), x])
    fitted = fit_logistic(wide, labels, weights, 2, 1.0)
    assert not fitted.slopes[:, 0].any()
    wide[:, 0] = 5e9
    np.testing.assert_array_equal(
        fitted.log_probabilities(wide), plain.log_probabilities(x)
    )


@pytest.mark.parametrize("n_columns", [0, 2])
def test_without_a_column_that_varies_shares_decide(n_columns):
    x = np.ones((4, n_columns))
    fitted = fit_logistic(x, np.array([0, 2, 2, 2]), np.ones(4), 3, 1.0)
    found = np.exp(fitted.log_probabilities(x))
    np.testing.assert_allclose(found, [[0.25, 0.0, 0.75]] * 4, atol=1e-9)


@pytest.mark.parametrize("held", [[1], [0, 2], [1, 3, 4]])
def test_classes_without_rows_get_the_floor(held):
    x, labels, weights = table(n_classes=len(held))
    fitted = fit_logistic(x, np.array(held)[labels], weights, 5, 1.0)
    logs = fitted.log_probabilities(x)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1.0, atol=1e-12)
    absent = [c for c in range(5) if c not in held]
    np.testing.assert_allclose(logs[:, absent], ABSENT, atol=1e-9)
    plain = fit_logistic(x, labels, weights, len(held), 1.0)
    np.testing.assert_allclose(logs[:, held], plain.log_probabilities(x), atol=1e-11)


def test_rows_without_weight_are_as_good_as_absent():
    x, labels, weights = table(n_classes=3)
    weights[labels == 2] = 0.0
    kept = weights > 0
    whole = fit_logistic(x, labels, weights, 3, 1.0)
    part = fit_logistic(x[kept], labels[kept], weights[kept], 3, 1.0)
    np.testing.assert_array_equal(whole.log_probabilities(x), part.log_probabilities(x))


def test_classes_that_a_line_parts_end_without_a_warning(monkeypatch):
    monkeypatch.setattr(logistic, "MOST_STEPS", 2)
    x = np.linspace(-1, 1, 40)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = fit_logistic(x, (x[:, 0] > 0).astype(int), np.ones(40), 2, 1e-9)
    named = fitted.log_probabilities(x).argmax(axis=1)
    np.testing.assert_array_equal(named, x[:, 0] > 0)


def test_wild_cells_still_get_probabilities():
    x, labels, weights = table(n_classes=3)
    fitted = fit_logistic(x, labels, weights, 3, 1.0)
    wild = np.full((2, x.shape[1]), 1e308) * [[1.0], [-1.0]]
    wild[1, 0] = np.inf
    logs = fitted.log_probabilities(wild)
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1.0)


def test_a_row_is_answered_alike_in_any_company():
    x, labels, weights = table(n_classes=3, n_features=37)
    fitted = fit_logistic(x, labels, weights, 3, 1.0)
    whole = fitted.log_probabilities(x)
    for rows in (slice(0, 1), slice(3, 10), slice(100, 400)):
        np.testing.assert_array_equal(fitted.log_probabilities(x[rows]), whole[rows])
    turned = np.asfortranarray(x)
    np.testing.assert_array_equal(fitted.log_probabilities(turned), whole)


def test_a_fit_gives_the_same_bytes_with_any_number_of_threads():
    x, labels, weights = table(n_rows=2000, n_classes=3, n_features=300)
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads):
            fitted = fit_logistic(x, labels, weights, 3, 1.0)
        found.append({name: a.tobytes() for name, a in fitted.arrays().items()})
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308])
def test_a_fit_needs_all_cells(bad):
    x, labels, weights = table()
    x[5, 2] = bad
    with pytest.raises(ValueError, match="cells are missing"):
        fit_logistic(x, labels, weights, 2, 1.0)


def test_an_answer_needs_all_cells_and_columns():
    x, labels, weights = table()
    fitted = fit_logistic(x, labels, weights, 2, 1.0)
    with pytest.raises(ValueError, match="shape"):
        fitted.log_probabilities(x[:, 1:])
    x[0, 0] = np.nan
    with pytest.raises(ValueError, match="cells are missing"):
        fitted.log_probabilities(x)


@pytest.mark.parametrize("strength", [0.0, -1.0, np.nan])
def test_a_strength_must_be_above_zero(strength):
    with pytest.raises(ValueError, match="strength"):
        fit_logistic(*table(), 2, strength)


@pytest.mark.parametrize("held", [[1], [0, 1], [0, 2, 3]])
def test_a_fit_comes_back_from_its_arrays(held):
    x, labels, weights = table(n_classes=len(held))
    fitted = fit_logistic(x, np.array(held)[labels], weights, 4, 1.0)
    arrays = fitted.arrays()
    assert {a.dtype.name for a in arrays.values()} <= STORED
    np.testing.assert_array_equal(
        Logistic.restore(arrays).log_probabilities(x), fitted.log_probabilities(x)
    )


def harmed():
    arrays = fit_logistic(*table(), 2, 1.0).arrays()
    for name, array in arrays.items():
        yield f"{name} shorter", {**arrays, name: array[:-1]}
        yield f"{name} deeper", {**arrays, name: array[None]}
        yield f"{name} of float32", {**arrays, name: array.astype(np.float32)}
        yield f"{name} gone", {k: a for k, a in arrays.items() if k != name}
        if array.dtype == np.float64:
            yield f"{name} not finite", {**arrays, name: array * np.nan}
    yield "spread of 0", {**arrays, "spread": 0 * arrays["spread"]}
    yield "no class", {**arrays, "present": np.zeros(2, dtype=bool)}
    yield "one more", {**arrays, "more": np.zeros(1)}


@pytest.mark.parametrize(("case", "arrays"), list(harmed()))
def test_numbers_that_are_unusable_are_refused(case, arrays):
    with pytest.raises(ValueError, match="stored logistic"):
        Logistic.restore(arrays)
    assert case


@pytest.mark.parametrize("held", [(0, 1, 2), (0, 2)])
def test_several_speak_with_the_mean_of_their_log_odds(held):
    x, labels, weights = table(n_classes=3)
    x[:, 0] = 7.0
    x[::5, 0] = 8.0  # constant in all turns but one
    bag = []
    for turn in range(5):
        rows = np.flatnonzero(np.arange(len(x)) % 5 != turn)
        if turn == 4:
            rows = rows[np.isin(labels[rows], held)]
        bag.append(fit_logistic(x[rows], labels[rows], weights[rows], 3, 1.0))
    bag.append(fit_logistic(x[1::5], labels[1::5], weights[1::5], 3, 1.0))
    together = Logistic.together(bag)
    assert len(together.parts) == (1 if len(held) == 3 else 2)
    wanted = np.mean([each.log_probabilities(x) for each in bag], axis=0)
    found = together.log_probabilities(x)
    odds = [log_p - log_p[:, :1] for log_p in (found, wanted)]
    np.testing.assert_allclose(*odds, rtol=1e-9, atol=1e-9)
