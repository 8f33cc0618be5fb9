"""What every family promises, under every preset."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from cbvae_cli.bundle.model import describe, restore
from cbvae_cli.evidence import CHUNK, encode_rows, evidence
from cbvae_cli.families.rows import DENSITIES, PARTS
from cbvae_cli.table.matrix import Encoded

CPU = torch.device("cpu")


def ask(fitted, encoded, parts=PARTS):
    return evidence(fitted.model.family, encoded, parts, len(fitted.table.labels))


def some(encoded, rows):
    return Encoded(encoded.matrix[rows], encoded.observed[rows], encoded.novel[rows])


def test_kinds_of_all_likelihoods_are_among_the_columns(fitted):
    kinds = [kind.name for kind in fitted.model.schema.kinds]
    assert kinds == [
        "numeric", "integer", "count", "boolean", "categorical", "moment"
    ]  # fmt: skip


def test_evidence_has_rows_classes_and_parts(fitted):
    found = ask(fitted, fitted.encoded)
    n_members = fitted.model.settings["members"]
    shape = (len(fitted.table.labels), n_members, 3, len(PARTS))
    assert found.shape == shape
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert (found[..., PARTS.index("error")] >= 0).all()
    assert (found[..., PARTS.index("kl")] >= 0).all()


def test_a_member_alone_finds_what_it_finds_among_the_others(fitted):
    together = ask(fitted, fitted.encoded)
    for number in range(fitted.model.family.n_members):
        alone = fitted.model.family.member(number)
        assert (alone.n_members, alone.n_classes) == (1, 3)
        found = evidence(alone, fitted.encoded, PARTS, len(fitted.table.labels))
        wanted = together[:, number, None]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)


def test_members_are_not_each_others_copies(fitted):
    found = ask(fitted, fitted.encoded, ("elbo",))
    for number in range(1, found.shape[1]):
        assert not np.allclose(found[:, number], found[:, 0])


def test_a_copy_answers_alike_and_learns_for_itself(fitted):
    family = fitted.model.family
    copy = family.to_sharpen()
    assert all(p.requires_grad for p in copy.nets.parameters())
    assert not any(p.requires_grad for p in family.nets.parameters())
    before = ask(fitted, fitted.encoded)
    n_rows = len(fitted.table.labels)
    copied = evidence(copy, fitted.encoded, PARTS, n_rows)
    np.testing.assert_array_equal(copied, before)
    with torch.no_grad():
        for parameter in copy.nets.parameters():
            parameter.add_(0.1)
    np.testing.assert_array_equal(ask(fitted, fitted.encoded), before)


def test_a_plan_gives_each_network_the_rows_it_speaks_of(fitted):
    family, labels = fitted.model.family, fitted.table.labels
    plan = family.plan(fitted.encoded, labels)
    n_members = family.n_members
    assert plan.nets is family.nets
    assert len(plan.rows) == len(plan.members) == family.nets.n_nets
    for net, (rows, member) in enumerate(zip(plan.rows, plan.members, strict=True)):
        assert member == net % n_members
        own = labels == net // n_members if family.name == "cbvae" else labels >= 0
        np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(own))
    np.testing.assert_array_equal(plan.labels, labels)
    width = fitted.encoded.matrix.shape[1]
    np.testing.assert_array_equal(plan.values[:, :width], fitted.encoded.matrix)
    assert plan.seen.shape == (len(labels), family.nets.order.numel())


def test_evidence_does_not_move_when_hidden_cells_are_garbled(fitted):
    encoded = fitted.encoded
    hidden = ~encoded.observed[:, fitted.model.layout.owner]
    assert hidden.any()
    garbled = Encoded(
        np.where(hidden, np.float32(7.5), encoded.matrix),
        encoded.observed,
        encoded.novel,
    )
    np.testing.assert_array_equal(ask(fitted, encoded), ask(fitted, garbled))


def test_fills_and_encodings_do_not_move_when_hidden_cells_are_garbled(fitted):
    family, encoded = fitted.model.family, fitted.encoded
    hidden = ~encoded.observed[:, fitted.model.layout.owner]
    matrix = np.where(hidden, np.float32(-3.0), encoded.matrix)
    garbled = Encoded(matrix, encoded.observed, encoded.novel)
    for place in range(3):
        one, other = (
            family.fill(family.rows(rows), place) for rows in (encoded, garbled)
        )
        np.testing.assert_array_equal(one.mean, other.mean)
        np.testing.assert_array_equal(one.deviation, other.deviation)
        for member in range(family.n_members):
            np.testing.assert_array_equal(
                encode_rows(family, encoded, place, member),
                encode_rows(family, garbled, place, member),
            )


def test_the_parts_asked_for_do_not_depend_on_each_other(fitted):
    rows = some(fitted.encoded, slice(0, 9))
    together = ask(fitted, rows)
    for at, part in enumerate(PARTS):
        np.testing.assert_array_equal(
            ask(fitted, rows, (part,))[..., 0], together[..., at]
        )


def test_elbo_is_reconstruction_less_divergence(fitted):
    found = ask(fitted, fitted.encoded)
    recon, kl, elbo = (found[..., PARTS.index(p)] for p in ("recon", "kl", "elbo"))
    np.testing.assert_allclose(elbo, recon - kl, atol=1e-4, rtol=1e-5)


def test_the_importance_weighted_bound_is_tighter(fitted):
    found = ask(fitted, fitted.encoded)
    gain = found[..., PARTS.index("iw")] - found[..., PARTS.index("elbo")]
    assert (gain.mean(axis=0) >= -1e-5).all()


def test_a_row_has_the_same_bits_alone_in_a_batch_and_in_another_order(fitted):
    together = ask(fitted, fitted.encoded)
    for row in (0, 17, 259):
        alone = ask(fitted, some(fitted.encoded, slice(row, row + 1)))
        np.testing.assert_array_equal(alone[0], together[row])
    order = np.random.default_rng(1).permutation(len(together))
    shuffled = ask(fitted, some(fitted.encoded, order))
    np.testing.assert_array_equal(shuffled, together[order])


def test_a_row_is_answered_alike_alone_in_a_batch_and_in_another_order(fitted):
    model, values = fitted.model, fitted.table.values
    order = np.random.default_rng(1).permutation(len(values))
    for rule in model.family.rules:
        together = model.log_probabilities(values, rule)
        np.testing.assert_allclose(np.exp(together).sum(axis=1), 1, atol=1e-9)
        for row in (0, 17, 259):
            alone = model.log_probabilities(values[row : row + 1], rule)
            np.testing.assert_array_equal(alone[0], together[row])
        some_rows = model.log_probabilities(values[40:101], rule)
        np.testing.assert_array_equal(some_rows, together[40:101])
        shuffled = model.log_probabilities(values[order], rule)
        np.testing.assert_array_equal(shuffled, together[order])


def test_a_row_has_the_same_bits_in_another_chunk(fitted):
    rows = np.arange(CHUNK + 30) % len(fitted.table.labels)
    many = ask(fitted, some(fitted.encoded, rows), ("iw", "error"))
    few = ask(fitted, fitted.encoded, ("iw", "error"))
    np.testing.assert_array_equal(many, few[rows])


def test_no_rows_give_no_evidence(fitted):
    n_members = fitted.model.family.n_members
    none = ask(fitted, some(fitted.encoded, slice(0, 0)))
    assert none.shape == (0, n_members, 3, len(PARTS))


def test_a_row_with_nothing_seen_has_evidence_of_the_prior_alone(fitted):
    layout = fitted.model.layout
    empty = layout.encode(np.full((1, len(layout.kinds)), np.nan))
    found = ask(fitted, empty)
    assert np.isfinite(found).all()
    # The pooled model still looks at the label, whose cell is always seen.
    if fitted.model.family.name == "cbvae":
        assert (found[..., PARTS.index("recon")] == 0).all()
        assert (found[..., PARTS.index("plugin")] == 0).all()
        assert (found[..., PARTS.index("error")] == 0).all()


def test_a_category_never_seen_costs_every_class_the_same(fitted):
    rows = some(fitted.encoded, slice(0, 5))
    novel = Encoded(rows.matrix, rows.observed, rows.novel + 1)
    lost = ask(fitted, rows) - ask(fitted, novel)
    nats = np.log(len(fitted.table.labels) + 1)
    for at, part in enumerate(PARTS):
        wanted = nats if part in DENSITIES else 0.0
        np.testing.assert_allclose(lost[..., at], wanted, atol=1e-9)


def test_beliefs_have_the_width_of_the_table_and_are_finite(fitted):
    family = fitted.model.family
    for place in range(3):
        belief = family.fill(family.rows(fitted.encoded), place)
        assert belief.mean.shape == fitted.encoded.matrix.shape
        assert belief.deviation.shape == fitted.encoded.matrix.shape
        assert np.isfinite(belief.mean).all()
        assert (belief.deviation >= 0).all()


@pytest.mark.parametrize("place", range(3))
def test_samples_are_rows_that_training_could_have_held(fitted, place):
    model, table = fitted.model, fitted.table
    drawn = model.family.sample(place, 500, np.random.default_rng(3))
    assert drawn.shape == (500, model.layout.width)
    assert np.isfinite(drawn).all()
    values = model.layout.settle(model.layout.expected(drawn, np.zeros_like(drawn)))
    assert np.isfinite(values).all()
    low, high = np.nanmin(table.values, axis=0), np.nanmax(table.values, axis=0)
    assert (values >= low).all()
    assert (values <= high).all()


def test_samples_are_those_of_the_class_asked_for(fitted):
    model = fitted.model
    means = []
    for place in range(3):
        drawn = model.family.sample(place, 2000, np.random.default_rng(4))
        values = model.layout.settle(model.layout.expected(drawn, np.zeros_like(drawn)))
        means.append(values[:, 0].mean())
    # Class order is bent (3), cracked (6), fine (0); see the table's widths.
    assert means[2] < means[0] < means[1] + 0.5


def test_the_same_seed_gives_the_same_samples(fitted):
    family = fitted.model.family
    one, same, other = (
        family.sample(0, 50, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_encodings_are_posteriors(fitted):
    family = fitted.model.family
    for member in range(family.n_members):
        mean, deviation = encode_rows(family, fitted.encoded, 1, member)
        assert mean.shape == deviation.shape == (len(fitted.table.labels), 3)
        assert np.isfinite(mean).all()
        assert (deviation > 0).all()


def test_rows_are_drawn_from_all_members(fitted):
    family, n_members = fitted.model.family, fitted.model.family.n_members
    assert len(family.mixtures) == 3 * n_members
    rng = np.random.default_rng(0)
    for member in range(n_members):
        mixture = family.mixtures[3 - 1 if n_members == 1 else member]
        z = torch.from_numpy(mixture.draw(20, rng)).float()
        drawn = family.draw_from(z, 0, rng, member)
        assert drawn.shape == (20, fitted.model.layout.width)
        assert np.isfinite(drawn).all()
    # The points come from each member's own mixture, as often as from another's.
    asked = []
    draw_from = family.draw_from

    def spy(z, place, rng, member=0):
        asked.append((place, member, len(z)))
        return draw_from(z, place, rng, member)

    family.draw_from = spy
    try:
        family.sample(1, 1000, np.random.default_rng(5))
    finally:
        del family.draw_from
    assert [(place, member) for place, member, _ in asked] == [
        (1, member) for member in range(n_members)
    ]
    assert sum(n for *_, n in asked) == 1000
    assert min(n for *_, n in asked) > 1000 / n_members - 100


def test_a_model_comes_back_from_its_bundle_to_the_bit(fitted):
    manifest, arrays = describe(fitted.model)
    manifest = json.loads(json.dumps(manifest, allow_nan=False))
    model = restore(manifest, arrays, CPU)
    family, known = model.family, fitted.model.family
    encoded = model.layout.encode(fitted.table.values)
    np.testing.assert_array_equal(encoded.matrix, fitted.encoded.matrix)
    np.testing.assert_array_equal(
        model.evidence(encoded, PARTS), fitted.model.evidence(encoded, PARTS)
    )
    for place in range(3):
        one = family.fill(family.rows(encoded), place)
        other = known.fill(known.rows(encoded), place)
        np.testing.assert_array_equal(one.mean, other.mean)
        np.testing.assert_array_equal(one.deviation, other.deviation)
        np.testing.assert_array_equal(
            family.sample(place, 20, np.random.default_rng(0)),
            known.sample(place, 20, np.random.default_rng(0)),
        )
    assert (model.classifier is model.family) is (
        fitted.model.classifier is fitted.model.family
    )
    np.testing.assert_array_equal(
        model.sharp_evidence(encoded, PARTS),
        fitted.model.sharp_evidence(encoded, PARTS),
    )
    values = fitted.table.values
    for rule in known.rules:
        for one, other in zip(
            model.look(values, rule), fitted.model.look(values, rule), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.thresholds, fitted.model.thresholds)
    again, more = describe(model)
    assert json.loads(json.dumps(again)) == manifest
    assert {n: a.tobytes() for n, a in more.items()} == {
        n: a.tobytes() for n, a in arrays.items()
    }


def test_evidence_tells_the_classes_apart(fitted):
    def right(rule):
        found = fitted.model.log_probabilities(fitted.table.values, rule)
        return (found.argmax(axis=1) == fitted.table.labels).mean()

    # A model trained briefly that is told the label on one side, or on both, goes by
    # how frequent classes are, as the paper has it of the pooled one.
    largest = max(fitted.model.schema.label.counts) / len(fitted.encoded.matrix)
    told = fitted.model.family.name in ("vae", "cvae")
    assert right("likelihood") > (largest - 0.05 if told else 0.7)
    assert right("posterior") > 0.8


def test_classes_are_sharpened_where_the_family_and_the_preset_have_it(fitted):
    model = fitted.model
    wanted = model.family.name == "cbvae" and model.settings["joint_steps"] > 0
    assert (model.classifier is not model.family.teller) is wanted


def test_the_kind_of_hidden_cells_in_training_follows_the_preset(fitted):
    paper = fitted.model.settings["preset"] == "paper"
    assert fitted.model.family.nets.shape.noise is paper
    assert ("unit" in fitted.model.layout.likelihoods) is paper
