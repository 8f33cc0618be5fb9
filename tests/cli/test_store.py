"""A folder of numbered bundles."""

import json
import shutil

import pytest

from cbvae_cli.cli.app import main

BRIEF = ["--label", "outcome", "--exclude", "part", "--epochs", "2", "--hidden", "16"]


@pytest.fixture(scope="module")
def short(tmp_path_factory, request):
    """Give the beginning of a sample table, which trains in a moment."""
    rows = (request.config.rootpath / "sample_data" / "defects.csv").read_text("utf-8")
    target = tmp_path_factory.mktemp("short") / "defects.csv"
    target.write_text("".join(rows.splitlines(keepends=True)[:201]), encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def made(short, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    for seed in ("1", "2"):
        argv = [str(short), *BRIEF, "--seed", seed, "-o", f"{folder}/models/"]
        assert main(["train", *argv, "--quiet"]) == 0
    return folder / "models"


@pytest.fixture
def store(made, tmp_path, monkeypatch):
    """Give a store of two versions that differ in their seed."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(made, tmp_path / "models")


def told(capsys, *argv):
    capsys.readouterr()
    assert main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_versions_are_numbered_and_found(store, capsys, samples):
    assert sorted(path.name for path in store.iterdir()) == ["0001.cbvae", "0002.cbvae"]
    listed = told(capsys, "inspect", "models/")["versions"]
    assert [version["number"] for version in listed] == [1, 2]
    assert listed[0]["classes"] == ["crack", "ok", "warp"]
    assert listed[0]["data_digest"] == listed[1]["data_digest"]
    assert "likelihood" in listed[0]["held_out"]
    seeds = {
        name: told(capsys, "inspect", name)["training"]["settings"]["seed"]
        for name in ("models/@1", "models/@2", "models/0001.cbvae")
    }
    assert list(seeds.values()) == [1, 2, 1]

    rows = str(samples / "defects_new.csv")
    answers = {}
    for name in ("models/", "models/@1", "models/@2"):
        assert main(["classify", name, rows, "--quiet"]) == 0
        answers[name] = capsys.readouterr().out
    assert answers["models/"] == answers["models/@2"] != answers["models/@1"]
    assert main(["verify", "models/@1", "--quiet"]) == 0


def test_the_list_names_a_damaged_version(store, capsys):
    (store / "0001.cbvae").write_bytes(b"nothing")
    assert main(["inspect", "models/"]) == 0
    assert "not a cbvae bundle" in capsys.readouterr().err
    listed = told(capsys, "inspect", "models/")["versions"]
    assert "error" in listed[0]
    assert "error" not in listed[1]


def test_a_folder_without_bundles_is_no_store_to_look_into(tmp_path, capsys):
    for name in (str(tmp_path), f"{tmp_path}/"):
        assert main(["inspect", name]) == 2
        assert "no bundle in the store" in capsys.readouterr().err


def test_a_version_that_is_not_there_is_refused(store, capsys):
    assert main(["inspect", "models/@7"]) == 2
    assert "0001.cbvae, 0002.cbvae" in capsys.readouterr().err


def test_one_bundle_of_a_store_is_upgraded_to_a_file(store, capsys):
    argv = ["upgrade", "models/", "-o", "copy.cbvae", "--quiet"]
    assert main(argv) == 0
    newest = (store / "0002.cbvae").read_bytes()
    assert (store.parent / "copy.cbvae").read_bytes() == newest
    assert main(["upgrade", "models/@1", "-o", "other/"]) == 2
    capsys.readouterr()
    assert main(["upgrade", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "a path ending in / is a store" not in told
    assert "models/ means the newest" in told
