"""What every family does with classes that anyone could tell apart."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cbvae_cli.answers.impute import Impute
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.evidence import evidence
from cbvae_cli.families import FAMILIES, family_class
from cbvae_cli.networks.vae import Shape
from cbvae_cli.records import Columns, Settings
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.objective import place_data
from cbvae_cli.training.parts import Shares, row_keys, split, united
from cbvae_cli.training.start import objective_for

BRIEF = {
    "steps": 500,
    "joint_steps": 60,
    "filler_steps": 20,
    "hidden": (32,),
    "latent": 3,
    "batch": 64,
}
# Any two classes differ in four columns of six, by six deviations.
SIDES = np.array([[0, 0, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0]], dtype=float)
MIDDLES = 6 * np.repeat(SIDES, 2, axis=1)
SHARED = [name for name in FAMILIES if name != "cbvae"]
PRIORED = ("clvae", "dvae", "dvaan")


def write_rows(path):
    """Write four classes far apart, of unequal size, a tenth of the cells empty."""
    rng = np.random.default_rng(3)
    place = np.repeat(np.arange(4), (200, 120, 80, 40))
    cells = rng.normal(MIDDLES[place], 1.0).round(3).astype(str)
    cells[rng.random(cells.shape) < 0.1] = ""
    word = np.where(rng.random(len(place)) < 0.2, "other", "usual")
    lines = ["a,b,c,d,e,f,w,y"]
    lines += [",".join([*row, w, f"k{p}"]) for row, w, p in
              zip(cells, word, place, strict=True)]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def rows_path(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("four") / "rows.csv")


@pytest.fixture(scope="module", params=FAMILIES)
def four(request, rows_path, learn):
    """A model of four classes, and the table it learnt from."""
    made = learn(rows_path, Columns("y"), "default", model=request.param, members=2,
                 **BRIEF)  # fmt: skip
    made.path = rows_path
    return made


def test_four_classes_are_told_apart_by_every_rule(four):
    values, labels = four.table.values, four.table.labels
    plenty = np.isfinite(values).all(axis=1)
    for rule in four.model.family.rules:
        log_p = four.model.log_probabilities(values[plenty], rule)
        assert log_p.shape[1] == 4
        right = (log_p.argmax(axis=1) == labels[plenty]).mean()
        assert right > (0.6 if rule in ("error", "probability") else 0.9), rule


# Rows that `vae` draws briefly trained are of the frequent classes.
@pytest.mark.parametrize("four", [f for f in FAMILIES if f != "vae"], indirect=True)
def test_a_sample_is_of_the_class_asked_for(four):
    layout = four.model.layout
    for place in range(4):
        drawn = four.model.family.sample(place, 300, np.random.default_rng(0))
        values = layout.settle(layout.expected(drawn, np.zeros_like(drawn)))
        named = four.model.log_probabilities(values, "posterior").argmax(axis=1)
        assert (named == place).mean() > 0.6  # a quarter, were it chance


def test_fills_leave_seen_cells_alone(four):
    with open_source(str(four.path), ReadOptions()) as source:
        answer = Impute(four.model, source, given_class=None, hidden=())
        for batch in source.batches():
            found = answer.answer(batch)
            for at, name in enumerate(source.names):
                before = batch.rows.column(at).to_pylist()
                after = found.column(found.schema.names.index(name)).to_pylist()
                kept = [a for b, a in zip(before, after, strict=True) if b]
                assert kept == [b for b in before if b], name
                assert all(after), name


# In `vae` the label is one column of many, and says little.
@pytest.mark.parametrize("four", [f for f in FAMILIES if f != "vae"], indirect=True)
def test_a_fill_is_of_the_class_it_is_asked_of(four):
    family, layout = four.model.family, four.model.layout
    rows = family.rows(layout.encode(np.full((1, 7), np.nan)))
    for place in range(4):
        belief = family.fill(rows, place)
        expected = layout.settle(layout.expected(belief.mean, belief.deviation))
        wrong = np.linalg.norm(expected[0, :6] - MIDDLES, axis=1)
        assert wrong.argmin() == place


@pytest.mark.parametrize("model", SHARED)
def test_batches_can_be_balanced_where_classes_share_networks(model):
    assert "balanced" in family_class(model).options
    assert not family_class(model).sharpens


# Families whose classes have priors.


@pytest.mark.parametrize("four", PRIORED, indirect=True)
def test_reconstruction_is_the_same_under_every_prior(four):
    family = four.model.family
    encoded = four.model.layout.encode(four.table.values)
    found = evidence(family, encoded, ("error", "recon", "kl"), 440)
    np.testing.assert_array_equal(found[:, :, 1:, :2], found[:, :, :1, :2].repeat(3, 2))
    assert np.ptp(found[..., 2], axis=2).min() > 0.1
    assert not {"error", "probability"} & set(family.rules)


@pytest.mark.parametrize("four", PRIORED, indirect=True)
def test_rows_drawn_around_a_prior_are_of_its_class(four):
    family, layout = four.model.family, four.model.layout
    rng = np.random.default_rng(0)
    for place in range(4):
        drawn = family.draw_around(family.prior_mean(place), 200, rng)
        values = layout.settle(layout.expected(drawn, np.zeros_like(drawn)))
        named = four.model.log_probabilities(values, "posterior").argmax(axis=1)
        assert (named == place).mean() > 0.6
    between = family.draw_around(np.zeros(3), 200, rng)
    assert np.isfinite(between).all()


@pytest.mark.parametrize("four", ["dvaan"], indirect=True)
def test_the_discriminators_evidence_is_log_probability(four):
    family = four.model.family
    assert four.model.classifier is family.teller
    encoded = four.model.layout.encode(four.table.values)
    found = evidence(family.teller, encoded, ("elbo", "recon", "kl", "iw"), 440)
    np.testing.assert_allclose(np.exp(found[..., 0]).sum(axis=2), 1, atol=1e-5)
    np.testing.assert_array_equal(found[..., 0], found[..., 1])
    np.testing.assert_array_equal(found[..., 0], found[..., 3])
    assert not found[..., 2].any()


# Before training.


def untrained(rows_path, learn, model, **changes):
    """Give an objective before its first step."""
    made = learn(rows_path, Columns("y"), "default", model=model,
                 **{**BRIEF, "steps": 1, "joint_steps": 0, "members": 1})  # fmt: skip
    layout, table = made.model.layout, made.table
    settings = Settings(model=model, members=2, **{**BRIEF, **changes})
    family = family_class(model).build(
        layout, table.schema.label.classes, Shape(3, (16,), False), 2, 0
    )
    family.begin(settings)
    units = united(row_keys(table.values, 0), None)
    parts = split(units, table.labels, 0, Shares(2, 0.1, 0.0, 0.0), 0)
    plan = family.plan(layout.encode(table.values), table.labels)
    data = place_data(plan, parts, None, torch.device("cpu"))
    objective = objective_for(family.nets, data, settings)
    return SimpleNamespace(family=family, objective=objective)


@pytest.mark.parametrize("model", FAMILIES)
def test_every_parameter_learns(rows_path, learn, model):
    made = untrained(rows_path, learn, model)
    made.objective.loss(torch.Generator().manual_seed(0)).sum().backward()
    for name, parameter in made.family.nets.named_parameters():
        if not parameter.requires_grad:
            assert name == "prior.mu"
            continue
        of_net = parameter.grad.flatten(1).abs().sum(1)
        assert (of_net > 0).all(), name


@pytest.mark.parametrize(("weight", "share"), [("gamma", "recon"), ("beta", "kl")])
def test_clvae_weighs_the_parts_of_its_loss(rows_path, learn, weight, share):
    losses = [
        untrained(rows_path, learn, "clvae", **{weight: value}).objective.loss(
            torch.Generator().manual_seed(0)
        )
        for value in (0.0, 1.0, 3.0)
    ]
    none, once, thrice = losses
    torch.testing.assert_close(thrice - none, 3 * (once - none), rtol=1e-3, atol=1e-3)
    assert (once - none).abs().min() > 0.1, share


@pytest.mark.parametrize("model", ["dvae", "dvaan"])
def test_mu_starts_where_it_is_told(rows_path, learn, model):
    made = untrained(rows_path, learn, model, mu=1.5)
    found = np.linalg.norm(made.family.prior_mean(2, 1))
    assert found == pytest.approx(1.5, rel=1e-5)


REFUSED = [
    ("clvae", 3, 1, UsageProblem, "--latent 2"),
    ("dvae", 3, 1, UsageProblem, "--latent 2"),
    ("dvaan", 10, 8, UsageProblem, "--latent 9"),
    ("dvaan", 1, 8, DataProblem, "two classes"),
]


@pytest.mark.parametrize(("model", "classes", "latent", "kind", "says"), REFUSED)
def test_what_leaves_no_room_for_classes_is_refused(model, classes, latent, kind, says):
    with pytest.raises(kind) as caught:
        family_class(model).check(classes, latent)
    assert says in caught.value.expected


@pytest.mark.parametrize("model", FAMILIES)
def test_two_classes_fit_into_one_dimension(model):
    assert family_class(model).check(2, 1) is None
