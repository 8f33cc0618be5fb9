"""Clusters of training rows in the latent space, and labels that stand out in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.mislabel import mislabel_scores
from cbvae_cli.calibration.neighbours import ROWS_A_CENTRE
from cbvae_cli.evidence import embed_rows
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded

Places = NDArray[np.int64]

TIMES = (1, 2, 3)  # as many clusters as classes, tried in turn
LEAST_CLUSTERS, MOST_CLUSTERS = 2, 60
UNSEEN = 0.5  # of a row: what a class counts that a cluster holds no row of


def in_common(alone: Family, encoded: Encoded) -> Floats:
    """Give latent coordinates that need no label, shape (n_rows, n_axes).

    Those of the one space where classes share it; of all classes' side by side where
    each has its own.

    Parameters
    ----------
    alone : Family
        Of one member.
    encoded : Encoded
    """
    places = range(1 if alone.shares_latent else alone.n_classes)
    return np.concatenate(
        [embed_rows(alone, encoded, place) for place in places], axis=1
    )


@dataclass(frozen=True)
class Clusters:
    """Where training rows crowd, and of which classes they are.

    Attributes
    ----------
    centres : float64 array, shape (n_clusters, n_axes)
        Of the coordinates that `in_common` gives.
    counts : float64 array, shape (n_clusters, n_classes)
        Training rows.
    ranks : tuple of Conformal
        What blind rows of each class score, in one list.
    """

    centres: Floats
    counts: Floats
    ranks: tuple[Conformal, ...]

    def log_shares(self, at: Floats) -> Floats:
        """Give the log shares of classes in each row's cluster.

        Parameters
        ----------
        at : float64 array, shape (n_rows, n_axes)

        Returns
        -------
        float64 array, shape (n_rows, n_classes)
        """
        counts = self.counts[nearest(at, self.centres)] + UNSEEN
        shares: Floats = np.log(counts / counts.sum(axis=1, keepdims=True))
        return shares

    def only(self, classes: Sequence[int], latent: int) -> Clusters:
        """Leave classes out that have latent spaces of their own.

        Parameters
        ----------
        classes : sequence of int
            Those that stay.
        latent : int
            Axes of each class's space.
        """
        axes = np.concatenate([np.arange(latent) + place * latent for place in classes])
        order = list(classes)
        ranks = tuple(self.ranks[place] for place in classes)
        return Clusters(self.centres[:, axes], self.counts[:, order], ranks)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        found: dict[str, NDArray[Any]] = {
            f"ranks/{place}/{name}": array
            for place, ranks in enumerate(self.ranks)
            for name, array in ranks.arrays().items()
        }
        return found | {"centres": self.centres, "counts": self.counts}

    @classmethod
    def restore(
        cls, arrays: Mapping[str, NDArray[Any]], n_classes: int, n_axes: int
    ) -> Clusters:
        """Build from `arrays`, trusting none of them."""
        centres, counts = arrays["centres"], arrays["counts"]
        if centres.ndim != 2 or centres.shape[1] != n_axes or not len(centres):
            raise ValueError("stored clusters are of another latent space")
        if counts.shape != (len(centres), n_classes) or not (counts >= 0).all():
            raise ValueError("stored clusters do not count their rows")
        ranks = tuple(
            Conformal.restore(
                {name: arrays[f"ranks/{place}/{name}"] for name in ("scores", "sizes")}
            )
            for place in range(n_classes)
        )
        return cls(centres, counts, ranks)


def nearest(at: Floats, centres: Floats) -> Places:
    """Give the place of the nearest centre, shape (n_rows,)."""
    squares = (centres**2).sum(axis=1) - 2 * at @ centres.T
    found: Places = squares.argmin(axis=1)
    return found


@dataclass(frozen=True)
class Located:
    """Rows at their coordinates.

    Attributes
    ----------
    at : float64 array, shape (n_rows, n_axes)
    labels : int array, shape (n_rows,)
    """

    at: Floats
    labels: Places


def fit_clusters(
    learnt: Located, blind: Located, n_classes: int, seed: int
) -> Clusters:
    """Fit k-means (scikit-learn's), with the number of clusters that has the best V.

    Rare classes weigh as much as others in this, or no cluster would be theirs; the
    counts are of rows as they come.

    Parameters
    ----------
    learnt : Located
        Rows that the networks learnt from.
    blind : Located
        Rows that they did not.
    n_classes : int
    seed : int

    Returns
    -------
    Clusters
    """
    at, labels = learnt.at, learnt.labels
    centres = _centres(at, labels, n_classes, seed)
    held = np.zeros((len(centres), n_classes))
    np.add.at(held, (nearest(at, centres), labels), 1.0)
    clusters = Clusters(centres, held, ())
    ranks = []
    for place in range(n_classes):
        own = blind.at[blind.labels == place]
        given = np.full(len(own), place)
        scores = mislabel_scores(clusters.log_shares(own), given)
        ranks.append(Conformal((np.sort(scores),)))
    return Clusters(centres, held, tuple(ranks))


def _centres(at: Floats, labels: Places, n_classes: int, seed: int) -> Floats:
    from sklearn.cluster import KMeans
    from sklearn.metrics import v_measure_score
    from threadpoolctl import threadpool_limits

    weights = 1.0 / np.bincount(labels, minlength=n_classes)[labels]
    distinct = len(np.unique(at, axis=0))
    wanted = {
        int(np.clip(times * n_classes, LEAST_CLUSTERS, MOST_CLUSTERS))
        for times in TIMES
    }
    rng = np.random.default_rng([seed, 26])
    even = rng.choice(len(at), size=len(at), p=weights / weights.sum())
    tried = []
    with threadpool_limits(1):  # sums of several threads come in any order
        for n_clusters in sorted({min(each, distinct) for each in wanted}):
            fitted = KMeans(n_clusters, n_init=1, random_state=seed)
            fitted.fit(at, sample_weight=weights)
            centres = _of_many(at, fitted.cluster_centers_)
            found = nearest(at[even], centres)
            tried.append((v_measure_score(labels[even], found), centres))
    return max(tried, key=lambda each: each[0])[1]


def _of_many(at: Floats, centres: Floats) -> Floats:
    """Put centres amid the rows around them, and leave out those of too few.

    A centre of one row would be that row; so would one that weighs a row above others.
    """
    large = np.bincount(nearest(at, centres), minlength=len(centres)) >= ROWS_A_CENTRE
    if not large.any():
        middle: Floats = at.mean(axis=0, keepdims=True)
        return middle
    found = nearest(at, centres[large])
    counts = np.bincount(found)
    sums = np.zeros((len(counts), at.shape[1]))
    np.add.at(sums, found, at)
    kept = counts >= ROWS_A_CENTRE
    means: Floats = sums[kept] / counts[kept, None]
    return means
