"""What people fill missing cells with, told the rows' classes as ours are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cbvae_cli.peers.features import CannotRun, Features, contained, jobs
from cbvae_cli.table.cells import Floats

NEAREST = 5
TREES = 50
ROUNDS = 10


@dataclass(frozen=True)
class Task:
    """Rows with gaps.

    Attributes
    ----------
    train, test : Features
        Categories counted from 0.
    labels, asked : int array, shapes (n_train,) and (n_test,)
        Classes of the rows.
    seed, threads : int
    """

    train: Features
    test: Features
    labels: Any
    asked: Any
    seed: int
    threads: int


def _by_class(task: Task) -> Floats:
    """Fill with the mean or the most frequent category of the class."""
    found = task.test.values.copy()
    whole = _usual(task.train.values, task.train.categorical, 0.0)
    for place in np.unique(task.asked):
        rows = task.train.values[task.labels == place]
        usual = _usual(rows, task.train.categorical, whole)
        own = task.asked == place
        found[own] = np.where(np.isnan(found[own]), usual, found[own])
    return found


def _usual(rows: Floats, categorical: Any, otherwise: Any) -> Floats:
    known = ~np.isnan(rows)
    counts = known.sum(axis=0)
    usual = np.where(known, rows, 0.0).sum(axis=0) / np.maximum(counts, 1)
    for at in np.flatnonzero(categorical & (counts > 0)):
        usual[at] = np.bincount(rows[known[:, at], at].astype(int)).argmax()
    found: Floats = np.where(counts > 0, usual, otherwise)
    return found


def _by_library(make: Callable[[Task], Any]) -> Callable[[Task], Floats]:
    """Fill standardised numbers and one-hot categories, classes among them."""

    def fill(task: Task) -> Floats:
        spread = _Spread.of(task)
        imputer = make(task)
        imputer.set_params(keep_empty_features=True)
        imputer.fit(spread.wide(task.train.values, task.labels))
        return spread.narrow(
            imputer.transform(spread.wide(task.test.values, task.asked))
        )

    return fill


@dataclass(frozen=True)
class _Spread:
    """Standardised numbers, one column a category, one a class."""

    categorical: Any
    centre: Floats
    deviation: Floats
    widths: list[int]
    n_classes: int

    @classmethod
    def of(cls, task: Task) -> _Spread:
        numbers = task.train.values[:, ~task.train.categorical]
        deviation = np.nanstd(numbers, axis=0)
        codes = task.train.values[:, task.train.categorical]
        widths = [int(np.nanmax(c, initial=0)) + 1 for c in codes.T]
        return cls(
            task.train.categorical,
            np.nan_to_num(np.nanmean(numbers, axis=0)),
            np.where(deviation > 0, deviation, 1.0),
            widths,
            int(max(task.labels.max(), task.asked.max())) + 1,
        )

    def wide(self, values: Floats, labels: Any) -> Floats:
        parts = [(values[:, ~self.categorical] - self.centre) / self.deviation]
        for width, codes in zip(
            self.widths, values[:, self.categorical].T, strict=True
        ):
            each = (codes[:, None] == np.arange(width)).astype(float)
            each[np.isnan(codes)] = np.nan
            parts.append(each)
        parts.append(np.eye(self.n_classes)[labels])
        return np.concatenate(parts, axis=1)

    def narrow(self, wide: Floats) -> Floats:
        found = np.empty((len(wide), len(self.categorical)))
        n_numbers = len(self.centre)
        found[:, ~self.categorical] = wide[:, :n_numbers] * self.deviation + self.centre
        at = n_numbers
        for place, width in zip(
            np.flatnonzero(self.categorical), self.widths, strict=True
        ):
            found[:, place] = wide[:, at : at + width].argmax(axis=1)
            at += width
        return found


def _knn(task: Task) -> Any:
    from sklearn.impute import KNNImputer

    return KNNImputer(n_neighbors=NEAREST)


def _ridge(task: Task) -> Any:
    from sklearn.linear_model import BayesianRidge

    return _iterative(task, BayesianRidge())


def _forest(task: Task) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    trees = ExtraTreesRegressor(
        TREES,
        min_samples_leaf=2,
        max_features=0.5,
        random_state=task.seed,
        n_jobs=jobs(task.threads),
    )
    return _iterative(task, trees)


def _iterative(task: Task, estimator: Any) -> Any:
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401  # a switch
    from sklearn.impute import IterativeImputer

    return IterativeImputer(
        estimator, max_iter=ROUNDS, random_state=task.seed, n_nearest_features=None
    )


def _miceforest(task: Task) -> Floats:
    """Fill by chained LightGBM models: predictions, not draws from near rows.

    Test rows join those that it learns from, which favours it: 6.0.5 leaves rows given
    later at their first random fills.
    """
    import miceforest
    import pandas as pd

    def frame(features: Features, labels: Any) -> pd.DataFrame:
        found = pd.DataFrame(features.values).add_prefix("c")
        for at in np.flatnonzero(features.categorical):
            kinds = range(int(np.nanmax(task.train.values[:, at], initial=0)) + 1)
            found[f"c{at}"] = pd.Categorical(found[f"c{at}"], categories=kinds)
        return found.assign(label=labels.astype(float))

    rows = [frame(task.train, task.labels), frame(task.test, task.asked)]
    kernel = miceforest.ImputationKernel(
        pd.concat(rows, ignore_index=True),
        num_datasets=1,
        mean_match_candidates=0,
        random_state=task.seed,
    )
    try:
        kernel.mice(ROUNDS // 2, num_threads=jobs(task.threads))
    except TypeError as misfit:
        # 6.0.5 calls what LightGBM has changed since 4.5.
        raise CannotRun(
            f"miceforest does not run with this LightGBM: {misfit}"
        ) from None
    made = kernel.complete_data(0)[len(task.train) :]
    found = task.test.values.copy()
    for at in range(found.shape[1]):
        if f"c{at}" in made:
            found[:, at] = made[f"c{at}"].astype(float)
    return found


FILLERS: dict[str, Callable[[Task], Floats]] = {
    "class mean": _by_class,
    "knn": _by_library(_knn),
    "iterative ridge": _by_library(_ridge),
    "iterative forest": _by_library(_forest),
    "miceforest": _miceforest,
}


def filled_by(name: str, task: Task) -> Floats:
    """Let a peer fill the test rows; raises `CannotRun`."""
    with contained(task.threads):
        found = FILLERS[name](task)
    still = np.isnan(found)
    if still.any():
        raise CannotRun(f"{name} leaves {still.sum():,} cells empty")
    return found
