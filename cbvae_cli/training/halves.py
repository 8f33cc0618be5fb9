"""Rows to train on and rows to test, where models are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.schema import Column, Schema
from cbvae_cli.training.parts import row_keys
from cbvae_cli.training.read import Table

TEST_SHARE = 0.3


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows to test.

    Attributes
    ----------
    schema : Schema
        Kinds still to be fitted on the training rows; columns that do not vary in
        them are not modelled.
    train, test : float64 array, shape (n_rows, n_modelled)
    train_labels, test_labels : int array, shape (n_rows,)
    seed : int
    """

    schema: Schema
    train: Floats
    train_labels: NDArray[np.int64]
    test: Floats
    test_labels: NDArray[np.int64]
    seed: int


def split_of(table: Table, seed: int) -> Split:
    """Split a table and leave out what does not vary in its training rows."""
    outside = outside_rows(table.values, table.labels, seed)
    train, labels = table.values[~outside], table.labels[~outside]
    varies = np.array([_varies(train[:, at]) for at in range(train.shape[1])])
    if not varies.any():
        raise DataProblem("no column varies among the rows to train on")
    counts = np.bincount(labels, minlength=len(table.schema.label.classes))
    schema = _with_columns(table.schema, varies)
    label = replace(schema.label, counts=tuple(counts.tolist()))
    return Split(
        replace(schema, label=label),
        np.asfortranarray(train[:, varies]),
        labels,
        np.asfortranarray(table.values[outside][:, varies]),
        table.labels[outside],
        seed,
    )


def outside_rows(values: Floats, labels: NDArray[np.int64], seed: int) -> Bools:
    """Mark the rows to test on, of each class alike; equal rows stay together.

    Every class keeps rows to train on.

    Parameters
    ----------
    values : float64 array, shape (n_rows, n_columns)
    labels : int array, shape (n_rows,)
    seed : int

    Returns
    -------
    bool array, shape (n_rows,)
    """
    keys = row_keys(values, seed)
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    rng = np.random.default_rng([seed, 21])
    chosen = np.zeros(len(first), dtype=bool)
    places = np.unique(labels)
    for place in places:
        own = rng.permutation(np.flatnonzero(labels[first] == place))
        chosen[own[: round(TEST_SHARE * len(own))]] = True
    for place in places:
        of_class = group[labels == place]
        if chosen[of_class].all():  # it shares all its rows with another class
            chosen[of_class] = False
    marked: Bools = chosen[group]
    return marked


def _varies(cells: Floats) -> bool:
    seen = cells[~np.isnan(cells)]
    return len(seen) > 0 and bool((seen != seen[0]).any())


def _with_columns(schema: Schema, kept: Bools) -> Schema:
    """Keep some of the modelled columns."""
    of_name = dict(zip((c.name for c in schema.modelled), kept, strict=True))
    columns = tuple(
        column
        if of_name.get(column.name, True)
        else Column(column.name, "constant", None, column.storage)
        for column in schema.columns
    )
    return replace(schema, columns=columns)
