"""Count columns: small whole numbers from zero or one upwards with a long tail."""

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
from cbvae_cli.table.number import to_storage
from cbvae_cli.table.scale import Scale, fit_quantiles, marks_arrays, restore_marks

# Where nearly every count is 0, a single 1 would otherwise stand a hundred units out.
LEAST_SPREAD = 0.25


@dataclass(frozen=True)
class Count(Kind):
    """A column of counts, seen by networks as standardised log(1 + count).

    Attributes
    ----------
    centre, spread : float
        Mean and deviation of log(1 + count) over training rows.
    low, high : float
        Range seen in training.
    storage : str
        Arrow type in typed files.
    mean : float
        Mean count over training rows.
    zeros : int
        Zeros that every cell was written with after the point; see `Integer`.
    marks : Scale or None
        Quantiles of training, for later rows to be compared with.
    """

    centre: float
    spread: float
    low: float
    high: float
    storage: str
    mean: float = 1.0
    zeros: int = 0
    marks: Scale | None = None

    name: ClassVar[str] = "count"
    likelihood: ClassVar[str] = "count"
    width = 1

    def fit(self, values: Floats, fit_scale: FitScale) -> Count:
        """Learn scale and range."""
        logs = np.log1p(values)
        return replace(
            self,
            centre=float(logs.mean()),
            spread=max(float(logs.std()), LEAST_SPREAD),
            mean=float(values.mean()),
            low=float(values.min()),
            high=float(values.max()),
            marks=fit_quantiles(values),
        )

    def parse(self, cells: pa.Array, missing: Bools) -> Floats:
        """Read cells as counts; what is no whole number is rounded, below 0 is 0."""
        values = reading.numbers(cells, missing)
        finite = np.isfinite(values)
        values[finite] = np.maximum(np.round(values[finite]), 0)
        return values

    def encode(self, values: Floats) -> Block:
        """Standardise log(1 + count)."""
        block = (np.log1p(values) - self.centre) / self.spread
        return np.nan_to_num(block, nan=0.0).astype(np.float32)[:, None]

    def expected(self, mean: Floats, deviation: Floats) -> Floats:
        """Give the expected count.

        `mean` is already that of the count, put on the network's scale; `deviation`
        is not needed.
        """
        return np.expm1(mean * self.spread + self.centre)

    def drawn(self, mean: Floats, deviation: Floats, noise: Floats) -> Floats:
        """Draw counts of a Poisson distribution around the mean one.

        How much wider counts scatter only the networks know.
        """
        from scipy.special import ndtr
        from scipy.stats import poisson

        rate = np.maximum(self.expected(mean, deviation), 0.0)
        counts = np.asarray(poisson.ppf(ndtr(noise), rate), dtype=np.float64)
        # A rate of 0, and noise so far out that its quantile is endless.
        counts = np.clip(np.nan_to_num(counts, posinf=self.high), 0.0, self.high)
        return np.asarray((np.log1p(counts) - self.centre) / self.spread)

    def settle(self, expected: Floats) -> Floats:
        """Round and keep within the range seen."""
        return np.clip(np.round(expected[:, 0]), self.low, self.high)

    def render(self, values: Floats, *, text: bool) -> pa.Array:
        """Write whole numbers."""
        if text or self.storage == "string":
            return reading.strings_of_numbers(values, self.zeros)
        return to_storage(values, self.storage)

    def describe(self) -> dict[str, Any]:
        """Give scale, range, type, and zeros where there are any."""
        described = {
            "centre": self.centre,
            "spread": self.spread,
            "low": self.low,
            "high": self.high,
            "storage": self.storage,
            "mean": self.mean,
        }
        return described | ({"zeros": self.zeros} if self.zeros else {})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the quantiles."""
        return marks_arrays(self.marks)

    @classmethod
    def restore(cls, described: Mapping[str, Any], arrays: Arrays) -> Count:
        """Build from `describe` and `arrays`."""
        return cls(**described, marks=restore_marks(arrays))
