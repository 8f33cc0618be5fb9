"""Charts the latent space of the first member: landmarks and clusters."""

from __future__ import annotations

import numpy as np

from cbvae_cli.calibration.atlas import Atlas, spaces_of
from cbvae_cli.calibration.clusters import Clusters, Located, fit_clusters, in_common
from cbvae_cli.calibration.landmarks import Landmarks, frequent, landmarks, mean_of
from cbvae_cli.calibration.looks import WORDS
from cbvae_cli.evidence import take
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.training.blind import Known
from cbvae_cli.training.detect import FIRST, rows_of_first
from cbvae_cli.training.parts import Places

MOST_LEARNT = 2_000  # rows of a class
MOST_BLIND = 2_000


def chart(family: Family, known: Known, seed: int) -> Atlas:
    """Chart the latent space.

    Parameters
    ----------
    family : Family
    known : Known
    seed : int

    Returns
    -------
    Atlas
    """
    alone, places = family.member(FIRST), range(family.n_classes)
    learnt = np.concatenate(
        [rows_of_first(known, place, seed, MOST_LEARNT) for place in places]
    )
    at = in_common(alone, take(known.encoded, learnt))
    labels = known.labels[learnt]
    spaces = spaces_of(family)
    names = [at for at, kind in enumerate(family.layout.kinds) if kind.name in WORDS]
    marks = _landmarks(known, learnt, names, np.split(at, spaces, axis=1))
    clusters: Clusters | None = None
    if family.n_classes > 1:
        blind = np.concatenate([_blind(known, place) for place in places])
        located = Located(
            in_common(alone, take(known.encoded, blind)), known.labels[blind]
        )
        clusters = fit_clusters(Located(at, labels), located, family.n_classes, seed)
    return Atlas(marks, clusters)


def _blind(known: Known, place: int) -> Places:
    own = np.flatnonzero(known.labels == place)
    blind = known.parts.blind(FIRST, own)
    return blind[:: max(1, -(-len(blind) // MOST_BLIND))]


def _landmarks(
    known: Known, rows: Places, names: list[int], by_space: list[Floats]
) -> Landmarks:
    labels, values = known.labels[rows], known.values[rows]
    n_classes = len(known.label.classes)
    classes = [
        [mean_of(at[labels == place]) for place in range(n_classes)] for at in by_space
    ]
    column, code = frequent(values, names)
    own = [
        np.ones(len(rows), dtype=bool) if len(by_space) == 1 else labels == space
        for space in range(len(by_space))
    ]
    means = [
        [
            mean_of(at[mine & (values[:, c] == v)])
            for c, v in zip(column, code, strict=True)
        ]
        for at, mine in zip(by_space, own, strict=True)
    ]
    latent = by_space[0].shape[1]
    return landmarks(
        np.array(classes, dtype=np.float32).reshape(-1, n_classes, latent),
        np.array(means, dtype=np.float32).reshape(len(by_space), len(code), latent),
        column,
        code,
    )
