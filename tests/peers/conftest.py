"""Rows that any sound classifier or detector can tell apart."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.peers.features import Features

CATEGORICAL = np.array([False, False, True, True])


@pytest.fixture
def draw():
    """Give a function that draws rows: two numbers, names that tell and that do not."""

    def rows(labels, seed, gaps=0.1):
        rng = np.random.default_rng(seed)
        numbers = rng.normal(size=(len(labels), 2)) + 2.5 * labels[:, None]
        telling = np.where(rng.random(len(labels)) < 0.9, labels, 0)
        # A category of its own in some rows: few training rows hold it, or none.
        idle = rng.integers(4, 8, size=len(labels))
        values = np.column_stack([numbers, telling, idle]).astype(float)
        values[rng.random(values.shape) < gaps] = np.nan
        return Features(values, CATEGORICAL)

    return rows
