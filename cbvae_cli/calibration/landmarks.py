"""Middles of classes and of frequent categories in the latent space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.neighbours import ROWS_A_CENTRE
from cbvae_cli.table.cells import Bools, Floats

Places = NDArray[np.int64]

MOST_VALUES = 16  # of a column, the most frequent
MOST_ALL = 256  # of all columns
LEAST_ROWS = 20  # of a value that is worth a landmark


@dataclass(frozen=True)
class Landmarks:
    """Mean latent coordinates of rows, none where they are too few to hide a row.

    There is one space for all classes, or one a class.

    Attributes
    ----------
    classes : float32 array, shape (n_spaces, n_classes, latent)
        0 where unknown.
    classes_known : bool array, shape (n_spaces, n_classes)
    values : float32 array, shape (n_spaces, n_values, latent)
        0 where unknown; in a class's own space of its rows alone.
    values_known : bool array, shape (n_spaces, n_values)
    column : int32 array, shape (n_values,)
        Place among modelled columns.
    code : float64 array, shape (n_values,)
        The value as the column's kind reads it.
    """

    classes: NDArray[np.float32]
    classes_known: Bools
    values: NDArray[np.float32]
    values_known: Bools
    column: NDArray[np.int32]
    code: Floats

    @property
    def class_means(self) -> NDArray[np.float32]:
        """Means of classes, NaN where unknown."""
        return np.where(self.classes_known[..., None], self.classes, np.float32("nan"))

    @property
    def value_means(self) -> NDArray[np.float32]:
        """Means of values, NaN where unknown."""
        return np.where(self.values_known[..., None], self.values, np.float32("nan"))

    def of_value(self, column: int, code: float) -> int | None:
        """Give the place of a value in `values`, if it has one."""
        found = np.flatnonzero((self.column == column) & (self.code == code))
        return int(found[0]) if len(found) else None

    def only(self, classes: Sequence[int]) -> Landmarks:
        """Leave classes out that have latent spaces of their own."""
        order = list(classes)
        return Landmarks(
            self.classes[order][:, order],
            self.classes_known[order][:, order],
            self.values[order],
            self.values_known[order],
            self.column,
            self.code,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        n_spaces: int,
        n_classes: int,
        latent: int,
    ) -> Landmarks:
        """Build from `arrays`, trusting none of them."""
        found = cls(**{field.name: arrays[field.name] for field in fields(cls)})
        n_values = len(found.column)
        shapes = (n_spaces, n_classes, latent), (n_spaces, n_values, latent)
        known = (found.classes_known.shape, found.values_known.shape)
        if (found.classes.shape, found.values.shape) != shapes or known != (
            shapes[0][:2],
            shapes[1][:2],
        ):
            raise ValueError("stored landmarks are of another latent space")
        if found.code.shape != (n_values,):
            raise ValueError("stored landmarks name no values")
        return found


def mean_of(at: Floats) -> NDArray[np.float32]:
    """Give the mean of points, NaN where they are too few to hide one of them."""
    if len(at) < ROWS_A_CENTRE:
        return np.full(at.shape[1], np.nan, dtype=np.float32)
    mean: NDArray[np.float32] = at.mean(axis=0).astype(np.float32)
    return mean


def landmarks(
    classes: NDArray[np.float32],
    values: NDArray[np.float32],
    column: NDArray[np.int32],
    code: Floats,
) -> Landmarks:
    """Make landmarks of means that are NaN where unknown."""
    of_classes: Bools = np.all(np.isfinite(classes), axis=2)
    of_values: Bools = np.all(np.isfinite(values), axis=2)
    return Landmarks(
        np.nan_to_num(classes),
        of_classes,
        np.nan_to_num(values),
        of_values,
        column,
        code,
    )


def frequent(
    values: Floats, columns: Sequence[int]
) -> tuple[NDArray[np.int32], Floats]:
    """Give the frequent values of some columns: column and code of each.

    Parameters
    ----------
    values : float64 array, shape (n_rows, n_columns)
        NaN where missing.
    columns : sequence of int
        Of categories or truth values.
    """
    found: list[tuple[int, int, float]] = []
    for column in columns:
        cells = values[:, column]
        codes, counts = np.unique(cells[cells >= 0], return_counts=True)
        most = np.argsort(-counts, kind="stable")[:MOST_VALUES]
        found += [
            (int(counts[at]), column, float(codes[at]))
            for at in most
            if counts[at] >= LEAST_ROWS
        ]
    kept = sorted(found, key=lambda each: (-each[0], each[1], each[2]))[:MOST_ALL]
    kept.sort(key=lambda each: each[1:])
    return (
        np.array([column for _, column, _ in kept], dtype=np.int32),
        np.array([code for _, _, code in kept], dtype=np.float64),
    )
