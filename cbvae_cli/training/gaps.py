"""Which cells a table misses together, for hiding others the same way."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cbvae_cli.table.cells import Bools, Floats

FOLLOWERS = 0.5  # of rows, that lose what another row misses
BESIDES = 0.2  # most that such a row loses as any row may


class Gaps:
    """Gaps of a table's rows, to be laid over other rows.

    Cells that are missing in one row are often missing together, and more often in
    some columns than in others: a model that fills cells meets such rows.

    Parameters
    ----------
    seen : bool array, shape (n_rows, n_columns)
        Cells that hold a value.
    """

    def __init__(self, seen: Bools) -> None:
        missing = ~seen
        # A row with nothing seen would hide all that there is to learn from.
        some = missing.any(axis=1) & ~missing.all(axis=1)
        self.missing = torch.from_numpy(missing[some])

    def hide(
        self, shape: tuple[int, int], most: float, generator: torch.Generator
    ) -> Tensor:
        """Draw cells to hide: evenly, or as in one of the table's rows.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        most : float
            Largest share of a row that is hidden evenly; each row draws its own.
        generator : torch.Generator

        Returns
        -------
        bool Tensor
        """
        n_rows = shape[0]
        draw = torch.rand(shape, generator=generator)
        share = torch.rand(n_rows, 1, generator=generator)
        if not len(self.missing):
            return draw < share * most
        donors = torch.randint(len(self.missing), (n_rows,), generator=generator)
        follows = torch.rand(n_rows, 1, generator=generator) < FOLLOWERS
        evenly = draw < share * torch.where(follows, BESIDES, most)
        return evenly | (follows & self.missing[donors])

    def lay(self, values: Floats, most: float, rng: np.random.Generator) -> Floats:
        """Hide cells of rows, shape like `values`; NaN where hidden.

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
        most, rng
            As in `hide`.
        """
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        hidden = self.hide(values.shape, most, generator).numpy()
        return np.where(hidden, np.nan, values)
