"""Boosted trees: fitted by scikit-learn, kept as numbers, applied by numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.grown import Binned, few_threads, read_trees
from cbvae_cli.calibration.present import classes_present, log_softmax, widen
from cbvae_cli.calibration.tree_words import Compiled, compile_trees
from cbvae_cli.calibration.trees import CODES, Trees, require, require_array
from cbvae_cli.table.cells import Bools, Floats

# Small steps, as many of them as a table of a few thousand rows still gains from.
LEARNING_RATE = 0.06
ITERATIONS = 150
# Each iteration grows a tree for every class: the number of trees is kept in bounds.
MOST_TREES, LEAST_ITERATIONS = 300, 30
# Interactions of three or four columns. At most `trees.MOST_LEAVES`.
MAX_LEAVES = 15
# A leaf of fewer rows tells noise; tables of a few hundred rows must still split.
LEAF_ROWS, LEAF_SHARE, LEAST_LEAF_ROWS = 10, 40, 2
# Of the columns, tried at each split: trees that differ average to more than trees
# that agree.
TRIED_COLUMNS = 0.3
# Of a bag, whatever the members: fewer name classes measurably worse.
LEAST_KEPT = 2
# Rows' worth of belief that a leaf says nothing: rare classes have small leaves.
SHRINKAGE = 1.0


@dataclass(frozen=True)
class Booster:
    """Log-odds of classes as sums of trees.

    Attributes
    ----------
    trees : Trees
        Of classes present: of the second alone where there are two.
    baseline : float64 array, shape (n_present,)
        Log-odds before any tree speaks.
    present : bool array, shape (n_classes,)
        Classes that the fit saw.
    n_features : int
    """

    trees: Trees
    baseline: Floats
    present: Bools
    n_features: int

    @cached_property
    def _alone(self) -> Boosters:
        return Boosters((self,))

    def raw(self, x: Floats) -> Floats:
        """Give log-odds up to a constant of the row.

        Parameters
        ----------
        x : float64 array, shape (n_rows, n_features)
            NaN is missing. A code that the fit never saw counts as missing.

        Returns
        -------
        float64 array, shape (n_rows, n_classes)
            A row's numbers depend on no other row.
        """
        return self._alone.raw(x)[0]

    def log_probabilities(self, x: Floats) -> Floats:
        """Give log p(class given row), shape (n_rows, n_classes)."""
        return log_softmax(self.raw(x))

    @staticmethod
    def kept(bag: tuple[Any, ...], n_members: int) -> tuple[Any, ...]:
        """Give the fits that a bundle keeps: one a member, each slows every answer."""
        return bag[: max(LEAST_KEPT, n_members)]

    @classmethod
    def together(cls, bag: Sequence[Booster]) -> Boosters:
        """Ask several at once."""
        return Boosters(tuple(bag))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all numbers by name."""
        nodes = {f.name: getattr(self.trees, f.name) for f in fields(Trees)}
        return {
            **nodes,
            "baseline": self.baseline,
            "present": self.present,
            "n_features": np.array([self.n_features], dtype=np.int64),
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Booster:
        """Build from `arrays`, trusting none of them.

        Raises
        ------
        ValueError
            Where the arrays are not what `arrays` can have given.
        """
        own = {"baseline", "present", "n_features"}
        names = own | {field.name for field in fields(Trees)}
        require(set(arrays) == names, "arrays are missing or unknown")
        baseline, present, n_features = (
            arrays["baseline"],
            arrays["present"],
            arrays["n_features"],
        )
        require_array(present, "present", np.bool_, (np.size(present),))
        require(present.any(), "no class was present")
        require_array(baseline, "baseline", np.float64, (int(present.sum()),))
        require(np.isfinite(baseline).all(), "a baseline is not finite")
        require_array(n_features, "n_features", np.int64, (1,))
        require(n_features[0] >= 0, "n_features is negative")
        trees = Trees.restore(arrays, int(n_features[0]), len(baseline))
        return cls(trees, baseline, present, int(n_features[0]))


@dataclass(frozen=True)
class Boosters:
    """Several boosters over the same columns, quicker together than one by one.

    Attributes
    ----------
    bag : tuple of Booster
        At least one.
    """

    bag: tuple[Booster, ...]

    @cached_property
    def _compiled(self) -> Compiled:
        return compile_trees([each.trees for each in self.bag])

    def raw(self, x: Floats) -> list[Floats]:
        """Give each booster's log-odds; see `Booster.raw`."""
        n_features = self.bag[0].n_features
        if x.ndim != 2 or x.shape[1] != n_features:
            raise ValueError(f"x has shape {x.shape}, not (n, {n_features})")
        totals = [np.tile(each.baseline, (len(x), 1)) for each in self.bag]
        self._compiled.add_to(totals, np.asarray(x, dtype=np.float64))
        pairs = zip(totals, self.bag, strict=True)
        return [widen(total, each.present) for total, each in pairs]

    def log_probabilities(self, x: Floats) -> Floats:
        """Give the mean of their log-odds, shape (n_rows, n_classes)."""
        return np.asarray(sum(map(log_softmax, self.raw(x)))) / len(self.bag)


def fit_booster(
    x: Floats,
    labels: NDArray[np.int64],
    weights: Floats,
    n_classes: int,
    categorical: Bools,
    seed: int,
    rate: float = LEARNING_RATE,
) -> Booster:
    """Fit `HistGradientBoostingClassifier` and keep its numbers.

    Parameters
    ----------
    x : float64 array, shape (n_rows, n_features)
        NaN is missing.
    labels : int array, shape (n_rows,)
        Some classes may have no row.
    weights : float64 array, shape (n_rows,)
        Only their ratios count. A row of weight 0 is as good as absent.
    n_classes : int
    categorical : bool array, shape (n_features,)
        Columns of whole codes. One with a code of 255 or more is taken as numbers.
    seed : int
    rate : float
        Learning rate.

    Returns
    -------
    Booster
    """
    if x.ndim != 2 or labels.shape != x.shape[:1] or categorical.shape != x.shape[1:]:
        raise ValueError("x, labels and categorical do not go together")
    present = classes_present(labels, weights, n_classes)
    if present.sum() == 1 or not x.shape[1]:
        return _without_trees(labels, weights, present, x.shape[1])
    kept = weights > 0
    layout = Binned.of(x[kept], categorical, weights[kept])
    model = _model(int(kept.sum()), int(present.sum()), layout.mask(), seed, rate)
    place = np.cumsum(present) - 1
    with few_threads(x[kept].size):
        model.fit(
            layout.encode(x[kept]),
            place[labels[kept]],
            sample_weight=weights[kept] / weights[kept].mean(),
        )
    found = np.ravel(model._baseline_prediction).astype(np.float64)
    binary = len(found) == 1
    baseline = np.append(0.0, found) if binary else found
    grown = [
        (predictor, class_ + binary)
        for iteration in model._predictors
        for class_, predictor in enumerate(iteration)
    ]
    return Booster(read_trees(grown, layout), baseline, present, x.shape[1])


def _without_trees(
    labels: NDArray[np.int64], weights: Floats, present: Bools, n_features: int
) -> Booster:
    """Build what knows class shares alone."""
    shares = np.bincount(labels, weights=weights, minlength=len(present))[present]
    ints, floats = np.empty(0, dtype=np.int32), np.empty(0)
    trees = Trees(
        feature=ints,
        threshold=floats,
        left=ints,
        right=ints,
        missing_left=np.empty(0, dtype=np.uint8),
        code_set=ints,
        code_sets=np.empty((0, CODES // 8), dtype=np.uint8),
        value=floats,
        roots=ints,
        classes=ints,
    )
    return Booster(trees, np.log(shares / shares.sum()), present, n_features)


def _model(
    n_rows: int, n_present: int, mask: Bools | None, seed: int, rate: float
) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    several = max(LEAST_ITERATIONS, MOST_TREES // n_present)
    return HistGradientBoostingClassifier(
        learning_rate=rate,
        max_iter=ITERATIONS if n_present == 2 else several,
        max_leaf_nodes=MAX_LEAVES,
        min_samples_leaf=min(LEAF_ROWS, max(LEAST_LEAF_ROWS, n_rows // LEAF_SHARE)),
        l2_regularization=SHRINKAGE,
        max_features=TRIED_COLUMNS,
        categorical_features=mask,
        early_stopping=False,
        random_state=seed,
    )
