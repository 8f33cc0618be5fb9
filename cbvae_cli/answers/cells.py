"""Which cells make a row strange, and what would be expected in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.answers.rendering import value_columns, value_types
from cbvae_cli.calibration.cells import cell_log_density, expected_cells, unheard
from cbvae_cli.evidence import CHUNK, take
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.table.source import Source

MOST_CELLS = 16 * CHUNK  # hidden at once, each in a copy of its row

Places = NDArray[np.int64]
Ask = Callable[[Family, Encoded, Places, int], Floats]


@dataclass(frozen=True)
class CellColumns:
    """A pass over every cell of a row: it alone is hidden, and the others speak.

    Attributes
    ----------
    model : Model
    source : Source
    nats : bool
        Add, for each column, how much less likely the cell is than such cells are.
    repairs : bool
        Add, for each column, the value expected.
    """

    model: Model
    source: Source
    nats: bool
    repairs: bool

    def types(self) -> dict[str, pa.DataType]:
        """Give the added columns, without prefix."""
        columns = self.model.schema.modelled
        types: dict[str, pa.DataType] = {}
        if self.nats:
            types |= {f"cell_{column.name}": pa.float64() for column in columns}
        if self.repairs:
            types |= value_types(self.model.schema, self.source, "repair_")
        return types

    def columns(
        self, values: Floats, encoded: Encoded, places: Places
    ) -> dict[str, pa.Array]:
        """Give the added columns for some rows.

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
        encoded : Encoded
        places : int array, shape (n_rows,)
            The class that each row is judged by.
        """
        found: dict[str, pa.Array] = {}
        schema = self.model.schema
        if self.nats:
            nats = self._nats(values, encoded, places)
            known = ~np.isnan(values)
            for at, column in enumerate(schema.modelled):
                found[f"cell_{column.name}"] = pa.array(nats[:, at], mask=~known[:, at])
        if self.repairs:
            expected = self._asked(encoded, places, expected_cells)
            found |= value_columns(schema, self.source, "repair_", expected)
        return found

    def _nats(self, values: Floats, encoded: Encoded, places: Places) -> Floats:
        """Give the nats by which cells are less likely than is usual."""
        usual = np.stack([witness.usual for witness in self.model.witnesses])
        density = self._asked(encoded, places, cell_log_density)
        # A category that training never saw is not seen by the networks either.
        novel = ~encoded.observed & ~np.isnan(values)
        rarest = unheard(sum(self.model.schema.label.counts))
        nats: Floats = usual[places] - np.where(novel, rarest, density)
        return nats

    def _asked(self, encoded: Encoded, places: Places, ask: Ask) -> Floats:
        """Ask about every cell of every row, shape (n_rows, n_columns)."""
        n_columns = encoded.observed.shape[1]
        found = np.empty(encoded.observed.shape)
        at_once = max(1, MOST_CELLS // n_columns)
        for place in np.unique(places):
            own = np.flatnonzero(places == place)
            for start in range(0, len(own), at_once):
                some = own[start : start + at_once]
                rows = np.repeat(some, n_columns)
                columns = np.tile(np.arange(n_columns), len(some))
                answer = ask(
                    self.model.family, take(encoded, rows), columns, int(place)
                )
                found[some] = answer.reshape(len(some), n_columns)
        return found
