"""Naming the class of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from cbvae_cli.answers.abstain import Abstention
from cbvae_cli.answers.deciding import Wishes
from cbvae_cli.answers.frame import Added
from cbvae_cli.answers.model import Model
from cbvae_cli.answers.novelty import Novelty
from cbvae_cli.calibration.decide import log_odds
from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.source import Batch, Source


class Classify:
    """Names classes by how well each class's model explains a row.

    Parameters
    ----------
    model : Model
        With two classes or more.
    source : Source
    rule : str
        One of the family's.
    wishes : Wishes
    prefix : str
    only : bool
    """

    def __init__(
        self,
        model: Model,
        source: Source,
        *,
        rule: str,
        wishes: Wishes,
        prefix: str,
        only: bool,
    ) -> None:
        check_classes(model)
        model.check_rule(rule)
        self.decision = wishes.decision(model, rule)
        self.abstention = None
        if wishes.abstain is not None:
            self.abstention = Abstention(model, wishes.abstain)
        model.schema.check(source)
        self.model = model
        self.source = source
        self.rule = rule
        self.wishes = wishes
        self.added = Added(source, prefix, only, self._types())
        self.added.check()
        self.counts = np.zeros(len(model.classes), dtype=np.int64)
        self.refused = 0
        self.infinite = 0
        self.novelty = Novelty(model, source)

    def _types(self) -> dict[str, pa.DataType]:
        starts = ["p", *(["error"] if self._has_errors else [])]
        starts += ["logodds"] if self.wishes.logodds else []
        starts += ["conformal"] if self.abstention else []
        types: dict[str, pa.DataType] = {"label": pa.string()}
        for start in starts:
            types |= {f"{start}_{name}": pa.float64() for name in self.model.classes}
        return types

    @property
    def _has_errors(self) -> bool:
        """Tell whether the classes reconstruct a row each in its own way."""
        return "error" in self.model.family.rules

    def schema(self) -> pa.Schema:
        """Columns of the answer."""
        return self.added.schema()

    def answer(self, batch: Batch) -> pa.RecordBatch:
        """Classify the rows of a batch."""
        model = self.model
        values, infinite = model.schema.values(self.source, batch)
        self.infinite += infinite
        self.novelty.add(batch, values)
        log_p, errors = model.look(values, self.rule)
        log_p = self.wishes.reweighted(log_p, model)
        places = self.decision.choose(log_p)
        columns: dict[str, pa.Array] = {}
        self._put(columns, "p", np.exp(log_p))
        if self._has_errors:
            self._put(columns, "error", errors)
        if self.wishes.logodds:
            each = [log_odds(log_p, place) for place in range(len(model.classes))]
            self._put(columns, "logodds", np.stack(each, axis=1))
        refused = np.zeros(len(values), dtype=bool)
        if self.abstention is not None:
            p_values = self.abstention.p_values(values)
            self._put(columns, "conformal", p_values)
            refused = self.abstention.refuses(p_values)
        columns["label"] = self._labels(places, refused)
        return self.added.join(batch, columns)

    def _put(self, columns: dict[str, pa.Array], start: str, each: Floats) -> None:
        for place, name in enumerate(self.model.classes):
            columns[f"{start}_{name}"] = pa.array(each[:, place])

    def _labels(self, places: np.ndarray, refused: Bools) -> pa.Array:
        self.counts += np.bincount(places[~refused], minlength=len(self.counts))
        self.refused += int(refused.sum())
        named = self.model.schema.label.render(places, text=True)
        nothing = pa.scalar(None, named.type)
        return pa.compute.if_else(pa.array(refused), nothing, named)

    def summary(self) -> dict[str, Any]:
        """Count the rows of each class."""
        named = zip(self.model.classes, self.counts, strict=True)
        found = {
            "rule": self.rule,
            **self.wishes.describe(self.model, self.rule),
            "rows": int(self.counts.sum()) + self.refused,
            "classes": {name: int(count) for name, count in named},
            "infinite": self.infinite,
            "novel": self.novelty.found,
        }
        if self.abstention is not None:
            found |= {"none_of_these": self.refused, **self.abstention.describe()}
        return found


def check_classes(model: Model) -> None:
    """Refuse a bundle of one class: there is nothing to tell apart."""
    if len(model.classes) < 2:
        raise UsageProblem(
            f"the bundle knows one class, '{model.classes[0]}'; there is nothing "
            "to tell apart",
            expected="a bundle trained on two classes or more",
            hint="use score, which finds rows that are strange for the class",
        )
