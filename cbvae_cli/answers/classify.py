"""Naming the class of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from cbvae_cli.answers.frame import Added
from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.temperature import RULES
from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.source import Batch, Source


class Classify:
    """Names classes by how well each class's model explains a row.

    Parameters
    ----------
    model : Model
        With two classes or more.
    source : Source
    rule : str
        Key in `RULES`.
    prefix : str
    only : bool
    """

    def __init__(
        self, model: Model, source: Source, *, rule: str, prefix: str, only: bool
    ) -> None:
        if len(model.classes) < 2:
            raise UsageProblem(
                f"the bundle knows one class, '{model.classes[0]}'; there is nothing "
                "to tell apart",
                expected="a bundle trained on two classes or more",
                hint="use score, which finds rows that are strange for the class",
            )
        model.check_rule(rule)
        model.schema.check(source)
        self.model = model
        self.source = source
        self.rule = rule
        types: dict[str, pa.DataType] = {"label": pa.string()}
        types |= {f"p_{name}": pa.float64() for name in model.classes}
        types |= {f"error_{name}": pa.float64() for name in model.classes}
        self.added = Added(source, prefix, only, types)
        self.added.check()
        self.counts = np.zeros(len(model.classes), dtype=np.int64)
        self.infinite = 0

    def schema(self) -> pa.Schema:
        """Columns of the answer."""
        return self.added.schema()

    def answer(self, batch: Batch) -> pa.RecordBatch:
        """Classify the rows of a batch."""
        model, looks = self.model, RULES[self.rule]
        values, infinite = model.schema.values(self.source, batch)
        self.infinite += infinite
        encoded = model.layout.encode(values)
        parts = tuple(dict.fromkeys((looks.part, "error")))
        found = model.evidence(encoded, parts)
        part = looks.sign * found[:, :, 0]
        probabilities = model.temperatures[self.rule].probabilities(part)
        places = probabilities.argmax(axis=1)
        self.counts += np.bincount(places, minlength=len(self.counts))
        columns: dict[str, pa.Array] = {
            "label": model.schema.label.render(places, text=True)
        }
        errors = found[:, :, parts.index("error")]
        for place, name in enumerate(model.classes):
            columns[f"p_{name}"] = pa.array(probabilities[:, place])
            columns[f"error_{name}"] = pa.array(errors[:, place])
        return self.added.join(batch, columns)

    def summary(self) -> dict[str, Any]:
        """Count the rows of each class."""
        named = zip(self.model.classes, self.counts, strict=True)
        return {
            "rule": self.rule,
            "rows": int(self.counts.sum()),
            "classes": {name: int(count) for name, count in named},
            "infinite": self.infinite,
        }
