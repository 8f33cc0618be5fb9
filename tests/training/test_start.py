"""What stands before the first step: parts, weights and networks of a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cbvae_cli.records import Settings
from cbvae_cli.training.parts import CERTIFIED, HELD
from cbvae_cli.training.start import LATE_SHARE, MOST_NETS, prepare

CPU = torch.device("cpu")
BRIEF = Settings(latent=2, hidden=(8,), steps=40, joint_steps=20, batch=32, members=2)


def begin(table, settings=BRIEF, **changes):
    return prepare(table, replace(settings, **changes), CPU)


def test_epochs_are_passes_over_the_largest_class(make_table):
    start = begin(make_table(300, 60), epochs=3)
    largest = max(len(rows.places) for rows in start.data.train)
    assert start.generative().steps == 3 * -(-largest // 32)
    assert begin(make_table(300, 60)).generative().steps == BRIEF.steps


@pytest.mark.parametrize(
    ("model", "sizes", "joint_steps", "sharpens"),
    [
        ("cbvae", (60, 30), 20, True),
        ("cbvae", (60, 30), 0, False),
        ("cbvae", (60,), 20, False),
        ("vae", (60, 30), 20, False),
    ],
)
def test_classes_that_can_be_told_apart_are_sharpened(
    make_table, model, sizes, joint_steps, sharpens
):
    start = begin(make_table(*sizes), model=model, joint_steps=joint_steps)
    assert start.sharpens is sharpens


def test_the_joint_phase_has_networks_and_random_numbers_of_its_own(make_table):
    start = begin(make_table(60, 30))
    generative, joint = start.generative(), start.joint(start.family.to_sharpen())
    before = [p.clone() for p in generative.objective.parameters()]
    joint.advance()
    for one, other in zip(before, generative.objective.parameters(), strict=True):
        assert torch.equal(one, other)
    drawn = (loop.generator.initial_seed() for loop in (generative, joint))
    assert len(set(drawn)) == 2
    assert joint.steps == 20


def test_many_classes_get_fewer_members(make_table):
    for n_classes, members in ((1, 5), (4, 5), (5, 4), (MOST_NETS, 1), (25, 1)):
        start = begin(make_table(*[3] * n_classes), members=5)
        assert start.settings.members == start.family.n_members == members


# Who sees what.


@pytest.mark.parametrize("model", ["cbvae", "vae"])
def test_held_and_certified_rows_move_no_weight(make_table, model):
    table = replace(make_table(400, 60), validation=np.arange(460) % 7 == 0)
    weights = []
    for unseen in (0.0, 9.0, np.nan):
        start = begin(table, model=model, steps=5, joint_steps=5)
        fold = torch.from_numpy(start.known.parts.fold)
        for part in (HELD, CERTIFIED):
            assert (fold == part).any()
            start.data.values[fold == part] += unseen
        start.generative().run(lambda _: None, None)
        families = [start.family]
        if start.sharpens:
            families.append(start.family.to_sharpen())
            start.joint(families[-1]).run(lambda _: None, None)
        weights.append([a for f in families for a in f.arrays().values()])
    for other in weights[1:]:
        for one, two in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_member_learns_nothing_from_the_fold_it_is_blind_to(make_table):
    table = make_table(400, 60)
    learnt = []
    for changed in (0.0, 1.0):
        start = begin(table, steps=5, joint_steps=5)
        generative = start.generative()  # leans on shares of the whole table
        fold = torch.from_numpy(start.known.parts.fold)
        start.data.values[fold == 1] += changed
        generative.run(lambda _: None, None)
        classifier = start.family.to_sharpen()
        start.joint(classifier).run(lambda _: None, None)
        learnt.append(
            [
                [f.member(j).arrays() for f in (start.family, classifier)]
                for j in range(2)
            ]
        )
    for member, same in ((0, False), (1, True)):
        pairs = zip(learnt[0][member], learnt[1][member], strict=True)
        for one, two in pairs:
            assert all(np.array_equal(one[n], two[n]) for n in one) is same


# Groups.


def test_rows_of_a_group_share_their_fold(make_table):
    table = make_table(120, 60)
    groups = np.random.default_rng(0).integers(0, 30, 180)
    parts = begin(replace(table, groups=groups)).known.parts
    for group in range(30):
        assert len(set(parts.fold[groups == group].tolist())) == 1
    apart = begin(table).known.parts
    assert any(len(set(apart.fold[groups == g].tolist())) > 1 for g in range(30))


# Times.


def test_late_rows_calibrate(make_table):
    times = np.random.default_rng(0).permutation(180).astype(float)
    start = begin(replace(make_table(120, 60), times=times))
    np.testing.assert_array_equal(start.known.parts.fold == HELD, times >= 144)


@pytest.mark.parametrize(
    ("moments", "held"),
    [
        # Half of the rows are of the last day; none of them is late without the others.
        ([1] * 30 + [2] * 60 + [3] * 90, [3]),
        ([1] * 45 + [2] * 45 + [3] * 45 + [4] * 45, [4]),
        ([1] * 90 + [2] * 60 + [3] * 20 + [4] * 10, [3, 4]),
        ([1] * 20 + [2] * 160, [2]),
        ([1] * 179 + [2], [2]),
    ],
)
def test_rows_of_a_moment_are_late_together(make_table, moments, held):
    times = np.array(moments, dtype=float)
    order = np.random.default_rng(0).permutation(180)
    start = begin(replace(make_table(120, 60), times=times[order]))
    late = start.known.parts.fold == HELD
    np.testing.assert_array_equal(late, np.isin(times[order], held))
    assert LATE_SHARE == 0.2


def test_times_that_are_all_equal_hold_nothing_back(make_table):
    table = make_table(120, 60)
    same = begin(replace(table, times=np.full(180, 5.0))).known.parts
    np.testing.assert_array_equal(same.fold, begin(table).known.parts.fold)


# Rows that only calibrate.


def test_rows_of_a_validation_table_teach_nothing(make_table):
    table = make_table(120, 60)
    beside = np.arange(180) % 9 == 0
    start = begin(replace(table, validation=beside))
    np.testing.assert_array_equal(start.known.parts.fold == HELD, beside)
    for rows, stop in zip(start.data.train, start.data.stop, strict=True):
        assert not beside[rows.places.numpy()].any()
        assert not beside[stop.numpy()].any()


def test_a_validation_table_goes_before_times(make_table):
    beside = np.arange(180) % 9 == 0
    table = replace(
        make_table(120, 60), validation=beside, times=np.arange(180, dtype=float)
    )
    np.testing.assert_array_equal(begin(table).known.parts.fold == HELD, beside)


def test_a_share_of_rows_is_held_back(make_table):
    start = begin(replace(make_table(600, 300), validation_share=0.3))
    fold = start.known.parts.fold
    held = (fold == HELD)[fold != CERTIFIED]
    assert held.mean() == pytest.approx(0.3, abs=0.01)
    assert start.settings.held_share == 0.3
    assert not (fold >= 0).any()


# Weights.


def test_weights_are_one_on_average_and_only_their_ratios_count(make_table):
    table = make_table(120, 60)
    weights = np.random.default_rng(0).gamma(2.0, size=180)
    for scale in (1.0, 1024.0, 2.0**-600, 2.0**1000):
        known = begin(replace(table, weights=weights * scale)).known
        np.testing.assert_allclose(known.weights, weights / weights.mean(), rtol=1e-12)
        shares = np.bincount(table.labels, weights) / weights.sum()
        np.testing.assert_allclose(known.shares, shares, rtol=1e-12)


def test_without_weights_rows_count_alike(make_table):
    start = begin(make_table(120, 60))
    assert (start.known.weights == 1).all()
    np.testing.assert_allclose(start.known.shares, [2 / 3, 1 / 3])
    assert all(rows.ladder is None for rows in start.data.train)


def test_rows_of_no_weight_are_never_drawn(make_table):
    table = make_table(120, 60)
    weights = (np.arange(180) % 3 > 0).astype(float)
    start = begin(replace(table, weights=weights))
    for rows in start.data.train:
        drawn = rows.draw(500, torch.Generator().manual_seed(0)).numpy()
        assert (weights[drawn] > 0).all()


def test_class_shares_are_those_of_training_rows(make_table):
    table = make_table(120, 60)
    beside = (table.labels == 1) & (np.arange(180) % 2 == 0)
    weights = np.where(table.labels == 1, 3.0, 1.0)
    label = replace(table.schema.label, counts=(120, 30))
    known = begin(
        replace(
            table,
            schema=replace(table.schema, label=label),
            validation=beside,
            weights=weights,
        )
    ).known
    np.testing.assert_allclose(known.shares, [120 / 210, 90 / 210])
