"""Clusters of training rows, and labels that stand out in them."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.clusters import Clusters, Located, fit_clusters
from cbvae_cli.calibration.neighbours import ROWS_A_CENTRE


def rows(sizes, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    at = rng.normal(0, 0.5, (len(labels), 2)) + 6.0 * labels[:, None]
    return Located(at, labels)


def fitted(*sizes):
    return fit_clusters(rows(sizes), rows(sizes, seed=1), len(sizes), 0)


def test_rare_classes_have_clusters_of_their_own():
    clusters = fitted(2000, 30, 300)
    for place in range(3):
        shares = clusters.log_shares(np.full((1, 2), 6.0 * place))
        assert shares.argmax() == place
        assert np.exp(shares).sum() == pytest.approx(1.0)


def test_counts_are_of_all_rows():
    assert fitted(200, 50).counts.sum(axis=0).tolist() == [200.0, 50.0]


def test_blind_rows_rank_by_class():
    clusters = fitted(200, 50)
    assert [ranks.n_rows for ranks in clusters.ranks] == [200, 50]
    # A row of one class amid the other is rarer than any blind row.
    p = clusters.ranks[1].p_values(np.array([[9.0]]))
    assert p.tolist() == [1 / 51]


@pytest.mark.parametrize("sizes", [(400, 1), (400, 3), (7, 2), (2, 1)])
def test_no_cluster_is_of_a_single_row(sizes):
    located = rows(sizes)
    clusters = fit_clusters(located, located, 2, 0)
    nearest = np.abs(located.at[:, None] - clusters.centres).max(axis=2).min(axis=0)
    assert (nearest > 1e-9).all()
    if sum(sizes) >= ROWS_A_CENTRE:
        assert (clusters.counts.sum(axis=1) >= ROWS_A_CENTRE).all()


def test_what_stays_when_a_class_goes():
    at = np.random.default_rng(0).normal(size=(90, 6))
    labels = np.repeat([0, 1, 2], 30)
    at[np.arange(90), 2 * labels] += 5.0
    clusters = fit_clusters(Located(at, labels), Located(at, labels), 3, 0)
    some = clusters.only([0, 2], 2)
    assert some.centres.shape[1] == 4
    np.testing.assert_array_equal(some.counts, clusters.counts[:, [0, 2]])
    assert [ranks.n_rows for ranks in some.ranks] == [30, 30]


def test_they_come_back_from_their_arrays():
    clusters = fitted(200, 50)
    again = Clusters.restore(clusters.arrays(), 2, 2)
    at = rows((20, 20)).at
    np.testing.assert_array_equal(again.log_shares(at), clusters.log_shares(at))
    assert [each.n_rows for each in again.ranks] == [200, 50]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("centres", np.ones((3, 5))),
        ("centres", np.ones((0, 2))),
        ("counts", np.ones((1, 1))),
        ("counts", -np.ones((2, 2))),
    ],
)
def test_other_clusters_are_refused(name, array):
    clusters = Clusters(np.eye(2), np.ones((2, 2)), fitted(20, 20).ranks)
    with pytest.raises(ValueError, match="stored clusters"):
        Clusters.restore({**clusters.arrays(), name: array}, 2, 2)
