"""Other libraries' detectors: the same protocol, and stranger rows score higher."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from cbvae_cli.peers.detectors import SOLVERS, detector
from cbvae_cli.peers.features import CannotRun

PYOD = {"ecod", "pyod-vae", "pyod-autoencoder"}


@pytest.fixture(params=SOLVERS)
def peer(request):
    """Give every peer that is installed here."""
    if request.param in PYOD:
        pytest.importorskip("pyod", reason="needs the extra `compare`")
    return detector(request.param, 1)


def test_strange_rows_score_higher_by_all_and_twice_alike(peer, draw):
    labels = (np.arange(200) % 10 == 0).astype(int)
    train, test = draw(np.zeros(300, dtype=int), 1), draw(2 * labels, 2)
    scores = peer.fit_score(train, test, 0)
    assert scores.shape == (200,)
    assert scores.dtype == np.float64
    assert roc_auc_score(labels, scores) > 0.85
    np.testing.assert_array_equal(scores, peer.fit_score(train, test, 0))


@pytest.mark.parametrize("name", sorted({*SOLVERS} - PYOD))
def test_a_few_usual_rows_are_enough(name, draw):
    train = draw(np.zeros(8, dtype=int), 1, gaps=0)
    scores = detector(name, 1).fit_score(train, draw(np.zeros(5, dtype=int), 2), 0)
    assert np.isfinite(scores).all()


def test_what_needs_more_rows_says_so(draw):
    pytest.importorskip("pyod", reason="needs the extra `compare`")
    rows = draw(np.zeros(8, dtype=int), 1)
    with pytest.raises(CannotRun, match="pyod needs 32 rows"):
        detector("pyod-vae", 1).fit_score(rows, rows, 0)


def test_seeds_threads_and_environment_of_the_process_stay_as_they_were(peer, draw):
    rows = draw(np.zeros(40, dtype=int), 1)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    python, variables = random.getstate(), dict(os.environ)
    peer.fit_score(rows, rows, 7)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert random.getstate() == python
    assert dict(os.environ) == variables
