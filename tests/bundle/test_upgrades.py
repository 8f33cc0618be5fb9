from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from cbvae_cli.bundle import container, upgrades
from cbvae_cli.bundle.container import read_bundle, read_card, read_manifest
from cbvae_cli.bundle.renewal import upgrade_bundle
from cbvae_cli.bundle.upgrades import upgrade_manifest
from cbvae_cli.errors import BundleProblem, UsageProblem


@pytest.fixture
def later(monkeypatch, written):
    """A program one format on, whose step renames a key and a tensor."""

    def upgrade(manifest, arrays):
        manifest["model"]["kind"] = manifest["model"].pop("family")
        manifest["tensors"]["centre"] = manifest["tensors"].pop("mean")
        if arrays is not None:
            arrays["centre"] = arrays.pop("mean")
        return manifest, arrays

    module = types.ModuleType("a_step_for_this_test")
    module.upgrade = upgrade
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(upgrades.UPGRADES, 1, f"{module.__name__}:upgrade")
    monkeypatch.setattr(container, "CURRENT", 2)
    return written


def test_there_is_a_step_from_every_older_format():
    assert set(upgrades.UPGRADES) == set(range(upgrades.OLDEST, container.CURRENT))


def test_an_old_bundle_is_read_as_a_current_one(later):
    manifest, arrays = read_bundle(later)
    assert manifest["format"] == 2
    assert manifest["model"]["kind"] == "cbvae"
    np.testing.assert_array_equal(arrays["centre"], [1.5, -2.5])
    assert "centre" in read_manifest(later)["tensors"]


def test_reading_an_old_bundle_leaves_the_file_alone(later):
    before = later.read_bytes()
    read_bundle(later)
    assert later.read_bytes() == before
    assert container.verify_bundle(later)["format"] == 1


def test_an_old_bundle_is_rewritten_in_place(later):
    expected = read_bundle(later)[1]
    done = upgrade_bundle(later)
    assert done == {"changed": True, "from": 1, "format": 2, "path": str(later)}
    assert container.verify_bundle(later)["format"] == 2
    manifest, arrays = read_bundle(later)
    assert manifest["model"]["kind"] == "cbvae"
    assert read_card(later) == "# Card\n"
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_an_old_bundle_is_rewritten_elsewhere(later, tmp_path):
    before = later.read_bytes()
    target = tmp_path / "new.cbvae"
    assert upgrade_bundle(later, output=target)["path"] == str(target)
    assert later.read_bytes() == before
    with pytest.raises(UsageProblem, match="already exists"):
        upgrade_bundle(later, output=target)
    upgrade_bundle(later, output=target, force=True)


def test_a_current_bundle_is_left_alone(written):
    before = written.read_bytes()
    assert upgrade_bundle(written) == {"changed": False, "format": 1}
    assert written.read_bytes() == before


def test_a_current_bundle_is_copied_to_an_output(written, tmp_path):
    target = tmp_path / "same.cbvae"
    found = upgrade_bundle(written, output=target)
    assert found == {"changed": False, "format": 1, "path": str(target)}
    assert target.read_bytes() == written.read_bytes()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageProblem, match="already exists"):
        upgrade_bundle(written, output=target)
    target.write_bytes(b"old")
    upgrade_bundle(written, output=target, force=True)
    assert target.read_bytes() == written.read_bytes()
    assert sorted(tmp_path.iterdir()) == before


def test_a_format_without_a_road_is_refused(written, monkeypatch):
    monkeypatch.setattr(container, "CURRENT", 2)
    with pytest.raises(BundleProblem, match="no longer read") as caught:
        read_manifest(written)
    assert caught.value.where == str(written)


def test_a_manifest_that_its_own_format_would_not_hold_is_refused(later, manifest):
    del manifest["model"]["family"]
    del manifest["data"]
    container.CURRENT = 1  # put back by the fixture
    container.write_bundle(later, manifest, {}, "", force=True)
    container.CURRENT = 2
    with pytest.raises(BundleProblem, match="not what format 1 asks for"):
        read_manifest(later)


def test_a_newer_manifest_is_refused_by_the_upgrade_too():
    with pytest.raises(BundleProblem, match=r"format 9, written by cbvae 4\.2"):
        upgrade_manifest({"format": 9, "program": {"version": "4.2"}}, 1)
