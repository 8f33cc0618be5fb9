"""Small decision trees as flat arrays of nodes, checked before they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]

MOST_LEAVES = 16  # of a tree: the bits of the word that `tree_words` keeps per tree
CODES = 256  # codes of a categorical cell that a set of codes can hold
NONE = -1  # no child, no feature, no set of codes


@dataclass(frozen=True)
class Trees:
    """Nodes of all trees, one tree after the other, its root first.

    Attributes
    ----------
    feature : int32 array, shape (n_nodes,)
        Column that the node asks; -1 in a leaf.
    threshold : float64 array, shape (n_nodes,)
        Cells up to it go left. May be infinite: all seen cells then go one way and
        missing ones the other.
    left, right : int32 array, shape (n_nodes,)
        Children, counted over all trees; -1 in a leaf.
    missing_left : uint8 array, shape (n_nodes,)
        Whether missing cells, and codes that no set can hold, go left.
    code_set : int32 array, shape (n_nodes,)
        Row of `code_sets` of a categorical node, else -1.
    code_sets : uint8 array, shape (n_sets, 32)
        Codes that go left, a bit each, lowest bit first.
    value : float64 array, shape (n_nodes,)
        What a leaf adds to the log-odds of the tree's class.
    roots, classes : int32 array, shape (n_trees,)
        First node, and place of the class among those present.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    missing_left: Bytes
    code_set: Ints
    code_sets: Bytes
    value: Floats
    roots: Ints
    classes: Ints

    @property
    def inner(self) -> Bools:
        """Tell which nodes ask something."""
        inner: Bools = self.feature != NONE
        return inner

    @property
    def tree(self) -> NDArray[np.intp]:
        """Tell the tree of each node."""
        nodes = np.arange(len(self.feature))
        return np.searchsorted(self.roots, nodes, side="right") - 1

    @classmethod
    def restore(
        cls, arrays: Mapping[str, NDArray[Any]], n_features: int, n_classes: int
    ) -> Trees:
        """Build from arrays by field name, trusting none of them.

        Parameters
        ----------
        arrays : mapping of str to array
        n_features, n_classes : int
            Bounds of columns and of classes.

        Raises
        ------
        ValueError
            Where an array lacks or has another dtype or shape than it must have,
            or the nodes form no trees.
        """
        found = cls(**{field.name: arrays[field.name] for field in fields(cls)})
        _check_shapes(found)
        _check_forest(found)
        _check_nodes(found, n_features, n_classes)
        return found


def joined(each: Sequence[Trees]) -> Trees:
    """Put trees that ask no codes behind each other."""
    sizes = np.array([len(trees.feature) for trees in each])
    first = np.cumsum(sizes) - sizes
    found = {
        field.name: np.concatenate([getattr(trees, field.name) for trees in each])
        for field in fields(Trees)
    }
    nodes = np.repeat(first, sizes)
    for name in ("left", "right"):
        leaf = found[name] == NONE
        found[name] = np.where(leaf, NONE, found[name] + nodes).astype(np.int32)
    trees_of = [len(trees.roots) for trees in each]
    shifted = found["roots"] + np.repeat(first, trees_of)
    return Trees(**found | {"roots": shifted.astype(np.int32)})


def require(holds: object, problem: str) -> None:
    """Raise ValueError unless something holds."""
    if not holds:
        raise ValueError(f"stored trees are unusable: {problem}")


def require_array(
    array: NDArray[Any], name: str, dtype: type, shape: tuple[int, ...]
) -> None:
    """Raise ValueError unless an array has a dtype and a shape."""
    fits = isinstance(array, np.ndarray) and array.dtype == dtype
    require(fits and array.shape == shape, f"{name} has another dtype or shape")


def _check_shapes(trees: Trees) -> None:
    of_nodes = (np.size(trees.feature),)
    for name in ("feature", "left", "right", "code_set"):
        require_array(getattr(trees, name), name, np.int32, of_nodes)
    for name in ("threshold", "value"):
        require_array(getattr(trees, name), name, np.float64, of_nodes)
    require_array(trees.missing_left, "missing_left", np.uint8, of_nodes)
    of_sets = (len(np.atleast_1d(trees.code_sets)), CODES // 8)
    require_array(trees.code_sets, "code_sets", np.uint8, of_sets)
    of_trees = (np.size(trees.roots),)
    require_array(trees.roots, "roots", np.int32, of_trees)
    require_array(trees.classes, "classes", np.int32, of_trees)


def _check_forest(trees: Trees) -> None:
    """Check that every node is reached from the root of its tree, by one way."""
    n_nodes, roots = len(trees.feature), trees.roots.astype(np.int64)
    require(bool(len(roots)) == bool(n_nodes), "nodes without trees or trees without")
    ends = np.append(roots[1:], n_nodes)[: len(roots)]
    require((roots[:1] == 0).all() and (roots < ends).all(), "roots are out of order")
    leaf = ~trees.inner
    childless = (trees.left == NONE) & (trees.right == NONE)
    require((leaf == childless).all(), "a leaf has children or a node has none")
    per_tree = np.bincount(trees.tree[leaf], minlength=len(roots))
    require((per_tree <= MOST_LEAVES).all(), f"more than {MOST_LEAVES} leaves")
    parents = np.flatnonzero(~leaf)
    last = np.repeat(ends, ends - roots)[parents]
    children = np.stack([trees.left[parents], trees.right[parents]])
    require(((children > parents) & (children < last)).all(), "a child out of place")
    expected = np.ones(n_nodes, dtype=np.int64)
    expected[roots] = 0
    reached = np.bincount(children.ravel(), minlength=n_nodes)
    require((reached == expected).all(), "a node has not one parent")


def _check_nodes(trees: Trees, n_features: int, n_classes: int) -> None:
    inner, sets = trees.inner, trees.code_set
    feature = trees.feature
    require(((feature >= NONE) & (feature < n_features)).all(), "an unknown column")
    require(((trees.classes >= 0) & (trees.classes < n_classes)).all(), "a class")
    require(((sets >= NONE) & (sets < len(trees.code_sets))).all(), "a set of codes")
    require((sets[~inner] == NONE).all(), "a leaf with codes")
    require(not np.isnan(trees.threshold).any(), "a threshold is missing")
    require(np.isfinite(trees.value).all(), "a leaf's value is not finite")
    require((trees.missing_left <= 1).all(), "missing_left is neither 0 nor 1")
    asks_codes = sets != NONE
    by_code = np.unique(feature[inner & asks_codes])
    by_size = np.unique(feature[inner & ~asks_codes])
    require(not np.intersect1d(by_code, by_size).size, "a column of two kinds")
