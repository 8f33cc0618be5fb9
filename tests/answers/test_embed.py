"""Latent coordinates through `answers.embed`, and steps through the space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from cbvae_cli.answers.embed import Embed
from cbvae_cli.answers.shift import find_shift
from cbvae_cli.bundle.model import open_model
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.source import ReadOptions, open_source

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["defects", "pooled"])
def model(request, trained):
    return open_model(str(trained / f"{request.param}.cbvae"), CPU)


@pytest.fixture(scope="module")
def defects(trained):
    return open_model(str(trained / "defects.cbvae"), CPU)


def answer(model, path, shift=None, *, batch_rows=16384):
    with open_source(str(path), ReadOptions(batch_rows=batch_rows)) as source:
        embed = Embed(model, source, shift=shift, prefix="", only=False)
        rows = [embed.answer(batch) for batch in source.batches()]
    return pa.Table.from_batches(rows, embed.schema()), embed


def coordinates(found):
    names = [n for n in found.column_names if n[0] == "z" and n[1:].isdigit()]
    return np.stack([found[name].to_numpy() for name in names], axis=1)


@pytest.mark.parametrize("shift", [None, "ok:crack", "material=steel:material=brass"])
def test_batches_make_no_difference(model, samples, shift):
    path = samples / "defects.csv"
    whole, embed = answer(model, path, shift)
    parts, _ = answer(model, path, shift, batch_rows=37)
    at = coordinates(whole)
    assert at.shape == (whole.num_rows, model.family.nets.latent)
    assert np.isnan(at).any(axis=1).sum() == embed.summary()["unmoved"]
    assert np.isfinite(at).mean() > 0.8
    np.testing.assert_allclose(coordinates(parts), at, atol=1e-5)
    for name in whole.column_names[len(embed.source.names) + at.shape[1] :]:
        assert parts[name].to_pylist() == whole[name].to_pylist()


def test_a_row_s_class_is_its_label_or_the_likeliest(model, samples, tmp_path):
    path = samples / "defects.csv"
    found, embed = answer(model, path)
    assert found["class"].to_pylist() == found["outcome"].to_pylist()
    assert embed.summary()["labelled"] == found.num_rows
    lines = path.read_text("utf-8").splitlines()
    bare = [line.rpartition(",")[0] + "," for line in lines[1:]]
    foreign = [line.rpartition(",")[0] + ",melted" for line in lines[1:21]]
    target = tmp_path / "bare.csv"
    target.write_text("\n".join([lines[0], *bare, *foreign]) + "\n", "utf-8")
    guessed, embed = answer(model, target)
    told = embed.summary()
    assert (told["labelled"], told["unknown"]) == (0, 20)
    same = np.array(guessed["class"].to_pylist()[: found.num_rows]) == np.array(
        found["class"].to_pylist()
    )
    assert same.mean() > 0.7
    # Of a shared space the label is no part; else rows of one class agree.
    kept = np.ones(len(same), bool) if model.family.shares_latent else same
    one, other = coordinates(found), coordinates(guessed)[: found.num_rows]
    np.testing.assert_allclose(one[kept], other[kept], atol=1e-5)


def test_rows_moved_to_a_class_look_like_its_rows(defects, samples):
    model, path = defects, samples / "defects.csv"
    plain, _ = answer(model, path)
    moved, _ = answer(model, path, "ok:crack")
    assert set(moved["class"].to_pylist()) == {"crack"}
    labels = np.array(plain["outcome"].to_pylist())
    from_ok = moved.filter(pa.array(labels == "ok"))
    rows = pa.table({n: from_ok[f"shifted_{n}"] for n in names_of(model)})
    values = np.stack(
        [
            kind.parse(rows[c.name].combine_chunks(), np.zeros(rows.num_rows, bool))
            for c, kind in zip(model.schema.modelled, model.schema.kinds, strict=True)
        ],
        axis=1,
    )
    p = np.exp(model.log_probabilities(values, "likelihood"))
    crack = model.classes.index("crack")
    before = np.exp(log_p_of(model, path, labels == "ok"))
    assert p[:, crack].mean() > before[:, crack].mean() + 0.2


def names_of(model):
    return [column.name for column in model.schema.modelled]


def log_p_of(model, path, rows):
    with open_source(str(path), ReadOptions()) as source:
        values = [model.schema.values(source, batch)[0] for batch in source.batches()]
    return model.log_probabilities(np.concatenate(values)[rows], "likelihood")


def test_a_step_there_and_a_step_back_cancel(model):
    for there, back in (
        ("ok:crack", "crack:ok"),
        ("material=steel:material=brass", "material=brass:material=steel"),
    ):
        one, other = find_shift(model, there), find_shift(model, back)
        np.testing.assert_allclose(one.by, -other.by, equal_nan=True)


def test_a_step_between_values_goes_towards_the_rows_that_have_it(model, samples):
    path = samples / "defects.csv"
    plain, _ = answer(model, path)
    moved, _ = answer(model, path, "material=steel:material=aluminium")
    rows = np.array(plain["outcome"].to_pylist()) == "ok"
    material = np.array(plain["material"].to_pylist())
    at, then = coordinates(plain)[rows], coordinates(moved)[rows]
    steel, aluminium = (at[material[rows] == m] for m in ("steel", "aluminium"))
    by = (then - at).mean(axis=0)
    np.testing.assert_allclose(then - at, np.tile(by, (len(at), 1)), atol=1e-5)
    wanted = aluminium.mean(axis=0) - steel.mean(axis=0)
    assert by @ wanted > 0.5 * np.linalg.norm(by) * np.linalg.norm(wanted)
    assert moved["class"].to_pylist() == plain["outcome"].to_pylist()


REFUSED = {
    "ok:melted": "a class that the bundle does not have: 'melted'",
    "warped": "cannot read --shift",
    "": "cannot read --shift",
    "material=steel:material=gold": "does not know where rows with 'material=gold'",
    "metal=a:metal=b": "a column 'metal' that the bundle does not model",
    "temperature_c=1:temperature_c=2": "does not know where rows with",
}


@pytest.mark.parametrize("said", REFUSED)
def test_steps_between_unknowns_are_refused(defects, said):
    with pytest.raises(UsageProblem) as caught:
        find_shift(defects, said)
    assert REFUSED[said] in str(caught.value)


def without_landmarks(model, spaces):
    atlas = model.atlas
    known = atlas.landmarks.values_known.copy()
    known[spaces] = False
    marks = replace(atlas.landmarks, values_known=known)
    return replace(model, atlas=replace(atlas, landmarks=marks))


def test_rows_of_a_class_that_does_not_know_a_step_stay_empty(defects, samples):
    lacking = without_landmarks(defects, [defects.classes.index("crack")])
    said = "material=steel:material=aluminium"
    found, embed = answer(lacking, samples / "defects.csv", said)
    crack = np.array(found["outcome"].to_pylist()) == "crack"
    empty = np.array([cell is None for cell in found["z0"].to_pylist()])
    assert empty[crack].all()
    assert not empty[np.array(found["outcome"].to_pylist()) == "ok"].any()
    shifted = found["shifted_temperature_c"].to_pylist()
    assert [cell is None for cell in shifted] == empty.tolist()
    assert embed.summary()["unmoved"] == empty.sum()


def test_a_step_that_no_class_knows_is_refused(defects):
    lacking = without_landmarks(defects, slice(None))
    with pytest.raises(DataProblem, match="too few training rows of any class"):
        find_shift(lacking, "material=steel:material=brass")
