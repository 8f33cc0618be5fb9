"""Which cells of a class's rows are missing together, as numbers that name no row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

MOST_PATTERNS = 64  # of a class that are kept as they are
LEAST_ROWS = 5  # behind a pattern; a rarer one is a trace of single rows


@dataclass(frozen=True)
class Gaps:
    """How cells of one class go missing.

    Attributes
    ----------
    patterns : bool array, shape (n_patterns, n_columns)
        Missing cells of the frequent patterns.
    shares : float64 array, shape (n_patterns,)
        Of the class's rows; what is left up to 1 are rows of rarer patterns.
    rates : float64 array, shape (n_columns,)
        Share of missing cells among the rows of rarer patterns.
    """

    patterns: Bools
    shares: Floats
    rates: Floats

    FIELDS: ClassVar[tuple[str, ...]] = ("patterns", "shares", "rates")

    def draw(self, n_rows: int, rng: np.random.Generator) -> Bools:
        """Draw which cells are missing, shape (n_rows, n_columns); never all of a row.

        Cells of rarer patterns go missing independently of each other.
        """
        shares = np.append(self.shares, max(0.0, 1.0 - float(self.shares.sum())))
        picked = rng.choice(len(shares), size=n_rows, p=shares / shares.sum())
        rare = picked == len(self.shares)
        missing: Bools = rng.random((n_rows, len(self.rates))) < self.rates
        missing[~rare] = self.patterns[picked[~rare]]
        missing[missing.all(axis=1)] = False
        return missing

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {name: getattr(self, name) for name in self.FIELDS}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], n_columns: int) -> Gaps:
        """Build from `arrays`; a bundle that holds none knows of no gaps."""
        if not arrays:
            return cls(np.zeros((0, n_columns), bool), np.zeros(0), np.zeros(n_columns))
        found = cls(**{name: arrays[name] for name in cls.FIELDS})
        shapes = (len(found.shares), n_columns), (n_columns,)
        if (found.patterns.shape, found.rates.shape) != shapes:
            raise ValueError("gaps of another shape")
        return found


def find_gaps(values: Floats) -> Gaps:
    """Count what is missing together.

    Parameters
    ----------
    values : float64 array, shape (n_rows, n_columns)
        Of one class; NaN where missing.
    """
    missing = np.isnan(values)
    packed = np.packbits(missing, axis=1)
    _, first, of_row, counts = np.unique(
        packed, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    # Whoever breaks ties by first row would tell of the rows' order.
    frequent = np.argsort(-counts, kind="stable")[:MOST_PATTERNS]
    frequent = frequent[counts[frequent] >= LEAST_ROWS]
    rare = ~np.isin(of_row.reshape(-1), frequent)
    n_rows, n_columns = missing.shape
    rates = missing[rare].mean(axis=0) if rare.any() else np.zeros(n_columns)
    return Gaps(
        missing[first[frequent]],
        counts[frequent] / max(n_rows, 1),
        np.asarray(rates, dtype=np.float64),
    )
