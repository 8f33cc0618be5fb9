"""The stack of networks: as many as one, and none knows of the others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import distributions

from cbvae_cli.networks.dense import NARROW, StackedLinear
from cbvae_cli.networks.draws import normal_draws
from cbvae_cli.networks.inputs import NoiseInputs
from cbvae_cli.networks.vae import (
    LOG_VARIANCE,
    Noise,
    Shape,
    StackedVAE,
    kl_to_standard,
)
from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.count import Count
from cbvae_cli.table.matrix import Layout
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import UNFITTED

NETS, ROWS = 3, 11
NUMBER = Number(UNFITTED, 0.0, 1.0, None, False, "double")
KINDS = (
    Category(("a", "b", "c"), False, "string"),
    NUMBER,
    Boolean("no", "yes", "string"),
    Count(1.0, 0.6, 0.0, 9.0, "int64"),
    NUMBER,
    Category(("x", "y"), True, "string"),
)
LAYOUT = Layout(KINDS, tuple(kind.likelihood for kind in KINDS))
PLAIN = Layout((NUMBER,) * 3, ("unit",) * 3)


def stack(n_nets=NETS, noise=False, layout=LAYOUT):
    shape = Shape(latent=2, hidden=(8, 5), noise=noise)
    generator = torch.Generator().manual_seed(0)
    nets = StackedVAE(layout, shape, n_nets, generator)
    with torch.no_grad():
        for likelihood in nets.likelihoods:
            for parameter in likelihood.parameters():
                parameter.uniform_(-0.5, 0.5, generator=generator)
    base = torch.rand(layout.width, generator=generator)
    nets.lean(torch.linspace(3, 900, n_nets), base)
    return nets


@pytest.fixture
def rows():
    rng = np.random.default_rng(1)
    cells = rng.integers(0, 2, (ROWS, len(KINDS))).astype(float)
    encoded = LAYOUT.encode(np.where(rng.random(cells.shape) < 0.3, np.nan, cells))
    seen = torch.from_numpy(encoded.observed)[:, stack(1).order]
    return torch.from_numpy(encoded.matrix)[None], seen[None]


@pytest.fixture
def noise():
    generator = torch.Generator().manual_seed(2)
    latent = torch.randn(NETS, ROWS, 2, generator=generator)
    return Noise(latent, torch.randn(NETS, ROWS, LAYOUT.width, generator=generator))


@pytest.mark.parametrize("noisy", [False, True])
@torch.no_grad()
def test_a_stack_of_networks_equals_its_single_networks(rows, noise, noisy):
    nets = stack(noise=noisy)
    values, seen = rows
    mean, log_variance = nets.posterior(values, seen)
    params = nets.decode(noise.latent)
    loss = nets.loss(values, seen, seen, noise)
    close = {"atol": 1e-5, "rtol": 1e-5}
    for place in range(NETS):
        one = nets.only((place,))
        here = slice(place, place + 1)
        own = Noise(noise.latent[here], noise.inputs[here])
        torch.testing.assert_close(one.posterior(values, seen)[0], mean[here], **close)
        torch.testing.assert_close(
            one.posterior(values, seen)[1], log_variance[here], **close
        )
        torch.testing.assert_close(one.decode(own.latent), params[here], **close)
        alone = one.loss(values, seen, seen, own)
        torch.testing.assert_close(alone.elbo(), loss.elbo()[here], **close)
        for ask in ("mean", "deviation"):
            torch.testing.assert_close(
                getattr(one, ask)(params[here]), getattr(nets, ask)(params)[here]
            )


def test_the_only_network_of_a_stack_of_one_is_itself(rows):
    nets = stack(n_nets=1)
    one = nets.only((0,))
    for name, tensor in nets.state_dict().items():
        assert torch.equal(one.state_dict()[name], tensor)


@pytest.mark.parametrize("places", [(0, 2), (2, 0), (1, 2, 1), (0, 1, 2)])
@pytest.mark.parametrize("noisy", [False, True])
@torch.no_grad()
def test_some_networks_of_a_stack_are_themselves(rows, places, noisy):
    nets = stack(noise=noisy)
    some = nets.only(places)
    assert some.n_nets == len(places)
    picked = list(places)
    for name, tensor in nets.state_dict().items():
        wanted = tensor if tensor.dim() == 1 else tensor[picked]
        assert torch.equal(some.state_dict()[name], wanted), name
    found, _ = some.posterior(*rows)
    torch.testing.assert_close(found, nets.posterior(*rows)[0][picked])


def test_networks_taken_out_are_copies_for_answering():
    nets = stack()
    some = nets.only((0, 1, 2))
    assert not some.training
    assert not any(parameter.requires_grad for parameter in some.parameters())
    before = {name: t.clone() for name, t in some.state_dict().items() if t.dim() > 1}
    with torch.no_grad():
        for parameter in nets.parameters():
            parameter.add_(1.0)
    for name, tensor in before.items():
        assert torch.equal(some.state_dict()[name], tensor), name


@pytest.mark.parametrize("n_nets", [1, 2, 3, 4, 7])
def test_a_single_network_is_found_whatever_the_number_of_columns(n_nets):
    # A buffer as long as the stack must not be taken for one of a network each.
    for layout in (PLAIN, LAYOUT):
        for noisy in (False, True):
            nets = stack(n_nets, noisy, layout)
            one = nets.only((n_nets - 1,))
            values = torch.zeros(1, 2, layout.width)
            seen = torch.ones(1, 2, len(layout.kinds), dtype=torch.bool)
            seen[:, 1] = False
            mean, _ = nets.posterior(values, seen)
            torch.testing.assert_close(one.posterior(values, seen)[0], mean[-1:])


def test_a_network_learns_nothing_from_the_loss_of_another(rows, noise):
    nets = stack()
    nets.loss(*rows, rows[1], noise).elbo()[1].sum().backward()
    for name, parameter in nets.named_parameters():
        assert not parameter.grad[[0, 2]].any(), name
    assert nets.encoder.layers[0].weight.grad[1].any()


def test_loss_has_parts_for_each_network_and_row(rows, noise):
    loss = stack().loss(*rows, rows[1], noise)
    assert loss.recon.shape == loss.kl.shape == loss.elbo().shape == (NETS, ROWS)
    assert torch.equal(loss.elbo(), loss.recon - loss.kl)
    assert (loss.kl >= 0).all()


@pytest.mark.parametrize("noisy", [False, True])
@torch.no_grad()
def test_what_lies_in_hidden_cells_changes_nothing(rows, noise, noisy):
    nets = stack(noise=noisy)
    values, seen = rows
    garbled = torch.where(seen[..., nets.owner], values, torch.tensor(55.0))
    before, after = (nets.loss(v, seen, seen, noise) for v in (values, garbled))
    assert torch.equal(before.elbo(), after.elbo())
    params = nets.decode(noise.latent)
    one, other = (nets.squared_error(params, v, seen) for v in (values, garbled))
    assert torch.equal(one, other)


@torch.no_grad()
def test_cells_hidden_in_training_are_targets_all_the_same(rows, noise):
    nets = stack()
    values, seen = rows
    given = torch.zeros_like(seen)
    assert (nets.loss(values, seen, given, noise).recon != 0).any()
    nothing = nets.loss(values, given, given, noise)
    assert not nothing.recon.any()


def test_squared_error_is_the_mean_over_seen_cells():
    nets = stack(1, layout=PLAIN)
    params = torch.zeros(1, 2, 3)
    values = torch.tensor([[[3.0, 4.0, 100.0], [9.0, 9.0, 9.0]]])
    seen = torch.tensor([[[True, True, False], [False, False, False]]])
    assert nets.squared_error(params, values, seen).tolist() == [[12.5, 0.0]]


@torch.no_grad()
def test_posteriors_stay_within_their_bounds(rows):
    nets = stack()
    values = torch.full_like(rows[0], 1e6)
    _, log_variance = nets.posterior(values, torch.ones_like(rows[1]))
    assert (log_variance.abs() <= LOG_VARIANCE).all()


def test_a_mask_is_put_into_matrix_order():
    nets = stack()
    observed = torch.arange(len(KINDS))[None] == torch.tensor([0, 5])[:, None]
    arranged = nets.arrange(observed)
    cells = [cell for span in LAYOUT.spans for cell in span.cells]
    for row, cell in enumerate((0, 5)):
        assert arranged[row].nonzero().item() == cells.index(cell)


def test_noise_in_hidden_cells_is_the_same_at_every_answer():
    inputs = NoiseInputs(torch.tensor([0, 1, 1]), torch.Generator().manual_seed(0))
    values, seen = torch.zeros(1, 4, 3), torch.zeros(1, 4, 2, dtype=torch.bool)
    first, second = inputs(values, seen, None), inputs(values + 9, seen, None)
    assert torch.equal(first, second)
    assert torch.equal(first[0, 0], first[0, 3])


@pytest.mark.parametrize("n_nets", [1, 3])
@pytest.mark.parametrize("width", [*range(1, NARROW + 2), 33, 50])
@torch.no_grad()
def test_a_layer_gives_a_row_the_same_bits_at_any_place(width, n_nets):
    generator = torch.Generator().manual_seed(0)
    layer = StackedLinear(n_nets, 16, width, generator)
    x = torch.randn(n_nets, 1024, 16, generator=generator)
    found = layer(x)
    wanted = torch.baddbmm(layer.bias, x, layer.weight)
    torch.testing.assert_close(found, wanted)
    places = torch.randperm(1024, generator=generator)
    assert torch.equal(layer(x[:, places]), found[:, places])


def test_divergence_is_that_of_torch():
    mean, log_variance = torch.randn(4, 5), torch.randn(4, 5)
    posterior = distributions.Normal(mean, torch.exp(0.5 * log_variance))
    prior = distributions.Normal(torch.zeros(5), torch.ones(5))
    wanted = distributions.kl_divergence(posterior, prior).sum(-1)
    torch.testing.assert_close(kl_to_standard(mean, log_variance), wanted)
    assert not kl_to_standard(torch.zeros(2, 5), torch.zeros(2, 5)).any()


@pytest.mark.parametrize("n_dims", [1, 2, 8, 50])
@pytest.mark.parametrize("n_draws", [2, 16, 64])
def test_draws_are_fixed_and_their_mean_is_nought(n_draws, n_dims):
    draws = normal_draws(n_draws, n_dims)
    assert draws.shape == (n_draws, n_dims)
    assert torch.equal(draws, normal_draws(n_draws, n_dims))
    assert torch.equal(draws[: n_draws // 2], -draws[n_draws // 2 :])
    assert torch.isfinite(draws).all()
    torch.testing.assert_close(draws.square().mean(dim=0), torch.ones(n_dims))


def test_draws_are_about_standard_normal():
    draws = normal_draws(1024, 3)
    torch.testing.assert_close(draws.T.cov(), torch.eye(3), atol=0.05, rtol=0)


def test_draws_leave_torchs_random_state_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    normal_draws(16, 4)
    assert torch.equal(torch.rand(3), wanted)
