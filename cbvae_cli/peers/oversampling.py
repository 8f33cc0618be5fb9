"""More rows of rare classes by SMOTE: points between neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.peers.features import Features
from cbvae_cli.table.cells import Bools, Floats

NEIGHBOURS = 5


def oversampled(
    rows: Floats, labels: NDArray[np.int64], names: Bools, seed: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Bring every class of two rows or more to the size of the largest by SMOTE.

    Each class is taken by itself, so that one of three rows does not lower the number
    of neighbours for all; a class of one row has no neighbour and stays as it is.

    Parameters
    ----------
    rows : float64 array, shape (n_rows, n_columns)
        Without gaps.
    labels : int array, shape (n_rows,)
    names : bool array, shape (n_columns,)
        Categorical columns.
    seed : int

    Returns
    -------
    rows : float64 array, shape (n_rows + n_new, n_columns)
    labels : int array
    """
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

    kind: Callable[..., Any] = SMOTE
    if names.all():
        kind = SMOTEN
    elif names.any():
        kind = SMOTENC
    extra = {}
    if kind is SMOTENC:
        extra["categorical_features"] = np.flatnonzero(names).tolist()
    counts = np.bincount(labels)
    new_rows, new_labels = [rows], [labels]
    for place, count in enumerate(counts):
        if not 2 <= count < counts.max():
            continue
        smote = kind(
            sampling_strategy={place: counts.max()},
            k_neighbors=min(NEIGHBOURS, count - 1),
            random_state=seed,
            **extra,
        )
        grown, _ = smote.fit_resample(rows, labels)
        new_rows.append(np.asarray(grown, dtype=np.float64)[len(rows) :])
        new_labels.append(np.full(counts.max() - count, place))
    return np.concatenate(new_rows), np.concatenate(new_labels)


def without_gaps(train: Features, test: Features) -> tuple[Floats, Floats]:
    """Fill gaps with the median or the most frequent category of training rows."""
    from sklearn.impute import SimpleImputer

    seen, asked = train.values.copy(), test.values.copy()
    names = train.categorical
    for columns, strategy in ((names, "most_frequent"), (~names, "median")):
        if columns.any():
            fill = SimpleImputer(strategy=strategy, keep_empty_features=True)
            seen[:, columns] = fill.fit_transform(seen[:, columns])
            asked[:, columns] = fill.transform(asked[:, columns])
    return seen, asked
