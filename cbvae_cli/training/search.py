"""What settings to train with: a small search, and what fits a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cbvae_cli.records import Settings

# Tried in this order, the presets' own first; a short training each.
SPACE: tuple[dict[str, Any], ...] = (
    {},
    {"hidden": (256, 256)},
    {"latent": 16, "hidden": (256, 256)},
    {"latent": 4, "hidden": (64, 64)},
    {"mask": 0.2},
    {"rate": 1e-3},
)
SHORT = {
    "members": 1,
    "steps": 600,
    "joint_steps": 300,
    "filler_steps": 0,
    "search": False,
}
SEARCHING = 0.4  # of the time limit, at most
TRAINING = 0.5  # of what is left of it; the rest is for calibration
LEAST_STEPS = 50

Judge = Callable[[Settings], float]


def searched(settings: Settings, judge: Judge, deadline: float | None) -> Settings:
    """Try settings with short trainings and take the best.

    Parameters
    ----------
    settings : Settings
    judge : callable
        Trains with settings; gives what rows that training did not see lose, in
        nats a row.
    deadline : float or None
        On the clock of `time.monotonic`: no further try starts after it.

    Returns
    -------
    Settings
    """
    best, least = settings, float("inf")
    for change in SPACE:
        late = deadline is not None and time.monotonic() > deadline
        if late and least < float("inf"):
            break
        lost = judge(replace(settings, **{**SHORT, **change}))
        if lost < least:
            best, least = replace(settings, **change), lost
    return best


def within(settings: Settings, step_seconds: float, seconds: float) -> Settings:
    """Take fewer steps, so that training ends in time.

    Parameters
    ----------
    settings : Settings
    step_seconds : float
        What a step of all networks takes.
    seconds : float
        What is left of the time limit.

    Returns
    -------
    Settings
    """
    planned = (settings.steps + settings.joint_steps) * step_seconds
    share = min(1.0, TRAINING * seconds / max(planned, 1e-9))
    if share >= 1:
        return settings
    return replace(
        settings,
        epochs=0,
        steps=max(LEAST_STEPS, int(settings.steps * share)),
        joint_steps=int(settings.joint_steps * share),
        filler_steps=int(settings.filler_steps * share),
    )
