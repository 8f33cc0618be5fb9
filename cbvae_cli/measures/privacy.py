"""Whether made rows lie nearer to the rows of training than chance would have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cbvae_cli.table.cells import Floats

LEAST_ROWS = 10  # held out, before anything is said
MOST_ROWS = 5_000  # of each kind that are compared
NEAR = 0.01  # share of real rows that lie nearer to another real row than a near copy


def near_copies(made: Floats, train: Floats) -> dict[str, Any] | None:
    """Count rows that lie nearer to a training row than these do to each other.

    Parameters
    ----------
    made, train : float64 array, shape (n_rows, width)
        Without gaps, on a common scale.

    Returns
    -------
    dict or None
        `count`, `rows`, `share` and `expected`, the share of training rows that lie
        as near to another one. None without rows enough.
    """
    if len(train) < LEAST_ROWS or not len(made):
        return None
    apart = _nearest(train, train, itself=True)
    limit = float(np.quantile(apart, NEAR))
    # Equal rows are common where rows repeat: nearer than 0 is nothing.
    count = int((_nearest(made, train) < limit).sum())
    return {
        "count": count,
        "rows": len(made),
        "share": count / len(made),
        "expected": float((apart < limit).mean()),
    }


def closest_record(
    made: Floats, train: Floats, held: Floats, seed: int
) -> dict[str, Any] | None:
    """Compare distances to training rows with those to as many rows held out.

    Parameters
    ----------
    made, train, held : float64 array, shape (n_rows, width)
        Of one class, without gaps, on a common scale.
    seed : int

    Returns
    -------
    dict or None
        `share`: of made rows whose nearest real row trained the model, .5 if nothing
        is given away; `attack_auc`: how well the distance to the nearest made row
        tells training rows from others, .5 likewise; `rows`, that were compared of
        each kind. None without rows enough.
    """
    from sklearn.metrics import roc_auc_score

    if min(len(held), len(train)) < LEAST_ROWS or not len(made):
        return None
    rng = np.random.default_rng([seed, 32])
    most = min(len(train), len(held), MOST_ROWS)
    train, held = (rows[rng.permutation(len(rows))[:most]] for rows in (train, held))
    made = made[rng.permutation(len(made))[:MOST_ROWS]]
    to_train, to_held = _nearest(made, train), _nearest(made, held)
    share = np.mean((to_train < to_held) + 0.5 * (to_train == to_held))
    near = -np.concatenate([_nearest(train, made), _nearest(held, made)])
    truth = np.repeat([1, 0], most)
    return {
        "share": float(share),
        "attack_auc": float(roc_auc_score(truth, near)),
        "rows": most,
    }


def _nearest(rows: Floats, among: Floats, *, itself: bool = False) -> Floats:
    """Give the distance to the nearest of other rows (scikit-learn's), (n_rows,)."""
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=1).fit(among)
    distances, _ = finder.kneighbors(None if itself else rows)
    found: Floats = distances[:, 0]
    return found
