"""Bundles that are whole and sealed, and hold what no training would have written."""

import json
import shutil
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

from cbvae_cli.bundle.container import read_bundle, read_card, write_bundle
from cbvae_cli.bundle.model import open_model
from cbvae_cli.cli.app import main
from cbvae_cli.errors import BundleProblem


@pytest.fixture
def forge(trained, tmp_path):
    """Seal the paper bundle anew once its manifest and arrays are changed."""

    def sealed(change):
        path = tmp_path / "x.cbvae"
        shutil.copy(trained / "paper.cbvae", path)
        manifest, arrays = read_bundle(path)
        change(manifest, arrays)
        return write_bundle(path, manifest, arrays, read_card(path), force=True)

    return sealed


def without(*keys):
    def change(manifest, arrays):
        for key in keys[:-1]:
            manifest = manifest[key]
        del manifest[keys[-1]]

    return change


def with_value(value, *keys):
    def change(manifest, arrays):
        for key in keys[:-1]:
            manifest = manifest[key]
        manifest[keys[-1]] = value

    return change


MISSHAPEN = {
    "no model": without("model"),
    "no schema": without("schema"),
    "no label": without("label"),
    "no calibration": without("calibration"),
    "no classes": without("label", "classes"),
    "a label that is a word": with_value("x", "label"),
    "a schema that is a list": with_value([], "schema"),
    "a class that is a list": with_value([["p"], "q"], "label", "classes"),
    "training that is null": with_value(None, "training"),
}


@pytest.mark.parametrize("name", MISSHAPEN)
def test_a_misshapen_manifest_is_a_bad_bundle_not_a_bug(forge, capsys, name):
    path = forge(MISSHAPEN[name])
    with pytest.raises(BundleProblem) as caught:
        open_model(str(path), torch.device("cpu"))
    assert caught.value.exit_code == 4
    assert main(["inspect", str(path)]) in (0, 4)  # it looks at less
    assert "internal error" not in capsys.readouterr().err


@pytest.mark.parametrize("key", ["model", "label", "training", "schema"])
def test_inspect_refuses_what_it_cannot_show(forge, capsys, key):
    assert main(["inspect", str(forge(without(key)))]) == 4
    assert "the bundle's parts do not fit together" in capsys.readouterr().err


def test_an_unknown_family_is_told_by_name(forge):
    path = forge(with_value("magic", "model", "family"))
    with pytest.raises(BundleProblem, match="unknown family 'magic'"):
        open_model(str(path), torch.device("cpu"))


def test_unknown_fields_are_let_be(forge):
    def change(manifest, arrays):
        manifest["surprise"] = {"os.system": "rm"}
        manifest["model"]["surprise"] = "x"

    assert open_model(str(forge(change)), torch.device("cpu")).family.n_members == 1


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("model", "hidden"), [2**15, 2**15]),
        (("model", "latent"), 2**24),
        (("model", "members"), 2**24),
        (("model", "hidden"), []),
        (("model", "hidden"), [-1]),
        (("model", "members"), 0),
    ],
)
def test_networks_of_another_size_than_their_weights_take_no_memory(forge, keys, value):
    path = forge(with_value(value, *keys))
    tracemalloc.start()
    try:
        with pytest.raises(BundleProblem, match="do not fit together"):
            open_model(str(path), torch.device("cpu"))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 64 << 20


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_though_sealed(forge, value):
    def change(manifest, arrays):
        name = next(n for n in arrays if n.startswith("family/nets/"))
        arrays[name].flat[0] = value

    with pytest.raises(BundleProblem, match="do not fit together"):
        open_model(str(forge(change)), torch.device("cpu"))


def test_swapped_digests_are_found(forge, tmp_path):
    path = forge(lambda manifest, arrays: None)
    with zipfile.ZipFile(path) as archive:
        found = json.loads(archive.read("manifest.json"))["tensors"]
    one, other = sorted(found)[:2]
    from tests.attacks.workshop import NAMES, sealed, zipped

    found[one]["sha256"], found[other]["sha256"] = (
        found[other]["sha256"],
        found[one]["sha256"],
    )
    with zipfile.ZipFile(path) as archive:
        parts = [archive.read(name) for name in NAMES]
    manifest = json.loads(parts[0]) | {"tensors": found}
    del manifest["digest"]
    path.write_bytes(zipped(zip(NAMES, (sealed(manifest), *parts[1:]), strict=True)))
    with pytest.raises(BundleProblem, match="is damaged"):
        read_bundle(path)
