"""The label column: class names as text, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table import cells as reading
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.number import to_storage
from cbvae_cli.table.wording import advice

UNLABELLED = -1
TEXT_STORAGE = ("string", "large_string", "string_view")  # pandas 3 writes the second


@dataclass(frozen=True)
class Label:
    """The label column.

    Attributes
    ----------
    name : str
    classes : tuple of str
        In numeric order when all are numbers, else in text order.
    counts : tuple of int
        Training rows of each class.
    storage : str
        Arrow type in typed files.
    positive : str
        The class that thresholds and rates speak of; unless given, the smallest.
    """

    name: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    storage: str
    positive: str = ""

    def __post_init__(self) -> None:
        """Fill in the positive class."""
        if not self.positive and "" not in self.classes:
            object.__setattr__(self, "positive", self.classes[self.smallest])
        if self.positive not in self.classes:
            raise ValueError(f"no class '{self.positive}' to be the positive one")

    @cached_property
    def _known(self) -> pa.Array:
        return pa.array(self.classes, pa.string())

    @property
    def smallest(self) -> int:
        """Place of the class with the fewest training rows."""
        return int(np.argmin(self.counts))

    def place(self, name: str) -> int:
        """Give the place of a class by name, or raise `UsageProblem`."""
        if name not in self.classes:
            raise UsageProblem(
                f"the bundle has no class '{name}'",
                **advice(name, self.classes),
            )
        return self.classes.index(name)

    def read(self, cells: pa.Array, missing: Bools) -> tuple[NDArray[np.int64], Bools]:
        """Read label cells as places in `classes`.

        Returns
        -------
        places : int array, shape (n_rows,)
            `UNLABELLED` where missing or foreign.
        foreign : bool array, shape (n_rows,)
            True where a cell names a class that is not in the bundle.
        """
        names = class_names(cells, missing)
        codes = pc.index_in(names, self._known)
        foreign = pc.and_(pc.is_null(codes), pc.is_valid(names))
        places = pc.fill_null(codes, UNLABELLED).to_numpy(zero_copy_only=False)
        return places.astype(np.int64), np.asarray(foreign)

    def render(self, places: NDArray[np.int64], *, text: bool) -> pa.Array:
        """Write places as class names, in the column's type unless `text`."""
        codes = pa.array(np.where(places < 0, 0, places)).cast(pa.int64())
        names = self._known.take(codes)
        if (places < 0).any():
            names = reading.without(names, places < 0)
        if text or self.storage in TEXT_STORAGE:
            return names
        if self.storage == "bool":
            return pc.equal(names, "true")
        values: Floats = reading.numbers(names, places < 0)
        return to_storage(values, self.storage)

    def describe(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "column": self.name,
            "classes": list(self.classes),
            "counts": list(self.counts),
            "storage": self.storage,
            "positive": self.positive,
        }

    @classmethod
    def restore(cls, described: Mapping[str, Any]) -> Label:
        """Build from `describe`."""
        return cls(
            described["column"],
            tuple(described["classes"]),
            tuple(described["counts"]),
            described["storage"],
            described.get("positive", ""),
        )


def class_names(cells: pa.Array, missing: Bools) -> pa.Array:
    """Read label cells as class names; a whole number loses its `.0`."""
    return reading.without_point_zero(reading.texts(cells, missing))


def in_order(names: list[str]) -> list[str]:
    """Sort class names: by number where all are numbers, else as text."""
    if all(_is_number(name) for name in names):
        return sorted(names, key=lambda name: (float(name), name))
    return sorted(names)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
