"""Which rows must stay together: equal ones, and those of a group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats

Places = NDArray[np.int64]


def row_keys(values: Floats, seed: int) -> NDArray[np.uint64]:
    """Give each row a number that equal rows share, shape (n_rows,).

    Integer arithmetic, so that neither threads nor batches change it.
    """
    rng = np.random.default_rng([seed, 1])
    halves = rng.integers(0, 2**63, size=values.shape[1], dtype=np.uint64)
    odd = np.add(np.multiply(halves, np.uint64(2)), np.uint64(1))
    keys: NDArray[np.uint64] = np.zeros(len(values), dtype=np.uint64)
    for place in range(values.shape[1]):
        column = np.ascontiguousarray(values[:, place]) + 0.0  # -0.0 becomes 0.0
        bits = np.where(np.isnan(column), np.nan, column).view(np.uint64)
        keys = mixed(keys + bits * odd[place])
    return keys


def mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of each key (the finaliser of SplitMix64)."""
    first, second = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
    keys = np.multiply(keys ^ (keys >> np.uint64(30)), first)
    keys = np.multiply(keys ^ (keys >> np.uint64(27)), second)
    return keys ^ (keys >> np.uint64(31))


def united(keys: NDArray[np.uint64], groups: Places | None) -> Places:
    """Give each row the number of the rows it must stay with, shape (n_rows,).

    Equal rows do, rows of a group do, and so do groups that share an equal row.
    """
    _, of_key = np.unique(keys, return_inverse=True)
    if groups is None:
        return of_key
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n_keys = int(of_key.max()) + 1
    size = n_keys + int(groups.max()) + 1
    ones = np.ones(len(keys), dtype=np.int8)
    graph = coo_matrix((ones, (of_key, n_keys + groups)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    units: Places = component[of_key].astype(np.int64)
    return units
