"""What the networks of a row's class hold to be in its cells, and draws of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from cbvae_cli.evidence import chunks, encode_rows, take
from cbvae_cli.families.cells import Cells
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded

Places = NDArray[np.int64]


def family_fill(
    family: Family, cells: Cells, encoded: Encoded, places: Places
) -> Floats:
    """Give what each cell is expected to hold, seen or not, shape (n_rows, width).

    Parameters
    ----------
    family : Family
    cells : Cells
    encoded : Encoded
    places : int array, shape (n_rows,)
        Classes of the rows.
    """
    found = np.empty((len(places), cells.width))
    for place in np.unique(places):
        own = np.flatnonzero(places == place)
        for rows, chunk in chunks(take(encoded, own)):
            belief = family.fill(family.rows(chunk), int(place))
            expected = family.layout.expected(belief.mean, belief.deviation)
            found[own[rows]] = cells.join(expected)[: rows.stop - rows.start]
    return found


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
            drawn = belief.mean + belief.deviation * each[own, latent:]
            drawn = drawn.astype(np.float32)
            expected = family.layout.expected(drawn, np.zeros_like(drawn))
            found[own] = cells.join(expected)
        yield found


def noise_width(family: Family) -> int:
    """Count the random numbers of a draw of a row."""
    return int(family.nets.latent) + family.layout.width
