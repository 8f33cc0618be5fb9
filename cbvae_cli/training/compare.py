"""Our models beside well-known libraries: same rows, same splits, same test."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

import numpy as np
import torch

from cbvae_cli.answers.model import Model
from cbvae_cli.errors import CBVAEError, DataProblem
from cbvae_cli.measures.ranking import ranking
from cbvae_cli.peers.classifiers import Classifier
from cbvae_cli.peers.features import CannotRun, features_of
from cbvae_cli.records import Settings
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.schema import Schema
from cbvae_cli.training.fit import SCALES, fit
from cbvae_cli.training.halves import Split, split_of
from cbvae_cli.training.read import Table, fit_kinds

FIGURES = ("auprc", "auroc", "log_loss", "seconds")


class Contestant(Protocol):
    """Whatever gives probabilities of classes."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def own(self) -> bool:
        """Whether it is of this tool."""

    def answer(self, split: Split) -> Floats:
        """Learn, and give probabilities of the test rows, (n_test, n_classes)."""


@dataclass(frozen=True)
class Own:
    """A family of this tool with the settings of a preset.

    Attributes
    ----------
    settings : Settings
    device : torch.device
    """

    settings: Settings
    device: torch.device

    own: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Family and preset."""
        return f"{self.settings.model} {self.settings.preset}"

    def answer(self, split: Split) -> Floats:
        """Train as `train` does and answer as `classify` does."""
        settings = replace(self.settings, seed=split.seed)
        schema = fit_kinds(split.schema, split.train, SCALES[settings.scale])
        digest = hashlib.sha256(np.ascontiguousarray(split.train).data).hexdigest()
        model = fit(
            Table(schema, split.train, split.train_labels, digest, []),
            settings,
            device=self.device,
            observe=lambda epoch: None,
            run_folder=None,
            resume=False,
        )
        test = _foreign_as_novel(schema, split.train, split.test)
        chances: Floats = np.exp(
            model.log_probabilities(test, rule_of(model, settings))
        )
        return chances


def rule_of(model: Model, settings: Settings) -> str:
    """Give the rule of `classify` that a model is judged by.

    The first that the family names; the error where errors are all that it learnt.
    """
    rules = model.family.rules
    return "error" if settings.unit_deviation and "error" in rules else rules[0]


@dataclass(frozen=True)
class Peer:
    """A well-known library.

    Attributes
    ----------
    classifier : Classifier
    """

    classifier: Classifier

    own: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The library's."""
        return self.classifier.name

    def answer(self, split: Split) -> Floats:
        """Learn from and answer the cells that ours get."""
        return self.classifier.fit_predict(
            features_of(split.schema, split.train),
            split.train_labels,
            features_of(split.schema, split.test),
            split.seed,
        )


@dataclass
class Outcome:
    """How a contestant did.

    Attributes
    ----------
    name : str
    own : bool
    runs : list of dict
        A dict a seed: `seed`, `FIGURES`, and by class `tested`, the rows of the
        test, and `auprc_by_class`, where there are such rows.
    why : str
        Why it has no answer, or empty.
    """

    name: str
    own: bool
    runs: list[dict[str, Any]] = field(default_factory=list)
    why: str = ""

    def mean(self, figure: str) -> float:
        """Give the mean over seeds; NaN without runs."""
        return (
            float(np.mean([run[figure] for run in self.runs])) if self.runs else np.nan
        )

    def spread(self, figure: str) -> float:
        """Give the standard deviation over seeds; NaN with less than two."""
        if len(self.runs) < 2:
            return np.nan
        return float(np.std([run[figure] for run in self.runs], ddof=1))

    def by_class(self) -> dict[str, float]:
        """Give the mean AUPRC of each class over the seeds whose test holds it."""
        areas = [run["auprc_by_class"] for run in self.runs]
        names = dict.fromkeys(name for each in areas for name in each)
        return {
            name: float(np.mean([each[name] for each in areas if name in each]))
            for name in names
        }


def compare(
    table: Table,
    contestants: Sequence[Contestant],
    seeds: Sequence[int],
    observe: Callable[[int, str], None],
) -> list[Outcome]:
    """Let every contestant learn from and answer the same rows.

    Parameters
    ----------
    table : Table
    contestants : sequence of Contestant
    seeds : sequence of int
        One split each.
    observe : callable
        Told how many runs are done and who is next.

    Returns
    -------
    list of Outcome
        Best mean AUPRC first; who cannot run comes last.
    """
    if len(table.schema.label.classes) < 2:
        raise DataProblem(
            f"label column '{table.schema.label.name}' holds one class; there is "
            "nothing to tell apart",
            expected="two classes or more",
        )
    outcomes = [Outcome(one.name, one.own) for one in contestants]
    done = 0
    for seed in seeds:
        split = split_of(table, seed)
        for contestant, outcome in zip(contestants, outcomes, strict=True):
            observe(done, contestant.name)
            done += 1
            if outcome.why:
                continue
            try:
                outcome.runs.append(_run(contestant, split))
            except (CannotRun, CBVAEError) as reason:
                # A mean over fewer splits could not be set beside the others.
                outcome.why, outcome.runs = str(reason), []
    observe(done, "")
    return sorted(outcomes, key=lambda o: -np.nan_to_num(o.mean("auprc"), nan=-1.0))


def _run(contestant: Contestant, split: Split) -> dict[str, Any]:
    begun = time.perf_counter()
    probabilities = contestant.answer(split)
    seconds = time.perf_counter() - begun
    return {
        "seed": split.seed,
        **judged(probabilities, split),
        "seconds": round(seconds, 3),
    }


def judged(probabilities: Floats, split: Split) -> dict[str, Any]:
    """Give AUPRC, AUROC and log loss, and by class AUPRC and what it was measured on.

    Of two classes the positive one counts, of more the mean over classes against the
    rest.
    """
    label = split.schema.label
    counts = np.bincount(split.test_labels, minlength=len(label.classes))
    found: dict[str, Any] = ranking(probabilities, split.test_labels, label.classes)
    figures: dict[str, Any] = {}
    for name in ("auprc", "auroc"):
        areas = found.get(name, {"macro": np.nan, "classes": {}})
        positive = areas["classes"].get(label.positive, np.nan)
        figures[name] = positive if len(label.classes) == 2 else areas["macro"]
    return figures | {
        "log_loss": found.get("log_loss", np.nan),
        "tested": dict(zip(label.classes, counts.tolist(), strict=True)),
        "auprc_by_class": found.get("auprc", {"classes": {}})["classes"],
    }


def _foreign_as_novel(schema: Schema, train: Floats, test: Floats) -> Floats:
    """Mark words that no training row holds, as reading new rows would."""
    found = test.copy(order="F")
    for at, kind in enumerate(schema.kinds):
        if kind.codes:
            foreign = ~np.isin(test[:, at], train[:, at]) & ~np.isnan(test[:, at])
            found[foreign, at] = NOVEL
    return found
