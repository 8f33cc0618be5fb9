"""How strange each row is for every class of the bundle, or for one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from cbvae_cli.answers.cells import CellColumns
from cbvae_cli.answers.frame import Added
from cbvae_cli.answers.mislabelled import (
    ByLabel,
    ByPosterior,
    by_cluster,
    check_classes,
)
from cbvae_cli.answers.model import Model
from cbvae_cli.answers.novelty import Novelty
from cbvae_cli.answers.strangely import MISLABEL, Strangely
from cbvae_cli.answers.verdict import ByClasses, Judging, Rows
from cbvae_cli.calibration.discoveries import Discoveries, least_survivors
from cbvae_cli.calibration.ranks import rows_needed, share_below
from cbvae_cli.calibration.strangeness import SPACED
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.source import Batch, Source

LOW = 0.01  # p-values below it are counted
ROW = "row"


class Score:
    """Scores rows, by default by the class that finds them least strange.

    Parameters
    ----------
    model : Model
    source : Source
    asked : Strangely
    prefix : str
    only : bool
    numbered : bool
        Whether each row comes with its number, from 1.
    """

    def __init__(
        self,
        model: Model,
        source: Source,
        asked: Strangely,
        *,
        prefix: str,
        only: bool,
        numbered: bool = False,
    ) -> None:
        model.schema.check(source)
        self.model = model
        self.source = source
        self.asked = asked
        self.judging = _judging(model, source, asked)
        if asked.fail_on is not None:
            _check_can_fail(self.judging, asked.fail_on)
        self.cells = CellColumns(model, source, asked.cells, asked.repair)
        types = {ROW: pa.int64()} if numbered else {}
        types |= {
            "score": pa.float64(),
            "pvalue": pa.float64(),
            "class": pa.string(),
        }
        self.added = Added(source, prefix, only, types | self.cells.types())
        self.added.check()
        self.discoveries = Discoveries()
        self.below = 0
        self.by_chance = 0.0
        self.novelty = Novelty(model, source)
        self.rows = 0
        self.infinite = 0

    def schema(self) -> pa.Schema:
        """Columns of the answer."""
        return self.added.schema()

    def answer(self, batch: Batch) -> pa.RecordBatch:
        """Score the rows of a batch."""
        model = self.model
        values, infinite = model.schema.values(self.source, batch)
        encoded = model.layout.encode(values)
        found = self.judging.judge(Rows(batch, values, encoded))
        known = ~np.isnan(found.p_values)
        self.infinite += infinite
        self.novelty.add(batch, values)
        self.rows += len(values)
        self.below += int((found.p_values < LOW).sum())
        self.by_chance += float(share_below(LOW, found.least_p[known]).sum())
        self.discoveries.add(found.p_values[known])
        columns = {
            ROW: pa.array(np.arange(len(values)) + batch.start + 1),
            "score": pa.array(found.scores, from_pandas=True),
            "pvalue": pa.array(found.p_values, from_pandas=True),
            "class": model.schema.label.render(found.places, text=True),
        }
        columns |= self.cells.columns(values, encoded, found.places)
        return self.added.join(batch, columns)

    def survivors(self) -> int:
        """Count the rows that survive Benjamini-Hochberg at `fail_on`."""
        rate = self.asked.fail_on
        return 0 if rate is None else self.discoveries.survivors(rate)

    def summary(self) -> dict[str, Any]:
        """Count the strange rows."""
        classes, asked = self.model.classes, self.asked
        heard, tested = bool(self.judging.held_out), self.discoveries.rows
        found: dict[str, Any] = {
            "method": asked.method,
            "space": asked.looks_at,
            "by": asked.by,
            "against": asked.against,
            "rows": self.rows,
            "pvalue_below_0.01": self.below if heard else None,
            "by_chance_below_0.01": self.by_chance if heard else None,
            "least_pvalue": {
                classes[place]: p for place, p in self.judging.least_p.items()
            },
            "too_small_to_judge": [classes[place] for place in self.judging.silent],
            "infinite": self.infinite,
            "novel": self.novelty.found,
        }
        if asked.fail_on is not None:
            least_p = 1 / (max(self.judging.held_out) + 1)
            found |= {
                "fail_on": asked.fail_on,
                "tested": tested,
                "survivors": self.survivors(),
                "least_survivors": least_survivors(least_p, tested, asked.fail_on),
            }
        return found


def _judging(model: Model, source: Source, asked: Strangely) -> Judging:
    asked.check()
    space = asked.looks_at
    if asked.method == MISLABEL:
        check_classes(model)
        doubting = ByPosterior(model) if asked.by is None else by_cluster(model)
        return ByLabel(model, source, doubting)
    against = asked.against
    place = None if against is None else model.schema.label.place(against)
    name = asked.method if space is None else SPACED[asked.method, space]
    return ByClasses(model, name, place)


def _check_can_fail(judging: Judging, rate: float) -> None:
    """Refuse a check that could not fail on any rows at all."""
    most = max(judging.held_out, default=0)
    if most < rows_needed(rate):
        raise DataProblem(
            f"no row could fail --fail-on {rate:g}: p-values come from {most:,} "
            f"held-out rows and are {1 / (most + 1):.2g} at least",
            expected=f"at least {rows_needed(rate):,} held-out rows",
            hint="give --fail-on a larger value, or train on more rows",
        )
