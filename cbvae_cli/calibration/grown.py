"""Trees that scikit-learn has grown, read as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration import bins
from cbvae_cli.calibration.trees import CODES, NONE, Trees
from cbvae_cli.table.cells import Bools, Floats

# scikit-learn bins a categorical column by code, in at most this many bins.
MOST_CODES = 255
# A column seen in fewer of the rows than one in so many is left out. scikit-learn
# fails where the 200,000 rows that it takes bins from hold no cell of a column.
SEEN_SHARE = 5_000
# Infinite cells make scikit-learn average infinities into thresholds that are NaN.
FAR = 1e300

Grown = tuple[Any, int]

# Cells below which threads wait for each other longer than they work.
MANY_CELLS = 2_000_000


def few_threads(n_cells: int) -> AbstractContextManager[Any]:
    """Hold a fit to one thread where it has few cells."""
    from threadpoolctl import threadpool_limits

    if n_cells >= MANY_CELLS:
        return nullcontext()
    held: AbstractContextManager[Any] = threadpool_limits(1)
    return held


@dataclass(frozen=True)
class Binned:
    """Columns as scikit-learn wants them.

    It moves categorical columns to the front and counts their codes from 0 without
    gaps. Doing so first leaves nothing for it to move: its nodes can then be read
    without its private encoder. Numbers of many values are given as numbers of bins.
    """

    order: NDArray[np.intp]
    codes: tuple[Floats, ...]
    cuts: dict[int, Floats]

    @classmethod
    def of(cls, x: Floats, categorical: Bools, weights: Floats) -> Binned:
        """Lay out features.

        Parameters
        ----------
        x : float64 array, shape (n_rows, n_features)
        categorical : bool array, shape (n_features,)
        weights : float64 array, shape (n_rows,)
            Above 0.
        """
        order, codes = [], []
        for column in np.flatnonzero(categorical):
            seen = np.unique(x[~np.isnan(x[:, column]), column])
            if (seen != np.floor(seen)).any() or (seen < 0).any():
                raise ValueError(f"column {column} holds what is no code")
            if len(seen) and seen[-1] < MOST_CODES:
                order.append(int(column))
                codes.append(seen)
        others = [c for c in range(x.shape[1]) if c not in set(order)]
        found = {c: bins.cuts(np.clip(x[:, c], -FAR, FAR), weights) for c in others}
        many = {column: each for column, each in found.items() if len(each)}
        return cls(np.array(order + others, dtype=np.intp), tuple(codes), many)

    def mask(self) -> Bools | None:
        """Mark the categorical ones among encoded features, None without any."""
        front = np.arange(len(self.order)) < len(self.codes)
        return front if front.any() else None

    def encode(self, x: Floats) -> Floats:
        """Give features as scikit-learn wants them, shape as `x`."""
        ready = np.clip(x[:, self.order], -FAR, FAR)
        for column, seen in enumerate(self.codes):
            missing = np.isnan(ready[:, column])
            ready[:, column] = np.searchsorted(seen, ready[:, column])
            ready[missing, column] = np.nan
        for at, column in enumerate(self.order):
            if column in self.cuts:
                ready[:, at] = bins.bin_numbers(ready[:, at], self.cuts[column])
        seen_rows = (~np.isnan(ready)).sum(axis=0)
        ready[:, seen_rows < max(1, len(x) / SEEN_SHARE)] = 0.0  # never asked then
        return ready

    def thresholds(self, columns: NDArray[np.intp], given: Floats) -> Floats:
        """Give thresholds of nodes as numbers in their columns."""
        found = given.copy()
        for column, each in self.cuts.items():
            own = columns == column
            found[own] = bins.cut_below(given[own], each)
        return found


def read_trees(grown: list[Grown], layout: Binned) -> Trees:
    """Read the nodes of all trees, counted over all trees.

    Parameters
    ----------
    grown : list of (predictor, int)
        Of scikit-learn, each with the place of what it adds to.
    layout : Binned
        Of the features that they were grown on.
    """
    sizes = np.array([len(predictor.nodes) for predictor, _ in grown])
    roots = np.cumsum(sizes) - sizes
    nodes = np.concatenate([predictor.nodes for predictor, _ in grown])
    first = np.repeat(roots, sizes)
    leaf = nodes["is_leaf"].astype(np.bool_)
    by_code = nodes["is_categorical"].astype(np.bool_) & ~leaf
    sets = list(_code_sets(grown, layout))
    code_set = np.full(len(nodes), NONE)
    code_set[by_code] = np.arange(len(sets))
    plain = ~leaf & ~by_code
    columns = np.where(leaf, NONE, layout.order[nodes["feature_idx"]])
    threshold = np.zeros(len(nodes))
    threshold[plain] = layout.thresholds(columns[plain], nodes["num_threshold"][plain])
    return Trees(
        feature=_ints(columns),
        threshold=threshold,
        left=_ints(np.where(leaf, NONE, nodes["left"] + first)),
        right=_ints(np.where(leaf, NONE, nodes["right"] + first)),
        missing_left=np.where(leaf, 0, nodes["missing_go_to_left"]).astype(np.uint8),
        code_set=_ints(code_set),
        code_sets=np.array(sets, dtype=np.uint8).reshape(-1, CODES // 8),
        value=np.where(leaf, nodes["value"], 0.0),
        roots=_ints(roots),
        classes=_ints(np.array([class_ for _, class_ in grown])),
    )


def _code_sets(grown: list[Any], layout: Binned) -> Iterator[NDArray[np.uint8]]:
    """Give the codes that each categorical node sends left, in the nodes' order."""
    for predictor, _ in grown:
        bits = predictor.raw_left_cat_bitsets.astype("<u4").view(np.uint8)
        inside = np.unpackbits(bits, axis=1, bitorder="little").astype(np.bool_)
        nodes = predictor.nodes
        for node in nodes[(nodes["is_categorical"] == 1) & (nodes["is_leaf"] == 0)]:
            seen = layout.codes[node["feature_idx"]].astype(np.intp)
            # A code never seen goes where missing cells go.
            left = np.full(CODES, node["missing_go_to_left"], dtype=np.bool_)
            left[seen] = inside[node["bitset_idx"], : len(seen)]
            yield np.packbits(left, bitorder="little")


def _ints(array: NDArray[Any]) -> NDArray[np.int32]:
    return array.astype(np.int32)
