"""Manifests and cards made to harm or mislead."""

from __future__ import annotations

import json

import pytest

from cbvae_cli.bundle.container import (
    read_bundle,
    read_card,
    read_manifest,
    verify_bundle,
)
from tests.attacks.workshop import (
    NESTED,
    bundle,
    named,
    of_manifest,
    of_tensor,
    plain_manifest,
    refused,
    sealed,
    sha256,
    zipped,
)

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
