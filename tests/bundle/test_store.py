from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import cbvae_cli
from cbvae_cli.bundle.container import verify_bundle, write_bundle
from cbvae_cli.bundle.store import (
    append_bundle,
    is_store,
    listing,
    next_path,
    resolve,
)
from cbvae_cli.errors import UsageProblem


@pytest.fixture
def models(tmp_path, manifest, arrays):
    """A store of three bundles."""
    for _ in range(3):
        append_bundle(tmp_path / "models", manifest, arrays, "card")
    return tmp_path / "models"


def test_a_path_with_a_slash_or_a_folder_is_a_store(tmp_path, written):
    assert is_store("models/")
    assert is_store(str(tmp_path))
    assert not is_store(str(written))
    assert not is_store("models.cbvae")


def test_bundles_are_numbered_in_turn(models):
    assert sorted(os.listdir(models)) == ["0001.cbvae", "0002.cbvae", "0003.cbvae"]
    assert next_path(models) == models / "0004.cbvae"


def test_the_number_changes_nothing_in_a_bundle(models):
    one, two = (models / name for name in ("0001.cbvae", "0002.cbvae"))
    assert one.read_bytes() == two.read_bytes()


def test_numbers_go_on_past_four_digits(tmp_path, manifest):
    (tmp_path / "9999.cbvae").touch()
    assert append_bundle(tmp_path, manifest, {}, "").name == "10000.cbvae"
    assert resolve(f"{tmp_path}/").name == "10000.cbvae"


def test_a_gap_is_not_filled(models, manifest):
    (models / "0002.cbvae").unlink()
    assert append_bundle(models, manifest, {}, "").name == "0004.cbvae"


def test_other_files_in_the_folder_are_let_be(models):
    for name in ("notes.txt", "best.cbvae", "00009.cbvae", ".0009.cbvae.1.part"):
        (models / name).touch()
    assert next_path(models).name == "0004.cbvae"
    assert len(listing(models)) == 3


def test_a_store_alone_means_its_newest(models):
    assert resolve(f"{models}/") == models / "0003.cbvae"
    assert resolve(str(models)) == models / "0003.cbvae"


@pytest.mark.parametrize("number", ["2", "02", "0002"])
def test_a_number_picks_one_bundle(models, number):
    assert resolve(f"{models}/@{number}") == models / "0002.cbvae"


def test_a_file_resolves_to_itself(written):
    assert resolve(str(written)) == written


def test_a_number_that_is_not_there_lists_what_is(models):
    with pytest.raises(UsageProblem, match="no bundle number 7") as caught:
        resolve(f"{models}/@7")
    assert "0001.cbvae, 0002.cbvae, 0003.cbvae" in caught.value.hint


@pytest.mark.parametrize("word", ["x", "", "-1", "²", "9" * 5000])
def test_a_number_that_is_none_is_refused(models, word):
    with pytest.raises(UsageProblem, match="names no bundle"):
        resolve(f"{models}/@{word}")


def test_an_empty_store_says_how_to_fill_it(tmp_path):
    with pytest.raises(UsageProblem, match="no bundle in the store") as caught:
        resolve(f"{tmp_path}/")
    assert "cbvae train" in caught.value.hint


def test_a_missing_store_and_a_missing_file_are_refused(tmp_path, written):
    with pytest.raises(UsageProblem) as caught:
        resolve(f"{tmp_path}/no/")
    assert "no folder" in caught.value.hint
    with pytest.raises(UsageProblem) as caught:
        resolve(f"{tmp_path}/no/@1")
    assert "no folder" in caught.value.hint
    with pytest.raises(UsageProblem, match="no such bundle") as caught:
        resolve(f"{tmp_path}/n.cbvae")
    assert written.name in caught.value.hint
    with pytest.raises(UsageProblem, match="no such store"):
        listing(tmp_path / "no")


def test_a_store_is_made_but_not_the_folder_above(tmp_path):
    assert next_path(tmp_path / "models").name == "0001.cbvae"
    assert (tmp_path / "models").is_dir()
    with pytest.raises(UsageProblem, match="cannot make the store"):
        next_path(tmp_path / "no" / "models")


def test_a_file_is_no_store(written, manifest):
    with pytest.raises(UsageProblem, match="is a file"):
        append_bundle(written, manifest, {}, "")


def test_the_listing_says_what_each_bundle_is(models):
    rows = listing(models)
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert rows[1] == {
        "number": 2,
        "file": "0002.cbvae",
        "data_digest": "ab" * 32,
        "family": "cbvae",
        "classes": ["0", "1"],
        "held_out": {"auprc": {"macro": 0.75}, "log_loss": 0.25},
    }


def test_a_damaged_member_is_listed_with_what_is_wrong(models):
    path = models / "0002.cbvae"
    path.write_bytes(path.read_bytes()[:-5])
    rows = listing(models)
    assert rows[1]["error"] == "the bundle is cut short: its end is missing"
    assert set(rows[1]) == {"number", "file", "error"}
    assert "error" not in rows[0]


def test_a_manifest_with_other_parts_is_listed_with_gaps(tmp_path, manifest):
    odd = {"program": manifest["program"], "model": "cbvae", "label": [1]}
    append_bundle(tmp_path, odd, {}, "")
    assert listing(tmp_path)[0]["family"] is None


def test_threads_that_append_at_once_get_a_number_each(tmp_path, manifest):
    def append(mark):
        array = np.full(100, mark, dtype=np.float32)
        return append_bundle(tmp_path / "models", manifest, {"a": array}, str(mark))

    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(append, range(12)))
    assert sorted(path.name for path in paths) == [
        f"{number:04d}.cbvae" for number in range(1, 13)
    ]
    assert sorted(os.listdir(tmp_path / "models")) == sorted(p.name for p in paths)
    assert all(verify_bundle(path)["ok"] for path in paths)


def test_processes_that_append_at_once_get_a_number_each(tmp_path):
    code = f"""
from cbvae_cli.bundle.store import append_bundle
for _ in range(5):
    append_bundle({str(tmp_path)!r}, {{"program": {{}}}}, {{}}, "")
"""
    root = Path(cbvae_cli.__file__).parents[1]
    writers = [
        subprocess.Popen([sys.executable, "-c", code], cwd=root) for _ in range(2)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert sorted(os.listdir(tmp_path)) == [f"{n:04d}.cbvae" for n in range(1, 11)]


def test_a_disk_without_hard_links_still_numbers_and_refuses(
    tmp_path, manifest, monkeypatch
):
    def no_links(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert append_bundle(tmp_path, manifest, {}, "").name == "0001.cbvae"
    assert append_bundle(tmp_path, manifest, {}, "").name == "0002.cbvae"
    path = write_bundle(tmp_path / "m.cbvae", manifest, {}, "", force=False)
    assert verify_bundle(path)["ok"]
    with pytest.raises(UsageProblem, match="already exists"):
        write_bundle(path, manifest, {}, "", force=False)
    assert sorted(os.listdir(tmp_path)) == ["0001.cbvae", "0002.cbvae", "m.cbvae"]
