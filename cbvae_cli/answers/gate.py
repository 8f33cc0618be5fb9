"""Do made rows help: classifiers with and without them, judged on rows held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.known import Known
from cbvae_cli.answers.trial import (
    JUDGES,
    Trial,
    auprc,
    measurable,
    recall_at,
    together,
)
from cbvae_cli.errors import CheckFailed, DataProblem
from cbvae_cli.table.cells import Floats

REPEATS = 5
TAKEN = 0.8  # of each class's rows, drawn anew in each repeat
MOST_ROWS = 10_000  # real and made, that a repeat trains on
HELPFUL, HARMFUL = "helpful", "harmful"  # the verdict for scripts; people get advice
USE, UNCLEAR, DO_NOT_USE = "use these rows", "no clear effect", "do not use these rows"


@dataclass(frozen=True)
class Change:
    """What the rows changed in one repeat, for one judge.

    Attributes
    ----------
    before, after : float
        AUPRC.
    recall : float
        Change of recall at the precision that the classifier had without the rows.
    """

    before: float
    after: float
    recall: float


class Gate:
    """Judges made rows.

    Parameters
    ----------
    train, held : Known
        Rows to train on, and rows to judge by.
    places : sequence of int
        Classes that rows were made of.
    seed, threads : int
    """

    def __init__(
        self,
        train: Known,
        held: Known,
        places: Sequence[int],
        *,
        seed: int,
        threads: int,
    ) -> None:
        self.train = train
        self.held = held
        self.seed = seed
        self._trial = Trial(threads)
        self._places = measurable(held.labels, places)
        if not self._places:
            named = ", ".join(f"'{held.schema.label.classes[p]}'" for p in places)
            raise DataProblem(
                f"the rows of --gate cannot tell whether rows of {named} help",
                where=held.name,
                expected="rows of that class, and rows of others",
            )

    def judge(self, made: Mapping[int, Floats]) -> dict[str, Any]:
        """Train with and without made rows.

        Parameters
        ----------
        made : mapping of int to float64 array, shape (n_made, n_modelled)
            By class.

        Returns
        -------
        dict
            `verdict` (rows that do not help are harmful), `advice`, the change of
            AUPRC over all judges, and by judge the mean AUPRC before and after and
            the changes of AUPRC and recall, each with its spread (standard deviation
            over repeats).
        """
        changes: dict[str, list[Change]] = {name: [] for name in JUDGES}
        for repeat in range(REPEATS):
            for name, change in self._repeat(made, repeat).items():
                changes[name].append(change)
        judges = {name: _summary(found) for name, found in changes.items()}
        # One change a repeat: both judges learn from the same draw of rows.
        by_judge = [[c.after - c.before for c in found] for found in changes.values()]
        each = np.mean(by_judge, axis=0)
        mean, spread = float(each.mean()), float(each.std(ddof=1))
        advice = advice_on(mean, spread)
        return {
            "verdict": HELPFUL if advice == USE else HARMFUL,
            "advice": advice,
            "auprc_change": mean,
            "auprc_spread": spread,
            "judges": judges,
            "repeats": REPEATS,
            "held_out_rows": len(self.held.labels),
        }

    def _repeat(self, made: Mapping[int, Floats], repeat: int) -> dict[str, Change]:
        rng = np.random.default_rng([self.seed, 21, repeat])
        n_made = sum(len(values) for values in made.values())
        share = TAKEN * min(1.0, MOST_ROWS / (len(self.train.labels) + n_made))
        real = self.train.take(_drawn(self.train.labels, share, rng))
        some = {
            place: values[_some(len(values), share, rng)]
            for place, values in made.items()
        }
        seed = self.seed + repeat
        without = self._trial.chances(real, self.held, seed)
        both = self._trial.chances(together(real, some), self.held, seed)
        return {name: self._change(without[name], both[name]) for name in JUDGES}

    def _change(self, without: Floats, both: Floats) -> Change:
        recalls = []
        for place in self._places:
            truth = self.held.labels == place
            precision, old = recall_at(without[:, place], truth, None)
            recalls.append(recall_at(both[:, place], truth, precision)[1] - old)
        labels = self.held.labels
        return Change(
            auprc(without, labels, self._places),
            auprc(both, labels, self._places),
            float(np.mean(recalls)),
        )


def advice_on(change: float, spread: float) -> str:
    """Say what to do with rows, by whether their change is more than its spread."""
    if change - spread > 0:
        return USE
    return DO_NOT_USE if change + spread < 0 else UNCLEAR


def check_gate(advice: str, held_out: str) -> None:
    """Let pass the rows that help, and no others.

    Raises
    ------
    CheckFailed
        Also where the effect is not clear.
    """
    if advice == USE:
        return
    amount = "--balance --ratio auto makes as many rows as help, maybe none"
    if advice == DO_NOT_USE:
        raise CheckFailed(
            f"{DO_NOT_USE}: classifiers trained with them found the class worse",
            where=held_out,
            hint=amount,
        )
    raise CheckFailed(
        f"these rows have {UNCLEAR}: classifiers trained with them did not find the "
        "class better by more than the spread",
        where=held_out,
        hint=f"more held-out rows of the class would tell; {amount}",
    )


def _drawn(
    labels: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw a share of each class's rows, one at the least, in their order."""
    found = []
    for place in np.unique(labels):
        own = np.flatnonzero(labels == place)
        found.append(own[_some(len(own), share, rng)])
    return np.sort(np.concatenate(found))


def _some(n_rows: int, share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    wanted = min(n_rows, int(np.ceil(share * n_rows)))
    return np.sort(rng.choice(n_rows, wanted, replace=False))


def _summary(changes: Sequence[Change]) -> dict[str, float]:
    before = np.array([change.before for change in changes])
    after = np.array([change.after for change in changes])
    recall = np.array([change.recall for change in changes])
    return {
        "auprc_before": float(before.mean()),
        "auprc_after": float(after.mean()),
        "auprc_change": float((after - before).mean()),
        "auprc_spread": float((after - before).std(ddof=1)),
        "recall_change": float(recall.mean()),
        "recall_spread": float(recall.std(ddof=1)),
    }
