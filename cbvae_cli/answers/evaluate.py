"""Every job of a bundle measured on labelled rows, in one pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cbvae_cli.answers.deciding import Wishes
from cbvae_cli.answers.drift import Drift
from cbvae_cli.answers.hiding import Hiding
from cbvae_cli.answers.levels import LevelSets
from cbvae_cli.answers.likeness import Lookalike
from cbvae_cli.answers.model import Model
from cbvae_cli.answers.novelty import Novelty
from cbvae_cli.answers.promises import Abstaining, Alarms
from cbvae_cli.answers.trained_on import TrainedOn
from cbvae_cli.answers.verdict import ByClasses
from cbvae_cli.calibration.decide import Threshold
from cbvae_cli.errors import DataProblem
from cbvae_cli.measures.anomaly import anomaly
from cbvae_cli.measures.by_class import by_class
from cbvae_cli.measures.calibration_error import calibration_error
from cbvae_cli.measures.decision import decision
from cbvae_cli.measures.probability import probability
from cbvae_cli.measures.reservoir import Reservoir
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.label import class_names
from cbvae_cli.table.source import Batch, Source
from cbvae_cli.table.wording import choice

METHOD = "combined"  # of `score`, its default
MOST_ROWS = 200_000  # kept for figures that need rows in order
MOST_NAMES = 10_000  # of classes that the bundle does not know, counted one by one
SHOWN_NAMES = 5
OF_LABELS = (
    *("auprc", "auroc", "log_loss", "brier", "ece", "mcc", "f1"),
    *("balanced_accuracy", "confusion", "anomaly_auroc", "coverage"),
    *("impute_nrmse", "impute_accuracy", "em_mv", "fidelity"),
)


@dataclass(frozen=True)
class Asked:
    """What is measured, and how.

    Attributes
    ----------
    rule : str
        Of `classify`.
    positive : int
        Place of the class that thresholds and rates speak of.
    hidden_share : float
        Of cells hidden to be filled; 0 leaves imputation out.
    alpha, bound : float
        Of `--abstain` and `--fpr`.
    drift : bool
        Also compare the rows, labelled or not, with the bundle.
    seed : int
    """

    rule: str
    positive: int
    hidden_share: float = 0.2
    alpha: float = 0.05
    bound: float = 0.01
    drift: bool = False
    seed: int = 0


class Evaluate:
    """Measures a model on the rows of a source.

    Parameters
    ----------
    model : Model
    source : Source
    asked : Asked
    """

    def __init__(self, model: Model, source: Source, asked: Asked) -> None:
        model.check_rule(asked.rule)
        model.schema.check(source)
        self.model = model
        self.source = source
        self.asked = asked
        self._labelled = model.schema.label.name in source.names
        if not (self._labelled or asked.drift):
            raise _no_column(model, source)
        self._decision = Wishes(asked.positive).decision(model, asked.rule)
        self._rng = np.random.default_rng([asked.seed, 6])
        self._kept = Reservoir(MOST_ROWS)
        self._judging = ByClasses(model, METHOD, None)
        self._levels = LevelSets(model, asked.seed)
        self._likeness = Lookalike(model, asked.seed)
        self._hiding = Hiding(model, source, asked.hidden_share, asked.seed)
        self._abstaining = Abstaining(model, asked.alpha)
        self._alarms = Alarms(model, asked.rule, asked.positive, asked.bound)
        self._drift = Drift(model, asked.seed) if asked.drift else None
        self._unknown = Unknown()
        self._novelty = Novelty(model, source)
        self._trained_on = TrainedOn(model)
        self._counts = np.zeros(len(model.classes), dtype=np.int64)
        self._rows = self._infinite = 0

    def add(self, batch: Batch) -> None:
        """Take in the rows of a batch."""
        model = self.model
        values, infinite = model.schema.values(self.source, batch)
        self._rows += len(values)
        self._infinite += infinite
        self._novelty.add(batch, values)
        labels, foreign = self._labels(batch)
        log_p = self._log_probabilities(values)
        if self._drift is not None:
            self._drift.add(values, log_p)
        # Drawn for every row, so that keys go by the row's number.
        keys = self._rng.random(len(values))
        self._hiding.add(batch, values, labels)
        told = (labels >= 0) | foreign
        if told.any():
            self._keep(keys[told], values[told], log_p[told], labels[told])

    def _keep(
        self, keys: Floats, values: Floats, log_p: Floats, labels: NDArray[np.int64]
    ) -> None:
        known = labels >= 0
        self._trained_on.add(values[known], labels[known])
        self._counts += np.bincount(labels[known], minlength=len(self._counts))
        self._abstaining.add(values, labels)
        self._alarms.add(log_p[known], labels[known])
        self._kept.add(keys, log_p, labels, self._strangeness(values))
        self._levels.add(keys[known], values[known], labels[known])
        self._likeness.add(keys[known], values[known], labels[known])

    def _labels(self, batch: Batch) -> tuple[NDArray[np.int64], Bools]:
        """Read labels, -1 where missing; marks those that the bundle does not know."""
        schema = self.model.schema
        if not self._labelled:
            n_rows = batch.rows.num_rows
            return np.full(n_rows, -1), np.zeros(n_rows, dtype=np.bool_)
        labels, foreign = schema.label_places(self.source, batch)
        if foreign.any():
            cells = batch.rows.column(self.source.names.index(schema.label.name))
            self._unknown.add(cells.filter(pa.array(foreign)))
        return labels, foreign

    def _log_probabilities(self, values: Floats) -> Floats:
        if len(self.model.classes) == 1:
            return np.zeros((len(values), 1))
        return self.model.log_probabilities(values, self.asked.rule)

    def _strangeness(self, values: Floats) -> Floats:
        """Give how strange each class finds rows, shape (n_rows, n_classes)."""
        standard = self._judging.standard(self.model.layout.encode(values))
        mean: Floats = standard.mean(axis=1)
        return mean

    def summary(self) -> dict[str, Any]:
        """Give all figures.

        Raises
        ------
        DataProblem
            If no row has a label that the bundle knows, unless `--drift` was asked.
        """
        n_known = int(self._counts.sum())
        if not (n_known or self._drift):
            raise self._no_labels()
        model, asked = self.model, self.asked
        found: dict[str, Any] = {
            "rule": asked.rule,
            "positive": model.classes[asked.positive],
            "rows": self._rows,
            "labelled": n_known,
            "classes": dict(zip(model.classes, map(int, self._counts), strict=True)),
            "unlabelled": self._rows - n_known - self._unknown.rows,
            "unknown": self._unknown.summary(),
            "infinite": self._infinite,
            "novel": self._novelty.found,
            "trained_on": self._trained_on.told(),
            **self._decided_by(),
            **dict.fromkeys(OF_LABELS),
            "drift": self._drift.summary() if self._drift else None,
        }
        if n_known:
            found |= self._of_labels()
        return found

    def _decided_by(self) -> dict[str, Any]:
        named = self.model.classes[self.asked.positive]
        decided = self._decision
        if not isinstance(decided, Threshold) or len(self.model.classes) == 1:
            return {"thresholds": {}}
        return {"thresholds": {named: decided.threshold}}

    def _of_labels(self) -> dict[str, Any]:
        log_p, labels, strange = self._kept.rows()
        model, known = self.model, labels >= 0
        found: dict[str, Any] = {"measured_rows": int(known.sum())}
        if len(model.classes) > 1:
            found |= self._of_classes(log_p[known], labels[known])
        judging = model.judges[METHOD].judging
        found["anomaly_auroc"] = {
            "method": METHOD,
            **anomaly(strange, labels, model.classes, judging),
        }
        found["em_mv"] = self._levels.summary()
        found["fidelity"] = self._likeness.summary()
        found["coverage"] = {
            "abstain": self._abstaining.summary(),
            "fpr": self._alarms.summary(),
        }
        return found | (self._hiding.summary() if self.asked.hidden_share else {})

    def _of_classes(self, log_p: Floats, labels: NDArray[np.int64]) -> dict[str, Any]:
        classes = self.model.classes
        probabilities = np.exp(log_p)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        truths = [labels == place for place in range(len(classes))]
        errors = [
            calibration_error(said, truth) if truth.any() else None
            for truth, said in zip(truths, probabilities.T, strict=True)
        ]
        return {
            **probability(probabilities, labels, classes),
            "ece": by_class(errors, classes),
            **decision(self._decision.choose(log_p), labels, classes),
        }

    def _no_labels(self) -> DataProblem:
        name = self.model.schema.label.name
        if self._unknown.rows:
            return DataProblem(
                f"no row has a label that the bundle knows; {self._unknown.rows:,} "
                "have others",
                where=f"{self.source.name}, column '{name}'",
                expected=choice(self.model.classes),
                hint="add --drift to compare the rows without labels",
            )
        return DataProblem(
            f"label column '{name}' is empty in all {self._rows:,} rows",
            where=self.source.name,
            hint="add --drift to compare the rows without labels",
        )


class Unknown:
    """Rows whose label names a class that the bundle does not know."""

    def __init__(self) -> None:
        self.rows = 0
        self._names: Counter[str] = Counter()

    def add(self, cells: pa.Array) -> None:
        """Take in such labels."""
        self.rows += len(cells)
        names = class_names(cells, np.zeros(len(cells), dtype=np.bool_))
        for pair in pc.value_counts(names).to_pylist():
            name = str(pair["values"])
            # A column of ids must not fill the memory.
            if name in self._names or len(self._names) < MOST_NAMES:
                self._names[name] += pair["counts"]

    def summary(self) -> dict[str, Any]:
        """Count rows and name the most frequent classes; `more` counts other names."""
        shown = self._names.most_common(SHOWN_NAMES)
        return {
            "rows": self.rows,
            "classes": dict(shown),
            "more": len(self._names) - len(shown),
        }


def _no_column(model: Model, source: Source) -> DataProblem:
    return DataProblem(
        f"the table has no label column '{model.schema.label.name}'",
        where=source.name,
        expected="labelled rows that training did not see",
        hint="add the column, or --drift, which needs no labels",
    )
