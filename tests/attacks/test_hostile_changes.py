"""Bundles that change under our hands, and names and sizes that none may have."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest

from cbvae_cli.bundle import layout, tensors, weights
from cbvae_cli.bundle.container import read_bundle, verify_bundle, write_bundle
from cbvae_cli.bundle.layout import WEIGHTS, Entry
from cbvae_cli.cli.app import main
from cbvae_cli.errors import BundleProblem, UsageProblem
from tests.attacks.workshop import TENSOR, VALUES, bundle, refused, safetensors, sha256

BODY = safetensors({"a": TENSOR})
ENTRY = Entry(WEIGHTS, 0, len(BODY), zlib.crc32(BODY))
FILE = bytes(ENTRY.offset) + BODY
DECLARED = {"a": {"dtype": "float64", "shape": [2], "sha256": sha256(VALUES)}}


def found():
    return weights.find(io.BytesIO(FILE), ENTRY, tensors.declared(DECLARED))


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda file: weights.check(file, ENTRY, found()), id="checking"),
        pytest.param(lambda file: weights.build(file, found()), id="building"),
    ],
)
def test_a_bundle_that_shrinks_while_it_is_read_is_refused(read):
    with pytest.raises(BundleProblem, match="became shorter while it was read"):
        read(io.BytesIO(FILE[:-3]))
    read(io.BytesIO(FILE))


def test_weights_that_change_after_they_were_checked_are_refused():
    changed = bytearray(FILE)
    changed[-1] ^= 1
    with pytest.raises(BundleProblem, match="its digest does not fit"):
        weights.build(io.BytesIO(bytes(changed)), found())
    assert weights.build(io.BytesIO(FILE), found())["a"].tolist() == [1, 2]


@pytest.mark.parametrize("read", [read_bundle, verify_bundle])
def test_a_header_of_weights_that_was_damaged_is_refused(path, read):
    # Another spelling of the same header: no digest covers it, only the checksum.
    spaced = BODY.replace(b": [2]", b":[2] ")
    assert spaced != BODY
    path.write_bytes(bundle().replace(BODY, spaced))
    refused(read, path, "weights.safetensors in the bundle is damaged")
    whole = struct.pack("<L", zlib.crc32(BODY)), struct.pack("<L", zlib.crc32(spaced))
    path.write_bytes(bundle().replace(BODY, spaced).replace(*whole))
    read(path)


def test_a_bundle_that_no_reader_would_take_is_not_written(path, monkeypatch):
    monkeypatch.setattr(layout, "LARGEST_FILE", 1000)
    with pytest.raises(BundleProblem, match="too large for a bundle") as caught:
        write_bundle(path, {"program": {}}, {"a": np.zeros(200)}, "", force=False)
    assert "--hidden" in caught.value.hint
    write_bundle(path, {"program": {}}, {"a": np.zeros(2)}, "", force=False)


def test_tensors_that_are_no_object_are_refused():
    with pytest.raises(BundleProblem, match=r"'tensors' in manifest\.json is not an"):
        tensors.declared([])


def test_a_name_that_no_file_can_have_is_told_in_a_sentence(capsys):
    with pytest.raises(UsageProblem, match="no file can have this name"):
        read_bundle("m\0.cbvae")
    assert main(["inspect", "m\0.cbvae"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
