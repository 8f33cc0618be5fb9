"""Names that two writers want at once, and copies of what is not whole."""

from __future__ import annotations

import os

import pytest

from cbvae_cli.bundle import aside, store
from cbvae_cli.bundle.container import copy_bundle, write_bundle
from cbvae_cli.errors import BundleProblem, UsageProblem

MANIFEST = {"program": {}}


@pytest.fixture
def no_links(monkeypatch):
    """Take a file system without hard links."""

    def refused(*names):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)


def put(folder, name, body):
    path = folder / name
    path.write_bytes(body)
    return path


def test_a_name_that_is_taken_stays_with_who_has_it(tmp_path, no_links):
    part, target = put(tmp_path, ".part", b"late"), put(tmp_path, "m", b"first")
    with pytest.raises(FileExistsError):
        aside.claim(part, target)
    assert target.read_bytes() == b"first"


def test_a_name_that_could_not_be_filled_is_given_back(tmp_path, no_links, monkeypatch):
    def refused(one, other):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(OSError, match="Input"):
        aside.claim(put(tmp_path, ".part", b"new"), tmp_path / "m")
    assert os.listdir(tmp_path) == [".part"]


@pytest.mark.parametrize("links", [True, False])
def test_a_number_that_another_run_takes_first_is_passed_over(
    tmp_path, monkeypatch, request, links
):
    if not links:
        request.getfixturevalue("no_links")
    free, taken = store.next_path, []

    def late(folder):
        target = free(folder)
        if not taken:
            taken.append(put(tmp_path, target.name, b"theirs"))
        return target

    monkeypatch.setattr(store, "next_path", late)
    assert store.append_bundle(tmp_path, MANIFEST, {}, "").name == "0002.cbvae"
    assert taken[0].read_bytes() == b"theirs"
    assert sorted(os.listdir(tmp_path)) == ["0001.cbvae", "0002.cbvae"]


def test_a_bundle_that_appears_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    target, link = tmp_path / "m.cbvae", os.link

    def late(part, name):
        target.write_bytes(b"theirs")
        link(part, name)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(UsageProblem, match="cbvae"):
        write_bundle(target, MANIFEST, {}, "", force=False)
    assert target.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["m.cbvae"]


def test_what_is_damaged_is_not_copied(tmp_path):
    write_bundle(tmp_path / "m.cbvae", MANIFEST, {}, "a card", force=False)
    body = (tmp_path / "m.cbvae").read_bytes()
    (tmp_path / "m.cbvae").write_bytes(body.replace(b"a card", b"a cart"))
    put(tmp_path, "copy.cbvae", b"old")
    with pytest.raises(BundleProblem, match="damaged"):
        copy_bundle(tmp_path / "m.cbvae", tmp_path / "copy.cbvae", force=True)
    assert (tmp_path / "copy.cbvae").read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["copy.cbvae", "m.cbvae"]
