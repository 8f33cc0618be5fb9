from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cbvae_cli.families import family_class
from cbvae_cli.networks.vae import Shape
from cbvae_cli.records import Settings
from cbvae_cli.table.matrix import Layout
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import Scale
from cbvae_cli.training.loop import Loop, place_data
from cbvae_cli.training.parts import split

CPU = torch.device("cpu")
SAME = Scale(np.array([-9.0, 9.0]), np.array([-9.0, 9.0]))


def easy_rows(sizes):
    """Rows of four columns that hang on one factor, a middle of its own per class."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    factor = rng.normal(size=(len(labels), 1))
    values = factor * [1.0, -1.0, 0.5, 2.0] + rng.normal(0, 0.1, (len(labels), 4))
    return values + labels[:, None], labels


@pytest.fixture
def make_loop():
    """Make a loop over easy rows, ready for its first step."""

    def make(sizes=(150, 60), **changes):
        given = {"steps": 60, "hidden": (16,), "latent": 2, "batch": 32, **changes}
        settings = Settings(**given)
        values, labels = easy_rows(sizes)
        number = Number(SAME, -9.0, 9.0, None, False, "double")
        layout = Layout((number,) * 4, ("gaussian",) * 4)
        encoded = layout.encode(values)
        parts = split(values, labels, 0.1, 0.2, settings.seed)
        shape = Shape(settings.latent, settings.hidden, settings.noise)
        names = tuple(map(str, range(len(sizes))))
        family = family_class(settings.model).build(layout, names, shape, settings.seed)
        plan = family.plan(encoded, labels)
        loop = Loop(plan, place_data(plan, parts, CPU), settings)
        return SimpleNamespace(loop=loop, parts=parts, labels=labels, family=family)

    return make
