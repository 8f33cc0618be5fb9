"""Bundles made to harm or mislead: what holds for all of them.

Every one must end in a sentence and exit code 4: no other exception, nothing
written, nothing large allocated.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cbvae_cli.bundle.container import (
    read_bundle,
    read_card,
    read_manifest,
    verify_bundle,
)
from cbvae_cli.errors import BundleProblem
from tests.attacks.workshop import (
    NAMES,
    ONE,
    TENSOR,
    at,
    both,
    bundle,
    central,
    changed,
    compressed,
    of_tensor,
    plain_manifest,
    refused,
    safetensors,
    sealed,
    two_tensors,
    zip64,
)


def test_the_workshop_builds_sound_bundles(path):
    for body in (bundle(), of_tensor(), two_tensors([0, 8], [8, 16], ONE)):
        path.write_bytes(body)
        assert verify_bundle(path)["ok"]
    np.testing.assert_array_equal(read_bundle(path)[1]["b"], [1.0])


def test_the_container_writes_what_the_workshop_builds(path):
    from cbvae_cli.bundle.container import write_bundle

    path.write_bytes(bundle())
    manifest, arrays = read_bundle(path)
    write_bundle(path, manifest, arrays, read_card(path), force=True)
    with zipfile.ZipFile(path) as archive:
        bodies = [archive.read(name) for name in NAMES]
    assert path.read_bytes() == bundle(*bodies)


def test_a_folder_is_not_a_bundle(folder):
    for call in (read_manifest, read_bundle, read_card, verify_bundle):
        refused(call, folder, "not a file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_is_refused_without_waiting_for_its_writer(path):
    os.mkfifo(path)
    refused(read_bundle, path, "not a file")


def test_a_link_to_a_device_is_refused(path):
    path.symlink_to("/dev/zero")
    refused(read_bundle, path, "not a file")


@pytest.mark.parametrize(
    "build",
    [
        lambda: both(18, 20, struct.pack("<2L", 0x7FFF_FFFF, 0x7FFF_FFFF)),
        lambda: changed(central(1) + 20, struct.pack("<2L", 1 << 31, 1 << 31)),
        lambda: of_tensor(at(0, 16, shape=[1 << 40]), shape=[1 << 40]),
        lambda: bundle(weights=struct.pack("<Q", 1 << 25) + b"{}"),
        lambda: compressed("manifest.json"),
        zip64,
    ],
)
def test_a_large_promise_allocates_nothing(build, path):
    path.write_bytes(build())
    tracemalloc.start()
    try:
        with pytest.raises(BundleProblem):
            read_bundle(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 8 << 20


def test_nothing_is_imported_or_run_by_reading(path, monkeypatch):
    def no(*args, **kwargs):
        raise AssertionError("reading a bundle must not run anything")

    path.write_bytes(bundle())
    read_bundle(path)  # numpy is loaded now
    for name in ("eval", "exec"):
        monkeypatch.setattr(f"builtins.{name}", no)
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, no)
    assert read_bundle(path)[0]["format"] == 1


@settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_garbled_header_that_is_sealed_again_is_refused_or_harmless(path, data):
    manifest, weights = sealed(plain_manifest()), safetensors({"a": TENSOR})
    garbled = bytearray(data.draw(st.sampled_from([manifest, weights])))
    of_weights = len(garbled) == len(weights)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(garbled) - 1))
        garbled[where] = data.draw(st.sampled_from(b'0129"{}[],:-.eE\\ \xff\0aN'))
    parts = (manifest, bytes(garbled)) if of_weights else (bytes(garbled), weights)
    path.write_bytes(bundle(*parts))
    try:
        found, arrays = read_bundle(path)
    except BundleProblem as problem:
        refused(verify_bundle, path, re.escape(problem.what))
        return
    assert found == json.loads(manifest)
    np.testing.assert_array_equal(arrays["a"], [1.0, 2.0])
