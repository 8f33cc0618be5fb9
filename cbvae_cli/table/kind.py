"""What a column kind must do, and the list of kinds.

A kind turns the cells of one column into float64 values (NaN where missing) and
those into a block of the matrix that networks see, and back. Its numbers are fitted
once, on training rows, and stored; nothing of a kind is ever executed from a bundle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.scale import Scale

Block = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]
FitScale = Callable[[Floats], Scale]

KINDS = {
    "numeric": "cbvae_cli.table.number:Number",
    "integer": "cbvae_cli.table.number:Integer",
    "count": "cbvae_cli.table.count:Count",
    "boolean": "cbvae_cli.table.boolean:Boolean",
    "categorical": "cbvae_cli.table.category:Category",
    "moment": "cbvae_cli.table.moment:Moment",
}

NOVEL = -1.0  # the code of a word that training never saw


class Kind(ABC):
    """One column of the table, as a block of the matrix.

    Attributes
    ----------
    name : str
        Key in `KINDS`.
    likelihood : str
        Key in `cbvae_cli.likelihoods.LIKELIHOODS`.
    width : int
        Columns of the block.
    codes : bool
        Whether values are codes of words, and `NOVEL` may be one.
    """

    name: ClassVar[str]
    likelihood: ClassVar[str]
    codes: ClassVar[bool] = False
    width: int

    @property
    def n_words(self) -> int:
        """Count the words that a cell may be filled with; 0 where it holds amounts."""
        return 0

    @abstractmethod
    def parse(self, cells: pa.Array, missing: Bools) -> Floats:
        """Read cells as values, shape (n_rows,); raises `BadCell`."""

    @abstractmethod
    def encode(self, values: Floats) -> Block:
        """Turn values into a block, shape (n_rows, width); hidden cells give 0."""

    @abstractmethod
    def expected(self, mean: Floats, deviation: Floats) -> Floats:
        """Give the expected value of cells whose block is uncertain.

        Parameters
        ----------
        mean, deviation : float64 array, shape (n_rows, width)
            Mean and standard deviation of the block.

        Returns
        -------
        float64 array, shape (n_rows, k)
            A number, or a probability for each category: quantities that may be
            averaged over classes before `settle` picks the value.
        """

    def drawn(self, mean: Floats, deviation: Floats, noise: Floats) -> Floats:
        """Draw blocks, shape (n_rows, width).

        Parameters
        ----------
        mean, deviation : float64 array, shape (n_rows, width)
            As in `expected`.
        noise : float64 array, shape (n_rows, width)
            Standard normal.
        """
        return mean + deviation * noise

    @abstractmethod
    def settle(self, expected: Floats) -> Floats:
        """Pick values that the column can hold from expected ones, shape (n_rows,)."""

    @abstractmethod
    def render(self, values: Floats, *, text: bool) -> pa.Array:
        """Write values as the text or the Arrow type that the column had."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Give the JSON form, without arrays."""

    def fit(self, values: Floats, fit_scale: FitScale) -> Kind:
        """Fit whatever the kind learns from the seen values, shape (n_seen,)."""
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fitted numbers that are stored as tensors."""
        return {}

    @classmethod
    @abstractmethod
    def restore(cls, described: Mapping[str, Any], arrays: Arrays) -> Kind:
        """Build the kind from what `describe` and `arrays` gave."""


def under(arrays: Arrays, prefix: str) -> dict[str, NDArray[Any]]:
    """Give the arrays whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def tally(codes: Floats, n_codes: int) -> tuple[int, ...]:
    """Count the rows of each code; `NOVEL` is none of them."""
    known = codes[(codes >= 0) & (codes < n_codes)].astype(np.int64)
    return tuple(np.bincount(known, minlength=n_codes).tolist())


def kind_class(name: str) -> type[Kind]:
    """Look a kind up by name."""
    module, _, attribute = KINDS[name].partition(":")
    found: type[Kind] = getattr(import_module(module), attribute)
    return found
