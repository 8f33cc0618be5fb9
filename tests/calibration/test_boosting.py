"""Boosted trees without the library that grew them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from cbvae_cli.calibration import boosting, tree_words
from cbvae_cli.calibration.boosting import Booster, fit_booster
from cbvae_cli.calibration.present import ABSENT

STORED = {"float32", "float64", "int32", "int64", "uint8", "bool"}


def table(seed, n_rows=400, n_classes=2, missing=0.1, n_codes=12, codes_step=1):
    """Give numbers, codes, a constant, an all-missing column and labels."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n_rows, 4))
    numbers[:, 1] = np.round(numbers[:, 1], 1)
    codes = rng.integers(0, n_codes, (n_rows, 2)) * float(codes_step)
    signal = numbers[:, 0] * numbers[:, 1] + np.sin(2.0 * codes[:, 0] / codes_step)
    noise = rng.normal(0, 0.3, n_rows)
    cuts = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
    labels = np.searchsorted(cuts, signal + noise).astype(np.int64)
    x = np.column_stack(
        [
            numbers[:, :2],
            codes[:, 0],
            np.full(n_rows, 3.5),
            numbers[:, 2:],
            codes[:, 1],
            np.full(n_rows, np.nan),
        ]
    )
    x[rng.random(x.shape) < missing] = np.nan
    # Missing where the label says so: the others of this column are all equal.
    x[:, 5] = np.where((labels == 0) & (rng.random(n_rows) < 0.8), np.nan, 1.0)
    categorical = np.array([0, 0, 1, 0, 0, 0, 1, 0], dtype=bool)
    weights = rng.gamma(2.0, size=n_rows)
    return x, labels, weights, categorical


def by_the_library(x, labels, weights, categorical, seed=0):
    """Fit scikit-learn's own, in its own column order and with its own encoder."""
    x = np.where(np.isnan(x).all(axis=0), 0.0, x)  # it refuses such columns
    n_present = len(np.unique(labels))
    many = max(boosting.LEAST_ITERATIONS, boosting.MOST_TREES // n_present)
    leaf = max(boosting.LEAST_LEAF_ROWS, len(x) // boosting.LEAF_SHARE)
    model = HistGradientBoostingClassifier(
        learning_rate=boosting.LEARNING_RATE,
        max_iter=boosting.ITERATIONS if n_present == 2 else many,
        max_leaf_nodes=boosting.MAX_LEAVES,
        min_samples_leaf=min(boosting.LEAF_ROWS, leaf),
        l2_regularization=boosting.SHRINKAGE,
        max_features=boosting.TRIED_COLUMNS,
        categorical_features=categorical if categorical.any() else None,
        early_stopping=False,
        random_state=seed,
    )
    return model.fit(x, labels, sample_weight=weights / weights.mean())


def unlike(x, seed=1):
    """Give rows with cells that training never saw.

    Columns of codes get no infinities: the library's encoder adds cells up.
    """
    rng = np.random.default_rng(seed)
    rows = x[rng.integers(0, len(x), 600)].copy()
    strange = rng.choice([np.nan, np.inf, -np.inf, 1e308, 0.0, 1.0], rows.shape)
    codes = [2, 6]
    strange[:, codes] = rng.choice([np.nan, 3.0, 99.0, 254.0], (len(rows), 2))
    return np.where(rng.random(rows.shape) < 0.25, strange, rows)


def same_as_the_library(fitted, model, rows):
    probabilities = model.predict_proba(rows)
    np.testing.assert_allclose(
        np.exp(fitted.log_probabilities(rows)), probabilities, rtol=0, atol=1e-12
    )
    raw = model.decision_function(rows)
    found = fitted.raw(rows)
    expected = np.stack([0 * raw, raw], axis=1) if raw.ndim == 1 else raw
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


CASES = {
    "two classes": {},
    "nothing missing": {"missing": 0.0},
    "half missing": {"missing": 0.5},
    "three classes": {"n_classes": 3},
    "seven classes": {"n_classes": 7, "n_rows": 700},
    "many codes": {"n_codes": 255, "n_rows": 1500},
    "codes with gaps": {"n_codes": 20, "codes_step": 13},
    "one code": {"n_codes": 1},
    "tiny": {"n_rows": 30},
    "large": {"n_rows": 3000},
}


@pytest.mark.parametrize("case", CASES)
def test_answers_are_those_of_the_library(case):
    x, labels, weights, categorical = table(3, **CASES[case])
    n_classes = labels.max() + 1
    fitted = fit_booster(x, labels, weights, n_classes, categorical, seed=0)
    model = by_the_library(x, labels, weights, categorical)
    same_as_the_library(fitted, model, x)
    same_as_the_library(fitted, model, unlike(x))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_rows=st.integers(12, 200),
    n_classes=st.integers(2, 4),
    missing=st.sampled_from([0.0, 0.2, 0.9]),
    n_codes=st.integers(1, 40),
    step=st.integers(1, 6),
    by_code=st.booleans(),
)
def test_answers_are_those_of_the_library_on_any_table(
    seed, n_rows, n_classes, missing, n_codes, step, by_code
):
    x, labels, weights, categorical = table(
        seed, n_rows, n_classes, missing, n_codes, step
    )
    categorical = categorical & by_code & ~np.isnan(x).all(axis=0)
    if len(np.unique(labels)) < n_classes:
        labels = np.arange(n_rows) % n_classes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosting, "ITERATIONS", 12)
        patch.setattr(boosting, "MOST_TREES", 12)
        patch.setattr(boosting, "LEAST_ITERATIONS", 5)
        fitted = fit_booster(x, labels, weights, n_classes, categorical, seed)
        model = by_the_library(x, labels, weights, categorical, seed)
    same_as_the_library(fitted, model, unlike(x, seed))


def test_infinite_cells_and_thresholds_are_those_of_the_library():
    x, labels, weights, categorical = table(5)
    x[labels == 1, 4] = np.where(np.arange((labels == 1).sum()) % 2, np.inf, 0.5)
    x[:40, 0] = -np.inf
    fitted = fit_booster(x, labels, weights, 2, categorical, 0)
    assert np.isposinf(fitted.trees.threshold).any()
    same_as_the_library(fitted, by_the_library(x, labels, weights, categorical), x)


def test_cells_of_both_infinities_alone_are_told_apart():
    labels = np.arange(100) % 2
    x = np.where(labels == 1, np.inf, -np.inf)[:, None]
    fitted = fit_booster(x, labels, np.ones(100), 2, np.zeros(1, bool), 0)
    named = fitted.log_probabilities(x).argmax(axis=1)
    np.testing.assert_array_equal(named, labels)


def test_a_code_never_seen_counts_as_missing():
    x, labels, weights, categorical = table(6, n_codes=9, codes_step=2)
    fitted = fit_booster(x, labels, weights, 2, categorical, 0)
    blank = x.copy()
    blank[:, 2] = np.nan
    expected = fitted.raw(blank)
    assert not np.array_equal(fitted.raw(x), expected), "the column matters"
    for code in (1.0, 200.0, 254.0, 255.0, 256.0, 1e9, -1.0, 2.5, np.inf, -np.inf):
        blank[:, 2] = code
        np.testing.assert_array_equal(fitted.raw(blank), expected)


def test_codes_too_many_for_a_set_are_taken_as_numbers():
    x, labels, weights, categorical = table(7, n_codes=10, codes_step=30)
    fitted = fit_booster(x, labels, weights, 2, categorical, 0)
    assert not len(fitted.trees.code_sets)
    model = by_the_library(x, labels, weights, np.zeros_like(categorical))
    same_as_the_library(fitted, model, unlike(x))


@pytest.mark.parametrize("bad", [-1.0, 0.5, -np.inf])
def test_what_is_no_code_is_refused(bad):
    x, labels, weights, categorical = table(0)
    x[3, 2] = bad
    with pytest.raises(ValueError, match="no code"):
        fit_booster(x, labels, weights, 2, categorical, 0)


def test_a_row_is_answered_alike_in_any_company():
    x, labels, weights, categorical = table(8, n_classes=3)
    fitted = fit_booster(x, labels, weights, 3, categorical, 0)
    rows = np.concatenate([unlike(x, seed) for seed in range(5)])
    assert len(rows) > 2 * tree_words.ROWS
    whole = fitted.raw(rows)
    for size in (1, 7, 1000):
        parts = [fitted.raw(rows[at : at + size]) for at in range(0, 1400, size)]
        np.testing.assert_array_equal(
            np.concatenate(parts)[:1400], whole[:1400][: sum(map(len, parts))]
        )
    turned = np.asfortranarray(rows[::-1])
    np.testing.assert_array_equal(fitted.raw(turned)[::-1], whole)
    assert fitted.raw(rows[:0]).shape == (0, 3)


@pytest.mark.parametrize("held", [[1], [0, 2], [1, 3, 4]])
def test_classes_without_rows_get_the_floor(held):
    x, labels, weights, categorical = table(9, n_classes=len(held))
    fitted = fit_booster(x, np.array(held)[labels], weights, 5, categorical, 0)
    logs = fitted.log_probabilities(x)
    assert logs.shape == (len(x), 5)
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1.0, atol=1e-12)
    absent = [c for c in range(5) if c not in held]
    np.testing.assert_allclose(logs[:, absent], ABSENT, atol=1e-9)
    if len(held) > 1:
        model = by_the_library(x, labels, weights, categorical)
        np.testing.assert_allclose(
            np.exp(logs[:, held]), model.predict_proba(x), atol=1e-9
        )


def test_rows_without_weight_are_as_good_as_absent():
    x, labels, weights, categorical = table(10, n_classes=3)
    weights[labels == 2] = 0.0
    weights[::7] = 0.0
    whole = fit_booster(x, labels, weights, 3, categorical, 0)
    kept = weights > 0
    part = fit_booster(x[kept], labels[kept], weights[kept], 3, categorical, 0)
    np.testing.assert_array_equal(whole.raw(x), part.raw(x))
    assert whole.present.tolist() == [True, True, False]


def test_only_the_ratios_of_weights_count():
    x, labels, weights, categorical = table(10)
    one = fit_booster(x, labels, weights, 2, categorical, 0)
    other = fit_booster(x, labels, 1024 * weights, 2, categorical, 0)
    np.testing.assert_array_equal(one.raw(x), other.raw(x))


def test_without_columns_shares_decide():
    labels = np.array([0, 0, 0, 2])
    fitted = fit_booster(
        np.empty((4, 0)), labels, np.ones(4), 3, np.empty(0, dtype=bool), 0
    )
    found = np.exp(fitted.log_probabilities(np.empty((2, 0))))
    np.testing.assert_allclose(found, [[0.75, 0.0, 0.25]] * 2, atol=1e-9)


@pytest.mark.parametrize(
    ("labels", "weights"),  # of a table of two rows
    [
        ([0, 3], [1.0, 1.0]),
        ([-1, 0], [1.0, 1.0]),
        ([0, 1], [0.0, 0.0]),
        ([0, 1], [-1.0, 1.0]),
        ([0, 1], [np.nan, 1.0]),
        ([0, 1, 1], [1.0, 1.0, 1.0]),
        ([0, 1], [1.0]),
    ],
)
def test_what_does_not_go_together_is_refused(labels, weights):
    x = np.zeros((2, 1))
    with pytest.raises(ValueError, match=r"label|weight"):
        fit_booster(
            x,
            np.array(labels, dtype=np.int64),
            np.array(weights),
            3,
            np.zeros(1, bool),
            0,
        )


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_a_booster_comes_back_from_its_arrays(n_classes):
    x, labels, weights, categorical = table(11, n_classes=n_classes)
    fitted = fit_booster(x, labels, weights, 4, categorical, 0)
    arrays = fitted.arrays()
    assert {a.dtype.name for a in arrays.values()} <= STORED
    again = Booster.restore(arrays)
    np.testing.assert_array_equal(again.raw(unlike(x)), fitted.raw(unlike(x)))
    with pytest.raises(ValueError, match="shape"):
        again.raw(x[:, 1:])


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads():
    x, labels, weights, categorical = table(0, 2000, 3)
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads):
            fitted = fit_booster(x, labels, weights, 3, categorical, 0)
        found.append({name: a.tobytes() for name, a in fitted.arrays().items()})
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("n_members", "n_kept"), [(1, 2), (3, 3), (10, 5)])
def test_a_bundle_keeps_one_booster_a_member_and_two_at_least(n_members, n_kept):
    assert Booster.kept(tuple(range(5)), n_members) == tuple(range(n_kept))
