"""The parts of evidence, from few draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbvae_cli.evidence import evidence
from cbvae_cli.families.measure import LEAST_DRAWS, N_DRAWS, draws_each, measure


@pytest.mark.parametrize("n_members", range(1, 8))
def test_members_share_the_draws_in_pairs(n_members):
    count = draws_each(n_members)
    assert count % 2 == 0
    assert max(LEAST_DRAWS, N_DRAWS // n_members - 1) <= count <= N_DRAWS


def test_the_bound_of_several_draws_is_never_below_the_plain_one(fitted):
    parts = ("elbo", "iw")
    found = evidence(fitted.model.family, fitted.encoded, parts, 260)
    assert (found[..., 1] - found[..., 0] > -1e-4).all()
    assert (found[..., 1] - found[..., 0]).mean() > 1e-3
    assert found.dtype == np.float64


@torch.inference_mode()
def test_the_plug_in_density_is_that_of_the_decoded_mean(fitted):
    family = fitted.model.family
    nets, rows = family.nets, family.rows(fitted.encoded)
    if hasattr(family, "told"):  # networks that look at the class
        rows = family.told(rows, 1)
    mean, _ = nets.posterior(rows.values, rows.seen, labels=rows.labels)
    wanted = nets.log_prob(nets.decode(mean, rows.labels), rows.values, rows.seen)
    found = measure(nets, rows, ("plugin",), 2)[..., 0]
    torch.testing.assert_close(found, wanted.expand_as(found))
