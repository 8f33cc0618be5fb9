"""Weights made to harm or mislead: headers, places, digests and numbers."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from cbvae_cli.bundle.container import (
    read_bundle,
    verify_bundle,
)
from tests.attacks.workshop import (
    NESTED,
    ONE,
    TENSOR,
    VALUES,
    at,
    bundle,
    named,
    of_tensor,
    refused,
    safetensors,
    sha256,
    two_tensors,
)

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


@pytest.mark.parametrize(("build", "sentence"), named(WEIGHTS))
def test_hostile_weights_are_refused(build, sentence, path):
    path.write_bytes(build())
    for call in (read_bundle, verify_bundle):
        refused(call, path, sentence)
