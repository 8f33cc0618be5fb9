"""How strange each row is for every class of the bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from cbvae_cli.answers.frame import Added
from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.strangeness import METHODS
from cbvae_cli.table.source import Batch, Source


class Score:
    """Scores rows by the class that finds them least strange.

    Parameters
    ----------
    model : Model
    source : Source
    method : str
        Key in `METHODS`.
    prefix : str
    only : bool
    """

    def __init__(
        self, model: Model, source: Source, *, method: str, prefix: str, only: bool
    ) -> None:
        model.schema.check(source)
        self.model = model
        self.source = source
        self.method = method
        types = {
            "score": pa.float64(),
            "pvalue": pa.float64(),
            "class": pa.string(),
        }
        self.added = Added(source, prefix, only, types)
        self.added.check()
        self.judges = model.judges[method]
        self.below = 0
        self.rows = 0
        self.infinite = 0

    def schema(self) -> pa.Schema:
        """Columns of the answer."""
        return self.added.schema()

    def answer(self, batch: Batch) -> pa.RecordBatch:
        """Score the rows of a batch."""
        model = self.model
        part, sign = METHODS[self.method]
        values, infinite = model.schema.values(self.source, batch)
        encoded = model.layout.encode(values)
        found = sign * model.evidence(encoded, (part,))[:, :, 0]
        share = (~np.isnan(values)).mean(axis=1)
        scores, places = self.judges.score(found, share)
        p_values = self.judges.p_values(scores, share)
        # Where no class had rows to spare, nothing is known of p-values.
        unknown = np.full(len(values), not self.judges.judged)
        self.infinite += infinite
        self.rows += len(values)
        self.below += int((p_values < 0.01).sum())
        columns = {
            "score": pa.array(scores),
            "pvalue": pa.array(p_values, mask=unknown),
            "class": model.schema.label.render(places, text=True),
        }
        return self.added.join(batch, columns)

    def summary(self) -> dict[str, Any]:
        """Count the strange rows."""
        judged, classes = self.judges.judged, self.model.classes
        loud = self.judges.judging if judged else []
        return {
            "method": self.method,
            "rows": self.rows,
            "pvalue_below_0.01": self.below if judged else None,
            "too_small_to_judge": [
                name for place, name in enumerate(classes) if place not in loud
            ],
            "infinite": self.infinite,
        }
