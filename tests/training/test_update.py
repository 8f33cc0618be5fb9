"""One class of a bundle trained, added or dropped: what changes, and what must not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cbvae_cli.answers.model import Model
from cbvae_cli.bundle.model import describe, restore
from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.strangeness import KNOTS, Judges, Strangeness
from cbvae_cli.calibration.temperature import Members, Temperature
from cbvae_cli.errors import BundleProblem, DataProblem, UsageProblem
from cbvae_cli.records import Columns, Settings
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.drop import drop
from cbvae_cli.training.fit import SCALES, fit
from cbvae_cli.training.joining import judging_together
from cbvae_cli.training.lineage import settings_of
from cbvae_cli.training.newcomer import Newcomer
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for
from cbvae_cli.training.update import update
from cbvae_cli.training.update_rows import read_arrival, replay

CPU = torch.device("cpu")
BRIEF = Settings(
    latent=2,
    hidden=(16,),
    steps=250,
    rate=1e-2,
    batch=32,
    members=2,
    joint_steps=30,
    filler_steps=20,
)
MIDDLE = {"b": 0.0, "d": 4.0, "f": -4.0, "c": 8.0, "1": 0.0, "2": 4.0, "10": -4.0}


def lines(sizes, seed=0):
    """Rows of classes around a middle each, with gaps."""
    rng = np.random.default_rng([seed, len(sizes)])
    rows = []
    for name, size in sizes.items():
        for _ in range(size):
            a, b = rng.normal(MIDDLE.get(name, 12.0), 1, 2)
            gap = "" if rng.random() < 0.1 else f"{b:.2f}"
            rows.append(f"{a:.2f},{gap},{'pq'[int(rng.random() < 0.3)]},{name}")
    return ["a,b,k,y", *rows]


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")

    def make(sizes, seed=0):
        path = folder / f"{abs(hash((tuple(sizes.items()), seed)))}.csv"
        path.write_text("\n".join(lines(sizes, seed)) + "\n", encoding="utf-8")
        return str(path)

    return make


@pytest.fixture(scope="module")
def taught(write):
    """Train on rows of some classes; the same question is answered once."""
    known = {}

    def make(sizes, settings=BRIEF):
        key = (tuple(sizes.items()), settings)
        if key not in known:
            with open_source(write(sizes), ReadOptions(), reread=True) as source:
                schema, _ = find_schema(source, Columns("y"))
                table = read_table(
                    source,
                    schema,
                    SCALES[settings.scale],
                    thinning_for(schema, None),
                )
            known[key] = fit(
                table,
                settings,
                device=CPU,
                observe=lambda _: None,
                run_folder=None,
                resume=False,
            )
        return known[key]

    return make


@pytest.fixture(scope="module")
def arrive(write):
    def make(model, sizes, asked=None, seed=1, **more):
        with open_source(write(sizes, seed), ReadOptions(), reread=True) as source:
            return read_arrival(source, model.schema, asked, **more)

    return make


@pytest.fixture(scope="module")
def renewed(arrive):
    def make(model, sizes, asked=None, **changes):
        settings = replace(settings_of(model), **changes)
        arrival = arrive(model, sizes, asked)
        return update(model, arrival, settings, device=CPU, observe=lambda _: None)

    return make


THREE = {"b": 90, "d": 60, "f": 40}
ADDED = {"c": 50}
CASES = {
    "added, others drawn": (THREE, ADDED, "c"),
    "added, others given": (THREE, {**THREE, **ADDED}, "c"),
    "added in front": (THREE, {"a": 50}, "a"),
    "retrained, others drawn": (THREE, {"d": 50}, "d"),
    "retrained, others given": (THREE, THREE, "d"),
    "others reordered": ({"1": 60, "2": 40, "10": 30}, {"x": 40}, "x"),
}


@pytest.fixture(scope="module", params=CASES.values(), ids=list(CASES))
def case(request, taught, renewed):
    """Give a model, the name of a class, and the model with it updated."""
    before, rows, name = request.param
    old = taught(before)
    return old, name, renewed(old, rows, name)


def of_class(model, prefix, name):
    """Give everything of the networks that is a class's own, as bytes."""
    _, arrays = describe(model)
    place, n_members = model.classes.index(name), model.family.n_members
    own = range(place * n_members, (place + 1) * n_members)
    found = {}
    for key, array in arrays.items():
        if key.startswith(f"{prefix}/nets/") and array.ndim > 1:
            found[key] = array[list(own)].tobytes()
        for member, net in enumerate(own):
            start = f"{prefix}/mixture/{net}/"
            if key.startswith(start):
                found[f"mixture {member} {key.removeprefix(start)}"] = array.tobytes()
    return found


def no_nan(model):
    """Tell whether all stored numbers are numbers; thresholds may be infinite."""
    manifest, arrays = describe(model)
    json.dumps(manifest, allow_nan=False)
    return not any(np.isnan(array).any() for array in arrays.values())


def everything(model):
    manifest, arrays = describe(model)
    return json.dumps(manifest), {name: a.tobytes() for name, a in arrays.items()}


@pytest.mark.parametrize("networks", ["family", "classifier"])
def test_networks_of_other_classes_stay_to_the_bit(case, networks):
    old, name, new = case
    others = set(old.classes) - {name}
    assert others <= set(new.classes)
    for other in others:
        before = of_class(old, networks, other)
        assert before
        assert of_class(new, networks, other) == before


def test_the_class_has_networks_of_its_own(case):
    old, name, new = case
    assert name in new.classes
    assert new.family.nets.n_nets == len(new.classes) * new.family.n_members
    if name in old.classes:
        own, before = (of_class(model, "family", name) for model in (new, old))
        assert own.keys() == before.keys()
        learnt = [key for key in own if key.endswith(".weight")]
        assert learnt
        assert all(own[key] != before[key] for key in learnt)


def test_the_encoding_stays(case):
    old, _, new = case
    assert new.layout == old.layout
    assert new.schema.describe() == old.schema.describe()
    before = old.schema.arrays()
    assert all(np.array_equal(a, before[n]) for n, a in new.schema.arrays().items())
    shared = [n for n, t in old.family.nets.state_dict().items() if t.dim() == 1]
    assert shared
    for name in shared:
        pair = (m.family.nets.state_dict()[name] for m in (old, new))
        assert torch.equal(*pair)


def test_strangeness_of_other_classes_stays(case):
    old, name, new = case
    for method, judges in old.judges.items():
        for place, other in enumerate(old.classes):
            if other != name:
                found = new.judges[method].by_class[new.classes.index(other)]
                before = judges.by_class[place].arrays()
                assert all(np.array_equal(found.arrays()[n], before[n]) for n in before)


def values_of(model, sizes, write, seed=2):
    with open_source(write(sizes, seed), ReadOptions()) as source:
        [batch] = source.batches()
        return model.schema.values(source, batch)[0]


@pytest.mark.parametrize("rule", ["posterior", "likelihood", "error"])
def test_the_class_is_told_from_the_others(case, write, rule):
    _, _, new = case
    for each in new.classes:
        values = values_of(new, {each: 200}, write)
        called = new.log_probabilities(values, rule).argmax(axis=1)
        assert (called == new.classes.index(each)).mean() > 0.8


def test_a_bundle_remembers_the_update(case):
    old, name, new = case
    manifest, arrays = describe(new)
    again = restore(json.loads(json.dumps(manifest)), arrays, CPU)
    assert everything(again) == everything(new)
    assert again.approximate
    assert again.retrained
    assert again.approximate in again.training["warnings"]
    assert again.certificate is None
    [step] = again.training["updates"]
    assert step["class"] == name
    assert step["action"] == ("retrained" if name in old.classes else "added")
    assert again.training["data"]["digest"] != old.training["data"]["digest"]
    for counts in again.training["parts"].values():
        assert len(counts) == len(new.classes)


def test_the_same_update_gives_the_same_bytes(taught, renewed):
    old = taught(THREE)
    before = everything(old)
    one, other = (everything(renewed(old, ADDED)) for _ in range(2))
    assert one == other
    assert everything(old) == before
    assert everything(renewed(old, ADDED, seed=1)) != one


@pytest.mark.parametrize("rule", ["posterior", "likelihood", "probability", "error"])
@pytest.mark.parametrize("new", ["c", "a"])
def test_odds_between_the_others_stay_where_they_were_drawn(
    taught, renewed, write, rule, new
):
    old = taught(THREE)
    grown = renewed(old, {new: 50})
    values = values_of(old, THREE, write)
    before = old.log_probabilities(values, rule)
    after = grown.log_probabilities(values, rule)
    after = after[:, [grown.classes.index(name) for name in old.classes]]
    after -= np.logaddexp.reduce(after, axis=1, keepdims=True)
    assert np.allclose(after, before, atol=1e-9)


def test_held_out_scores_are_of_real_rows_alone(taught, renewed):
    old = taught(THREE)
    assert renewed(old, ADDED).training["held_out"] == {}
    given = renewed(old, {**THREE, **ADDED}).training["held_out"]
    assert set(given["posterior"]["auprc"]["classes"]) == {*THREE, *ADDED}


@pytest.mark.parametrize("size", [1, 3, 9, 12])
def test_a_class_of_a_few_rows_can_be_added(taught, renewed, size):
    grown = renewed(taught(THREE), {"c": size})
    assert no_nan(grown)
    named = [w for w in grown.training["warnings"] if "all train" in w]
    assert len(named) == (size < 10)


@pytest.mark.parametrize(
    ("before", "rows", "after"),
    [
        ({"b": 60}, {"d": 40}, ("b", "d")),
        ({"b": 60}, {"d": 4}, ("b", "d")),
        ({"b": 60}, {"b": 80}, ("b",)),
        ({"b": 60, "d": 3}, {"d": 40}, ("b", "d")),
        ({"b": 60, "d": 3}, {"b": 40}, ("b", "d")),
    ],
)
def test_bundles_of_few_classes_can_be_updated(taught, renewed, before, rows, after):
    grown = renewed(taught(before), rows)
    assert grown.classes == after
    assert no_nan(grown)


def test_a_bundle_that_told_nothing_apart_learns_to(taught, renewed, write):
    one = taught({"b": 60})
    assert one.classifier is one.family
    two = renewed(one, {"d": 60})
    assert two.classifier is not two.family
    assert two.schema.label.positive == "b"  # of as many rows, the first
    values = values_of(two, {"d": 100}, write)
    assert (two.log_probabilities(values, "posterior").argmax(axis=1) == 1).mean() > 0.9


def test_the_papers_preset_has_no_joint_phase_then_either(taught, renewed):
    paper = replace(
        BRIEF, joint_steps=0, noise=True, unit_deviation=True, scale="standard"
    )
    old = taught(THREE, paper)
    grown = renewed(old, ADDED)
    assert grown.classifier is grown.family
    assert torch.equal(grown.family.nets.inputs.kept, old.family.nets.inputs.kept)


@pytest.mark.parametrize(
    ("rows", "asked", "chosen"),
    [
        ({"c": 3}, None, "c"),
        ({"b": 3, "c": 3, "d": 3}, None, "c"),
        ({"d": 3}, None, "d"),
        ({"b": 3, "d": 3}, "d", "d"),
        ({"b": 3, "c": 3}, "b", DataProblem),
        ({"b": 3, "d": 3}, None, UsageProblem),
        ({"a": 3, "c": 3}, None, UsageProblem),
        ({"a": 3, "c": 3}, "c", DataProblem),
        ({"b": 3}, "d", DataProblem),
        ({"b": 3}, "x", DataProblem),
    ],
)
def test_the_class_is_chosen_or_must_be_named(taught, arrive, rows, asked, chosen):
    old = taught(THREE)
    if isinstance(chosen, str):
        arrival = arrive(old, rows, asked)
        assert arrival.name == chosen
        assert arrival.known == (chosen in THREE)
        counts = dict(zip(arrival.label.classes, arrival.label.counts, strict=True))
        assert counts == {**THREE, chosen: rows[chosen]}
        return
    with pytest.raises(chosen) as refused:
        arrive(old, rows, asked)
    assert refused.value.expected


def test_rows_are_read_with_the_eyes_of_the_bundle(taught, arrive, tmp_path):
    old = taught(THREE)
    path = tmp_path / "t.csv"
    path.write_text("y,k,b,a\nc,zebra,NA,999\nc,p,2,1\n", encoding="utf-8")
    with open_source(str(path), ReadOptions(), reread=True) as source:
        arrival = read_arrival(source, old.schema, None)
    assert arrival.values[0, 0] == 999  # as it is; the encoding clips it
    assert np.isnan(arrival.values[0, 1])
    assert arrival.values[0, 2] == -1  # never seen in training
    path.write_text("y,k,a\nc,p,1\n", encoding="utf-8")
    with (
        open_source(str(path), ReadOptions(), reread=True) as source,
        pytest.raises(DataProblem, match="'b'"),
    ):
        read_arrival(source, old.schema, None)


def test_cells_that_the_encoding_cannot_hold_are_warned_of(taught, tmp_path):
    old = taught(THREE)
    path = tmp_path / "t.csv"
    inside = ["1,1,p,c"] * 9
    for extra, columns in {
        "1,1,p,c": [],
        "99,,q,c": [],  # one of ten passes
        "99,1,zebra,c\n-99,1,p,c": ["'a'"],
        "1,1,zebra,c\n,1,emu,c": ["'k'"],
    }.items():
        path.write_text("\n".join(["a,b,k,y", *inside, extra, ""]), encoding="utf-8")
        with open_source(str(path), ReadOptions(), reread=True) as source:
            warned = read_arrival(source, old.schema, None).warnings
        assert len(warned) == len(columns)
        assert all(column in w for column, w in zip(columns, warned, strict=True))


def test_a_label_column_takes_what_the_new_class_needs(taught, renewed):
    old = taught({"1": 60, "2": 40, "10": 30})
    assert old.schema.label.storage == "int64"
    assert renewed(old, {"3": 20}).schema.label.storage == "int64"
    assert renewed(old, {"x": 20}).schema.label.storage == "string"


def test_drawn_rows_look_like_their_class_and_miss_what_real_ones_miss(taught):
    model = taught(THREE)
    like = np.array([[1.0, np.nan, 0.0], [2.0, np.nan, 0.0]])
    values, labels = replay(model, [0, 2], like, 5)
    assert set(labels) == {0, 2}
    assert (np.isnan(values) == [False, True, False]).all()
    middle = [np.mean(values[labels == place, 0]) for place in (0, 2)]
    assert np.allclose(middle, [MIDDLE["b"], MIDDLE["f"]], atol=1.0)
    again = replay(model, [0, 2], like, 5)
    assert np.array_equal(again[0], values, equal_nan=True)


def test_frozen_networks_are_no_parameters(taught, arrive):
    model = taught(THREE)
    nets = model.classifier.only([0]).nets.requires_grad_(True)
    speaks = Members((Temperature(0.5, np.zeros(2)),) * 2)
    data = type("Data", (), {"values": torch.zeros(1, model.layout.width)})()
    objective = Newcomer(
        nets,
        model.classifier.only([1, 2]).nets,
        1,
        speaks,
        np.array([0.5, 0.5]),
        data,
        BRIEF,
    )
    names = {name for name, _ in objective.named_parameters()}
    assert names == {"bias", *(f"nets.{name}" for name, _ in nets.named_parameters())}
    encoded = model.layout.encode(np.zeros((6, 3)))
    seen = torch.ones(2, 6, 3, dtype=torch.bool)
    rows = torch.from_numpy(encoded.matrix).repeat(2, 1, 1)
    elbo = objective.bounds(rows, seen, torch.Generator().manual_seed(0))
    assert elbo.shape == (3, 2, 6)
    elbo.sum().backward()
    assert nets.encoder.layers[0].weight.grad.abs().sum() > 0
    odds = objective.log_odds(torch.zeros(2, 6, 3))
    assert torch.allclose(odds[0, 0], torch.tensor([0.6931, 0.0, 0.6931]), atol=1e-3)


@pytest.mark.parametrize("name", list(THREE))
def test_dropping_leaves_the_others_as_they_were(taught, write, name):
    old = taught(THREE)
    less = drop(old, name)
    kept = [each for each in old.classes if each != name]
    assert list(less.classes) == kept
    for each in kept:
        for networks in ("family", "classifier"):
            assert of_class(less, networks, each) == of_class(old, networks, each)
    values = values_of(old, {n: 40 for n in kept}, write)
    places = [old.classes.index(each) for each in kept]
    for rule in ("likelihood", "probability", "error"):
        before = old.log_probabilities(values, rule)[:, places]
        before -= np.logaddexp.reduce(before, axis=1, keepdims=True)
        assert np.allclose(less.log_probabilities(values, rule), before, atol=1e-9)
    before = old.log_probabilities(values, "posterior")[:, places].argmax(axis=1)
    after = less.log_probabilities(values, "posterior")
    assert np.allclose(np.exp(after).sum(axis=1), 1)
    assert (after.argmax(axis=1) == before).mean() > 0.95


def test_nothing_of_a_dropped_class_stays(taught):
    old = taught(THREE)
    less = drop(old, "d")
    manifest, arrays = describe(less)
    again = restore(json.loads(json.dumps(manifest)), arrays, CPU)
    assert everything(again) == everything(less)
    assert manifest["label"]["classes"] == ["b", "f"]
    assert less.certificate is None
    assert less.approximate
    assert not less.retrained
    n_nets = 2 * BRIEF.members
    nets = [a for n, a in arrays.items() if "/nets/" in n and a.ndim > 1]
    assert {len(array) for array in nets} == {n_nets}
    mixtures = {n.split("/")[2] for n in arrays if n.startswith("family/mixture/")}
    assert len(mixtures) == n_nets
    dropped = of_class(old, "family", "d")
    dropped = {key: value for key, value in dropped.items() if len(value) > 8}
    assert not set(dropped.values()) & {a.tobytes() for a in arrays.values()}
    for each in less.posterior.candidates:
        assert each.kind.blind
        assert all(len(fitted.present) == 2 for fitted in each.bag)


def test_what_is_added_and_dropped_leaves_the_networks_as_they_were(taught, renewed):
    old = taught(THREE)
    back = drop(renewed(old, ADDED), "c")
    for networks in ("family", "classifier"):
        for name in THREE:
            assert of_class(back, networks, name) == of_class(old, networks, name)
    assert back.retrained  # its probabilities went through the update
    actions = [step["action"] for step in back.training["updates"]]
    assert actions == ["added", "dropped"]


def test_the_positive_class_changes_only_when_it_goes(taught):
    old = taught(THREE)
    assert old.schema.label.positive == "f"
    assert drop(old, "b").schema.label.positive == "f"
    assert drop(old, "f").schema.label.positive == "d"


def test_a_class_must_be_known_and_another_must_stay(taught):
    with pytest.raises(UsageProblem, match="no class 'x'"):
        drop(taught(THREE), "x")
    with pytest.raises(UsageProblem, match="only class"):
        drop(taught({"b": 60}), "b")


def test_two_classes_become_one(taught):
    one = drop(taught({"b": 60, "d": 30}), "d")
    assert no_nan(one)
    values = np.zeros((3, 3))
    assert np.allclose(one.log_probabilities(values, "posterior"), 0)


def test_pooled_networks_have_no_class_to_update(taught, renewed):
    pooled = taught(THREE, replace(BRIEF, model="vae"))
    with pytest.raises(UsageProblem, match="no class has networks of its own"):
        drop(pooled, "b")
    with pytest.raises(UsageProblem, match="no class has networks of its own"):
        renewed(pooled, ADDED)


def test_settings_come_back_from_a_bundle(taught):
    model = taught(THREE)
    assert settings_of(model) == BRIEF
    assert isinstance(model, Model)
    for wrong in ({"steps": "many"}, {"hidden": 3}, {"noise": 1}, {"rate": None}):
        broken = replace(model, settings={**model.settings, **wrong})
        with pytest.raises(BundleProblem, match=next(iter(wrong))):
            settings_of(broken)


def test_p_values_of_all_classes_together_are_never_too_small():
    rng = np.random.default_rng(0)
    n_rows, n_members = 300, 2
    ones = np.ones(len(KNOTS))
    own = rng.normal(size=(2, n_members, n_rows))  # a class's rows by their own class
    other = rng.normal(1, 2, size=(2, n_members, n_rows))
    by_class = [
        Strangeness(0 * ones, ones, Conformal(tuple(np.sort(own[k])))) for k in (0, 1)
    ]
    together = judging_together(by_class)
    kindest = np.minimum(own, other)
    exact = Judges(
        tuple(by_class),
        Conformal(tuple(np.sort(kindest[:, m].ravel()) for m in range(n_members))),
    )
    new = rng.normal(size=(100, n_members, 2))
    share = np.ones(100)
    careful, usual = (j.p_values(new, share) for j in (together, exact))
    assert (careful >= usual).all()
    assert (careful > usual).any()
