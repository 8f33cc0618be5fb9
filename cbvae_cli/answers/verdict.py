"""How strange rows are, by one method: a score, a p-value and a class each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.gauge import Gauge, combine
from cbvae_cli.calibration.mislabel import mislabel_scores
from cbvae_cli.calibration.strangeness import COMBINED
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.table.source import Batch, Source
from cbvae_cli.table.wording import listed, shown

RULE = "posterior"  # the class that the model would name, for labels in doubt


@dataclass(frozen=True)
class Rows:
    """Some rows of the source.

    Attributes
    ----------
    batch : Batch
    values : float64 array, shape (n_rows, n_columns)
    encoded : Encoded
    """

    batch: Batch
    values: Floats
    encoded: Encoded

    @property
    def share(self) -> Floats:
        """Share of cells seen, shape (n_rows,)."""
        share: Floats = self.encoded.observed.mean(axis=1)
        return share


@dataclass(frozen=True)
class Verdict:
    """What is found in some rows.

    Attributes
    ----------
    scores : float64 array, shape (n_rows,)
        Higher is stranger; NaN where there is nothing to judge.
    p_values : float64 array, shape (n_rows,)
        NaN where too few held-out rows are known.
    places : int array, shape (n_rows,)
        The class that speaks.
    """

    scores: Floats
    p_values: Floats
    places: NDArray[np.int64]


class Judging(Protocol):
    """A way of judging rows."""

    @property
    def silent(self) -> list[int]:
        """Places of the classes that have too few rows to judge."""

    @property
    def held_out(self) -> list[int]:
        """Held-out rows that a p-value may be ranked among, list by list."""

    def judge(self, rows: Rows) -> Verdict:
        """Judge rows."""


@dataclass(frozen=True)
class ByClasses:
    """Rows are as strange as the kindest class finds them, or as one class does.

    Attributes
    ----------
    model : Model
    method : str
        One of `JUDGED`.
    against : int or None
        Place of the one class that judges.
    """

    model: Model
    method: str
    against: int | None

    @cached_property
    def _gauge(self) -> Gauge:
        homes = [witness.homes for witness in self.model.witnesses]
        n_training = sum(self.model.schema.label.counts)
        return Gauge(self.model.family, homes, n_training)

    @property
    def silent(self) -> list[int]:
        """Places of the classes that have too few rows to judge."""
        judges = self.model.judges[self.method]
        loud = judges.judging if judges.judged else []
        places = range(len(judges.by_class)) if self.against is None else [self.against]
        return [place for place in places if place not in loud]

    @property
    def held_out(self) -> list[int]:
        """Held-out rows: of all classes together, or of the one."""
        judges = self.model.judges[self.method]
        ranks = judges.ranks
        if self.against is not None:
            ranks = judges.by_class[self.against].ranks
        return [ranks.n_rows] if not self._unheard else []

    @property
    def _unheard(self) -> bool:
        judges = self.model.judges[self.method]
        if self.against is None:
            return not judges.judged
        return not judges.by_class[self.against].judges

    def judge(self, rows: Rows) -> Verdict:
        """Judge rows."""
        judges, share = self.model.judges[self.method], rows.share
        standard = judges.standardise(self._found(rows), share)
        if self.against is None:
            scores, places = judges.score(standard)
            p_values = judges.p_values(standard, share)
        else:
            own = standard[:, :, self.against]
            scores, places = own.mean(axis=1), np.full(len(own), self.against)
            p_values = judges.by_class[self.against].p_values(own, share)
        if self._unheard:
            p_values = np.full(len(scores), np.nan)
        return Verdict(scores, p_values, places)

    def _found(self, rows: Rows) -> Floats:
        """Measure rows, shape (n_rows, n_members, n_classes)."""
        method = self.method
        if method not in COMBINED:
            return self._gauge.measure(rows.encoded, (method,))[method]
        found = self._gauge.measure(rows.encoded, COMBINED[method])
        weights = np.array([witness.weight for witness in self.model.witnesses])
        return combine(method, self.model.judges, found, rows.share, weights)


class ByLabel:
    """Rows are strange whose label the model would not have given.

    Parameters
    ----------
    model : Model
        With two classes or more.
    source : Source
        With the label column.

    Raises
    ------
    UsageProblem, DataProblem
        If not so.
    """

    def __init__(self, model: Model, source: Source) -> None:
        label = model.schema.label
        if len(label.classes) < 2:
            raise UsageProblem(
                f"the bundle knows one class, '{label.classes[0]}'; no label can be "
                "wrong among one",
                expected="a bundle trained on two classes or more",
                hint="use --method combined, which finds rows strange for the class",
            )
        if label.name not in source.names:
            raise DataProblem(
                f"there is no label column '{label.name}', so no label can be wrong",
                where=source.name,
                expected="the columns of the training table with the label",
                hint="add the column, or leave --method mislabel out",
            )
        self.model = model
        self.source = source
        self.ranks = [witness.mislabelled for witness in model.witnesses]

    @property
    def silent(self) -> list[int]:
        """Places of the classes without held-out rows."""
        return [place for place, ranks in enumerate(self.ranks) if not ranks.n_rows]

    @property
    def held_out(self) -> list[int]:
        """Held-out rows of each class that has any."""
        return [ranks.n_rows for ranks in self.ranks if ranks.n_rows]

    def judge(self, rows: Rows) -> Verdict:
        """Judge labels; rows without one get nothing but the likeliest class."""
        given = self._given(rows.batch)
        log_p = self.model.log_probabilities(rows.values, RULE)
        scores = np.full(len(given), np.nan)
        known = np.flatnonzero(given >= 0)
        scores[known] = mislabel_scores(log_p[known], given[known])
        p_values = np.full(len(given), np.nan)
        for place in np.unique(given[known]):
            own = np.flatnonzero(given == place)
            if self.ranks[place].n_rows:
                p_values[own] = self.ranks[place].p_values(scores[own, None])
        blank: Bools = rows.share == 0
        p_values[blank & (p_values > 0)] = 1.0
        return Verdict(scores, p_values, log_p.argmax(axis=1))

    def _given(self, batch: Batch) -> NDArray[np.int64]:
        schema = self.model.schema
        places, foreign = schema.label_places(self.source, batch)
        if foreign.any():
            row = int(np.argmax(foreign))
            cells = batch.rows.column(self.source.names.index(schema.label.name))
            raise DataProblem(
                f"label column '{schema.label.name}' names a class that is not in "
                "the bundle",
                where=f"{self.source.where(batch, row)}: {shown(cells[row].as_py())}",
                expected=listed(list(schema.label.classes), most=20)
                + " or a missing cell",
                hint="take such rows out, or train a bundle that knows the class",
            )
        return places
