"""Networks that are told labels, and those that name them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbvae_cli.networks.conditional import ConditionalVAE
from cbvae_cli.networks.discriminator import Discriminator
from cbvae_cli.networks.vae import Shape
from cbvae_cli.table.matrix import Layout
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import Scale

SAME = Scale(np.array([-9.0, 9.0]), np.array([-9.0, 9.0]))


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def nets():
    number = Number(SAME, -9.0, 9.0, None, False, "double")
    layout = Layout((number,) * 3, ("gaussian",) * 3)
    return ConditionalVAE(layout, Shape(2, (8,), False), 2, draws(), 3)


def test_the_label_moves_encoder_and_decoder(nets):
    values, seen = torch.randn(1, 6, 3, generator=draws(1)), torch.ones(1, 6, 3) > 0
    z = torch.randn(2, 6, 2, generator=draws(2))
    one, other = (torch.full((1, 6), place) for place in (0, 2))
    means = [nets.posterior(values, seen, labels=y)[0] for y in (one, other)]
    params = [nets.decode(z, y) for y in (one, other)]
    for found in (means, params):
        assert found[0].shape[:2] == (2, 6)
        assert (found[0] != found[1]).any(-1).all()


def test_each_row_is_told_its_own_label(nets):
    z = torch.randn(2, 3, 2, generator=draws(2))
    labels = torch.tensor([[0, 1, 2]])
    together = nets.decode(z, labels)
    for row in range(3):
        alone = nets.decode(z[:, row : row + 1], labels[:, row : row + 1])
        torch.testing.assert_close(together[:, row : row + 1], alone)


def test_without_labels_there_is_no_answer(nets):
    with pytest.raises(AssertionError, match="class of every row"):
        nets.decode(torch.zeros(2, 3, 2))


def test_a_part_of_a_stack_is_of_the_same_kind(nets):
    one = nets.only((1,))
    assert type(one) is ConditionalVAE
    z, labels = torch.randn(2, 4, 2, generator=draws(3)), torch.ones(1, 4).long()
    torch.testing.assert_close(one.decode(z[1:], labels), nets.decode(z, labels)[1:])


def test_features_pass_gradients_on_and_leave_the_discriminator_alone():
    judge = Discriminator(2, 5, (7, 4), 3, draws())
    inputs = torch.randn(2, 6, 5, generator=draws(1)).requires_grad_()
    features, logits = judge(inputs)
    assert features.shape == (2, 6, 4)
    assert logits.shape == (2, 6, 3)
    still = judge.features(inputs)
    torch.testing.assert_close(still, features)
    still.sum().backward()
    assert inputs.grad.any()
    assert all(parameter.grad is None for parameter in judge.parameters())
