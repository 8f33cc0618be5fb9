"""Scales and p-values of `score` come from rows that nothing was fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.gauge import Gauge, combine
from cbvae_cli.calibration.neighbours import MOST_CENTRES, ROWS_A_CENTRE
from cbvae_cli.calibration.strangeness import ALONE, COMBINED, JUDGED
from cbvae_cli.records import Columns

BRIEF = {
    "steps": 400,
    "hidden": (16,),
    "latent": 2,
    "batch": 64,
    "joint_steps": 20,
    "filler_steps": 20,
}


def write(path, rng, sizes):
    """Write classes of rows on a curve, each at a place of its own."""
    lines = ["a,b,c,kind"]
    for place, size in enumerate(sizes):
        turn = rng.uniform(0, 3, size)
        cells = np.stack([np.sin(turn), np.cos(turn), turn], axis=1) + 1.5 * place
        cells += rng.normal(0, 0.1, cells.shape)
        lines += [
            ",".join(f"{cell:.4f}" for cell in row) + f",{place}" for row in cells
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["default", "fast"])
def model(request, tmp_path_factory, learn):
    path = tmp_path_factory.mktemp("judge") / "rows.csv"
    write(path, np.random.default_rng(0), (300, 60, 4))
    return learn(path, Columns("kind"), request.param, **BRIEF).model


def fresh(n_rows, seed):
    rng = np.random.default_rng(seed)
    turn = rng.uniform(0, 3, n_rows)
    cells = np.stack([np.sin(turn), np.cos(turn), turn], axis=1)
    return cells + rng.normal(0, 0.1, cells.shape)


def standard(model, encoded, method):
    """Give scores on the scale of the classes, and shares of cells seen."""
    homes = [each.homes for each in model.witnesses]
    detectors = [each.detectors for each in model.witnesses]
    gauge = Gauge(model.family, homes, 364, detectors)
    share = encoded.observed.mean(axis=1)
    found = gauge.measure(encoded, COMBINED.get(method, (method,)))
    if method in COMBINED:
        weights = np.array([witness.weight for witness in model.witnesses])
        found[method] = combine(method, model.judges, found, share, weights)
    return model.judges[method].standardise(found[method], share), share


@pytest.mark.parametrize("method", JUDGED)
def test_fresh_rows_of_a_class_get_even_p_values(model, method):
    encoded = model.layout.encode(fresh(2000, 1))
    found, share = standard(model, encoded, method)
    judge = model.judges[method].by_class[0]
    p = judge.p_values(found[:, :, 0], share)
    # So much is left to chance by the held-out rows (four standard errors).
    slack = 4 * 0.5 / np.sqrt(judge.ranks.n_rows)
    for alpha in (0.1, 0.3, 0.5, 0.8):
        found = (p <= alpha).mean()
        assert found <= alpha + slack
        # In a latent space that says next to nothing many rows are equally strange,
        # and ties are against us.
        assert method in ALONE or found >= alpha - slack


@pytest.mark.parametrize("method", ["likelihood", "neighbours", "combined"])
def test_rows_off_the_curve_are_strange(model, method):
    rows = fresh(600, 2)
    ends = rows[np.abs(rows[:, 2] - 1.5) > 0.8][:200]
    off = ends * [1.0, 1.0, -1.0] + [0.0, 0.0, 3.0]  # from the wrong end
    both = model.layout.encode(np.concatenate([fresh(200, 3), off]))
    found, share = standard(model, both, method)
    p = model.judges[method].by_class[0].p_values(found[:, :, 0], share)
    assert np.median(p[200:]) < 0.25 < np.median(p[:200])


def test_rows_ever_farther_out_score_ever_higher(model):
    far = np.outer([3.0, 6.0, 12.0], np.ones(3)) * [1.0, 1.0, -1.0]
    found, _ = standard(model, model.layout.encode(far), "combined")
    assert (np.diff(found[:, :, 0].mean(axis=1)) > 0).all()


def test_no_witness_keeps_a_row(model):
    encoded = model.layout.encode(fresh(0, 0))
    assert encoded.matrix.shape == (0, 3)
    for witness, size in zip(model.witnesses, (300, 60, 4), strict=True):
        crowds = [crowd for home in witness.homes for crowd in home.crowds.values()]
        for crowd in crowds:
            assert len(crowd.centres) <= max(1, size // ROWS_A_CENTRE)
            assert len(witness.homes) * len(crowd.centres) <= MOST_CENTRES
        assert 0 <= witness.weight <= 1
    # Of four rows there is nothing that could be kept without keeping one.
    for home in model.witnesses[2].homes:
        assert not home.mean.any()
        assert not any(crowd.centres.any() for crowd in home.crowds.values())


def test_tiny_classes_judge_by_no_method(model):
    for method in JUDGED:
        assert 2 not in model.judges[method].judging
    assert not model.witnesses[2].mislabelled.n_rows
    assert model.witnesses[0].mislabelled.n_rows


def test_one_class_alone_gets_the_usual_weight(tmp_path, learn):
    path = write(tmp_path / "one.csv", np.random.default_rng(1), (120,))
    model = learn(path, Columns("kind"), "fast", **BRIEF).model
    (witness,) = model.witnesses
    assert witness.weight == pytest.approx(0.2)
    assert not witness.mislabelled.n_rows
