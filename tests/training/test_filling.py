"""What learns to fill cells, and from which rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cbvae_cli.records import Settings
from cbvae_cli.training import filling
from cbvae_cli.training.filling import Lesson, _Guesser
from cbvae_cli.training.masked import _pools
from cbvae_cli.training.parts import CERTIFIED, SEEN
from cbvae_cli.training.start import prepare

BRIEF = Settings(latent=2, hidden=(8,), steps=20, batch=32, members=2)


@pytest.fixture
def start(make_table):
    """A table on its way, nothing trained."""
    return prepare(make_table(300, 90), BRIEF, torch.device("cpu"))


def test_all_rows_teach_but_those_that_the_first_member_is_blind_to(start):
    lesson = Lesson.of(start.family, start.known, 3, 0)
    parts, every = start.known.parts, np.arange(len(start.known.labels))
    assert set(lesson.blind) == set(parts.blind(0, every))
    assert set(lesson.rows) == set(every) - set(lesson.blind)
    assert set(np.flatnonzero(parts.fold == CERTIFIED)) <= set(lesson.rows)


def test_of_a_large_table_a_part_teaches(start, monkeypatch):
    monkeypatch.setattr(filling, "MOST_TAUGHT", 50)
    monkeypatch.setattr(filling, "MOST_BLIND", 20)
    lesson = Lesson.of(start.family, start.known, 3, 0)
    assert (len(lesson.rows), len(lesson.blind)) == (50, 20)
    assert not set(lesson.rows) & set(lesson.blind)
    loop = lesson.loop(3)
    assert len(loop.objective.labels) == 50
    assert torch.isfinite(loop.advance()).all()


def test_the_last_step_is_taken(start):
    lesson = Lesson.of(start.family, start.known, 3, 0)
    loop = lesson.loop(8)
    loop.run(lambda epoch: None, None)
    assert loop.best_step.tolist() == [8, 8, 8]


def test_each_network_is_blind_to_a_third_of_every_class(start):
    lesson = Lesson.of(start.family, start.known, 3, 0)
    objective = lesson.loop(3).objective
    turn, labels = lesson.turn[lesson.rows], start.known.labels[lesson.rows]
    for number, (*classes, every) in enumerate(objective.pools):
        assert not set(np.flatnonzero(turn == number)) & set(every.tolist())
        for place, rows in enumerate(classes):
            own = (labels == place).sum()
            assert len(rows) == pytest.approx(own * 2 / 3, abs=2)
            assert (labels[rows] == place).all()


def test_one_network_learns_from_all_rows(start):
    lesson = Lesson.of(start.family, start.known, 1, 0)
    *_, every = lesson.loop(3).objective.pools[0]
    assert sorted(every.tolist()) == list(range(len(lesson.rows)))


def test_trees_grow_on_guesses_of_networks_that_have_not_seen_the_row(start):
    lesson = Lesson.of(start.family, start.known, 3, 0)
    learner = lesson.learner
    turn = lesson.turn.copy()
    turn[lesson.rows[:5]] = SEEN
    guesser = _Guesser(learner, turn, start.known.labels)
    rows = lesson.rows[:40]
    values = learner.layout.known(start.known.values[rows])
    found = guesser.guessed(values, rows)
    labels = start.known.labels[rows]
    every = [
        replace(learner, net=learner.net.alone(n)).by_network(values, labels)
        for n in range(3)
    ]
    np.testing.assert_allclose(found[:5], np.mean(every, axis=0)[:5], atol=1e-6)
    for row, number in enumerate(turn[rows[5:]], start=5):
        np.testing.assert_allclose(found[row], every[number][row], atol=1e-6)


def test_a_class_that_has_no_row_to_spare_teaches_all_networks():
    labels = np.array([0, 0, 1, 1])
    taught = np.array([True, False, False, False])
    pools = [rows.tolist() for rows in _pools(labels, taught)]
    assert pools == [[0], [2, 3], [0, 2, 3]]
