"""Numbers and files of before, asked again. `remake.py` beside this file makes them."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from cbvae_cli.bundle.container import CURRENT, read_bundle
from cbvae_cli.cli.app import main

HERE = Path(__file__).parent
NUMBERS = json.loads((HERE / "numbers.json").read_text(encoding="utf-8"))
FROZEN = sorted(HERE.glob("format-*.cbvae"))
each_bundle = pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def remake():
    return runpy.run_path(str(HERE / "remake.py"))


@pytest.mark.parametrize("name", NUMBERS)
def test_losses_and_evidence_are_what_they_were(remake, name):
    found, stored = remake["numbers"](*name.split("-")), NUMBERS[name]
    assert found.keys() == stored.keys()
    for key, wanted in stored.items():
        np.testing.assert_allclose(
            np.array(found[key], dtype=float),
            np.array(wanted, dtype=float),
            rtol=1e-3,
            atol=1e-4,
            err_msg=f"{key}; if this was meant, run python tests/golden/remake.py",
        )


def test_every_family_and_preset_has_stored_numbers(remake):
    names = [f"{m}-{p}" for m in remake["FAMILIES"] for p in remake["PRESETS"]]
    assert list(NUMBERS) == names


def test_every_format_has_a_frozen_bundle():
    assert [path.stem for path in FROZEN] == [
        f"format-{n}" for n in range(1, CURRENT + 1)
    ]
    # Boosted trees, ten times over, are most of it.
    assert all(path.stat().st_size < 5_000_000 for path in FROZEN)


def said(capfd) -> dict[str, object]:
    return json.loads(capfd.readouterr().out)


@each_bundle
def test_a_frozen_bundle_is_whole(frozen):
    assert main(["verify", str(frozen), "--quiet"]) == 0
    manifest, arrays = read_bundle(frozen)
    assert manifest["format"] == CURRENT
    assert set(arrays) == set(manifest["tensors"])


@each_bundle
def test_a_frozen_bundle_is_inspected(frozen, capfd):
    assert main(["inspect", str(frozen), "--json"]) == 0
    found = json.dumps(said(capfd))
    assert all(name in found for name in ("outcome", "crack", "brass"))


@each_bundle
def test_a_frozen_bundle_is_upgraded(frozen, tmp_path, capfd):
    copy = Path(shutil.copy(frozen, tmp_path / "m.cbvae"))
    number = int(frozen.stem.removeprefix("format-"))
    assert main(["upgrade", str(copy), "--json"]) == 0
    assert said(capfd)["changed"] is (number < CURRENT)
    assert main(["verify", str(copy), "--quiet"]) == 0
    if number == CURRENT:
        assert copy.read_bytes() == frozen.read_bytes()


@each_bundle
def test_a_frozen_bundle_answers_as_it_did(frozen, tmp_path):
    with frozen.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        header, *stored = csv.reader(file)
    n_input = sum(not name.startswith("cbvae_") for name in header)
    rows, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    with rows.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(row[:n_input] for row in [header, *stored])
    assert main(["classify", str(frozen), str(rows), "--quiet", "-o", str(out)]) == 0
    with out.open(encoding="utf-8", newline="") as file:
        names, *found = csv.reader(file)
    assert names == header
    assert len(found) == len(stored) > 0
    assert [r[: n_input + 1] for r in found] == [r[: n_input + 1] for r in stored]
    np.testing.assert_allclose(
        np.array([row[n_input + 1 :] for row in found], dtype=float),
        np.array([row[n_input + 1 :] for row in stored], dtype=float),
        atol=1e-3,
        rtol=1e-3,
    )


@each_bundle
@pytest.mark.parametrize("verb", ["impute", "score", "augment"])
def test_a_frozen_bundle_serves_every_verb(frozen, tmp_path, samples, verb):
    rows = [] if verb == "augment" else [str(samples / "defects_new.csv")]
    flags = ["-n", "5"] if verb == "augment" else []
    out = tmp_path / "out.csv"
    assert main([verb, str(frozen), *rows, *flags, "--quiet", "-o", str(out)]) == 0
    assert out.stat().st_size > 100
