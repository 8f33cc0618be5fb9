"""Where classes lie in a shared latent space, and what follows for nats."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbvae_cli.networks.priored import PriorVAE
from cbvae_cli.networks.priors import (
    APART,
    LearntPrior,
    SimplexPrior,
    on_sphere,
    separate,
    simplex,
)
from cbvae_cli.networks.vae import Shape, kl_to_standard
from cbvae_cli.table.matrix import Layout
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import Scale

SAME = Scale(np.array([-9.0, 9.0]), np.array([-9.0, 9.0]))


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def networks(prior_for=separate, n_classes=3, latent=2, n_nets=2):
    number = Number(SAME, -9.0, 9.0, None, False, "double")
    layout = Layout((number,) * 3, ("gaussian",) * 3)
    shape = Shape(latent, (8,), False)
    return PriorVAE(layout, shape, n_nets, draws(), n_classes, prior_for)


def gaps(points):
    apart = torch.cdist(points.double(), points.double())
    return apart[~torch.eye(len(points), dtype=torch.bool)].view(len(points), -1)


@pytest.mark.parametrize(("n_classes", "latent"), [(2, 1), (2, 5), (3, 2), (7, 9)])
def test_corners_of_a_simplex_are_as_far_from_0_and_from_each_other(n_classes, latent):
    corners = simplex(n_classes, latent)
    assert corners.shape == (n_classes, latent)
    torch.testing.assert_close(corners.norm(dim=1), torch.ones(n_classes))
    torch.testing.assert_close(corners.sum(0), torch.zeros(latent))
    between = gaps(corners)
    torch.testing.assert_close(between, between[0, 0].expand_as(between))


def test_two_classes_lie_at_plus_and_minus_mu_and_one_class_at_0():
    found = SimplexPrior(1, 2, 3, 3.0).means()[0, :, 0]
    assert found.abs().tolist() == [3.0, 3.0]
    assert found.sum() == 0
    assert not SimplexPrior(2, 1, 3, 3.0).means().any()


@pytest.mark.parametrize(
    ("n_points", "n_dims"), [(4, 2), (10, 2), (10, 3), (11, 5), (30, 8)]
)
def test_points_on_a_sphere_see_their_neighbours_at_one_distance(n_points, n_dims):
    points = on_sphere(n_points, n_dims)
    assert points.shape == (n_points, n_dims)
    norms = points.norm(dim=1)
    torch.testing.assert_close(norms, norms[0].expand_as(norms))
    nearest = gaps(points).amin(dim=1)
    assert nearest.min() == pytest.approx(APART, rel=1e-4)
    if n_dims % 2 == 0:
        torch.testing.assert_close(nearest, nearest[0].expand_as(nearest))


@pytest.mark.parametrize(
    ("n_classes", "latent", "kind"),
    [(2, 1, SimplexPrior), (5, 4, SimplexPrior), (5, 3, LearntPrior)],
)
def test_classes_are_set_apart_by_corners_while_there_are_dimensions(
    n_classes, latent, kind
):
    prior = separate(2, n_classes, latent)
    assert type(prior) is kind
    for means in prior.means().detach():
        assert gaps(means).min() == pytest.approx(APART, rel=1e-4)
    moves = {name for name, p in prior.named_parameters() if p.requires_grad}
    assert moves == ({"middles"} if kind is LearntPrior else set())


def test_learnt_means_never_come_nearer_than_they_started():
    prior = LearntPrior(2, 5, 2)
    prior.middles.data *= torch.tensor([0.01, 40.0])[:, None, None]
    prior.middles.data[1, 0] = prior.middles.data[1, 1] + 0.3
    for means in prior.means().detach():
        assert gaps(means).min() == pytest.approx(APART, rel=1e-4)
    prior.means()[:, 2].sum().backward()
    assert torch.isfinite(prior.middles.grad).all()
    assert prior.middles.grad.any()
    prior.middles.data[:] = 1.0  # all in one place: no way to be set apart
    assert torch.isfinite(prior.means()).all()


def test_rows_find_the_mean_of_their_class_and_network():
    prior = LearntPrior(2, 4, 2)
    prior.middles.data[1, 0] += 3.0
    labels = torch.tensor([[0, 3, 1], [2, 2, 0]])
    found = prior.of(labels)
    assert found.shape == (2, 3, 2)
    for net in range(2):
        for row in range(3):
            wanted = prior.means()[net, labels[net, row]]
            assert torch.equal(found[net, row], wanted)
    every = prior.of(torch.arange(4)[:, None, None])
    assert torch.equal(every[:, :, 0], prior.means().transpose(0, 1))


def test_the_divergence_in_closed_form_is_that_of_many_draws():
    nets = networks()
    mean = torch.randn(2, 5, 2, generator=draws(1))
    log_variance = torch.randn(2, 5, 2, generator=draws(2)) * 0.5
    labels = torch.tensor([[0, 1, 2, 0, 1], [2, 1, 0, 0, 2]])
    found = nets.divergence(mean, log_variance, labels).detach()
    noise = torch.randn(200_000, 2, 5, 2, generator=draws(3))
    z = mean + torch.exp(0.5 * log_variance) * noise
    own = -0.5 * noise.square().sum(-1) - 0.5 * log_variance.sum(-1)
    by_hand = (own - nets.log_prior(z, labels)).mean(0).detach()
    torch.testing.assert_close(found, by_hand, rtol=0.01, atol=0.05)


def test_the_divergence_is_nought_at_the_class_and_large_at_another():
    nets = networks()
    labels = torch.tensor([[0, 1, 2]]).expand(2, -1)
    at = nets.prior.of(labels)
    own = nets.divergence(at, torch.zeros_like(at), labels)
    torch.testing.assert_close(own, torch.zeros_like(own))
    other = nets.divergence(at, torch.zeros_like(at), (labels + 1) % 3)
    torch.testing.assert_close(other, torch.full_like(other, APART**2 / 2))


def test_with_means_at_0_the_divergence_is_that_from_the_standard_normal():
    nets = networks(lambda n, k, d: SimplexPrior(n, k, d, 0.0))
    mean, log_variance = torch.randn(2, 2, 6, 2, generator=draws(4))
    labels = torch.zeros(2, 6, dtype=torch.int64)
    found = nets.divergence(mean, log_variance, labels)
    torch.testing.assert_close(found, kl_to_standard(mean, log_variance))


def test_a_row_that_says_nothing_is_where_its_class_is_once_that_is_known():
    nets = networks()
    nothing = torch.zeros(2, 1, 2)  # between all classes, as wide as a prior
    for place in range(3):
        labels = torch.full((1, 1), place)
        found = nets.given_class(nothing, torch.zeros(2, 1, 2), labels)
        torch.testing.assert_close(found, nets.prior.of(labels))


def test_a_row_that_says_much_is_hardly_moved_by_its_class():
    nets = networks()
    labels = torch.tensor([[0, 1, 2]])
    at = nets.prior.of(labels) + 0.5
    same = nets.given_class(at, torch.zeros(2, 3, 2), labels)
    torch.testing.assert_close(same, at, atol=1e-3, rtol=0)
    sure = torch.full((2, 3, 2), -8.0)
    other = nets.given_class(at, sure, (labels + 1) % 3)
    torch.testing.assert_close(other, at, atol=0.01, rtol=0)


def test_a_known_class_is_the_posterior_under_its_own_prior():
    """One cell of a linear decoder, where all of it can be written down."""
    slope, noise, seen = 0.7, 0.5, 1.3
    nets = networks(n_classes=2, latent=1, n_nets=1)
    mu = nets.prior.means()[0, :, 0]
    precision = 1 + slope**2 / noise**2
    exact = (mu + slope * seen / noise**2) / precision
    # What an encoder learns that holds both classes for as likely.
    between = (mu.mean() + slope * seen / noise**2) / precision
    log_variance = torch.full((1, 1, 1), -np.log(precision))
    found = [
        between + log_variance.exp() * (mu[place] - mu.mean()) for place in range(2)
    ]
    torch.testing.assert_close(torch.stack(found).flatten(), exact)
    share = nets.divergence(between.view(1, 1, 1), log_variance, nets.every)
    expected = (share.neg().softmax(0)[:, 0, 0] * mu).sum()
    moved = nets.given_class(between.view(1, 1, 1), log_variance, torch.tensor([[1]]))
    by_hand = between + log_variance.exp() * (mu[1] - expected)
    torch.testing.assert_close(moved, by_hand)


def test_a_part_of_a_stack_keeps_its_means():
    nets = networks(lambda n, k, d: LearntPrior(n, k, d), latent=2, n_nets=3)
    nets.prior.middles.data[:, 1] += torch.arange(3.0)[:, None]
    some = nets.only((2, 0))
    assert torch.equal(some.prior.means(), nets.prior.means()[[2, 0]])
