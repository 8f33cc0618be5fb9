"""Boolean columns: two values, one matrix column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cbvae_cli.table import cells as reading
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import NOVEL, Arrays, Block, FitScale, Kind, tally
from cbvae_cli.table.number import to_storage

# Pairs that tables write for false and true, in lower case.
DIGITS = ("0", "1")
PAIRS = (
    DIGITS,
    ("false", "true"),
    ("f", "t"),
    ("no", "yes"),
    ("n", "y"),
)


@dataclass(frozen=True)
class Boolean(Kind):
    """A column of two values.

    Attributes
    ----------
    false, true : str
        The two values as text.
    storage : str
        Arrow type in typed files.
    counts : tuple of int
        Training rows of each, for later rows to be compared with.
    """

    false: str
    true: str
    storage: str
    counts: tuple[int, ...] = ()

    name: ClassVar[str] = "boolean"
    likelihood: ClassVar[str] = "bernoulli"
    codes: ClassVar[bool] = True
    width = 1

    def fit(self, values: Floats, fit_scale: FitScale) -> Boolean:
        """Count the two values."""
        return replace(self, counts=tally(values, 2))

    def parse(self, cells: pa.Array, missing: Bools) -> Floats:
        """Read cells as 0 and 1; `NOVEL` for other numbers in a column of digits.

        A count of which training held 0 and 1 alone goes on to 2; a third word among
        two is a mistake.
        """
        text = pc.utf8_lower(reading.texts(cells, missing))
        words = pa.array([self.false.lower(), self.true.lower()])
        codes = reading.places(text, words)
        unknown = pc.and_(pc.is_null(codes), pc.is_valid(text))
        novel = pc.fill_null(unknown, False).to_numpy(zero_copy_only=False)
        if novel.any():
            self._check(text, unknown, novel)
        found = codes.cast(pa.float64()).to_numpy(zero_copy_only=False)
        values = np.array(found, dtype=np.float64)
        values[novel] = NOVEL
        return values

    def _check(self, text: pa.Array, unknown: pa.Array, novel: Bools) -> None:
        """Refuse unknown words, unless all of them and the known ones are numbers."""
        if (self.false, self.true) == DIGITS:
            reading.numbers(text, ~novel)
            return
        expected = f"'{self.false}', '{self.true}' or a missing cell"
        raise reading.first_misfit(pc.invert(unknown), text, expected)

    def encode(self, values: Floats) -> Block:
        """Centre on zero, so that a hidden cell looks like neither value."""
        known = np.where(values == NOVEL, 0.0, np.nan_to_num(values, nan=0.0))
        return known.astype(np.float32)[:, None]

    @property
    def n_words(self) -> int:
        """Two."""
        return 2

    def expected(self, mean: Floats, deviation: Floats) -> Floats:
        """Give the probability of `true`."""
        return mean

    def settle(self, expected: Floats) -> Floats:
        """Pick the likelier value."""
        return (expected[:, 0] > 0.5).astype(np.float64)

    def render(self, values: Floats, *, text: bool) -> pa.Array:
        """Write the two values as the column did."""
        words = pa.array([self.false, self.true])
        codes = pa.array(values, from_pandas=True).cast(pa.int32())
        if text or self.storage == "string":
            return words.take(codes)
        if self.storage == "bool":
            return pc.equal(codes, 1)
        return to_storage(values, self.storage)

    def describe(self) -> dict[str, Any]:
        """Give the two words, the type and the counts."""
        described = {"false": self.false, "true": self.true, "storage": self.storage}
        return described | ({"counts": list(self.counts)} if self.counts else {})

    @classmethod
    def restore(cls, described: Mapping[str, Any], arrays: Arrays) -> Boolean:
        """Build from `describe`."""
        counts = tuple(described.get("counts", ()))
        return cls(**{**described, "counts": counts})
