"""How strange each row is for every class of the bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.answers.frame import Added
from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.strangeness import METHODS, Strangeness
from cbvae_cli.table.cells import Floats
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
        judges = [judge.judges for judge in model.strangeness[method]]
        # Where no class had rows to spare, all speak, and p-values stay empty.
        self.judging: NDArray[np.int64] = np.flatnonzero(
            judges if any(judges) else np.ones(len(judges))
        )
        self.judged = any(judges)
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
        scores, p_values = self._by_class(found, share)
        places = self.judging[scores.argmin(axis=1)]
        best = p_values.max(axis=1)
        self.infinite += infinite
        self.rows += len(values)
        self.below += int((best < 0.01).sum())
        columns = {
            "score": pa.array(scores.min(axis=1)),
            "pvalue": pa.array(best) if self.judged else pa.nulls(len(best), "double"),
            "class": model.schema.label.render(places, text=True),
        }
        return self.added.join(batch, columns)

    def _by_class(self, found: Floats, share: Floats) -> tuple[Floats, Floats]:
        judges: list[tuple[int, Strangeness]] = [
            (place, self.model.strangeness[self.method][place])
            for place in self.judging.tolist()
        ]
        scores = [judge.standardise(found[:, place], share) for place, judge in judges]
        p_values = [
            judge.p_values(score, share)
            for (_, judge), score in zip(judges, scores, strict=True)
        ]
        return np.stack(scores, axis=1), np.stack(p_values, axis=1)

    def summary(self) -> dict[str, Any]:
        """Count the strange rows."""
        silent = set(range(len(self.model.classes))) - set(self.judging.tolist())
        return {
            "method": self.method,
            "rows": self.rows,
            "pvalue_below_0.01": self.below if self.judged else None,
            "too_small_to_judge": [self.model.classes[i] for i in sorted(silent)]
            if self.judged
            else list(self.model.classes),
            "infinite": self.infinite,
        }
