"""Bundles made by hand, byte by byte: sound ones, and what makes them hostile.

Digests and checksums are put right after each change, as an attacker would; a mistake
in the sealing would show in `test_the_workshop_builds_sound_bundles`.
"""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import warnings
import zipfile

import numpy as np
import pytest

from cbvae_cli.errors import BundleProblem

NAMES = ("manifest.json", "weights.safetensors", "card.md")
CARD = b"# Card\n"
VALUES = np.array([1.0, 2.0], "<f8").tobytes()
TENSOR = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}
NESTED = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
ONE = VALUES[:8] * 2


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def safetensors(header, data=VALUES):
    body = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(body)) + body + data


def plain_manifest(**changes):
    entry = {
        "dtype": "float64",
        "shape": [2],
        "sha256": sha256(VALUES),
        "finite": True,
    }
    manifest = {
        "format": 1,
        "program": {"name": "cbvae", "version": "0.1.0"},
        "tensors": {"a": entry},
        "card_sha256": sha256(CARD),
    }
    manifest.update(changes)
    return {key: value for key, value in manifest.items() if value is not ...}


def sealed(manifest):
    def spell(value):
        return json.dumps(
            value, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode("utf-8", "backslashreplace")

    return spell({**manifest, "digest": sha256(spell(manifest))})


def info(name, *, mode=stat.S_IFREG | 0o644):
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry


def zipped(entries):
    """A zip of `(ZipInfo or name, body)` pairs, uncompressed unless they say."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # duplicate names are meant
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for entry, body in entries:
                archive.writestr(info(entry) if isinstance(entry, str) else entry, body)
    return file.getvalue()


def bundle(manifest=None, weights=None, card=CARD):
    manifest = sealed(plain_manifest()) if manifest is None else manifest
    weights = safetensors({"a": TENSOR}) if weights is None else weights
    return zipped(zip(NAMES, (manifest, weights, card), strict=True))


def of_manifest(**changes):
    return bundle(sealed(plain_manifest(**changes)))


def of_tensor(header=None, data=VALUES, **entry):
    """A bundle whose manifest agrees with the bytes, unless `entry` says not."""
    described = {"dtype": "float64", "shape": [2], "sha256": sha256(data), **entry}
    return bundle(
        sealed(plain_manifest(tensors={"a": described})),
        safetensors({"a": TENSOR} if header is None else header, data),
    )


def two_tensors(first, second, data):
    """Two float64 tensors of one number at the offsets given."""
    entry = {"dtype": "float64", "shape": [1], "sha256": sha256(VALUES[:8])}
    header = {
        name: {"dtype": "F64", "shape": [1], "data_offsets": offsets}
        for name, offsets in (("a", first), ("b", second))
    }
    return bundle(
        sealed(plain_manifest(tensors={"a": entry, "b": entry})),
        safetensors(header, data),
    )


def changed(where, value, body=None):
    """A sound bundle with bytes replaced."""
    body = bytearray(bundle() if body is None else body)
    body[where : where + len(value)] = value
    return bytes(body)


def central(number):
    """Offset of a central directory record of the sound bundle."""
    body, found = bundle(), -1
    for _ in range(number + 1):
        found = body.index(b"PK\1\2", found + 1)
    return found


def both(offset_local, offset_central, value):
    """The same change to the first entry's two headers."""
    return changed(
        central(0) + offset_central, value, changed(offset_local, value, None)
    )


def zip64():
    """A classic end record with a zip64 one before it that says something else."""
    body = bundle()
    start, end = central(0), len(body) - 22
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 3, 3, 1 << 62, 1 << 61
    )
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    body = body[:end] + record + locator + body[end:]
    length = len(body) - 22 - start
    return changed(len(body) - 10, struct.pack("<L", length), body)


def sound_bodies():
    bodies = (sealed(plain_manifest()), safetensors({"a": TENSOR}), CARD)
    return dict(zip(NAMES, bodies, strict=True))


def compressed(name):
    entry = info(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    bodies = {**sound_bodies(), name: b"0" * 10_000_000}
    return zipped((entry if each == name else each, bodies[each]) for each in NAMES)


def at(*offsets, **more):
    return {"a": {**TENSOR, "data_offsets": list(offsets), **more}}


def named(cases):
    return [pytest.param(*case, id=name) for name, case in cases.items()]


def refused(call, path, sentence):
    with pytest.raises(BundleProblem, match=sentence) as caught:
        call(path)
    problem = caught.value
    assert type(problem) is BundleProblem
    assert problem.exit_code == 4
    assert problem.where == str(path)
    assert problem.hint
    assert problem.what.isprintable()
    assert len(problem.what) < 300
