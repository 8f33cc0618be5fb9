"""Bundles made to harm or mislead, each built here byte by byte.

Every one must end in a sentence and exit code 4: no other exception, nothing
written, nothing large allocated. The bundles are sealed anew after each change,
digests and checksums included, as an attacker would; a mistake in the sealing
would show in `test_the_workshop_builds_sound_bundles`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import re
import stat
import struct
import tracemalloc
import warnings
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

NAMES = ("manifest.json", "weights.safetensors", "card.md")
CARD = b"# Card\n"
VALUES = np.array([1.0, 2.0], "<f8").tobytes()
TENSOR = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}


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


def end_record(field, value):
    return changed(len(bundle()) - 22 + field, value)


def between(gap):
    """A sound bundle with bytes behind its last entry, offsets put right."""
    body, start = bundle(), central(0)
    body = body[:start] + gap + body[start:]
    return changed(len(body) - 6, struct.pack("<L", start + len(gap)), body)


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


def without_order(*order):
    bodies = sound_bodies()
    return zipped((name, bodies.get(name, b"x")) for name in order)


def compressed(name):
    entry = info(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    bodies = {**sound_bodies(), name: b"0" * 10_000_000}
    return zipped((entry if each == name else each, bodies[each]) for each in NAMES)


def special(mode):
    bodies = sound_bodies()
    card = info("card.md", mode=mode)
    return zipped((card if n == "card.md" else n, bodies[n]) for n in NAMES)


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


NESTED = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
ONE = VALUES[:8] * 2

ZIPS = {
    "an empty file": (lambda: b"", "is empty"),
    "a table": (lambda: b"age,outcome\n1,2\n", "not a cbvae bundle"),
    "a pickle": (lambda: pickle.dumps({"a": 1}), "not a cbvae bundle"),
    "an empty zip": (lambda: zipped([]), "empty zip"),
    "a zip of something else": (
        lambda: zipped([("word/document.xml", b"<w/>")]),
        "a zip, but not a cbvae bundle: its first entry is 'word/document.xml'",
    ),
    "only a beginning": (lambda: bundle()[:300], "cut short"),
    "a missing last byte": (lambda: bundle()[:-1], "cut short"),
    "a hole in the middle": (
        lambda: bundle()[:100] + bundle()[120:],
        "does not fill the file",
    ),
    "a fourth entry": (
        lambda: without_order(*NAMES, "extra.py"),
        "does not belong: 'extra.py'",
    ),
    "a folder entry": (lambda: without_order("x/", *NAMES), "does not belong"),
    "no card": (lambda: without_order(*NAMES[:2]), "lacks card.md"),
    "no manifest": (lambda: without_order(*NAMES[1:]), "lacks manifest.json"),
    "another order": (lambda: without_order(*NAMES[::-1]), "not in their order"),
    "a manifest twice": (
        lambda: without_order(*NAMES, "manifest.json"),
        "manifest.json more than once",
    ),
    "weights twice": (
        lambda: without_order("weights.safetensors", *NAMES),
        "weights.safetensors more than once",
    ),
    "a compressed manifest": (
        lambda: compressed("manifest.json"),
        "manifest.json in the bundle is compressed",
    ),
    "compressed weights": (lambda: compressed(NAMES[1]), "is compressed"),
    "a compressed card": (lambda: compressed("card.md"), "is compressed"),
    "a path upwards": (
        lambda: without_order(*NAMES, "../../.bashrc"),
        "points outside of it: '../../.bashrc'",
    ),
    "an absolute path": (lambda: without_order(*NAMES, "/etc/passwd"), "outside"),
    "a drive": (lambda: without_order(*NAMES, "C:\\x"), "points outside"),
    "backslashes upwards": (lambda: without_order(*NAMES, "..\\x"), "outside"),
    "a name with terminal codes": (
        lambda: without_order(*NAMES, "\x1b[2Jx"),
        r"does not belong: '\\x1b\[2Jx'",
    ),
    "a name with a NUL": (
        lambda: bundle().replace(b"card.md", b"card.m\0"),
        "does not belong",
    ),
    "a name of 60,000 letters": (
        lambda: without_order(*NAMES, "x" * 60_000),
        r"does not belong: 'x+\.\.\.'",
    ),
    "a name that is not UTF-8": (
        lambda: both(6, 8, struct.pack("<H", 0x800)).replace(
            b"manifest.json", b"manifest\xff\xfe\xff\xff\xff"
        ),
        "directory is damaged",
    ),
    "a symbolic link": (
        lambda: special(stat.S_IFLNK | 0o777),
        "card.md in the bundle is a symbolic link",
    ),
    "a device": (lambda: special(stat.S_IFCHR | 0o644), "not ours"),
    "a program that may run": (lambda: special(stat.S_IFREG | 0o4755), "not ours"),
    "an encrypted entry": (
        lambda: both(6, 8, struct.pack("<H", 1)),
        "manifest.json in the bundle is encrypted",
    ),
    "encrypted in one header only": (
        lambda: changed(6, struct.pack("<H", 1)),
        "two zip headers of manifest.json do not agree",
    ),
    "a data descriptor": (lambda: both(6, 8, struct.pack("<H", 8)), "do not agree"),
    "an odd compression": (lambda: both(8, 10, struct.pack("<H", 99)), "compressed"),
    "a newer zip version": (
        lambda: both(4, 6, struct.pack("<H", 9999)),
        "directory is damaged|do not agree",  # newer Pythons refuse it themselves
    ),
    "bytes behind": (lambda: bundle() + b"#!/bin/sh\n", "10 foreign bytes behind"),
    "bytes before": (lambda: b"#!/bin/sh\n" + bundle(), "before its first entry"),
    "a second bundle before": (lambda: bundle() + bundle(), "does not fill the file"),
    "bytes between entries": (lambda: between(b"hidden"), "directory is damaged"),
    "a comment": (lambda: end_record(20, b"\5\0") + b"hello", "behind its end"),
    "a comment that is not there": (
        lambda: end_record(20, b"\5\0"),
        "damaged|cut short",
    ),
    "sizes that differ": (
        lambda: changed(central(0) + 24, struct.pack("<L", 5)),
        "two different sizes",
    ),
    "a size of 4 GiB": (
        lambda: both(18, 20, b"\xff" * 8),
        "too large|directory is damaged",
    ),
    "weights beyond the file": (
        lambda: changed(central(1) + 20, struct.pack("<2L", 1 << 30, 1 << 30)),
        "does not lie where",
    ),
    "a shorter size in both headers": (
        lambda: both(18, 20, struct.pack("<2L", 10, 10)),
        "does not lie where",
    ),
    "a size in the local header only": (
        lambda: changed(18, struct.pack("<2L", 10, 10)),
        "do not agree",
    ),
    "an entry on top of another": (
        lambda: changed(central(1) + 42, struct.pack("<L", 0)),
        "does not lie where",
    ),
    "an entry behind the end": (
        lambda: changed(central(2) + 42, struct.pack("<L", 0x7FFF_FFFF)),
        "does not lie where",
    ),
    "another name in the local header": (
        lambda: changed(30, b"manifest.jsoN"),
        "do not agree",
    ),
    "another checksum in both headers": (
        lambda: both(14, 16, b"\0\0\0\0"),
        "manifest.json in the bundle is damaged",
    ),
    "several disks": (lambda: end_record(4, b"\1\0"), "several files"),
    "another number of entries": (lambda: end_record(8, b"\2\0\2\0"), "not ours"),
    "a directory that starts elsewhere": (
        lambda: end_record(16, b"\0\0\0\0"),
        "does not fill",
    ),
    "a directory of no length": (
        lambda: end_record(12, struct.pack("<2L", 0, len(bundle()) - 22)),
        "not a cbvae bundle",
    ),
    "two thousand entries": (
        lambda: zipped((f"{n}", b"") for n in range(2000)),
        "2000 entries",
    ),
    "a zip64 end": (zip64, "zip64"),
}

MANIFESTS = {
    "not JSON": (lambda: bundle(b"\x80\x04}q."), "not readable as JSON"),
    "no text": (lambda: bundle(b""), "not readable as JSON"),
    "UTF-16": (lambda: bundle('{"a":1}'.encode("utf-16")), "not readable as JSON"),
    "a byte order mark": (lambda: bundle(b"\xef\xbb\xbf{}"), "not readable as JSON"),
    "two objects": (lambda: bundle(b"{}{}"), "not readable as JSON"),
    "a number of 5,000 digits": (
        lambda: bundle(b'{"a":' + b"9" * 5000 + b"}"),
        "not readable as JSON",
    ),
    "a list": (lambda: bundle(b"[]"), "not a JSON object"),
    "a word": (lambda: bundle(b'"format"'), "not a JSON object"),
    "very deep": (lambda: bundle(NESTED), "nested too deeply"),
    "rather deep": (
        lambda: bundle(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"),
        "nested too deeply",
    ),
    "too large": (
        lambda: bundle(b" " * ((64 << 20) + 1)),
        "manifest.json in the bundle is too large",
    ),
    "a key twice": (lambda: bundle(b'{"format":1,"format":2}'), "'format' twice"),
    "a key twice inside": (
        lambda: bundle(b'{"a":[{"b":1,"\\u0062":2}]}'),
        "'b' twice",
    ),
    "NaN": (lambda: bundle(b'{"a":NaN}'), "not finite: NaN"),
    "infinity": (lambda: bundle(b'{"a":-Infinity}'), "not finite: -Infinity"),
    "a number beyond all floats": (lambda: bundle(b'{"a":1e999}'), "not finite"),
    "no format": (lambda: of_manifest(format=...), "lacks 'format'"),
    "no program": (lambda: of_manifest(program=...), "lacks 'program'"),
    "no tensors": (lambda: of_manifest(tensors=...), "lacks 'tensors'"),
    "no card digest": (lambda: of_manifest(card_sha256=...), "lacks 'card_sha256'"),
    "no digest": (
        lambda: bundle(json.dumps(plain_manifest()).encode()),
        "lacks 'digest'",
    ),
    "a digest of another type": (
        lambda: bundle(json.dumps({**plain_manifest(), "digest": 1}).encode()),
        "'digest' in manifest.json has the wrong type",
    ),
    "an edited manifest": (
        lambda: bundle(sealed(plain_manifest()).replace(b"0.1.0", b"0.1.1")),
        "manifest.json in the bundle was edited or is damaged",
    ),
    "an added key": (
        lambda: bundle(sealed(plain_manifest()).replace(b'{"card', b'{"a":1,"card')),
        "was edited",
    ),
    "a format in words": (lambda: of_manifest(format="1"), "'format' .* wrong type"),
    "a format with a point": (lambda: of_manifest(format=1.0), "wrong type"),
    "true as a format": (lambda: of_manifest(format=True), "wrong type"),
    "format null": (lambda: of_manifest(format=None), "wrong type"),
    "format 0": (lambda: of_manifest(format=0), "no possible format: 0"),
    "format -1": (lambda: of_manifest(format=-1), "no possible format"),
    "a newer format": (
        lambda: of_manifest(format=9, program={"version": "4.2.0"}),
        "format 9, written by cbvae 4.2.0; this is cbvae",
    ),
    "a newer format, without much else": (
        lambda: bundle(b'{"format":9}'),
        "format 9, written by a newer cbvae",
    ),
    "a newer format with other entries": (
        lambda: zipped([("manifest.json", b'{"format":9}'), ("model/0.bin", b"x")]),
        "format 9",
    ),
    "a format of 4,000 digits": (
        lambda: bundle(b'{"format":' + b"9" * 4000 + b"}"),
        "format 9+",
    ),
    "a version with terminal codes": (
        lambda: of_manifest(format=9, program={"version": "\x1b]0;x\x07"}),
        r"cbvae \\x1b\]0;x\\x07",
    ),
    "program as text": (lambda: of_manifest(program="cbvae"), "'program' .* type"),
    "tensors as a list": (lambda: of_manifest(tensors=[]), "'tensors' .* type"),
    "a tensor as text": (lambda: of_manifest(tensors={"a": "F32"}), "not an object"),
    "a tensor with an unknown key": (lambda: of_tensor(code="x"), "unknown key: 'co"),
    "a tensor without a name": (
        lambda: of_manifest(tensors={"": {}}),
        "no possible name",
    ),
    "a tensor with a surrogate in its name": (
        lambda: of_manifest(tensors={"\udcff": {}}),
        "no possible name",
    ),
    "a tensor called __metadata__": (
        lambda: of_manifest(tensors={"__metadata__": {}}),
        "no possible name",
    ),
    "a dtype of objects": (lambda: of_tensor(dtype="object"), "dtype .* 'object'"),
    "a dtype that is a list": (lambda: of_tensor(dtype=["float64"]), "dtype"),
    "a dtype that is null": (lambda: of_tensor(dtype=None), "dtype"),
    "a shape in words": (lambda: of_tensor(shape="2"), "impossible shape"),
    "a shape with a word": (lambda: of_tensor(shape=["2"]), "impossible shape"),
    "a shape with a truth value": (lambda: of_tensor(shape=[True, 2]), "impossible"),
    "a negative shape": (lambda: of_tensor(shape=[-1, -2]), "impossible shape"),
    "a huge shape": (lambda: of_tensor(shape=[1 << 62]), "impossible shape"),
    "33 sides": (lambda: of_tensor(shape=[1] * 33), "impossible shape"),
    "a digest that is a number": (lambda: of_tensor(sha256=1), "no digest"),
    "finite in words": (lambda: of_tensor(finite="no"), "neither true nor false"),
    "a card of other words": (
        lambda: bundle(card=b"trust me"),
        "card.md in the bundle was edited",
    ),
    "a card that is not text": (
        lambda: bundle(
            sealed(plain_manifest(card_sha256=sha256(b"\xff\xfe"))), card=b"\xff\xfe"
        ),
        "card.md in the bundle is not UTF-8",
    ),
    "a card too large": (
        lambda: bundle(card=b" " * ((16 << 20) + 1)),
        "card.md in the bundle is too large",
    ),
}


def at(*offsets, **more):
    return {"a": {**TENSOR, "data_offsets": list(offsets), **more}}


WEIGHTS = {
    "no weights": (lambda: bundle(weights=b""), "no possible length"),
    "half a length": (lambda: bundle(weights=b"\1\0\0"), "no possible length"),
    "a header beyond the file": (
        lambda: bundle(weights=struct.pack("<Q", 1 << 20) + b"{}"),
        "no possible length",
    ),
    "a header of 2**64 bytes": (
        lambda: bundle(weights=b"\xff" * 8 + b"{}"),
        "no possible length",
    ),
    "a header of 64 MiB": (
        lambda: bundle(weights=safetensors(b" " * ((64 << 20) + 1))),
        "no possible length",
    ),
    "a header that is not JSON": (
        lambda: bundle(weights=safetensors(b"\x80\x04}")),
        "header of weights.safetensors is not readable as JSON",
    ),
    "a header that is a list": (
        lambda: bundle(weights=safetensors(b"[]")),
        "not a JSON object",
    ),
    "a deep header": (lambda: bundle(weights=safetensors(NESTED)), "nested"),
    "a tensor twice": (
        lambda: bundle(
            weights=safetensors(
                b'{"a":%s,"a":%s}' % ((json.dumps(TENSOR).encode(),) * 2)
            )
        ),
        "'a' twice",
    ),
    "an empty header": (lambda: bundle(weights=safetensors({})), "lacks the tensor"),
    "a tensor of another name": (
        lambda: bundle(weights=safetensors({"b": TENSOR})),
        "does not name: 'b'",
    ),
    "a tensor too many": (
        lambda: bundle(weights=safetensors({"a": TENSOR, "b": TENSOR})),
        "does not name: 'b'",
    ),
    "metadata": (
        lambda: of_tensor({"a": TENSOR, "__metadata__": {"x": "y"}}),
        "does not name: '__metadata__'",
    ),
    "a tensor that is a word": (lambda: of_tensor({"a": "x"}), "as safetensors does"),
    "a tensor with an extra key": (
        lambda: of_tensor({"a": {**TENSOR, "x": 1}}),
        "as safetensors does",
    ),
    "a tensor without offsets": (
        lambda: of_tensor({"a": {"dtype": "F64", "shape": [2]}}),
        "as safetensors does",
    ),
    "a half-precision tensor": (lambda: of_tensor(at(0, 16, dtype="F16")), "'F16'"),
    "a dtype that is no word": (lambda: of_tensor(at(0, 16, dtype={})), "dtype"),
    "another dtype than the manifest": (
        lambda: of_tensor(at(0, 16, dtype="I64")),
        "not the dtype and shape of the manifest",
    ),
    "another shape than the manifest": (
        lambda: of_tensor(at(0, 16, shape=[2, 1])),
        "not the dtype and shape of the manifest",
    ),
    "a shape that is no list": (lambda: of_tensor(at(0, 16, shape=2)), "impossible"),
    "a negative side": (lambda: of_tensor(at(0, 16, shape=[-2])), "impossible shape"),
    "a side of 2**63": (lambda: of_tensor(at(0, 16, shape=[1 << 63])), "impossible"),
    "a shape that overflows": (
        lambda: of_tensor(
            at(0, 16, shape=[1 << 32, 1 << 32, 2]), shape=[1 << 32, 1 << 32, 2]
        ),
        "not as many bytes as its shape needs",
    ),
    "a shape larger than its bytes": (
        lambda: of_tensor(at(0, 16, shape=[3]), shape=[3]),
        "not as many bytes as its shape needs",
    ),
    "offsets in words": (lambda: of_tensor(at("0", "16")), "no possible place"),
    "one offset": (lambda: of_tensor(at(0)), "no possible place"),
    "negative offsets": (lambda: of_tensor(at(-16, 0)), "no possible place"),
    "offsets backwards": (lambda: of_tensor(at(16, 0)), "not as many bytes"),
    "offsets beyond the file": (
        lambda: of_tensor(at(1 << 40, (1 << 40) + 16)),
        "gap",
    ),
    "fewer data than the offsets say": (
        lambda: of_tensor(data=VALUES[:8]),
        "do not fill weights.safetensors",
    ),
    "more data than the offsets say": (
        lambda: of_tensor(data=VALUES + b"hidden"),
        "do not fill weights.safetensors",
    ),
    "a gap at the start": (
        lambda: of_tensor(at(8, 24), data=b"hidden!!" + VALUES),
        "'a' in the bundle leaves a gap",
    ),
    "a gap between": (
        lambda: two_tensors([0, 8], [16, 24], VALUES + VALUES[:8]),
        "'b' in the bundle leaves a gap",
    ),
    "two tensors in one place": (
        lambda: two_tensors([0, 8], [0, 8], VALUES[:8]),
        "'b' in the bundle overlaps",
    ),
    "two tensors that overlap": (
        lambda: two_tensors([0, 8], [4, 12], VALUES[:12]),
        "'b' in the bundle overlaps",
    ),
    "other numbers": (
        lambda: bundle(weights=safetensors({"a": TENSOR}, ONE)),
        "tensor 'a' in the bundle is damaged",
    ),
    "a digest in capitals": (
        lambda: of_tensor(sha256=sha256(VALUES).upper()),
        "tensor 'a' in the bundle is damaged",
    ),
    "NaN that the manifest denies": (
        lambda: of_tensor(data=np.array([1, np.nan]).tobytes(), finite=True),
        "'a' in the bundle holds a number that is not finite",
    ),
    "infinity that the manifest does not mention": (
        lambda: of_tensor(data=np.array([1, np.inf]).tobytes()),
        "'a' in the bundle holds a number that is not finite",
    ),
    "a truth value of 2": (
        lambda: of_tensor(
            at(0, 2, dtype="BOOL"), data=b"\1\2", dtype="bool", finite=True
        ),
        "'a' in the bundle holds a truth value",
    ),
}


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


@pytest.fixture
def folder(tmp_path):
    """Where the bundle is read; nothing else may appear in it."""
    yield tmp_path
    assert os.listdir(tmp_path) in ([], ["x.cbvae"])


@pytest.fixture
def path(folder):
    return folder / "x.cbvae"


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


@pytest.mark.parametrize(("build", "sentence"), named(ZIPS))
def test_a_hostile_zip_is_refused_by_every_reader(build, sentence, path):
    path.write_bytes(build())
    for call in (read_manifest, read_bundle, read_card, verify_bundle):
        refused(call, path, sentence)


@pytest.mark.parametrize(("build", "sentence"), named(MANIFESTS))
def test_a_hostile_manifest_or_card_is_refused(build, sentence, path):
    path.write_bytes(build())
    for call in (read_bundle, read_card, verify_bundle):
        refused(call, path, sentence)


@pytest.mark.parametrize(
    ("build", "sentence"),
    named({name: case for name, case in MANIFESTS.items() if "a card" not in name}),
)
def test_a_hostile_manifest_is_refused_when_read_alone(build, sentence, path):
    path.write_bytes(build())
    refused(read_manifest, path, sentence)


@pytest.mark.parametrize(("build", "sentence"), named(WEIGHTS))
def test_hostile_weights_are_refused(build, sentence, path):
    path.write_bytes(build())
    for call in (read_bundle, verify_bundle):
        refused(call, path, sentence)


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
