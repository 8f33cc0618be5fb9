"""How likely each cell of a row is, given the row's other cells."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from cbvae_cli.evidence import chunks, take
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded

Places = NDArray[np.int64]


def cell_log_density(
    family: Family, encoded: Encoded, columns: Places, place: int
) -> Floats:
    """Give the log density of one cell of each row, given the row's others.

    Parameters
    ----------
    family : Family
    encoded : Encoded
    columns : int array, shape (n_rows,)
        Table column of the cell.
    place : int
        The class that is asked.

    Returns
    -------
    float64 array, shape (n_rows,)
        In nats, averaged over members, each of which averages the density over its
        posterior draws. 0 for a cell that is not seen.
    """
    found = [np.empty(0)]
    for rows, chunk in chunks(encoded):
        n_rows = rows.stop - rows.start
        hidden = np.zeros(chunk.observed.shape, dtype=bool)
        hidden[np.arange(n_rows), columns[rows]] = True
        device = family.nets.order.device
        ordered = torch.from_numpy(hidden).to(device)[:, family.cell_order]
        answer = family.density(family.rows(chunk), ordered[None], place)
        found.append(answer.double().mean(dim=1)[:n_rows].cpu().numpy())
    return np.concatenate(found)


def expected_cells(
    family: Family, encoded: Encoded, columns: Places, place: int
) -> Floats:
    """Give the value expected in one cell of each row, had it been hidden.

    Parameters
    ----------
    family, encoded, columns, place
        As in `cell_log_density`.

    Returns
    -------
    float64 array, shape (n_rows,)
        A value that the cell's column can hold.
    """
    observed = encoded.observed.copy()
    observed[np.arange(len(columns)), columns] = False
    hidden = Encoded(encoded.matrix, observed, encoded.novel)
    layout = family.layout
    settled = np.empty(len(columns))
    for rows, chunk in chunks(hidden):
        belief = family.fill(family.rows(chunk), place)
        asked = columns[rows]
        for column in np.unique(asked):
            at = np.flatnonzero(asked == column)
            kind, block = layout.kinds[column], layout.blocks[column]
            mean, deviation = (
                part[at, block].astype(np.float64)
                for part in (belief.mean, belief.deviation)
            )
            settled[rows][at] = kind.settle(kind.expected(mean, deviation))
    return settled


def unheard(n_training: int) -> float:
    """Give the log density of a category that no training row held, in nats.

    As one row among that many and one; see `cbvae_cli.evidence.evidence`.
    """
    return -math.log(n_training + 1)


def usual_cells(
    family: Family,
    encoded: Encoded,
    member: Places,
    place: int,
    most: int,
    rng: np.random.Generator,
) -> Floats:
    """Give the median log density of each column's cells among a class's rows.

    Parameters
    ----------
    family : Family
    encoded : Encoded
        Rows of the class.
    member : int array, shape (n_rows,)
        The member to ask about each: one that is blind to it.
    place : int
    most : int
        Cells of each column to look at, drawn at random.
    rng : np.random.Generator

    Returns
    -------
    float64 array, shape (n_columns,)
        In nats; 0 for a column of which the class has no cell.
    """
    usual = np.zeros(encoded.observed.shape[1])
    order = rng.permutation(len(member))
    rows, columns = _some_seen(encoded.observed[order], most)
    rows = order[rows]
    found = np.empty(len(rows))
    for number in range(family.n_members):
        own = np.flatnonzero(member[rows] == number)
        alone = family.member(number)
        cells = take(encoded, rows[own])
        found[own] = cell_log_density(alone, cells, columns[own], place)
    for column in np.unique(columns):
        usual[column] = np.median(found[columns == column])
    return usual


def _some_seen(observed: NDArray[np.bool_], most: int) -> tuple[Places, Places]:
    """Give rows and columns of the first so many seen cells of each column."""
    early = observed & (np.cumsum(observed, axis=0) <= most)
    rows, columns = np.nonzero(early)
    return rows, columns
