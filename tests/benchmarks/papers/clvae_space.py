"""What a latent space tells: clusters, anomalies, distances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.metrics import v_measure_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from cbvae_cli.measures.mass_volume import Levels, em_mv

FLAGGED = 0.05  # of test rows, the strangest
LEAST, MOST = 4, 20  # clusters
MOST_FITTED, DRAWS = 10_000, 20_000
MARGIN = 0.1  # of the box around the rows, on each side

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)  # one by one: what is found of it is kept
class Space:
    """Latent coordinates by one model.

    Attributes
    ----------
    title : str
    train, test : float64 array, shape (n_rows, 2)
    labels : array of str, shape (n_test,)
    """

    title: str
    train: Floats
    test: Floats
    labels: NDArray[np.object_]

    def from_means(self) -> Floats:
        """Give the distance of each test row from the middle of its class."""
        found = np.empty(len(self.test))
        for name in np.unique(self.labels):
            own = self.labels == name
            found[own] = np.linalg.norm(
                self.test[own] - self.test[own].mean(axis=0), axis=1
            )
        return found


@dataclass(frozen=True)
class Clusters:
    """The clustering of the best V.

    Attributes
    ----------
    k : int
    v : float
    places : int array, shape (n_test,)
    odd : bool array, shape (n_test,)
        Rows of another class than the most frequent of their cluster.
    """

    k: int
    v: float
    places: NDArray[np.int64]
    odd: NDArray[np.bool_]


@cache
def clusters(space: Space, method: str) -> Clusters:
    """Cluster test rows by each number of clusters and keep the best V."""
    found: list[tuple[float, int, NDArray[np.int64]]] = []
    for k in range(LEAST, MOST + 1):
        fitted: Any = (
            GaussianMixture(k, random_state=0)
            if method == "em"
            else KMeans(k, random_state=0, n_init=4)
        )
        places = fitted.fit_predict(space.test)
        found.append((float(v_measure_score(space.labels, places)), k, places))
    v, k, places = max(found, key=lambda each: each[0])
    odd = np.zeros(len(places), dtype=bool)
    for place in np.unique(places):
        own = places == place
        names, counts = np.unique(space.labels[own], return_counts=True)
        odd[own] = space.labels[own] != names[counts.argmax()]
    return Clusters(k, v, places, odd)


@dataclass(frozen=True)
class Anomalies:
    """What one detector makes of a space.

    Attributes
    ----------
    em, mv : float
        Excess mass and mass volume (Goix 2016), in the units of the space's own box.
    uneven : float
        RMSE of the classes' shares among flagged rows from those among all.
    own_share : float
        Share of rows that the detector itself flags.
    scores : float64 array, shape (n_test,)
    """

    em: float
    mv: float
    uneven: float
    own_share: float
    scores: Floats


@cache
def anomalies(space: Space) -> dict[str, Anomalies]:
    """Fit detectors on training rows and judge test rows."""
    rng = np.random.default_rng(0)
    some = rng.permutation(len(space.train))[:MOST_FITTED]
    train = space.train[some]
    detectors: dict[str, Any] = {
        "isolation forest": IsolationForest(random_state=0),
        "LOF": LocalOutlierFactor(novelty=True),
        "one-class SVM": OneClassSVM(),
    }
    low, high = space.test.min(axis=0), space.test.max(axis=0)
    margin = MARGIN * (high - low)
    around = rng.uniform(low - margin, high + margin, (DRAWS, 2))
    levels, scores, own = {}, {}, {}
    for name, detector in detectors.items():
        detector.fit(train)
        scores[name] = -detector.score_samples(space.test)
        levels[name] = Levels(scores[name], -detector.score_samples(around))
        own[name] = float((detector.predict(space.test) < 0).mean())
    wrapped = em_mv(levels)
    return {
        name: Anomalies(
            wrapped[name]["em"],
            wrapped[name]["mv"],
            _uneven(scores[name], space.labels),
            own[name],
            scores[name],
        )
        for name in detectors
    }


def _uneven(scores: Floats, labels: NDArray[np.object_]) -> float:
    flagged = np.argsort(-scores, kind="stable")[: round(FLAGGED * len(scores))]
    names = np.unique(labels)
    share = np.array([(labels[flagged] == name).mean() for name in names])
    whole = np.array([(labels == name).mean() for name in names])
    return float(np.sqrt(np.mean((share - whole) ** 2)))


def rmse_to_own_mean(rows: Floats, labels: NDArray[np.object_]) -> Floats:
    """Give the RMSE of each row from the mean row of its class."""
    found = np.empty(len(rows))
    for name in np.unique(labels):
        own = labels == name
        found[own] = np.sqrt(((rows[own] - rows[own].mean(axis=0)) ** 2).mean(axis=1))
    return found
