"""How near fills come to cells that were hidden, gathered batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats


class Numbers:
    """Squared error of filled numbers, in deviations of their columns.

    Parameters
    ----------
    deviations : float64 array, shape (n_columns,)
        In training; NaN where unknown: then that of the hidden cells.
    origins : float64 array, shape (n_columns,)
        Any usual value of each column: sums of squares about it keep their digits.
    n_classes : int
    """

    def __init__(self, deviations: Floats, origins: Floats, n_classes: int) -> None:
        self._deviations = deviations
        self._origins = origins
        shape = (n_classes, len(deviations))
        self._cells = np.zeros(shape, dtype=np.int64)
        self._errors = np.zeros(shape)
        self._sums = np.zeros(shape)
        self._squares = np.zeros(shape)

    def add(
        self, truth: Floats, filled: Floats, hidden: Bools, labels: NDArray[np.int64]
    ) -> None:
        """Take in some rows.

        Parameters
        ----------
        truth, filled : float64 array, shape (n_rows, n_columns)
        hidden : bool array, shape (n_rows, n_columns)
            Cells that count.
        labels : int array, shape (n_rows,)
        """
        away = np.where(hidden, truth - self._origins, 0.0)
        errors = np.where(hidden, filled - truth, 0.0)
        for place in np.unique(labels):
            own = labels == place
            self._cells[place] += hidden[own].sum(axis=0)
            self._errors[place] += np.square(errors[own]).sum(axis=0)
            self._sums[place] += away[own].sum(axis=0)
            self._squares[place] += np.square(away[own]).sum(axis=0)

    def summary(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Give root mean squared errors over hidden cells.

        Returns
        -------
        dict
            `overall`, `classes`, `by_mean` (what the columns' means would have left,
            taken from the hidden cells themselves), `cells`, and in
            `deviations_from` how many columns took theirs from training and how many
            from the data.
        """
        cells = self._cells.sum(axis=0)
        means = self._sums.sum(axis=0) / np.maximum(cells, 1)
        about_mean = self._squares - 2 * means * self._sums + means**2 * self._cells
        about_mean = np.maximum(about_mean, 0.0)
        in_data = np.sqrt(about_mean.sum(axis=0) / np.maximum(cells, 1))
        given = np.isfinite(self._deviations)
        deviations = np.where(given, self._deviations, in_data)
        # Hidden cells that are all alike have no deviation to measure by.
        counted = (deviations > 0) & (cells > 0)
        scale = np.where(counted, 1 / np.where(counted, deviations, 1.0) ** 2, 0.0)
        n_cells = self._cells @ counted
        errors = self._errors @ scale
        return {
            "overall": _root(errors.sum(), n_cells.sum()),
            "classes": {
                name: _root(errors[place], n_cells[place])
                for place, name in enumerate(classes)
            },
            "by_mean": _root((about_mean @ scale).sum(), n_cells.sum()),
            "cells": int(n_cells.sum()),
            "deviations_from": {
                "training": int((counted & given).sum()),
                "data": int((counted & ~given).sum()),
            },
        }


class Names:
    """How many filled categories are the hidden ones.

    Parameters
    ----------
    widths : sequence of int
        Categories of each column.
    n_classes : int
    """

    def __init__(self, widths: list[int], n_classes: int) -> None:
        shape = (n_classes, len(widths))
        self._cells = np.zeros(shape, dtype=np.int64)
        self._right = np.zeros(shape, dtype=np.int64)
        self._counts = [np.zeros(width, dtype=np.int64) for width in widths]

    def add(
        self, truth: Floats, filled: Floats, hidden: Bools, labels: NDArray[np.int64]
    ) -> None:
        """Take in some rows, as `Numbers.add` does; cells are places of categories."""
        right = hidden & (truth == filled)
        for place in np.unique(labels):
            own = labels == place
            self._cells[place] += hidden[own].sum(axis=0)
            self._right[place] += right[own].sum(axis=0)
        for column, counts in enumerate(self._counts):
            codes = truth[hidden[:, column], column].astype(np.int64)
            counts += np.bincount(codes, minlength=len(counts))

    def summary(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Give shares of hidden cells that were filled right.

        Returns
        -------
        dict
            `overall`, `classes`, `by_mode` (what each column's most frequent category
            would have reached, taken from the hidden cells themselves) and `cells`.
        """
        cells, right = self._cells.sum(axis=1), self._right.sum(axis=1)
        frequent = sum(int(counts.max()) for counts in self._counts)
        return {
            "overall": _share(right.sum(), cells.sum()),
            "classes": {
                name: _share(right[place], cells[place])
                for place, name in enumerate(classes)
            },
            "by_mode": _share(frequent, cells.sum()),
            "cells": int(cells.sum()),
        }


def _root(squares: float, n_cells: int) -> float | None:
    return float(np.sqrt(squares / n_cells)) if n_cells else None


def _share(count: int, n_cells: int) -> float | None:
    return float(count / n_cells) if n_cells else None
