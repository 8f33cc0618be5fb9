"""The joint phase: telling classes apart without forgetting them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbvae_cli.networks.vae import Noise
from cbvae_cli.training import joint
from cbvae_cli.training.joint import GENERATIVE, Joint
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.objective import Generative


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def nothing(_):
    """Take no notice."""


def taught(make_data, sizes=(150, 60), **changes):
    """Give a family after a short generative phase."""
    made = make_data(sizes, **changes)
    objective = Generative(made.family.nets, made.data, made.settings)
    Loop(objective, 150, 5e-3, 0).run(nothing, None)
    made.joint = Joint(made.family.nets, len(sizes), made.data, made.settings)
    return made


@pytest.mark.parametrize("sizes", [(150, 60), (150, 60, 40)])
def test_cross_entropy_falls_on_rows_that_did_not_train(make_data, sizes):
    made = taught(make_data, sizes)
    before = made.joint.held_out(draws())
    Loop(made.joint, 200, 2e-3, 0).run(nothing, None)
    after = made.joint.held_out(draws())
    assert (after < 0.9 * before).all()


def test_networks_go_on_explaining_their_rows(make_data):
    made = taught(make_data)
    known = Generative(made.family.nets, made.data, made.settings)
    before = known.held_out(draws())
    Loop(made.joint, 200, 5e-4, 0).run(nothing, None)
    assert (known.held_out(draws()) < before + 1.0).all()


def test_the_loss_is_cross_entropy_and_a_tenth_of_the_bound_a_column(make_data):
    made = taught(make_data, members=1)
    objective, n_each = made.joint, made.joint.n_each
    generator = draws()
    rows = torch.cat([some.draw(n_each, generator) for some in made.data.train])
    elbo = objective._elbo(rows[None], generator)[0]
    truth = torch.arange(2).repeat_interleave(n_each)
    logits = objective.log_scale[0].exp() * elbo + objective.bias[0]
    entropy = torch.nn.functional.cross_entropy(logits, truth)
    own = elbo[torch.arange(len(truth)), truth].mean()
    wanted = entropy - GENERATIVE * own / 4
    torch.testing.assert_close(objective.loss(draws())[0], wanted)


def test_batches_hold_as_many_rows_of_each_class(make_data):
    made = make_data((150, 12), batch=32)
    objective = Joint(made.family.nets, 2, made.data, made.settings)
    seen = []
    asked = made.family.nets.loss

    def spy(values, *rest):
        seen.append(values)
        return asked(values, *rest)

    made.family.nets.loss = spy
    objective.loss(draws())
    # All networks of a member are asked about the same rows, 16 of each class.
    (values,) = seen
    assert values.shape == (4, 32, 4)
    assert torch.equal(values[:2], values[2:])
    assert not torch.equal(values[0], values[1])
    for member in range(2):
        for place in range(2):
            own = made.data.train[place * 2 + member].places
            known = {tuple(row) for row in made.data.values[own].tolist()}
            rows = values[member, 16 * place : 16 * (place + 1)].tolist()
            assert {tuple(row) for row in rows} <= known


def test_classes_without_stopping_rows_are_left_out_of_the_judgement(make_data):
    made = taught(make_data, (150, 60, 4))
    before = made.joint.held_out(draws())
    assert torch.isfinite(before).all()
    # What stands in for the rows that the tiny class lacks does not count.
    tiny = torch.from_numpy(np.flatnonzero(made.labels == 2))
    made.data.values[tiny] += 3.0
    assert torch.equal(made.joint.held_out(draws()), before)
    made.data.values[made.data.stop[0]] += 3.0
    assert not torch.equal(made.joint.held_out(draws()), before)


def test_classes_count_alike_however_many_rows_stop_them(make_data, monkeypatch):
    made = taught(make_data, members=1, joint_mask=0)
    stop = [rows.places[:n] for rows, n in zip(made.data.train, (40, 4), strict=True)]

    def still(nets, values, generator):
        return Noise(torch.zeros(*values.shape[:-1], nets.latent), None)

    def known_by(*kept):
        made.data.stop = [
            rows if place in kept else rows[:0] for place, rows in enumerate(stop)
        ]
        return made.joint.held_out(draws()).item()

    monkeypatch.setattr(joint, "noise_for", still)
    one, other = known_by(0), known_by(1)
    assert abs(one - other) > 1e-4
    assert known_by(0, 1) == pytest.approx((one + other) / 2, abs=1e-6)


def test_without_any_stopping_rows_nothing_is_known(make_data):
    made = make_data((9, 5))
    objective = Joint(made.family.nets, 2, made.data, made.settings)
    assert torch.isnan(objective.held_out(draws())).all()
    loop = Loop(objective, 40, 1e-3, 0)
    loop.run(nothing, None)
    assert (loop.best_step == 10).all()
