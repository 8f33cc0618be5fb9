"""The weights of a bundle: found, checked byte by byte, then built.

The safetensors header is read here, with the standard library, so that nothing
is allocated for a shape that the file does not hold, and so that each tensor's
own digest can name the one that is damaged.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from cbvae_cli.bundle.archive import shown
from cbvae_cli.bundle.layout import Entry
from cbvae_cli.bundle.strict_json import read_object
from cbvae_cli.bundle.tensors import (
    DTYPES,
    FLOATS,
    Tensor,
    bytes_of,
    is_shape,
    is_size,
)
from cbvae_cli.errors import BundleProblem

if TYPE_CHECKING:
    import numpy as np

LARGEST_HEADER = 64 << 20
_CHUNK = 1 << 20  # a whole number of items of every dtype


@dataclass(frozen=True)
class Slot:
    """A tensor and where in the file its first byte lies."""

    tensor: Tensor
    offset: int


def find(file: BinaryIO, entry: Entry, expected: Mapping[str, Tensor]) -> list[Slot]:
    """Check the safetensors header and say where each tensor lies.

    Returns
    -------
    list of Slot
        In the order of the file, without gap or overlap, up to the last byte.

    Raises
    ------
    BundleProblem
        If the header is not sound, or does not agree with the manifest.
    """
    file.seek(entry.offset)
    length = int.from_bytes(file.read(8), "little") if entry.size >= 8 else -1
    if length < 0 or length > entry.size - 8 or length > LARGEST_HEADER:
        raise BundleProblem(f"the header of {entry.name} has no possible length")
    header = read_object(file.read(length), f"the header of {entry.name}")
    _check_same_names(set(header), set(expected))
    start = entry.offset + 8 + length
    spans = [(*_span(header[name], expected[name]), name) for name in header]
    position, slots = 0, []
    for begin, end, name in sorted(spans):
        if begin != position:
            kind = "overlaps another" if begin < position else "leaves a gap before it"
            raise BundleProblem(f"tensor {shown(name)} in the bundle {kind}")
        slots.append(Slot(expected[name], start + begin))
        position = end
    if start + position != entry.end:
        raise BundleProblem("the bundle's tensors do not fill weights.safetensors")
    return slots


def check(file: BinaryIO, entry: Entry, slots: list[Slot]) -> None:
    """Read all weights once, a mebibyte at a time, and compare every digest.

    Raises
    ------
    BundleProblem
        Naming the first tensor whose bytes are not those that were written.
    """
    file.seek(entry.offset)
    before = (slots[0].offset if slots else entry.end) - entry.offset
    crc = zlib.crc32(file.read(before))
    for slot in slots:
        sha256, sound = hashlib.sha256(), True
        for chunk in _chunks(file, slot.tensor.nbytes):
            sha256.update(chunk)
            crc = zlib.crc32(chunk, crc)
            sound = sound and _is_sound(slot.tensor, chunk)
        _check_digest(slot.tensor, sha256.hexdigest())
        if not sound:
            _refuse_values(slot.tensor)
    if crc != entry.crc:
        raise BundleProblem("weights.safetensors in the bundle is damaged")


def build(file: BinaryIO, slots: list[Slot]) -> dict[str, np.ndarray]:
    """Read checked tensors straight into new, writable arrays.

    The bytes go from the file into the arrays, so memory holds them once. They
    are hashed again: the file may have changed since it was checked.
    """
    import numpy as np

    arrays = {}
    for slot in slots:
        tensor = slot.tensor
        array = np.empty(tensor.shape, np.dtype(tensor.dtype).newbyteorder("<"))
        file.seek(slot.offset)
        raw = bytes_of(array)
        # typing's BinaryIO lacks `readinto`; every file opened here has it.
        if file.readinto(raw) != tensor.nbytes:  # type: ignore[attr-defined]
            raise BundleProblem("the bundle became shorter while it was read")
        _check_digest(tensor, hashlib.sha256(raw).hexdigest())
        arrays[tensor.name] = array
    return dict(sorted(arrays.items()))


def _check_same_names(found: set[str], expected: set[str]) -> None:
    foreign, missing = sorted(found - expected), sorted(expected - found)
    if foreign:
        raise BundleProblem(
            f"the bundle holds a tensor that its manifest does not name: "
            f"{shown(foreign[0])}"
        )
    if missing:
        raise BundleProblem(f"the bundle lacks the tensor {shown(missing[0])}")


def _span(info: object, tensor: Tensor) -> tuple[int, int]:
    """Check one tensor of the header against the manifest; give begin and end."""
    where = f"tensor {shown(tensor.name)} in the bundle"
    keys = {"dtype", "shape", "data_offsets"}
    if not isinstance(info, dict) or set(info) != keys:
        raise BundleProblem(f"{where} is not described as safetensors does")
    dtype, shape, offsets = info["dtype"], info["shape"], info["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise BundleProblem(
            f"{where} has a dtype that no bundle stores: {shown(dtype)}"
        )
    if not is_shape(shape):
        raise BundleProblem(f"{where} has an impossible shape: {shown(shape)}")
    if DTYPES[dtype][0] != tensor.dtype or tuple(shape) != tensor.shape:
        raise BundleProblem(f"{where} has not the dtype and shape of the manifest")
    if not (
        isinstance(offsets, list)
        and len(offsets) == 2
        and all(is_size(each) for each in offsets)
    ):
        raise BundleProblem(f"{where} lies at no possible place")
    begin, end = offsets
    if end - begin != tensor.nbytes:
        raise BundleProblem(f"{where} has not as many bytes as its shape needs")
    return begin, end


def _chunks(file: BinaryIO, nbytes: int) -> Iterator[bytes]:
    for start in range(0, nbytes, _CHUNK):
        wanted = min(nbytes - start, _CHUNK)
        chunk = file.read(wanted)
        if len(chunk) != wanted:
            raise BundleProblem("the bundle became shorter while it was read")
        yield chunk


def _is_sound(tensor: Tensor, chunk: bytes) -> bool:
    """Whether the bytes are values that the tensor may hold."""
    if tensor.dtype == "bool":
        return not chunk.translate(None, b"\0\1")
    if tensor.dtype not in FLOATS or not tensor.finite:
        return True
    import numpy as np

    values = np.frombuffer(chunk, np.dtype(tensor.dtype).newbyteorder("<"))
    return bool(np.isfinite(values).all())


def _refuse_values(tensor: Tensor) -> NoReturn:
    kind = "truth value that is neither 0 nor 1"
    if tensor.dtype in FLOATS:
        kind = "number that is not finite"
    raise BundleProblem(f"tensor {shown(tensor.name)} in the bundle holds a {kind}")


def _check_digest(tensor: Tensor, found: str) -> None:
    if found != tensor.sha256:
        raise BundleProblem(
            f"tensor {shown(tensor.name)} in the bundle is damaged: "
            "its digest does not fit"
        )
