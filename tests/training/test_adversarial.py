"""The autoencoder, its adversary, mu between them, and the rows they make."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbvae_cli.training import adversarial
from cbvae_cli.training.adversarial import MOST_MU, RATE, Adversarial
from cbvae_cli.training.support import MOST_MADE, Support, _within

PARTS = ("encoder", "decoder", "discriminator")


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def make(make_data):
    """Make an adversarial objective on easy rows."""

    def made_of(sizes=(150, 60), **changes):
        made = make_data(sizes, model="dvaan", **changes)
        made.objective = Adversarial(made.family.nets, made.data, made.settings)
        return made

    return made_of


def reached(nets, lost):
    """Give the parts of networks that a loss reaches."""
    named = [(n, p) for n, p in nets.named_parameters() if p.requires_grad]
    slopes = torch.autograd.grad(
        lost, [p for _, p in named], allow_unused=True, retain_graph=True
    )
    hit = {
        n for (n, _), g in zip(named, slopes, strict=True) if g is not None and g.any()
    }
    return {part for part in PARTS if any(name.startswith(part) for name in hit)}


def test_each_loss_reaches_the_networks_that_lower_it_and_no_others(make):
    made = make()
    lost = made.objective.loss(draws())
    assert lost.shape == (4,)
    explains, tells = lost.chunk(2)
    assert reached(made.family.nets, explains.sum()) == {"encoder", "decoder"}
    assert reached(made.family.nets, tells.sum()) == {"decoder", "discriminator"}


def test_real_rows_are_left_out_where_the_paper_leaves_them_out(make):
    moved = []
    for paper in (False, True):
        made = make(paper_discriminator=paper, members=1, mask=0)
        before = made.objective.loss(draws())[1]
        look = made.family.nets.look

        def blind(values, seen, noise, look=look, size=made.settings.batch):
            features, log_p = look(values, seen, noise)
            log_p[:, -size:] -= 5.0
            return features, log_p

        made.family.nets.look = blind
        moved.append((made.objective.loss(draws())[1] - before).item())
    assert moved == pytest.approx([5.0 / 3, 0.0], abs=1e-4)


def test_two_classes_lose_the_softplus_of_the_papers(make):
    made = make()
    log_p = made.family.nets.tell(made.data.values[None, :9], made.data.seen[None, :9])
    odds = log_p[..., 1] - log_p[..., 0]
    lost = adversarial._entropy(log_p, torch.ones(2, 9, dtype=torch.int64))
    torch.testing.assert_close(lost, torch.nn.functional.softplus(-odds))


@pytest.mark.parametrize(
    ("feature", "adverse", "moves"), [(0.0, 2.0, 1), (2.0, 0.0, -1), (1.0, 1.0, 0)]
)
def test_mu_rises_where_classes_are_hard_to_tell(make, feature, adverse, moves):
    objective = make().objective
    objective.last = torch.tensor([[feature] * 2, [adverse] * 2])
    for step in range(1, 11):
        objective.after_step(step, draws())
    change = objective._mu - 3.0
    wanted = moves * 10 * RATE * np.tanh(2.0)
    torch.testing.assert_close(change, torch.full((2,), float(wanted)))


@pytest.mark.parametrize(("start", "feature"), [(0.005, 9.0), (9.995, -9.0)])
def test_mu_stays_within_its_bounds(make, start, feature):
    made = make()
    made.objective.prior.mu.data.fill_(start)
    made.objective.last = torch.tensor([[feature] * 2, [0.0] * 2])
    made.objective.after_step(1, draws())
    assert set(made.objective._mu.tolist()) <= {0.0, MOST_MU}


def test_a_fixed_mu_is_left_alone(make_loop):
    made = make_loop(model="dvaan", fixed_mu=True, steps=30)
    made.loop.run(lambda _: None, None)
    path = np.array(made.loop.objective.record()["mu"])
    assert (path == 3.0).all()
    assert len(path) == 1 + 30 // made.loop.objective.epoch


def test_mu_is_told_of_by_epoch_and_network(make_loop):
    made = make_loop(model="dvaan", steps=40)
    made.loop.run(lambda _: None, None)
    told = made.loop.objective.record()
    path = np.array(told["mu"])
    assert path.shape == (1 + 40 // made.loop.objective.epoch, 2)
    assert (path[0] == 3.0).all()
    assert (np.abs(np.diff(path, axis=0)) > 0).any()
    assert np.isfinite([told["adversary"][k] for k in told["adversary"]]).all()


def test_a_discriminator_that_is_too_sure_of_itself_is_not_cut_short(make):
    made = make()
    before = made.objective.held_out(draws())[2:]
    last = made.family.nets.discriminator.last
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.mul_(50.0)
    after = made.objective.held_out(draws())[2:]
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-4)


# Support samples.


@pytest.mark.parametrize("sizes", [(150, 60), (40, 90, 30)])
def test_made_rows_bring_no_class_above_the_largest(make, sizes):
    made = make(sizes)
    support = made.objective.support
    for step in range(5):
        support.renew(draws(step))
        for net in range(2):
            own = made.data.train[net].places
            real = torch.bincount(made.data.labels[own], minlength=len(sizes))
            kept = support.labels[net, : support.counts[net]]
            both = real + torch.bincount(kept, minlength=len(sizes))
            assert both.max() == real.max()
            assert (both <= 2 * real).all()
            assert len(kept) <= MOST_MADE


def test_made_rows_are_those_that_the_discriminator_agrees_to(make):
    made = make()
    support, nets = made.objective.support, made.family.nets
    support.renew(draws())
    assert (support.counts > 0).any()
    seen = torch.ones(2, support.values.shape[1], 4, dtype=torch.bool)
    named = nets.tell(support.values, seen).argmax(-1)
    for net in range(2):
        count = int(support.counts[net])
        assert torch.equal(named[net, :count], support.labels[net, :count])


def test_they_are_replaced_not_gathered(make):
    support = make().objective.support
    support.renew(draws(0))
    first = support.values.clone()
    support.renew(draws(1))
    assert support.values.shape == first.shape
    assert not torch.equal(support.values, first)


def test_equal_classes_need_no_made_rows(make):
    made = make((80, 80))
    # Folds of members leave classes a row or two apart.
    support = made.objective.support
    support.room = torch.zeros_like(support.room)
    support.renew(draws())
    assert not support.counts.any()


def test_made_rows_join_as_often_as_they_are_among_all(make):
    made = make((400, 100), members=1)
    support = made.objective.support
    rows = torch.zeros(1, 20_000, dtype=torch.int64)
    batch = made.data.values[rows], made.data.seen[rows], made.data.labels[rows]
    before = support.join(*batch, draws())
    assert all(torch.equal(a, b) for a, b in zip(before, batch, strict=True))
    support.renew(draws())
    support.values += 50.0
    values, _, _ = support.join(*batch, draws())
    count = int(support.counts[0])
    wanted = count / (count + len(made.data.train[0].places))
    assert (values[..., 0] > 20).float().mean().item() == pytest.approx(
        wanted, abs=0.02
    )


def test_within_room_the_first_are_kept():
    labels = torch.tensor([[0, 1, 1, 1, 0, 1]])
    agreed = torch.tensor([[True, False, True, True, True, True]])
    kept = _within(agreed, labels, torch.tensor([[1, 2]]))
    assert kept.tolist() == [[True, False, True, True, False, False]]


def test_without_support_nothing_is_made(make_loop):
    made = make_loop(model="dvaan", support=False, steps=30)
    made.loop.run(lambda _: None, None)
    assert not made.loop.objective.support.counts.any()


def test_what_is_remembered_is_what_was_given(make):
    one, other = make(), make()
    one.objective.support.renew(draws())
    one.objective.average = torch.rand(2, 2, generator=draws())
    kept = {name: tensor.clone() for name, tensor in one.objective.memory().items()}
    other.objective.remember(kept)
    again = other.objective.memory()
    assert again.keys() == kept.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in kept.items())
    assert isinstance(other.objective.support, Support)


# Units.


def test_autoencoders_and_discriminators_keep_their_own_best_step(make):
    objective = make().objective
    assert objective.n_units == 4
    chosen = torch.tensor([True, False, False, True])
    for name, parameter in objective.named_parameters():
        own = objective.of_unit(chosen, parameter).flatten().tolist()
        tells = name.startswith("nets.discriminator")
        assert own == ([False, True] if tells else [True, False]), name


def test_stopping_rows_judge_both_halves_and_none_where_there_are_none(make):
    found = make().objective.held_out(draws())
    assert found.shape == (4,)
    assert torch.isfinite(found).all()
    assert torch.isnan(make((6, 5)).objective.held_out(draws())).all()
