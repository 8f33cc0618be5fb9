"""Isolation forests: grown by scikit-learn, kept as numbers, applied by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

TREES = 64
ROWS_A_TREE = 256  # Liu, Ting & Zhou (2008): more rows isolate worse
LEAF = -1
EULER = 0.5772156649015329


@dataclass(frozen=True)
class Forest:
    """Trees that cut points off at random; the strange are alone after few cuts.

    Nodes stand tree by tree, each before its children and the left child right
    behind it. That order alone says where the right child and the next tree are.

    Attributes
    ----------
    axis : int32 array, shape (n_nodes,)
        That the node asks about; -1 in a leaf.
    number : float32 array, shape (n_nodes,)
        Points up to it go left. In a leaf, how many rows of the fit are there.
    rows : int
        That each tree was grown on.
    n_axes : int
    """

    axis: NDArray[np.int32]
    number: NDArray[np.float32]
    rows: int
    n_axes: int

    @cached_property
    def _right(self) -> NDArray[np.int64]:
        """Right child of each inner node: behind the last node under its left one."""
        after = _walk(self.axis)
        order = np.lexsort((np.arange(len(after)), after))
        width = len(after) + 1
        found = after[order] * width + order
        inner = np.flatnonzero(self.axis != LEAF)
        ends = np.searchsorted(found, (after[inner] - 1) * width + inner + 1)
        right = np.zeros(len(after), dtype=np.int64)
        right[inner] = order[ends] + 1
        return right

    @cached_property
    def _roots(self) -> NDArray[np.int64]:
        lows = np.minimum.accumulate(np.minimum(_walk(self.axis), 0))
        ends = np.flatnonzero(np.diff(lows, prepend=0) < 0)
        return np.append(0, ends[:-1] + 1)

    @cached_property
    def _beyond(self) -> Floats:
        """Cuts that a leaf of several rows stands for."""
        return usual_depth(np.where(self.axis == LEAF, self.number, 0.0))

    def score(self, at: Floats) -> Floats:
        """Give 2 ** -(mean depth / usual depth), shape (n_rows,); high is strange.

        Parameters
        ----------
        at : float64 array, shape (n_rows, n_axes)
        """
        points = at.astype(np.float32)
        node = np.tile(self._roots, (len(points), 1))
        row = np.arange(len(points))[:, None]
        depth = np.zeros(node.shape)
        while True:
            axis = self.axis[node]
            inner: Bools = axis != LEAF
            if not inner.any():
                break
            left = points[row, np.maximum(axis, 0)] <= self.number[node]
            child = np.where(left, node + 1, self._right[node])
            node = np.where(inner, child, node)
            depth += inner
        depth += self._beyond[node]
        usual = usual_depth(np.array([float(self.rows)]))[0]
        scores: Floats = 2.0 ** -(depth.mean(axis=1) / usual)
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        size = np.array([self.rows, self.n_axes], dtype=np.int64)
        return {"axis": self.axis, "number": self.number, "size": size}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Forest:
        """Build from `arrays`, trusting none of them.

        Raises
        ------
        ValueError
            Where the nodes form no trees.
        """
        axis, number, size = (arrays[name] for name in ("axis", "number", "size"))
        _require(axis.dtype == np.int32 and axis.ndim == 1 and len(axis) > 0)
        _require(number.dtype == np.float32 and number.shape == axis.shape)
        _require(size.dtype == np.int64 and size.shape == (2,))
        _require(size[0] >= 2 and bool(np.isfinite(number).all()))
        _require(bool(((axis >= LEAF) & (axis < size[1])).all()))
        # The last node must end a tree, or the last tree has lost some.
        walk = _walk(axis)
        _require(walk[-1] < 0 and walk[-1] == walk.min())
        _require(bool((number[axis == LEAF] >= 0).all()))
        return cls(axis, number, int(size[0]), int(size[1]))


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("stored trees of an isolation forest are unusable")


def _walk(axis: NDArray[np.int32]) -> NDArray[np.int64]:
    """Count how many more subtrees begin than end; a tree ends one lower."""
    return np.cumsum(np.where(axis == LEAF, -1, 1))


def usual_depth(rows: Floats) -> Floats:
    """Give the mean depth at which a random tree of some rows finds one of them.

    c(n) = 2 (ln(n - 1) + Euler's constant) - 2 (n - 1) / n (Liu et al. 2008).
    """
    n = np.maximum(rows.astype(np.float64), 3.0)
    many = 2.0 * (np.log(n - 1.0) + EULER) - 2.0 * (n - 1.0) / n
    depth: Floats = np.where(rows <= 1, 0.0, np.where(rows <= 2, 1.0, many))
    return depth


def fit_forest(at: Floats, seed: int) -> Forest:
    """Grow `IsolationForest` and keep its numbers.

    Parameters
    ----------
    at : float64 array, shape (n_rows, n_axes)
        Two rows or more.
    seed : int

    Returns
    -------
    Forest
    """
    from sklearn.ensemble import IsolationForest

    rows = min(ROWS_A_TREE, len(at))
    grown = IsolationForest(n_estimators=TREES, max_samples=rows, random_state=seed)
    grown.fit(at.astype(np.float32))
    trees = [each.tree_ for each in grown.estimators_]
    axis = np.concatenate([tree.feature for tree in trees])
    leaf = axis < 0
    cuts = _rounded_down(np.concatenate([tree.threshold for tree in trees]))
    rows_there = np.concatenate([tree.n_node_samples for tree in trees])
    return Forest(
        np.where(leaf, LEAF, axis).astype(np.int32),
        np.where(leaf, rows_there, cuts).astype(np.float32),
        rows,
        at.shape[1],
    )


def _rounded_down(cuts: Floats) -> NDArray[np.float32]:
    """Round so that a float32 number is up to a cut if it was up to the exact one."""
    near = cuts.astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > cuts, below, near)
