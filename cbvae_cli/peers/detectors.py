"""Anomaly detectors that learn from usual rows, with fixed sensible settings."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cbvae_cli.peers.features import (
    CannotRun,
    Features,
    Library,
    contained,
    filled,
    jobs,
    renumbered,
)
from cbvae_cli.table.cells import Floats

TREES = 300
NEAREST = 5
PYOD_BATCH = 32  # a smaller last batch is dropped, and without one training fails
MOST_SUPPORTED = 10_000  # rows: a support vector machine takes their square in time


class Detector(Protocol):
    """Whatever tells strange rows from usual ones."""

    @property
    def name(self) -> str:
        """What it is called."""

    def fit_score(self, train: Features, test: Features, seed: int) -> Floats:
        """Learn from usual rows and score others.

        Parameters
        ----------
        train : Features
            Usual rows only.
        test : Features
        seed : int

        Returns
        -------
        float64 array, shape (n_test,)
            Higher is stranger.

        Raises
        ------
        CannotRun
        """


@dataclass(frozen=True)
class Task:
    """What a library gets to see: no gaps, numbers standardised, names spread out.

    Attributes
    ----------
    train, test : float64 array, shape (n_rows, width)
    seed, threads : int
    """

    train: Floats
    test: Floats
    seed: int
    threads: int


class Finder(Library[Task]):
    """A detector of some library."""

    def fit_score(self, train: Features, test: Features, seed: int) -> Floats:
        """Learn and score; see `Detector`."""
        with contained(self.threads):
            rows = filled(*renumbered(train, test))
            found = self.solve(Task(*rows, seed, self.threads))
        return np.asarray(found, dtype=np.float64)


def _isolation_forest(task: Task) -> Floats:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(
        n_estimators=TREES, random_state=task.seed, n_jobs=jobs(task.threads)
    )
    found: Floats = -forest.fit(task.train).score_samples(task.test)
    return found


def _lof(task: Task) -> Floats:
    from sklearn.neighbors import LocalOutlierFactor

    near = min(20, len(task.train) - 1)
    factor = LocalOutlierFactor(near, novelty=True, n_jobs=jobs(task.threads))
    found: Floats = -factor.fit(task.train).score_samples(task.test)
    return found


def _ocsvm(task: Task) -> Floats:
    from sklearn.svm import OneClassSVM

    rows = task.train
    if len(rows) > MOST_SUPPORTED:
        rng = np.random.default_rng(task.seed)
        rows = rows[rng.choice(len(rows), MOST_SUPPORTED, replace=False)]
    found: Floats = -OneClassSVM(nu=0.1).fit(rows).score_samples(task.test)
    return found


def _knn(task: Task) -> Floats:
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(
        n_neighbors=min(NEAREST, len(task.train)), n_jobs=jobs(task.threads)
    )
    distances, _ = near.fit(task.train).kneighbors(task.test)
    mean: Floats = distances.mean(axis=1)
    return mean


def _ecod(task: Task) -> Floats:
    from pyod.models.ecod import ECOD

    # Its own work in threads starts processes; it is quick without.
    scores: Floats = ECOD(n_jobs=1).fit(task.train).decision_function(task.test)
    return scores


def _pyod_vae(task: Task) -> Floats:
    from pyod.models.vae import VAE

    return _pyod(VAE, task)


def _pyod_autoencoder(task: Task) -> Floats:
    from pyod.models.auto_encoder import AutoEncoder

    return _pyod(AutoEncoder, task)


def _pyod(network: Callable[..., Any], task: Task) -> Floats:
    if len(task.train) < PYOD_BATCH:
        raise CannotRun(f"pyod needs {PYOD_BATCH} rows to learn from")
    with _left_alone(task.threads):
        found = network(
            batch_size=PYOD_BATCH, random_state=task.seed, device="cpu", verbose=0
        )
        scores: Floats = found.fit(task.train).decision_function(task.test)
    return scores


@contextmanager
def _left_alone(threads: int) -> Iterator[None]:
    """Put back what pyod seeds: every generator of the process, and its environment."""
    import torch

    variable, before = "PYTHONHASHSEED", torch.get_num_threads()
    hashing = os.environ.get(variable)
    # The old global generator is the one that pyod seeds.
    legacy = np.random.get_state()  # noqa: NPY002
    states = random.getstate(), torch.get_rng_state()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        random.setstate(states[0])
        np.random.set_state(legacy)  # noqa: NPY002  # as it was read
        torch.set_rng_state(states[1])
        if hashing is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = hashing


SOLVERS: dict[str, Callable[[Task], Floats]] = {
    "isolation-forest": _isolation_forest,
    "lof": _lof,
    "ocsvm": _ocsvm,
    "knn": _knn,
    "ecod": _ecod,
    "pyod-vae": _pyod_vae,
    "pyod-autoencoder": _pyod_autoencoder,
}
"""Names that the peers go by, and what stands behind each."""


def detector(name: str, threads: int) -> Detector:
    """Give a peer by name; `threads` 0 means all cores."""
    return Finder(name, SOLVERS[name], threads)
