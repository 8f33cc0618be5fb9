"""Whether rows are those that a bundle was trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.digest import Digest


class TrainedOn:
    """Compares labelled rows, as they come, with the digest of the training table.

    No training row is stored, so only the table as a whole can be told again: not a
    part of it, nor its rows in another order. Nor can it after an update, or where
    another column or table steered the training.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        self._stored = model.training.get("data", {}).get("digest")
        self._most = sum(model.schema.label.counts)
        self._digest: Digest | None = Digest()

    def add(self, values: Floats, labels: NDArray[np.int64]) -> None:
        """Take in rows: values of shape (n_rows, n_columns), labels of (n_rows,)."""
        if self._digest is None:
            return
        self._digest.add(values, labels)
        if self._digest.rows > self._most:  # another table, of any size
            self._digest = None

    def told(self) -> bool:
        """Tell whether these are the rows, once all are in; False where unknown."""
        return self._digest is not None and self._digest.finish({}) == self._stored
