"""Two common classifiers trained on some rows, to see whether other rows help them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.known import Known
from cbvae_cli.peers.classifiers import classifier
from cbvae_cli.table.cells import Floats

JUDGES = {"booster": "histgb", "logistic": "logistic"}
"""Peers that are trained, by the name that summaries give them."""


@dataclass(frozen=True)
class Trial:
    """Classifiers on one training and one test table.

    Attributes
    ----------
    threads : int
        0 means all cores.
    """

    threads: int

    def chances(self, train: Known, test: Known, seed: int) -> dict[str, Floats]:
        """Train on some rows and judge others.

        Returns
        -------
        dict of str to float64 array, shape (n_test, n_classes)
            Probabilities by judge.
        """
        n_classes = len(train.schema.label.classes)
        found = {}
        for name, peer in JUDGES.items():
            said = classifier(peer, self.threads).fit_predict(
                train.features, train.labels, test.features, seed
            )
            spare = n_classes - said.shape[1]
            found[name] = np.pad(said, ((0, 0), (0, spare)))
        return found


def together(known: Known, made: Mapping[int, Floats]) -> Known:
    """Put made rows, by class, behind real ones."""
    values = [known.values, *made.values()]
    labels = [known.labels, *(np.full(len(v), p) for p, v in made.items())]
    return Known(
        known.name, known.schema, np.concatenate(values), np.concatenate(labels)
    )


def auprc(
    chances: Floats,
    labels: NDArray[np.int64],
    places: Sequence[int],
    weights: Floats | None = None,
) -> float:
    """Give the mean area under the precision-recall curve of some classes.

    Parameters
    ----------
    chances : float64 array, shape (n_rows, n_classes)
    labels : int array, shape (n_rows,)
    places : sequence of int
        Classes; those without rows on both sides do not count.
    weights : float64 array, shape (n_rows,), optional
    """
    from sklearn.metrics import average_precision_score

    found = [
        average_precision_score(labels == p, chances[:, p], sample_weight=weights)
        for p in measurable(labels, places)
    ]
    return float(np.mean(found))


def measurable(labels: NDArray[np.int64], places: Sequence[int]) -> list[int]:
    """Give the classes that have rows, and rows of others beside them."""
    return [p for p in places if 0 < (labels == p).sum() < len(labels)]


def recall_at(
    chances: Floats, truth: NDArray[np.bool_], precision: float | None
) -> tuple[float, float]:
    """Give precision and recall at the best cut for a precision.

    Parameters
    ----------
    chances : float64 array, shape (n_rows,)
    truth : bool array, shape (n_rows,)
    precision : float or None
        At least this; None takes the cut of the best F1.

    Returns
    -------
    precision, recall : float
    """
    from sklearn.metrics import precision_recall_curve

    exact, found, _ = precision_recall_curve(truth, chances)
    exact, found = exact[:-1], found[:-1]  # the last point calls nothing
    if precision is None:
        f1 = exact * found / np.maximum(exact + found, 1e-300)
        precision = float(exact[f1.argmax()])
    enough = exact >= precision
    return precision, float(found[enough].max()) if enough.any() else 0.0
