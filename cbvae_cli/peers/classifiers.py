"""Classifiers that people use for imbalanced tables, with fixed sensible settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.peers.features import (
    CannotRun,
    Features,
    Library,
    contained,
    filled,
    jobs,
    renumbered,
)
from cbvae_cli.peers.oversampling import oversampled, without_gaps
from cbvae_cli.table.cells import Floats

Labels = NDArray[np.int64]

TREES = 300
ROUNDS = 200  # of boosting; more or faster ones cost log loss on small tables
RATE = 0.03
LEAST_ROWS = 10  # of a class that a balanced forest can draw from
MOST_BINS = 255  # categories of a column that histograms can tell apart
MOST_FILLED = 200  # columns that are filled one by one in bearable time


class Classifier(Protocol):
    """Whatever names classes."""

    @property
    def name(self) -> str:
        """What it is called."""

    def fit_predict(
        self, train: Features, labels: Labels, test: Features, seed: int
    ) -> Floats:
        """Learn from some rows and judge others.

        Parameters
        ----------
        train : Features
        labels : int array, shape (n_train,)
            Places of classes, from 0.
        test : Features
        seed : int

        Returns
        -------
        float64 array, shape (n_test, largest place + 1)
            Probabilities.

        Raises
        ------
        CannotRun
        """


@dataclass(frozen=True)
class Task:
    """What a library gets to see.

    Attributes
    ----------
    train, test : Features
        Categories numbered from 0 without holes.
    labels : int array, shape (n_train,)
        Classes numbered from 0 without holes.
    seed, threads : int
    """

    train: Features
    labels: Labels
    test: Features
    seed: int
    threads: int


class Judge(Library[Task]):
    """A classifier of some library."""

    def fit_predict(
        self, train: Features, labels: Labels, test: Features, seed: int
    ) -> Floats:
        """Learn and judge; see `Classifier`."""
        known, places = np.unique(labels, return_inverse=True)
        if len(known) < 2:
            raise CannotRun(f"{self.name} needs training rows of two classes")
        seen, asked = renumbered(train, test)
        with contained(self.threads):
            found = self.solve(Task(seen, places, asked, seed, self.threads))
        probabilities = np.zeros((len(test), known[-1] + 1))
        probabilities[:, known] = found
        return probabilities


def _answered(estimator: Any, task: Task, seen: Floats, asked: Floats) -> Floats:
    found: Floats = estimator.fit(seen, task.labels).predict_proba(asked)
    return found


def _logistic(task: Task) -> Floats:
    from sklearn.linear_model import LogisticRegression

    rows = filled(task.train, task.test, indicators=True)
    return _answered(LogisticRegression(max_iter=1000), task, *rows)


def _trees(task: Task) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        TREES, random_state=task.seed, n_jobs=jobs(task.threads)
    )


def _forest(task: Task) -> Floats:
    return _answered(_trees(task), task, *filled(task.train, task.test))


def _balanced_forest(task: Task) -> Floats:
    from imblearn.ensemble import BalancedRandomForestClassifier

    # Every tree draws as many rows of each class as the smallest has. One of two rows
    # would leave all others two: the smallest that can be learnt sets the number.
    counts = np.bincount(task.labels)
    least = counts[counts >= min(LEAST_ROWS, np.sort(counts)[-2])].min()
    balanced = BalancedRandomForestClassifier(
        TREES,
        sampling_strategy=dict(enumerate(np.minimum(counts, least).tolist())),
        replacement=True,
        bootstrap=False,
        random_state=task.seed,
        n_jobs=jobs(task.threads),
    )
    return _answered(balanced, task, *filled(task.train, task.test))


def _imputed_forest(task: Task) -> Floats:
    """Fill every column from the others by extremely randomised trees, then a forest.

    Each tree sees a few thousand rows and a third of the columns at every cut: that
    keeps the time bearable and costs next to nothing.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    # Importing it is what lets the next line find the imputer.
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    if not (task.train.gaps or task.test.gaps):
        raise CannotRun("imputed-forest is for tables with missing cells")
    numbers = ~task.train.categorical
    if numbers.sum() > MOST_FILLED:
        raise CannotRun(
            f"imputed-forest fills columns one by one: {MOST_FILLED} at most"
        )
    trees = ExtraTreesRegressor(
        20,
        min_samples_leaf=3,
        max_features=1 / 3,
        bootstrap=True,
        max_samples=min(4000, len(task.train)),
        random_state=task.seed,
        n_jobs=jobs(task.threads),
    )
    impute = IterativeImputer(
        trees,
        max_iter=3,
        initial_strategy="median",
        keep_empty_features=True,
        random_state=task.seed,
    )
    # `filled` puts numbers first; its fills make room for better ones.
    seen, asked = filled(task.train, task.test)
    for rows, holes in ((seen, task.train), (asked, task.test)):
        rows[:, : numbers.sum()][np.isnan(holes.values[:, numbers])] = np.nan
    return _answered(
        _trees(task), task, impute.fit_transform(seen), impute.transform(asked)
    )


def _histgb(task: Task) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier

    codes = np.nanmax(task.train.values, axis=0, initial=-1)
    booster = HistGradientBoostingClassifier(
        learning_rate=RATE,
        max_iter=ROUNDS,
        early_stopping=False,
        categorical_features=task.train.categorical & (codes < MOST_BINS),
        random_state=task.seed,
    )
    return _answered(booster, task, task.train.values, task.test.values)


def _boosted(task: Task, seen: Floats, labels: Labels, asked: Floats) -> Floats:
    from xgboost import XGBClassifier

    booster = XGBClassifier(
        n_estimators=ROUNDS,
        learning_rate=RATE,
        max_depth=6,
        subsample=0.8,
        colsample_bytree=0.8,
        tree_method="hist",
        enable_categorical=True,
        feature_types=["c" if names else "q" for names in task.train.categorical],
        random_state=task.seed,
        n_jobs=jobs(task.threads),
    )
    found: Floats = booster.fit(seen, labels).predict_proba(asked)
    return found


def _xgboost(task: Task) -> Floats:
    return _boosted(task, task.train.values, task.labels, task.test.values)


def _smote_xgboost(task: Task) -> Floats:
    usual, asked = without_gaps(task.train, task.test)
    rows, labels = oversampled(usual, task.labels, task.train.categorical, task.seed)
    return _boosted(task, rows, labels, asked)


def _lightgbm(task: Task) -> Floats:
    from lightgbm import LGBMClassifier

    booster = LGBMClassifier(
        n_estimators=ROUNDS,
        learning_rate=RATE,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        random_state=task.seed,
        n_jobs=jobs(task.threads),
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
    booster.fit(
        task.train.values,
        task.labels,
        categorical_feature=np.flatnonzero(task.train.categorical).tolist(),
    )
    return np.asarray(booster.predict_proba(task.test.values), dtype=np.float64)


SOLVERS: dict[str, Callable[[Task], Floats]] = {
    "logistic": _logistic,
    "forest": _forest,
    "histgb": _histgb,
    "imputed-forest": _imputed_forest,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "smote-xgboost": _smote_xgboost,
    "balanced-forest": _balanced_forest,
}
"""Names that the peers go by, and what stands behind each."""


def classifier(name: str, threads: int) -> Classifier:
    """Give a peer by name; `threads` 0 means all cores."""
    return Judge(name, SOLVERS[name], threads)
