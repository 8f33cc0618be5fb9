"""EM-MV of the detectors in the latent space, and what they flag."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cbvae_cli.answers import levels
from cbvae_cli.answers.levels import LevelSets
from cbvae_cli.bundle.model import open_model
from cbvae_cli.table.source import ReadOptions, open_source

CPU = torch.device("cpu")
METHODS = {"isolation-forest", "lof", "ocsvm", "class-distance"}


@pytest.fixture(scope="module", params=["defects", "pooled"])
def model(request, trained):
    return open_model(str(trained / f"{request.param}.cbvae"), CPU)


def measured(model, path, batch_rows=16384):
    rng, found = np.random.default_rng(0), LevelSets(model, 0)
    with open_source(str(path), ReadOptions(batch_rows=batch_rows)) as source:
        for batch in source.batches():
            values, _ = model.schema.values(source, batch)
            labels = model.schema.labels(source, batch)
            found.add(rng.random(len(labels)), values, labels)
    return found.summary()


def test_every_space_compares_every_detector(model, samples):
    found = measured(model, samples / "defects.csv")
    spaces = {space["class"] for space in found["spaces"]}
    assert spaces == ({None} if model.family.shares_latent else set(model.classes))
    for space in found["spaces"]:
        assert set(space["methods"]) == METHODS
        assert (space["axes"], space["rounds"]) == (8, 1)
        for each in space["methods"].values():
            assert each["em"] > 0
            assert 0 < each["mv"] <= 0.099


def test_flagged_shares_stand_beside(model, samples):
    found = measured(model, samples / "defects.csv")
    assert set(found["methods"]) == METHODS
    for each in found["methods"].values():
        # These rows trained the bundle, all but a fifth of them.
        assert 0.005 < each["share"] < 0.12
        assert set(each["classes"]) == set(model.classes)
        assert 0 <= each["rmse"] <= 1


def test_batches_make_no_difference(model, samples):
    path = samples / "defects.csv"
    one, other = measured(model, path), measured(model, path, batch_rows=97)
    assert one["methods"] == other["methods"]
    for a, b in zip(one["spaces"], other["spaces"], strict=True):
        for method in METHODS:
            assert a["methods"][method] == pytest.approx(b["methods"][method], rel=1e-3)


def test_many_axes_are_looked_at_by_a_few_at_a_time(model, samples, monkeypatch):
    monkeypatch.setattr(levels, "MOST_AXES", 7)
    monkeypatch.setattr(levels, "ROUNDS", 2)
    for space in measured(model, samples / "defects.csv")["spaces"]:
        assert (space["axes"], space["rounds"]) == (levels.AXES, 2)
        assert all(each["em"] > 0 for each in space["methods"].values())


def test_a_space_of_few_rows_is_left_out(model, samples, tmp_path):
    lines = (samples / "defects.csv").read_text("utf-8").splitlines()
    path = tmp_path / "few.csv"
    path.write_text("\n".join(lines[:15]) + "\n", "utf-8")
    assert measured(model, path)["spaces"] == []


def test_without_ranks_nothing_is_flagged(model, samples):
    judges = {
        name: replace(each, ranks=replace(each.ranks, by_member=(np.empty(0),)))
        for name, each in model.judges.items()
    }
    found = measured(replace(model, judges=judges), samples / "defects.csv")
    assert {each["share"] for each in found["methods"].values()} == {None}
