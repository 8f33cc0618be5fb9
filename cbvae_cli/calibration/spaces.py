"""Rows as points in a space: of a class's latent coordinates, or of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cbvae_cli.calibration.detectors import Detecting, Detectors, fit_detectors
from cbvae_cli.calibration.looks import Home, look_at, plainly
from cbvae_cli.calibration.neighbours import Axes, Crowd, Points, fit_crowd
from cbvae_cli.calibration.strangeness import ALONE
from cbvae_cli.evidence import chunks, embed_rows, take
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded

PRIOR_DEVIATION = 1.0  # an axis of the latent space that says less stays small


def latent(alone: Family, encoded: Encoded, place: int) -> Points:
    """Put rows where a member's encoder puts them."""
    at = embed_rows(alone, encoded, place)
    return Points(at, np.ones(at.shape, dtype=bool))


def features(alone: Family, encoded: Encoded, place: int) -> Points:
    """Put cells in their columns' own units, filled by the class where hidden."""
    return plainly(look_at(alone, encoded, place), alone.layout)


POINTS: dict[str, Callable[[Family, Encoded, int], Points]] = {
    "latent": latent,
    "features": features,
}


def shared_crowds(home: Home) -> dict[str, Crowd]:
    """Give the crowds of spaces that a class keeps for its neighbours anyway."""
    return {"features": home.crowds["plainly"]}


def latent_crowd(points: Points, seed: int) -> Crowd:
    """Fit where a class's rows lie in the latent space."""
    n_axes = points.at.shape[1]
    axes = Axes(np.arange(n_axes), np.full(n_axes, PRIOR_DEVIATION))
    return fit_crowd(points, axes, seed)


def fit_spaces(
    alone: Family,
    encoded: Encoded,
    place: int,
    home: Home,
    detecting: Detecting,
    seed: int,
) -> dict[str, Detectors]:
    """Fit the detectors of a class in every space.

    Parameters
    ----------
    alone : Family
        The first member.
    encoded : Encoded
        Rows of the class that it learnt from.
    place : int
    home : Home
        Where it finds the class at home.
    detecting : Detecting
    seed : int

    Returns
    -------
    dict of str to Detectors
        By space.
    """
    at = latent(alone, encoded, place)
    near = features(alone, encoded, place)
    crowd = latent_crowd(at, seed)
    middle = alone.prior_mean(place)
    columns = shared_crowds(home)["features"]
    return {
        "latent": fit_detectors(at, crowd, middle, detecting, seed),
        "features": fit_detectors(near, columns, None, detecting, seed),
    }


def detected(
    alone: Family,
    by_space: Mapping[str, Detectors],
    encoded: Encoded,
    place: int,
    names: Sequence[str],
) -> Floats:
    """Give what methods in `ALONE` find of rows, shape (n_rows, n_names).

    Parameters
    ----------
    alone : Family
        The first member.
    by_space : mapping of str to Detectors
        Of the class.
    encoded : Encoded
    place : int
        Of the class.
    names : sequence of str
        Keys of `ALONE`.
    """
    found = np.empty((len(encoded.matrix), len(names)))
    for rows, _ in chunks(encoded):
        some = take(encoded, np.arange(rows.start, rows.stop))
        for space, detectors in by_space.items():
            at = [n for n, name in enumerate(names) if ALONE[name][1] == space]
            if at:
                methods = [ALONE[names[n]][0] for n in at]
                points = POINTS[space](alone, some, place)
                found[rows, at] = detectors.scores(points, methods)
    return found
