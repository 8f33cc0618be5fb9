"""What people make rows with: every class up to the size of the largest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cbvae_cli.answers.known import Known
from cbvae_cli.peers.features import CannotRun, contained
from cbvae_cli.peers.oversampling import NEIGHBOURS, oversampled, without_gaps
from cbvae_cli.table.cells import Floats

Made = dict[int, Floats]
EPOCHS = 300


def _growing(known: Known) -> dict[int, int]:
    counts = known.counts
    lacking = counts.max() - counts
    return {p: int(n) for p, n in enumerate(lacking) if n and counts[p]}


def _random(known: Known, seed: int) -> Made:
    """Repeat rows."""
    rng = np.random.default_rng([seed, 15])
    made = {}
    for place, wanted in _growing(known).items():
        rows = known.values[known.labels == place]
        made[place] = rows[rng.integers(len(rows), size=wanted)]
    return made


def _smote(known: Known, seed: int) -> Made:
    """Go between neighbours: SMOTE, or SMOTENC where there are categories."""
    features = known.features
    usual, _ = without_gaps(features, features)
    rows, labels = oversampled(usual, known.labels, features.categorical, seed)
    new, places = rows[len(usual) :], labels[len(usual) :]
    return {int(place): new[places == place] for place in np.unique(places)}


def _borderline(known: Known, seed: int) -> Made:
    """Go between neighbours where classes meet."""
    from imblearn.over_sampling import BorderlineSMOTE

    features = known.features
    if features.categorical.any():
        raise CannotRun("borderline is for tables of numbers alone")
    usual, _ = without_gaps(features, features)
    made = {}
    for place, wanted in _growing(known).items():
        count = known.counts[place]
        if count < 2:
            continue
        smote = BorderlineSMOTE(
            sampling_strategy={place: int(count) + wanted},
            k_neighbors=int(min(NEIGHBOURS, count - 1)),
            random_state=seed,
        )
        grown, _ = smote.fit_resample(usual, known.labels)
        made[place] = np.asarray(grown)[len(usual) :]
    if not any(map(len, made.values())):
        raise CannotRun("no row of a small class lies at the border")
    return made


def _network(name: str) -> Callable[[Known, int], Made]:
    """Train a network of the package ctgan on each class that grows."""

    def make(known: Known, seed: int) -> Made:
        with contained(1):
            import ctgan
            import torch

            features = known.features
            usual, _ = without_gaps(features, features)
            discrete = [str(at) for at in np.flatnonzero(features.categorical)]
            made = {}
            for place, wanted in _growing(known).items():
                rows = pd.DataFrame(usual[known.labels == place])
                rows.columns = rows.columns.astype(str)
                torch.manual_seed(seed)
                np.random.seed(seed)  # noqa: NPY002  # what the package draws from
                size = min(500, len(rows) // 10 * 10)
                if size < 10:
                    raise CannotRun(f"{name} needs 10 rows of a class")
                model: Any = getattr(ctgan, name)(epochs=EPOCHS, batch_size=size)
                model.fit(rows, discrete)
                made[place] = model.sample(wanted).to_numpy(dtype=np.float64)
            return made

    return make


GENERATORS: dict[str, Callable[[Known, int], Made]] = {
    "random": _random,
    "smote": _smote,
    "borderline": _borderline,
    "TVAE": _network("TVAE"),
    "CTGAN": _network("CTGAN"),
}
"""Peers by name; the last two need the package `ctgan`."""
