"""Named arrays: what a bundle stores of them and how its manifest says so."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cbvae_cli.bundle.archive import shown
from cbvae_cli.errors import BundleProblem

if TYPE_CHECKING:
    import numpy as np

# Name in safetensors: name in numpy, bytes an item. Nothing else is stored.
DTYPES = {
    "F32": ("float32", 4),
    "F64": ("float64", 8),
    "I32": ("int32", 4),
    "I64": ("int64", 8),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
_ITEM_BYTES = dict(DTYPES.values())
FLOATS = {"float32", "float64"}

LARGEST_SIDE = 1 << 40  # keeps every product small enough for any numpy
MOST_SIDES = 32  # the most that numpy 1 can hold
LONGEST_NAME = 500


@dataclass(frozen=True)
class Tensor:
    """What the manifest says of one array."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str
    finite: bool

    @property
    def nbytes(self) -> int:
        """Bytes of the array's contents."""
        return math.prod(self.shape) * _ITEM_BYTES[self.dtype]


def pack(arrays: Mapping[str, np.ndarray]) -> tuple[bytes, dict[str, Any]]:
    """Give the safetensors bytes of some arrays and their manifest entries.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Of the dtypes in `DTYPES`, in any byte order and memory layout.

    Returns
    -------
    bytes
    dict
        `{name: {"dtype", "shape", "sha256"}}`, and `"finite"` for floats.

    Raises
    ------
    TypeError, ValueError
        For a dtype or a name that a bundle does not store: a fault of ours.
    """
    import numpy as np
    from safetensors.numpy import save

    ready: dict[str, np.ndarray] = {}
    described: dict[str, Any] = {}
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if not _is_name(name):
            raise ValueError(f"no name for a stored tensor: {name!r}")
        if array.dtype.name not in _ITEM_BYTES:
            raise TypeError(f"tensor {name!r} is {array.dtype}, which is not stored")
        # safetensors copies from the first item's address on and knows nothing
        # of strides: without this step a transposed array is saved as garbage.
        array = np.require(array, array.dtype.newbyteorder("<"), ["C", "A"])
        ready[name] = array
        described[name] = {
            "dtype": array.dtype.name,
            "shape": list(array.shape),
            "sha256": hashlib.sha256(bytes_of(array)).hexdigest(),
        }
        if array.dtype.name in FLOATS:
            described[name]["finite"] = bool(np.isfinite(array).all())
    return save(ready), described


def declared(tensors: object) -> dict[str, Tensor]:
    """Check and read the manifest's `tensors`.

    Raises
    ------
    BundleProblem
        Naming the entry that is not as `pack` describes one.
    """
    if not isinstance(tensors, dict):
        raise BundleProblem("'tensors' in manifest.json is not an object")
    return {name: _declared(name, entry) for name, entry in tensors.items()}


def bytes_of(array: np.ndarray) -> memoryview:
    """Look at a C-contiguous array as bytes; `memoryview.cast` refuses size 0."""
    return array.reshape(-1).view("u1").data


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= LONGEST_NAME
        and name.isprintable()
        and name != "__metadata__"  # safetensors keeps this key for itself
    )


def is_size(value: object) -> bool:
    """Whether a value from JSON is a whole number, not negative."""
    # JSON's true is an int to Python.
    return type(value) is int and 0 <= value


def is_shape(value: object) -> bool:
    """Whether a value from JSON is a shape that any numpy can hold."""
    return (
        isinstance(value, list)
        and len(value) <= MOST_SIDES
        and all(is_size(side) and side <= LARGEST_SIDE for side in value)
    )


def _declared(name: str, entry: object) -> Tensor:
    def where() -> str:  # for messages: hundreds of tensors need none
        return f"tensor {shown(name)} in manifest.json"

    if not _is_name(name):
        raise BundleProblem(f"{where()} has no possible name")
    if not isinstance(entry, dict):
        raise BundleProblem(f"{where()} is not an object")
    unknown = set(entry) - {"dtype", "shape", "sha256", "finite"}
    if unknown:
        raise BundleProblem(f"{where()} has an unknown key: {shown(min(unknown))}")
    dtype, shape, sha256 = (entry.get(key) for key in ("dtype", "shape", "sha256"))
    if not isinstance(dtype, str) or dtype not in _ITEM_BYTES:
        raise BundleProblem(
            f"{where()} has a dtype that no bundle stores: {shown(dtype)}",
            expected=", ".join(_ITEM_BYTES),
        )
    if not is_shape(shape):
        raise BundleProblem(f"{where()} has an impossible shape: {shown(shape)}")
    if not isinstance(sha256, str):
        raise BundleProblem(f"{where()} has no digest")
    finite = entry.get("finite", True)
    if not isinstance(finite, bool):
        raise BundleProblem(f"{where()} says neither true nor false for 'finite'")
    assert isinstance(shape, list)
    return Tensor(name, dtype, tuple(shape), sha256, finite)
