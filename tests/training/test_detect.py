"""Detectors are fitted by the first member, and judged by rows it is blind to."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.bundle.model import describe
from cbvae_cli.calibration.density import NEIGHBOURS
from cbvae_cli.calibration.neighbours import ROWS_A_CENTRE
from cbvae_cli.calibration.strangeness import ALONE
from cbvae_cli.errors import UsageProblem
from cbvae_cli.records import Columns, Settings
from cbvae_cli.table.label import Label
from cbvae_cli.training.detect import check_neighbours, detecting_of

BRIEF = {
    "steps": 60,
    "hidden": (16,),
    "latent": 2,
    "batch": 64,
    "joint_steps": 10,
    "filler_steps": 20,
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    lines = ["a,b,kind"]
    for place, size in enumerate((240, 50, 3)):
        rows = rng.normal(3.0 * place, 1.0, (size, 2))
        lines += [f"{a:.4f},{b:.4f},{place}" for a, b in rows]
    target = tmp_path_factory.mktemp("detect") / "rows.csv"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def usual(path, learn):
    return learn(path, Columns("kind"), "default", **BRIEF).model


def test_settings_say_how_detectors_are_fitted():
    assert detecting_of(Settings()).neighbours == NEIGHBOURS
    assert not detecting_of(Settings()).exact
    asked = detecting_of(Settings(neighbours=7, allow_stored_encodings=True))
    assert (asked.neighbours, asked.exact) == (7, True)


def test_more_neighbours_than_rows_are_refused():
    label = Label("kind", ("a", "b"), (30, 8), "string")
    check_neighbours(Settings(neighbours=29), label)
    with pytest.raises(UsageProblem, match="--neighbours 30 is more") as caught:
        check_neighbours(Settings(neighbours=30), label)
    assert "30 rows" in str(caught.value)


def test_the_first_member_s_blind_rows_judge(usual):
    for name in ALONE:
        judges = usual.judges[name]
        for place, size in enumerate((240, 50)):
            [ordered] = judges.by_class[place].ranks.by_member
            assert len(ordered) == pytest.approx(size / 5, abs=0.1 * size)
        assert 2 not in judges.judging


def test_no_bundle_holds_a_row_unless_that_was_allowed(usual, path, learn):
    for witness, size in zip(usual.witnesses, (240, 50, 3), strict=True):
        for detectors in witness.detectors.values():
            assert len(detectors.crowd.centres) <= max(1, size // ROWS_A_CENTRE)
    changed = {"allow_stored_encodings": True, "members": 1}
    exact = learn(path, Columns("kind"), "default", **BRIEF, **changed).model
    sizes = [len(w.detectors["features"].crowd.centres) for w in exact.witnesses]
    assert sizes[0] > 150
    assert sizes[2] == 1  # of so few there is nothing that could be kept
    manifest, arrays = describe(exact)
    assert manifest["training"]["settings"]["allow_stored_encodings"] is True
    assert "witness/0/detectors/features/crowd/centres" in arrays
    assert "witness/0/detectors/features/crowd/centres" not in describe(usual)[1]


def test_neighbours_are_those_asked_for(path, learn):
    model = learn(path, Columns("kind"), "fast", neighbours=3, **BRIEF).model
    found = [w.detectors["latent"].by_method["lof"].neighbours for w in model.witnesses]
    assert found == [3, 3, 1]
    with pytest.raises(UsageProblem, match="the largest class has 240 rows"):
        learn(path, Columns("kind"), "fast", neighbours=240, **BRIEF)
