"""Rows whose label stands out: among the model's own classes, or in their cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.answers.verdict import Rows, Verdict
from cbvae_cli.calibration.clusters import Clusters, in_common
from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.mislabel import mislabel_scores
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Bools, Floats, spelt
from cbvae_cli.table.source import Batch, Source
from cbvae_cli.table.wording import choice, shown

RULE = "posterior"  # the class that the model would name, for labels in doubt


class Doubting(Protocol):
    """What says which classes a row could be of."""

    @property
    def ranks(self) -> tuple[Conformal, ...]:
        """What held-out rows score, by class."""

    def log_shares(self, rows: Rows) -> Floats:
        """Give how likely classes are, in logs, shape (n_rows, n_classes)."""


@dataclass(frozen=True)
class ByPosterior:
    """Another class is likelier than the row's.

    Attributes
    ----------
    model : Model
    """

    model: Model

    @property
    def ranks(self) -> tuple[Conformal, ...]:
        """What held-out rows score, by class."""
        return tuple(witness.mislabelled for witness in self.model.witnesses)

    def log_shares(self, rows: Rows) -> Floats:
        """Give log probabilities."""
        return self.model.log_probabilities(rows.values, RULE)


@dataclass(frozen=True)
class ByCluster:
    """Another class is more frequent in the row's cluster (CL-VAE paper, section 4.4).

    Attributes
    ----------
    clusters : Clusters
    alone : Family
        The first member.
    """

    clusters: Clusters
    alone: Family

    @property
    def ranks(self) -> tuple[Conformal, ...]:
        """What held-out rows score, by class."""
        return self.clusters.ranks

    def log_shares(self, rows: Rows) -> Floats:
        """Give log shares of classes in the row's cluster."""
        return self.clusters.log_shares(in_common(self.alone, rows.encoded))


def by_cluster(model: Model) -> ByCluster:
    """Ask the clusters of a model of two classes or more."""
    atlas = model.atlas
    assert atlas is not None
    assert atlas.clusters is not None
    return ByCluster(atlas.clusters, model.family.member(0))


def check_classes(model: Model) -> None:
    """Refuse a bundle of one class, whose labels cannot be wrong.

    Raises
    ------
    UsageProblem
    """
    label = model.schema.label
    if len(label.classes) < 2:
        raise UsageProblem(
            f"the bundle knows one class, '{label.classes[0]}'; no label can be "
            "wrong among one",
            expected="a bundle trained on two classes or more",
            hint="use --method combined, which finds rows strange for the class",
        )


class ByLabel:
    """Rows are strange whose label another class would suit better.

    Parameters
    ----------
    model : Model
        With two classes or more.
    source : Source
        With the label column.
    doubting : Doubting

    Raises
    ------
    DataProblem
        Where there are no labels.
    """

    def __init__(self, model: Model, source: Source, doubting: Doubting) -> None:
        label = model.schema.label
        if label.name not in source.names:
            raise DataProblem(
                f"there is no label column '{label.name}', so no label can be wrong",
                where=source.name,
                expected="the columns of the training table with the label",
                hint="add the column, or leave --method mislabel out",
            )
        self.model = model
        self.source = source
        self.doubting = doubting
        self.ranks = doubting.ranks

    @property
    def silent(self) -> list[int]:
        """Places of the classes without held-out rows."""
        return [place for place, ranks in enumerate(self.ranks) if not ranks.n_rows]

    @property
    def held_out(self) -> list[int]:
        """Held-out rows of each class that has any."""
        return [ranks.n_rows for ranks in self.ranks if ranks.n_rows]

    @property
    def least_p(self) -> dict[int, float]:
        """Smallest p-value, by place of the label: 1 / (held-out rows + 1)."""
        return {
            place: 1 / (ranks.n_rows + 1)
            for place, ranks in enumerate(self.ranks)
            if ranks.n_rows
        }

    def judge(self, rows: Rows) -> Verdict:
        """Judge labels; rows without one get nothing but the likeliest class."""
        given = self._given(rows.batch)
        log_p = self.doubting.log_shares(rows)
        scores = np.full(len(given), np.nan)
        known = np.flatnonzero(given >= 0)
        scores[known] = mislabel_scores(log_p[known], given[known])
        p_values, least = np.full((2, len(given)), np.nan)
        for place in np.unique(given[known]):
            own = np.flatnonzero(given == place)
            if self.ranks[place].n_rows:
                p_values[own] = self.ranks[place].p_values(scores[own, None])
                least[own] = self.least_p[int(place)]
        blank: Bools = rows.share == 0
        p_values[blank & (p_values > 0)] = 1.0
        return Verdict(scores, p_values, log_p.argmax(axis=1), least)

    def _given(self, batch: Batch) -> NDArray[np.int64]:
        schema = self.model.schema
        places, foreign = schema.label_places(self.source, batch)
        if foreign.any():
            row = int(np.argmax(foreign))
            cells = batch.rows.column(self.source.names.index(schema.label.name))
            raise DataProblem(
                f"label column '{schema.label.name}' names a class that is not in "
                "the bundle",
                where=f"{self.source.where(batch, row)}: {shown(spelt(cells, row))}",
                expected=choice(schema.label.classes) + " or a missing cell",
                hint="take such rows out, or train a bundle that knows the class",
            )
        return places
