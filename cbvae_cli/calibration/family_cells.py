"""What the networks of a row's class hold to be in its cells, and draws of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cbvae_cli.evidence import chunks, encode_rows, take
from cbvae_cli.families.cells import Cells
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Held:
    """What networks hold to be in cells, seen or not.

    Attributes
    ----------
    expected, middle : float64 array, shape (n_rows, width)
        Mean of each cell, and the cell at the mean of the networks' own scale: in a
        skewed column they differ.
    """

    expected: Floats
    middle: Floats


def family_fill(family: Family, cells: Cells, encoded: Encoded, places: Places) -> Held:
    """Give what each cell is held to be.

    Parameters
    ----------
    family : Family
    cells : Cells
    encoded : Encoded
    places : int array, shape (n_rows,)
        Classes of the rows.
    """
    found = np.empty((2, len(places), cells.width))
    for place in np.unique(places):
        own = np.flatnonzero(places == place)
        for rows, chunk in chunks(take(encoded, own)):
            belief = family.fill(family.rows(chunk), int(place))
            none = np.zeros_like(belief.deviation)
            for layer, spread in enumerate((belief.deviation, none)):
                expected = family.layout.expected(belief.mean, spread)
                cut = cells.join(expected)[: rows.stop - rows.start]
                found[layer, own[rows]] = cut
    return Held(*found)


def family_draws(
    family: Family, cells: Cells, encoded: Encoded, places: Places, noise: Floats
) -> Iterator[Floats]:
    """Draw cells from the posterior of each row: members take turns.

    Parameters
    ----------
    family, cells, encoded
        As in `family_fill`.
    places : int array, shape (n_draws, n_rows)
        Class of each row in each draw.
    noise : float64 array, shape (n_draws, n_rows, `noise_width`)
        Standard normal.

    Yields
    ------
    float64 array, shape (n_rows, width)
    """
    latent = family.nets.latent
    for number, (of_row, each) in enumerate(zip(places, noise, strict=True)):
        member = number % family.n_members
        found = np.empty((len(of_row), cells.width))
        for place in np.unique(of_row).tolist():
            own = np.flatnonzero(of_row == place)
            mean, deviation = encode_rows(family, take(encoded, own), place, member)
            z = torch.from_numpy(mean + deviation * each[own, :latent]).float()
            belief = family.expect_at(z, place, member)
            spread = belief.mean, belief.deviation
            block = family.layout.drawn(*spread, each[own, latent:])
            drawn = block.astype(np.float32)
            expected = family.layout.expected(drawn, np.zeros_like(drawn))
            found[own] = cells.join(expected)
        yield found


@dataclass(frozen=True)
class Moved:
    """Draws of networks, moved to where cells are filled.

    All on the networks' scale, where columns are nearly normal: in a skewed column
    draws that are stretched on its own scale would pile up at its end.

    Attributes
    ----------
    cells : Cells
    middle : float64 array, shape (n_rows, width)
        Of the networks' draws.
    shift : float64 array, shape (n_rows, width)
        From there to the middle of the draws of what is filled.
    """

    cells: Cells
    middle: Floats
    shift: Floats

    @classmethod
    def of(cls, cells: Cells, held: Held, filled: Floats) -> Moved:
        """Move from what the networks hold to what is filled, (n_rows, width)."""
        shift = cells.to_units(filled) - cells.to_units(held.expected)
        return cls(cells, cells.to_units(held.middle), shift)

    def away(self, drawn: Floats) -> Floats:
        """Measure how far draws, (n_draws, n_rows, width), lie from their middle."""
        away: Floats = self.cells.to_units(drawn) - self.middle
        return away

    def wrong(self, truth: Floats) -> Floats:
        """Measure how far truth, (n_rows, width), lies from the moved middle."""
        wrong: Floats = self.cells.to_units(truth) - self.middle - self.shift
        return wrong

    def drawn(self, drawn: Floats, scale: Floats | float) -> Floats:
        """Move and stretch draws, shape (n_draws, n_rows, width)."""
        units = self.middle + self.shift + scale * self.away(drawn)
        return self.cells.from_units(units)


def noise_width(family: Family) -> int:
    """Count the random numbers of a draw of a row."""
    return int(family.nets.latent) + family.layout.width
