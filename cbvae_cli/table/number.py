"""Numeric and integer columns: one matrix column each, a lattice on the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.table import cells as reading
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import Arrays, Block, FitScale, Kind
from cbvae_cli.table.scale import Scale

DECIMALS = {
    name: getattr(pa, name)
    for name in ("decimal32", "decimal64", "decimal128", "decimal256")
    if hasattr(pa, name)  # the narrow ones are younger than the oldest pyarrow we take
}

USUAL = 0.95  # share of a column's values that its lattice must hold


@dataclass(frozen=True)
class Number(Kind):
    """A column of numbers.

    Attributes
    ----------
    scale : Scale
    low, high : float
        Range seen in training; filled and synthetic values stay within it.
    decimals : int or None
        Digits after the point on the lattice of values, None without a lattice.
    fixed : bool
        Whether every cell was written with exactly `decimals` digits.
    storage : str
        Arrow type in typed files, as `"double"`.
    """

    scale: Scale
    low: float
    high: float
    decimals: int | None
    fixed: bool
    storage: str

    name: ClassVar[str] = "numeric"
    likelihood: ClassVar[str] = "gaussian"
    width = 1

    def fit(self, values: Floats, fit_scale: FitScale) -> Number:
        """Learn scale and range."""
        low, high = float(values.min()), float(values.max())
        decimals = self.decimals if self.fixed else self._usual_decimals(values)
        scale = fit_scale(values)
        return replace(self, scale=scale, low=low, high=high, decimals=decimals)

    def _usual_decimals(self, values: Floats) -> int | None:
        """Give the digits that nearly all values do with: some ages are 1.32."""
        for digits in range(self.decimals or 0):
            if np.mean(np.round(values, digits) == values) >= USUAL:
                return digits
        return self.decimals

    def parse(self, cells: pa.Array, missing: Bools) -> Floats:
        """Read cells as float64; infinities become missing (the caller counts)."""
        return reading.numbers(cells, missing)

    def encode(self, values: Floats) -> Block:
        """Map values to network units."""
        block = np.nan_to_num(self.scale.forward(values), nan=0.0)
        return block.astype(np.float32)[:, None]

    def expected(self, mean: Floats, deviation: Floats) -> Floats:
        """Give the mean in the column's units."""
        return self.scale.expected_backward(mean[:, 0], deviation[:, 0])[:, None]

    def settle(self, expected: Floats) -> Floats:
        """Round to the lattice and keep within the range seen."""
        values = expected[:, 0]
        if self.decimals is not None:
            values = np.round(values, self.decimals)
        return np.clip(values, self.low, self.high)

    def render(self, values: Floats, *, text: bool) -> pa.Array:
        """Write numbers with the column's digits, or as its Arrow type."""
        if text or self.storage == "string":
            return reading.strings_of_numbers(values, self._written)
        return to_storage(values, self.storage)

    @property
    def _written(self) -> int | None:
        """Digits that every cell has after the point, None where they vary."""
        return self.decimals if self.fixed else None

    def describe(self) -> dict[str, Any]:
        """Give range, lattice and type."""
        return {
            "low": self.low,
            "high": self.high,
            "decimals": self.decimals,
            "fixed": self.fixed,
            "storage": self.storage,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the knots of the scale."""
        return {"values": self.scale.values, "units": self.scale.units}

    @classmethod
    def restore(cls, described: Mapping[str, Any], arrays: Arrays) -> Number:
        """Build from `describe` and `arrays`."""
        return cls(scale=Scale(arrays["values"], arrays["units"]), **described)


@dataclass(frozen=True)
class Integer(Number):
    """A column of whole numbers; its lattice has no digits after the point.

    Attributes
    ----------
    zeros : int
        Zeros that every cell was written with after the point all the same: pandas
        writes 75.0 once a cell of the column is missing.
    """

    zeros: int = 0

    name: ClassVar[str] = "integer"

    @property
    def _written(self) -> int | None:
        return self.zeros if self.fixed else None

    def describe(self) -> dict[str, Any]:
        """Give range, lattice, type, and zeros where there are any."""
        return super().describe() | ({"zeros": self.zeros} if self.zeros else {})


def to_storage(values: Floats, storage: str) -> pa.Array:
    """Cast values to an Arrow type by name, whole ones for integer types."""
    target = arrow_type(storage)
    array = pa.array(values, from_pandas=True)
    if pa.types.is_integer(target):
        array = pa.array(np.round(values), from_pandas=True)
    return array.cast(target, safe=False)


def arrow_type(storage: str) -> pa.DataType:
    """Give the Arrow type that a schema names."""
    name, _, sizes = storage.partition("(")
    if name in DECIMALS:
        precision, scale = sizes.rstrip(")").split(",")
        return DECIMALS[name](int(precision), int(scale))
    if storage.startswith("timestamp["):
        unit, _, zone = storage.removeprefix("timestamp[").rstrip("]").partition(",")
        return pa.timestamp(unit, zone.strip().removeprefix("tz=") or None)
    return pa.type_for_alias(storage)
