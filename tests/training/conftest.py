from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cbvae_cli.families import family_class
from cbvae_cli.networks.vae import Shape
from cbvae_cli.records import Columns, Settings
from cbvae_cli.table.matrix import Layout
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import Scale
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.fit import SCALES
from cbvae_cli.training.joint import Joint
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.objective import place_data
from cbvae_cli.training.parts import Shares, row_keys, split, united
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.start import objective_for
from cbvae_cli.training.thin import thinning_for

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
def make_data():
    """Put easy rows, some cells missing, before a family that has learnt nothing."""

    def make(sizes=(150, 60), *, members=2, weights=None, missing=0.0, **changes):
        given = {"steps": 60, "hidden": (16,), "latent": 2, "batch": 32, **changes}
        settings = Settings(members=members, **given)
        values, labels = easy_rows(sizes)
        values[np.random.default_rng(1).random(values.shape) < missing] = np.nan
        number = Number(SAME, -9.0, 9.0, None, False, "double")
        layout = Layout((number,) * 4, ("gaussian",) * 4)
        encoded = layout.encode(values)
        units = united(row_keys(values, settings.seed), None)
        shares = Shares(members, settings.stop_share, settings.held_share, 0.0)
        parts = split(units, labels, 0, shares, settings.seed)
        names = tuple(map(str, range(len(sizes))))
        shape = Shape(settings.latent, settings.hidden, settings.noise)
        family = family_class(settings.model).build(
            layout, names, shape, members, settings.seed
        )
        plan = family.plan(encoded, labels)
        data = place_data(plan, parts, weights, CPU)
        return SimpleNamespace(
            data=data, parts=parts, labels=labels, family=family, settings=settings
        )

    return make


@pytest.fixture
def make_loop(make_data):
    """Make a loop over easy rows, ready for its first step."""

    def make(sizes=(150, 60), phase="generative", **changes):
        if phase == "adversarial":
            changes = {"model": "dvaan", **changes}
        made = make_data(sizes, **changes)
        nets, settings = made.family.nets, made.settings
        if phase == "joint":
            objective = Joint(nets, len(sizes), made.data, settings)
        else:
            objective = objective_for(nets, made.data, settings)
        made.loop = Loop(objective, settings.steps, settings.rate, settings.seed)
        return made

    return make


@pytest.fixture(scope="session")
def make_table(tmp_path_factory):
    """Read a table with so many rows of each class."""

    def make(*sizes, seed=0):
        rng = np.random.default_rng(seed)
        lines = ["a,b,y"]
        for place, size in enumerate(sizes):
            for a in rng.normal(3 * place, 1, size):
                lines.append(f"{a:.4f},{'pq'[int(rng.random() < 0.3)]},c{place}")
        path = tmp_path_factory.mktemp("rows") / "rows.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with open_source(str(path), ReadOptions(), reread=True) as source:
            schema, _ = find_schema(source, Columns("y"))
            return read_table(
                source, schema, SCALES["quantile"], thinning_for(schema, None)
            )

    return make
