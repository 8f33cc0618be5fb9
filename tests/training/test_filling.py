"""What learns to fill cells, and from which rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbvae_cli.records import Settings
from cbvae_cli.training import filling
from cbvae_cli.training.filling import Lesson
from cbvae_cli.training.parts import CERTIFIED
from cbvae_cli.training.start import prepare

BRIEF = Settings(latent=2, hidden=(8,), steps=20, batch=32, members=2)


@pytest.fixture
def start(make_table):
    """A table on its way, nothing trained."""
    return prepare(make_table(300, 90), BRIEF, torch.device("cpu"))


def test_all_rows_teach_but_those_that_the_first_member_is_blind_to(start):
    lesson = Lesson.of(start.family, start.known, 0)
    parts, every = start.known.parts, np.arange(len(start.known.labels))
    assert set(lesson.blind) == set(parts.blind(0, every))
    assert set(lesson.rows) == set(every) - set(lesson.blind)
    assert set(np.flatnonzero(parts.fold == CERTIFIED)) <= set(lesson.rows)


def test_of_a_large_table_a_part_teaches(start, monkeypatch):
    monkeypatch.setattr(filling, "MOST_TAUGHT", 50)
    monkeypatch.setattr(filling, "MOST_BLIND", 20)
    lesson = Lesson.of(start.family, start.known, 0)
    assert (len(lesson.rows), len(lesson.blind)) == (50, 20)
    assert not set(lesson.rows) & set(lesson.blind)
    loop = lesson.loop(3)
    assert len(loop.objective.labels) == 50
    assert torch.isfinite(loop.advance()).all()


def test_the_last_step_is_taken(start):
    lesson = Lesson.of(start.family, start.known, 0)
    loop = lesson.loop(8)
    loop.run(lambda epoch: None, None)
    assert loop.best_step.tolist() == [8]
