"""How much each voice counts in filled cells, by what it got wrong on blind rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.families.cells import Cells
from cbvae_cli.table.cells import Bools, Floats

# Believed before any cell is compared: family, network, trees.
WITH_TREES = np.array([0.05, 0.3, 0.65])
WITHOUT = np.array([0.1, 0.9, 0.0])
NAMES = np.array([0.5, 0.5, 0.0])
FAMILY = np.array([1.0, 0.0, 0.0])
# Shares that the family takes of the others: the most, and the rows with which it
# fades, of a table that is too small for pooled fits, and of a small class.
SMALL_TABLE, SMALL_CLASS = (0.5, 150.0), (0.15, 100.0)
LOOSE, TIGHT = 0.1, 0.05  # deviations of beliefs: of all cells, of a class or column
MASS = 0.9  # share of hidden cells by which draws are stretched
LEAST_CELLS = 100


def fit_shares(
    voices: Floats,
    truth: Floats,
    hidden: Bools,
    labels: NDArray[np.int64],
    cells: Cells,
    taught: NDArray[np.int64],
    trees: bool,
) -> Floats:
    """Fit the voices' shares by squared error, held near what is believed of them.

    Parameters
    ----------
    voices : float64 array, shape (3, n_rows, width)
    truth : float64 array, shape (n_rows, width)
    hidden : bool array, shape (n_rows, width)
        Cells that were hidden from the voices.
    labels : int array, shape (n_rows,)
    cells : Cells
    taught : int array, shape (n_classes,)
        Rows that the voices have learnt from.
    trees : bool
        Whether there are any.

    Returns
    -------
    float64 array, shape (3, n_classes, width)
        Sums of 1 over the first axis.
    """
    n_classes = len(taught)
    shares = np.empty((3, n_classes, cells.width))
    shares[:] = NAMES[:, None, None]
    belief = WITH_TREES if trees else WITHOUT
    belief = _leaning(belief, SMALL_TABLE, taught.sum())
    amounts = np.zeros(cells.width, dtype=np.bool_)
    amounts[cells.amounts] = True
    asked = hidden & amounts
    overall = _fitted(voices[:, asked], truth[asked], belief, LOOSE, trees)
    by_class = []
    for place in range(n_classes):
        own = asked & (labels == place)[:, None]
        leaning = _leaning(overall, SMALL_CLASS, taught[place])
        by_class.append(_fitted(voices[:, own], truth[own], leaning, TIGHT, trees))
    for column in cells.amounts:
        own = asked[:, column]
        at = voices[:, own, column], truth[own, column]
        by_column = _fitted(*at, overall, TIGHT, trees)
        for place, of_class in enumerate(by_class):
            shares[:, place, column] = _proper(of_class + by_column - overall)
    return shares


def _leaning(shares: Floats, small: tuple[float, float], n_rows: int) -> Floats:
    """Lean shares toward the family, the more the fewer rows there are."""
    most, fades = small
    share = most * np.exp(-n_rows / fades)
    leaning: Floats = (1 - share) * shares + share * FAMILY
    return leaning


def _fitted(
    voices: Floats, truth: Floats, belief: Floats, loose: float, trees: bool
) -> Floats:
    """Fit nonnegative shares whose sum is 1, normal around what is believed.

    Parameters
    ----------
    voices : float64 array, shape (3, n_cells)
    truth : float64 array, shape (n_cells,)
    belief : float64 array, shape (3,)
    loose : float
        Deviation of the belief.
    """
    from scipy.optimize import nnls

    if not len(truth):
        return belief
    wrong = float(np.mean(np.square(truth - belief @ voices)))
    hold = np.sqrt(wrong) / loose
    one = 1e3 * max(hold, np.abs(voices).max() * np.sqrt(len(truth)))
    left = np.concatenate([voices.T, hold * np.eye(3), np.full((1, 3), one)])
    left = left[:, : 3 if trees else 2]
    right = np.concatenate([truth, hold * belief, [one]])
    # Of a tall problem only the triangle matters.
    triangle: Any = np.linalg.qr(np.column_stack([left, right]), mode="r")
    found, _ = nnls(triangle[:, :-1], triangle[:, -1])
    return _proper(np.append(found, np.zeros(3 - len(found))))


def _proper(shares: Floats) -> Floats:
    positive = np.maximum(shares, 0.0)
    proper: Floats = positive / positive.sum()
    return proper


def fit_scale(
    wrong: Floats,
    drawn: Floats,
    hidden: Bools,
    labels: NDArray[np.int64],
    n_classes: int,
) -> Floats:
    """Fit by how much draws of a class's networks are stretched about their middle.

    So that nine hidden cells of ten lie as near to the middle of draws as nine draws of
    ten.

    Parameters
    ----------
    wrong : float64 array, shape (n_rows, width)
        Truth less the middle of draws.
    drawn : float64 array, shape (n_draws, n_rows, width)
        Draws less their middle.
    hidden : bool array, shape (n_rows, width)
        Amounts that were hidden.
    labels, n_classes
        As in `fit_shares`.

    Returns
    -------
    float64 array, shape (n_classes, width)
    """
    width = wrong.shape[1]
    if not len(wrong):
        return np.ones((n_classes, width))
    columns = [(wrong[at, c], drawn[:, at, c]) for c, at in enumerate(hidden.T)]
    ratios = [_reach(one) / _reach(other) for one, other in columns if _reach(other)]
    # The middle one: a column that no stretch fits must not move the others.
    overall = float(np.median(ratios)) if ratios else 1.0
    by_column = np.array([_stretch(*each, overall) for each in columns])
    stretched = drawn * by_column
    # Each column by what is usual in it, for the same reason.
    usual = np.array(
        [
            (_reach(wrong[at, column]), _reach(stretched[:, at, column]))
            for column, at in enumerate(hidden.T)
        ]
    )
    varies = np.minimum(*usual.T) > 0
    of_wrong, of_drawn = np.where(varies[:, None], usual, 1.0).T
    scale = np.empty((n_classes, width))
    for place in range(n_classes):
        own = hidden & varies & (labels == place)[:, None]
        each = (wrong / of_wrong)[own], (stretched / of_drawn)[:, own]
        scale[place] = by_column * _stretch(*each, 1.0)
    return scale


def _reach(cells: Floats) -> float:
    return float(np.quantile(np.abs(cells), MASS)) if cells.size else 0.0


def _stretch(wrong: Floats, drawn: Floats, otherwise: float) -> float:
    """Give the ratio of two spreads, the nearer to `otherwise` the fewer cells."""
    if not len(wrong):
        return otherwise
    spread = _reach(drawn)
    if not spread > 0:
        return otherwise
    ratio = _reach(wrong) / spread
    trust = len(wrong) / (len(wrong) + LEAST_CELLS)
    stretch: float = np.exp(
        trust * np.log(max(ratio, 1e-3)) + (1 - trust) * np.log(max(otherwise, 1e-3))
    )
    return stretch
