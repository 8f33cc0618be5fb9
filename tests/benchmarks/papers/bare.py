"""Networks alone: trained as `cbvae train` does, without what makes answers of them.

A bundle's probabilities, thresholds, p-values and detectors take longer to fit than
these small networks, and the papers' tables ask for none of them. So no rows are held
back for calibration either.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from catalogue import write
from numpy.typing import NDArray

from cbvae_cli.evidence import embed_rows, evidence
from cbvae_cli.families.contract import Family
from cbvae_cli.records import Columns, Settings
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.fit import SCALES
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.read import Table, find_schema, read_table
from cbvae_cli.training.start import prepare
from cbvae_cli.training.thin import thinning_for

# Nothing is calibrated or certified. Zero would leave a fifth of the rows to one
# member's blindness; so small a share is no row.
ALL_ROWS_LEARN = {"members": 1, "held_share": 1e-9, "certified_share": 0.0}
OPTIONS = ReadOptions()
MIDDLE = 127  # between black and white

Floats = NDArray[np.float64]


def read_rows(rows: pa.Table, columns: Columns, scale: str = "quantile") -> Table:
    """Take training rows the way `cbvae train` does, from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.parquet"
        write(rows, path)
        with open_source(str(path), OPTIONS, reread=True) as source:
            schema, _ = find_schema(source, columns)
            return read_table(source, schema, SCALES[scale], thinning_for(schema, None))


@dataclass(frozen=True)
class Bare:
    """Trained networks and the table they learnt from.

    Attributes
    ----------
    family : Family
    table : Table
    loop : Loop
        With what was seen on the way.
    """

    family: Family
    table: Table
    loop: Loop

    def encode(self, rows: pa.Table) -> Encoded:
        """Encode the rows of another table."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            write(rows, path)
            schema = self.table.schema
            with open_source(str(path), OPTIONS) as source:
                found = [schema.values(source, each)[0] for each in source.batches()]
        return self.family.layout.encode(np.concatenate(found))

    def of_classes(
        self, encoded: Encoded, part: str, family: Family | None = None
    ) -> Floats:
        """Give one part of the evidence, shape (n_rows, n_classes).

        Parameters
        ----------
        encoded : Encoded
        part : str
        family : Family, optional
            That is asked instead of the one that explains rows.
        """
        asked = self.family if family is None else family
        found = evidence(asked, encoded, (part,), len(self.table.labels))
        return found[:, 0, :, 0]

    def coordinates(self, encoded: Encoded) -> Floats:
        """Give the latent coordinates of rows, shape (n_rows, latent)."""
        return embed_rows(self.family, encoded, 0)

    @property
    def record(self) -> dict[str, Any]:
        """What the training record would hold of these networks alone."""
        return self.loop.objective.record()


def trained(table: Table, settings: Settings) -> Bare:
    """Train networks to the end."""
    device = torch.device("cpu")
    start = prepare(table, replace(settings, **ALL_ROWS_LEARN), device)
    loop = start.generative()
    loop.run(lambda epoch: None, None)
    start.family.nets.eval().requires_grad_(False)
    return Bare(start.family, table, loop)


def black_and_white(table: pa.Table, label: str) -> pa.Table:
    """Put images into black and white, a boolean a pixel."""
    names = [name for name in table.column_names if name != label]
    dark = {name: pa.compute.greater(table[name], MIDDLE) for name in names}
    return pa.table(dark | {label: table[label]})
