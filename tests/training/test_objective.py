"""What a step draws and lowers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbvae_cli.training.joint import Joint
from cbvae_cli.training.objective import (
    MOST_STOP_ROWS,
    Generative,
    Rows,
    hidden_cells,
    padded,
)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def objective_of(made, phase):
    if phase == "joint":
        n_classes = int(made.labels.max()) + 1
        return Joint(made.family.nets, n_classes, made.data, made.settings)
    return Generative(made.family.nets, made.data, made.settings)


def ladder(*weights):
    sums = np.cumsum(weights)
    return torch.from_numpy(sums / sums[-1])


# Rows that are drawn.


def test_without_weights_all_rows_are_drawn_alike():
    rows = Rows(torch.tensor([3, 5, 8]), None)
    found = rows.draw(6000, draws())
    assert set(found.tolist()) == {3, 5, 8}
    shares = np.bincount(found.numpy(), minlength=9)[[3, 5, 8]] / 6000
    np.testing.assert_allclose(shares, 1 / 3, atol=0.03)


@pytest.mark.parametrize(
    "weights", [(1, 2, 1), (0, 1, 3), (1, 0, 0, 3), (2, 1, 0), (0, 0, 7, 0, 0)]
)
def test_rows_are_drawn_by_their_weight_and_never_at_weight_nought(weights):
    rows = Rows(torch.arange(len(weights)) + 10, ladder(*weights))
    found = rows.draw(8000, draws()).numpy() - 10
    shares = np.bincount(found, minlength=len(weights)) / 8000
    np.testing.assert_allclose(shares, np.array(weights) / sum(weights), atol=0.03)
    assert not shares[np.array(weights) == 0].any()


@pytest.mark.parametrize("point", [0.0, 0.5, 1 - 2.0**-53])
def test_no_point_of_the_ladder_is_a_row_of_weight_nought(monkeypatch, point):
    rows = Rows(torch.arange(5), ladder(0, 1, 0, 1, 0))
    monkeypatch.setattr(
        torch, "rand", lambda n, **_: torch.full((n,), point, dtype=torch.float64)
    )
    assert set(rows.draw(3, draws()).tolist()) <= {1, 3}


def test_networks_draw_from_their_own_rows_alone(make_data):
    weights = np.ones(210)
    weights[::2] = 0
    made = make_data(weights=weights)
    assert made.data.members == [0, 1, 0, 1]
    for net, (rows, stop) in enumerate(
        zip(made.data.train, made.data.stop, strict=True)
    ):
        place, member = divmod(net, 2)
        own = np.flatnonzero(made.labels == place)
        wanted = made.parts.trains(member, own)
        np.testing.assert_array_equal(rows.places.numpy(), wanted)
        np.testing.assert_array_equal(stop.numpy(), made.parts.stop(member, own))
        found = rows.draw(2000, draws())
        assert set(found.tolist()) == set(wanted[wanted % 2 == 1].tolist())


def test_a_network_whose_rows_all_weigh_nothing_learns_from_all(make_data):
    made = make_data(weights=(np.arange(210) < 150).astype(float))
    assert made.data.train[0].ladder is not None
    assert made.data.train[-1].ladder is None


def test_stopping_rows_are_no_more_than_are_needed(make_data):
    made = make_data(sizes=(14_000, 60), members=1)
    assert [len(rows) for rows in made.data.stop] == [MOST_STOP_ROWS, 5]


def test_all_classes_stop_a_pooled_network_of_a_sorted_table(make_data):
    made = make_data(sizes=(14_000, 4_000), members=1, model="vae")
    (stop,) = made.data.stop
    counts = torch.bincount(made.data.labels[stop])
    assert counts.sum() == MOST_STOP_ROWS
    assert counts[1] / MOST_STOP_ROWS == pytest.approx(4 / 18, abs=0.02)


# Cells that are hidden.


def test_hidden_cells_are_as_many_as_asked():
    seen = torch.ones(2, 5000, 4, dtype=torch.bool)
    assert (hidden_cells(seen, 3, draws()).sum(-1) == 3).all()
    by_share = hidden_cells(seen, 0.4, draws()).float()
    assert by_share.mean().item() == pytest.approx(0.2, abs=0.02)
    assert not hidden_cells(seen, 0, draws()).any()


def test_one_cell_is_left_however_many_are_to_be_hidden():
    seen = torch.ones(2, 50, 4, dtype=torch.bool)
    assert (hidden_cells(seen, 40, draws()).sum(-1) == 3).all()


@pytest.mark.parametrize("phase", ["generative", "joint"])
@pytest.mark.parametrize("noise", [False, True])
def test_what_lies_in_missing_cells_moves_no_loss(make_data, phase, noise):
    made = make_data(missing=0.3, noise=noise)
    objective = objective_of(made, phase)
    before = objective.loss(draws()), objective.held_out(draws())
    missing = ~made.data.seen[:, made.family.nets.owner]
    assert missing.any()
    made.data.values[missing] = 77.0
    after = objective.loss(draws()), objective.held_out(draws())
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one, other)


def test_cells_that_a_joint_step_hides_move_no_loss(make_data):
    """A class must be told without them; the generative phase has them as targets."""
    made = make_data(joint_mask=3, mask=3)
    changed = []
    for phase in ("joint", "generative"):
        objective = objective_of(made, phase)
        kept = made.data.values.clone()
        before = objective.loss(draws())
        # Three of four cells are hidden, and the next draw hides the same ones.
        hidden = hidden_cells_of_a_step(objective, made)
        made.data.values[hidden] = 5.0
        changed.append(not torch.equal(before, objective.loss(draws())))
        made.data.values.copy_(kept)
    assert changed == [False, True]


def hidden_cells_of_a_step(objective, made):
    """Cells, shape (n_rows, n_cells), that the next step shows to no network."""
    shown = torch.zeros_like(made.data.seen)
    asked = made.family.nets.loss

    def spy(values, seen, given, *rest):
        for rows, cells in zip(values, given, strict=True):
            for row, cell in zip(rows, cells, strict=True):
                same = (made.data.values == row).all(dim=1)
                shown[same] |= cell
        return asked(values, seen, given, *rest)

    made.family.nets.loss = spy
    objective.loss(draws())
    del made.family.nets.loss
    return ~shown


# Lists of rows in one pass.


def test_shorter_lists_are_repeated_and_empty_ones_taken_from_the_spare():
    some, none = torch.tensor([4, 7, 9]), torch.tensor([], dtype=torch.int64)
    found = padded([some, none, some[:1]], [some, torch.tensor([1, 2]), some])
    assert found.tolist() == [[4, 7, 9], [1, 2, 1], [4, 4, 4]]


# Units.


@pytest.mark.parametrize("phase", ["generative", "joint"])
@pytest.mark.parametrize("members", [1, 2, 3])
def test_a_choice_of_units_is_spread_over_their_parameters(make_data, phase, members):
    made = make_data(members=members, sizes=(80, 40, 30))
    objective = objective_of(made, phase)
    n_nets = 3 * members
    assert objective.n_units == (members if phase == "joint" else n_nets)
    for unit in range(objective.n_units):
        chosen = torch.arange(objective.n_units) == unit
        for name, parameter in objective.named_parameters():
            spread = objective.of_unit(chosen, parameter)
            assert spread.dim() == parameter.dim()
            assert spread.shape[0] == parameter.shape[0]
            own = spread.flatten().nonzero().flatten().tolist()
            if name.startswith("nets.") and phase == "joint":
                assert own == list(range(unit, n_nets, members)), name
            else:
                assert own == [unit], name


@pytest.mark.parametrize("phase", ["generative", "joint"])
def test_a_unit_learns_nothing_from_the_loss_of_another(make_data, phase):
    made = make_data()
    objective = objective_of(made, phase)
    objective.loss(draws())[1].backward()
    others = torch.arange(objective.n_units) != 1
    for name, parameter in objective.named_parameters():
        outside = objective.of_unit(others, parameter)
        assert not (parameter.grad * outside).any(), name
        assert parameter.grad is not None
    assert objective.nets.encoder.layers[0].weight.grad.any()


def test_units_without_stopping_rows_have_no_loss_on_them(make_data):
    made = make_data(sizes=(100, 5))
    found = objective_of(made, "generative").held_out(draws())
    assert torch.isfinite(found[:2]).all()
    assert torch.isnan(found[2:]).all()
