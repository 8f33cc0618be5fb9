"""Categorical columns: one matrix column per category, one for the rare ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cbvae_cli.table import cells as reading
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import NOVEL, Arrays, Block, FitScale, Kind, tally
from cbvae_cli.table.number import to_storage

RARE_BELOW = 5  # rows; a rarer category is a trace of single rows
MOST = 256  # categories of a column that get a place of their own


@dataclass(frozen=True)
class Category(Kind):
    """A column of names.

    Attributes
    ----------
    names : tuple of str
        Categories with a place of their own, most frequent first.
    rare : bool
        Whether training had others, which share the last place of the block.
    storage : str
        Arrow type in typed files.
    counts : tuple of int
        Training rows of each place, for later rows to be compared with.
    """

    names: tuple[str, ...]
    rare: bool
    storage: str
    counts: tuple[int, ...] = ()

    name: ClassVar[str] = "categorical"
    likelihood: ClassVar[str] = "categorical"
    codes: ClassVar[bool] = True

    @property
    def width(self) -> int:  # type: ignore[override]  # a class attribute elsewhere
        """Count places: categories, and one for the rare ones where there are any."""
        return len(self.names) + self.rare

    @cached_property
    def _known(self) -> pa.Array:
        return pa.array(self.names, pa.string())

    def fit(self, values: Floats, fit_scale: FitScale) -> Category:
        """Count categories."""
        return replace(self, counts=tally(values, self.width))

    def parse(self, cells: pa.Array, missing: Bools) -> Floats:
        """Read cells as places in `names`; `NOVEL` where training had no such name.

        Where training had rare categories, a new name counts as one of them.
        """
        text = reading.texts(cells, missing)
        codes = reading.places(text, self._known)
        other = float(len(self.names)) if self.rare else NOVEL
        values = pc.fill_null(codes.cast(pa.float64()), other)
        found = np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)
        found[pc.is_null(text).to_numpy(zero_copy_only=False)] = np.nan
        return found

    def encode(self, values: Floats) -> Block:
        """Write a one in the place of each row's category."""
        places = np.arange(self.width, dtype=np.float64)
        block: Block = (values[:, None] == places).astype(np.float32)
        return block

    @property
    def n_words(self) -> int:
        """Count the categories that have a name."""
        return len(self.names)

    def expected(self, mean: Floats, deviation: Floats) -> Floats:
        """Give the probability of each place."""
        return mean

    def settle(self, expected: Floats) -> Floats:
        """Pick the likeliest category that has a name."""
        named = expected[:, : len(self.names)]
        likeliest: Floats = named.argmax(axis=1).astype(np.float64)
        return likeliest

    def render(self, values: Floats, *, text: bool) -> pa.Array:
        """Write names; null where there is none."""
        named = np.where((values >= 0) & (values < len(self.names)), values, np.nan)
        codes = pa.array(named, from_pandas=True).cast(pa.int32())
        names = self._known.take(codes)
        if text or self.storage == "string":
            return names
        if self.storage == "bool":
            return pc.equal(names, "true")
        numbers = reading.numbers(names, np.isnan(named))
        return to_storage(numbers, self.storage)

    def describe(self) -> dict[str, Any]:
        """Give names, type and counts."""
        described = {
            "names": list(self.names),
            "rare": self.rare,
            "storage": self.storage,
        }
        return described | ({"counts": list(self.counts)} if self.counts else {})

    @classmethod
    def restore(cls, described: Mapping[str, Any], arrays: Arrays) -> Category:
        """Build from `describe`."""
        return cls(
            tuple(described["names"]),
            described["rare"],
            described["storage"],
            tuple(described.get("counts", ())),
        )
