"""Settings that are searched for, and steps that fit a time limit."""

import time

import pytest

from cbvae_cli.records import Settings
from cbvae_cli.training.search import LEAST_STEPS, SHORT, SPACE, searched, within


def test_the_settings_that_lose_least_are_taken():
    tried = []

    def judge(settings):
        tried.append(settings)
        return abs(settings.latent - 16) + settings.hidden[0] / 1000

    found = searched(Settings(members=10, steps=1500), judge, None)
    assert len(tried) == len(SPACE)
    assert all(getattr(each, n) == v for each in tried for n, v in SHORT.items())
    assert (found.latent, found.hidden) == (16, (256, 256))
    assert (found.members, found.steps) == (10, 1500), "only what was tried changes"


def test_a_tie_is_won_by_what_the_preset_has():
    assert searched(Settings(), lambda settings: 1.0, None) == Settings()


def test_past_the_deadline_no_further_try_starts_but_one_always_does():
    tried = []

    def judge(settings):
        tried.append(settings)
        return 1.0

    searched(Settings(), judge, time.monotonic() - 1)
    assert len(tried) == 1


@pytest.mark.parametrize("seconds", [1e-6, 0.5, 5.0, 1e6])
def test_steps_shrink_to_fit_and_never_grow(seconds):
    usual = Settings(steps=1000, joint_steps=400)
    found = within(usual, 0.01, seconds)
    assert LEAST_STEPS <= found.steps <= usual.steps
    assert found.joint_steps <= usual.joint_steps
    assert (found == usual) == (seconds == 1e6)
    if found.steps > LEAST_STEPS:
        assert (found.steps + found.joint_steps) * 0.01 <= seconds or seconds == 1e6


def test_epochs_give_way_to_a_time_limit():
    assert within(Settings(epochs=50), 1.0, 10.0).epochs == 0
