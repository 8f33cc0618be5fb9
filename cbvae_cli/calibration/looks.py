"""Two ways of looking at rows as points: through a class's network, and plainly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.neighbours import Axes, Crowd, Points, fit_crowd
from cbvae_cli.evidence import chunks
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.kind import under
from cbvae_cli.table.matrix import Encoded, Layout

LEAST_SCALE = 0.05  # in units of the matrix
WORDS = ("boolean", "categorical")  # kinds of columns that are 0 or 1 in the matrix
LEAST_WORD_SCALE = 1.0  # or a rare word would outweigh all other columns
REACH = 4.0  # units of the matrix within which training rows lie


@dataclass(frozen=True)
class Look:
    """Rows as one network of a class sees them.

    Attributes
    ----------
    encoded : Encoded
    cells : float64 array, shape (n_rows, width)
        The encoded cells; where hidden, what the network believes.
    residuals : float64 array, shape (n_rows, width)
        What the network did not expect of the seen cells; 0 where hidden.
    """

    encoded: Encoded
    cells: Floats
    residuals: Floats


def look(alone: Family, chunk: Encoded, place: int, n_rows: int) -> Look:
    """Look at the first rows of a chunk as one member's network of a class does."""
    some = Encoded(chunk.matrix[:n_rows], chunk.observed[:n_rows], chunk.novel)
    seen = some.observed[:, alone.layout.owner]
    believed = alone.fill(alone.rows(chunk), place).mean[:n_rows].astype(np.float64)
    cells = np.where(seen, some.matrix, believed)
    return Look(some, cells, cells - believed)


def look_at(alone: Family, encoded: Encoded, place: int) -> Look:
    """Look at rows as one member's network of a class does.

    Parameters
    ----------
    alone : Family
        Of one member.
    encoded : Encoded
    place : int
    """
    found = [
        look(alone, chunk, place, rows.stop - rows.start)
        for rows, chunk in chunks(encoded)
    ]
    nothing = np.empty((0, alone.layout.width))
    cells = np.concatenate([nothing, *(each.cells for each in found)])
    residuals = np.concatenate([nothing, *(each.residuals for each in found)])
    return Look(encoded, cells, residuals)


def through(looked: Look, layout: Layout) -> Points:
    """Set cells and residuals side by side.

    Measured on many tables, neighbours among both find more strange rows than among
    either.
    """
    seen = looked.encoded.observed[:, layout.owner]
    at = np.concatenate([looked.cells, looked.residuals], axis=1)
    return Points(at, np.concatenate([seen, seen], axis=1))


def plainly(looked: Look, layout: Layout) -> Points:
    """Put cells in their columns' own units, where far out stays far out."""
    at, owner = _own_units(looked.cells, layout)
    return Points(at, looked.encoded.observed[:, owner])


def _own_units(matrix: Floats, layout: Layout) -> tuple[Floats, NDArray[np.int64]]:
    units = matrix.astype(np.float32)
    parts = layout.expected(units, np.zeros_like(units))
    widths = [part.shape[1] for part in parts]
    return np.concatenate(parts, axis=1), np.repeat(np.arange(len(parts)), widths)


def _through_axes(layout: Layout) -> Axes:
    least = _least(layout)[layout.owner]
    owner = np.concatenate([layout.owner, layout.owner + len(layout.kinds)])
    return Axes(owner, np.concatenate([least, least]))


def _plain_axes(layout: Layout) -> Axes:
    ends = np.array([[-REACH], [REACH]]) * np.ones(layout.width)
    (low, high), owner = _own_units(ends, layout)
    unit = np.maximum((high - low) / (2 * REACH), 1e-300)
    return Axes(owner, _least(layout)[owner] * unit)


def _least(layout: Layout) -> Floats:
    """Give the least scale of each table column, in units of the matrix."""
    words = [kind.name in WORDS for kind in layout.kinds]
    return np.where(words, LEAST_WORD_SCALE, LEAST_SCALE)


POINTS: dict[str, Callable[[Look, Layout], Points]] = {
    "through": through,
    "plainly": plainly,
}
_AXES = {"through": _through_axes, "plainly": _plain_axes}


@dataclass(frozen=True)
class Home:
    """Where a class is at home, as one member knows it.

    Attributes
    ----------
    mean : float32 array, shape (width,)
        Of the encoded cells.
    crowds : mapping of str to Crowd
        One a key of `POINTS`.
    """

    mean: NDArray[np.float32]
    crowds: Mapping[str, Crowd]

    def distances(self, alone: Family, encoded: Encoded, place: int) -> Floats:
        """Give the distance to the nearest centre, look by look.

        Parameters
        ----------
        alone : Family
            The member.
        encoded : Encoded
        place : int
            Of the class.

        Returns
        -------
        float64 array, shape (n_rows, n_looks)
            In the order of `POINTS`.
        """
        found = [np.empty((0, len(POINTS)))]
        for rows, chunk in chunks(encoded):
            looked = look(alone, chunk, place, rows.stop - rows.start)
            each = [
                self.crowds[name].distance(points(looked, alone.layout))
                for name, points in POINTS.items()
            ]
            found.append(np.stack(each, axis=1))
        return np.concatenate(found)

    def from_mean(self, encoded: Encoded, layout: Layout) -> Floats:
        """Give the RMSE of seen cells from the class's mean, shape (n_rows,)."""
        seen = encoded.observed[:, layout.owner]
        wrong = np.where(seen, encoded.matrix.astype(np.float64) - self.mean, 0.0)
        rmse: Floats = np.sqrt((wrong**2).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))
        return rmse

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        found: dict[str, NDArray[Any]] = {
            f"{name}/{field}": array
            for name, crowd in self.crowds.items()
            for field, array in crowd.arrays().items()
        }
        return found | {"mean": self.mean}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Home:
        """Build from `arrays`."""
        crowds = {name: Crowd.restore(under(arrays, f"{name}/")) for name in POINTS}
        return cls(arrays["mean"], crowds)


def fit_home(looked: Look, layout: Layout, seed: int, n_members: int = 1) -> Home:
    """Fit on rows of a class that a member learnt from.

    Parameters
    ----------
    looked : Look
        By the member.
    layout : Layout
    seed : int
    n_members : int
        That have a home each.
    """
    crowds = {
        name: fit_crowd(points(looked, layout), _AXES[name](layout), seed, n_members)
        for name, points in POINTS.items()
    }
    mean = crowds["through"].middle[: layout.width].astype(np.float32)
    return Home(mean, crowds)
