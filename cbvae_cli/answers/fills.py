"""What cells of rows are expected to hold, all classes taken together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.family_cells import (
    Held,
    Moved,
    family_draws,
    family_fill,
    noise_width,
)
from cbvae_cli.families.cells import Cells, plain_cells
from cbvae_cli.table.cells import Floats

LEAST_SHARE = 1e-3  # of a class in a row; less would change no fill


@dataclass(frozen=True)
class Fills:
    """Fills cells by a model.

    Attributes
    ----------
    model : Model
    cells : Cells
    """

    model: Model
    cells: Cells

    @classmethod
    def of(cls, model: Model) -> Fills:
        """Take what the model has learnt of cells, where it has."""
        if model.filling is None:
            return cls(model, plain_cells(model.layout.kinds))
        return cls(model, model.filling.cells)

    def mixed(self, values: Floats, weights: Floats) -> Floats:
        """Average over classes, as likely as each is, shape (n_rows, width).

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
            NaN where missing.
        weights : float64 array, shape (n_rows, n_classes)
            p(class given row); sums of 1.
        """
        counted = _counted(weights)
        found = np.zeros((len(values), self.cells.width))
        for place in np.flatnonzero(counted.any(axis=0)):
            rows = np.flatnonzero(counted[:, place])
            share = counted[rows, place, None]
            found[rows] += share * self.of_class(values[rows], int(place))[0]
        return found

    def of_class(self, values: Floats, place: int) -> tuple[Floats, Held]:
        """Fill rows of one class.

        Returns
        -------
        found : float64 array, shape (n_rows, width)
            All voices together.
        held : Held
            The class's own networks alone.
        """
        model, filling = self.model, self.model.filling
        encoded = model.layout.encode(values)
        places: NDArray[np.int64] = np.full(len(values), place)
        held = family_fill(model.family, self.cells, encoded, places)
        if filling is None:
            return held.expected, held
        known = model.layout.known(values)
        return filling.fill(known, places, held.expected), held

    @property
    def n_numbers(self) -> int:
        """Count the random numbers of a draw of a row: class, networks, names."""
        return 1 + noise_width(self.model.family) + len(self.cells.names)

    def drawn(self, values: Floats, weights: Floats, numbers: Floats) -> Floats:
        """Draw cells, names settled: one of their columns is 1.

        Parameters
        ----------
        values, weights
            As in `mixed`.
        numbers : float64 array, shape (n_draws, n_rows, `n_numbers`)
            Between 0 and 1.

        Returns
        -------
        float64 array, shape (n_draws, n_rows, width)
        """
        from scipy.special import ndtri

        counted = _counted(weights)
        steps = np.cumsum(counted, axis=1)[None, :, :-1]
        places = (numbers[:, :, :1] >= steps).sum(axis=2)
        noise = ndtri(numbers[:, :, 1 : self.n_numbers - len(self.cells.names)])
        encoded = self.model.layout.encode(values)
        given = self.model.family, self.cells, encoded, places, noise
        found = np.empty((len(numbers), len(values), self.cells.width))
        for layer, cells in zip(found, family_draws(*given), strict=True):
            layer[:] = cells
        for place in np.unique(places):
            rows = np.flatnonzero((places == place).any(axis=0))
            filled, held = self.of_class(values[rows], int(place))
            scale = 1.0
            if self.model.filling is not None:
                scale = self.model.filling.scale[place]
            moved = Moved.of(self.cells, held, filled).drawn(found[:, rows], scale)
            for at, block in enumerate(self.cells.names):
                chosen = numbers[:, rows, at - len(self.cells.names)]
                moved[:, :, block] = _picked(filled[:, block], chosen, self._words[at])
            own = places[:, rows] == place
            found[:, rows] = np.where(own[:, :, None], moved, found[:, rows])
        return found

    def deviations(self, mixed: Floats, drawn: Floats) -> Floats:
        """Give deviations of draws, shape (n_rows, n_columns), in the columns' units.

        Of names: that of whether the likeliest one is right.

        Parameters
        ----------
        mixed, drawn : float64 array
            What the functions of these names give.
        """
        spread = drawn.std(axis=0) * self.cells.spread
        found = np.empty((len(mixed), len(self.cells.kinds)))
        for place, block in enumerate(self.cells.blocks):
            found[:, place] = spread[:, block.start]
            if self.cells.kinds[place].codes:
                likeliest = np.clip(mixed[:, block].max(axis=1), 0.0, 1.0)
                found[:, place] = np.sqrt(likeliest * (1 - likeliest))
        return found

    @property
    def _words(self) -> list[int]:
        return [kind.n_words for kind in self.cells.kinds if kind.codes]


def _counted(weights: Floats) -> Floats:
    counted = np.where(weights >= LEAST_SHARE, weights, 0.0)
    shares: Floats = counted / counted.sum(axis=1, keepdims=True)
    return shares


def _picked(shares: Floats, chosen: Floats, n_words: int) -> Floats:
    """Pick words as likely as they are, shape (n_draws, n_rows, width)."""
    steps = np.cumsum(np.maximum(shares[:, :n_words], 0.0), axis=1)
    points = chosen[..., None] * steps[:, -1:]
    word = np.minimum((points >= steps).sum(axis=-1), n_words - 1)
    picked: Floats = (word[..., None] == np.arange(shares.shape[1])).astype(np.float64)
    return picked
