"""Bundles that are damaged, foreign or too new, as a user meets them."""

import json
import shutil
import zipfile

import pytest

READ = ("classify", "impute", "score", "embed")


def rewritten(bundle, **changes):
    """Change entries of a bundle's manifest without sealing it anew."""
    with zipfile.ZipFile(bundle) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    manifest = json.loads(parts["manifest.json"]) | changes
    parts["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(bundle, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)


def truncate(bundle):
    bundle.write_bytes(bundle.read_bytes()[:-200])


def edit(bundle):
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)


def replace(bundle):
    bundle.write_bytes(b"not a bundle at all")


def empty(bundle):
    bundle.write_bytes(b"")


def zip_something(bundle):
    with zipfile.ZipFile(bundle, "w") as file:
        file.writestr("a.txt", "hello")


SPOILED = {
    "truncated": (truncate, ["is", "m.cbvae"]),
    "edited": (edit, "damaged"),
    "foreign": (replace, "not a cbvae bundle"),
    "empty": (empty, "m.cbvae"),
    "another zip": (zip_something, ["m.cbvae", "cbvae train DATA --label COL"]),
    "newer": (lambda bundle: rewritten(bundle, format=99), ["format 99", "upgrade"]),
    "forged": (lambda bundle: rewritten(bundle, data={"rows": 1}), "m.cbvae"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_bundle_is_refused(refused, bundle, samples, tmp_path, name):
    spoil, says = SPOILED[name]
    spoil(bundle)
    shutil.copy(samples / "defects_new.csv", tmp_path / "new.csv")
    for verb in READ:
        refused(verb, "m.cbvae", "new.csv", "-o", "out.csv", code=4, says=says)
    refused("augment", "m.cbvae", "-n", "3", code=4, says=says)
    refused("verify", "m.cbvae", code=4, says=says)
