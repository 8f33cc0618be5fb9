"""How strange rows are, by one method: a score, a p-value and a class each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.gauge import Gauge, combine
from cbvae_cli.calibration.strangeness import COMBINED
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.table.source import Batch

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
    least_p : float64 array, shape (n_rows,)
        Smallest p-value that the row could get; NaN as in `p_values`.
    """

    scores: Floats
    p_values: Floats
    places: NDArray[np.int64]
    least_p: Floats


class Judging(Protocol):
    """A way of judging rows."""

    @property
    def silent(self) -> list[int]:
        """Places of the classes that have too few rows to judge."""

    @property
    def held_out(self) -> list[int]:
        """Held-out rows that a p-value may be ranked among, list by list."""

    @property
    def least_p(self) -> dict[int, float]:
        """Smallest p-value that there can be, by place of the class that speaks."""

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
        detectors = [witness.detectors for witness in self.model.witnesses]
        n_training = sum(self.model.schema.label.counts)
        return Gauge(self.model.family, homes, n_training, detectors)

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
    def least_p(self) -> dict[int, float]:
        """Smallest p-value, the same for all classes that judge."""
        loud = self.model.judges[self.method].judging
        places = loud if self.against is None else [self.against]
        return {place: 1 / (n + 1) for n in self.held_out for place in places}

    @property
    def _unheard(self) -> bool:
        judges = self.model.judges[self.method]
        if self.against is None:
            return not judges.judged
        return not judges.by_class[self.against].judges

    def standard(self, encoded: Encoded) -> Floats:
        """Give how strange members and classes find rows, in deviations.

        Returns
        -------
        float64 array, shape (n_rows, n_members, n_classes)
        """
        share: Floats = encoded.observed.mean(axis=1)
        found = self._found(encoded, share)
        return self.model.judges[self.method].standardise(found, share)

    def judge(self, rows: Rows) -> Verdict:
        """Judge rows."""
        judges, share = self.model.judges[self.method], rows.share
        standard = self.standard(rows.encoded)
        if self.against is None:
            scores, places = judges.score(standard)
            p_values = judges.p_values(standard, share)
        else:
            own = standard[:, :, self.against]
            scores, places = own.mean(axis=1), np.full(len(own), self.against)
            p_values = judges.by_class[self.against].p_values(own, share)
        if self._unheard:
            p_values = np.full(len(scores), np.nan)
        least = 1 / (self.held_out[0] + 1) if self.held_out else np.nan
        return Verdict(scores, p_values, places, np.full(len(scores), least))

    def _found(self, encoded: Encoded, share: Floats) -> Floats:
        """Measure rows, shape (n_rows, n_members, n_classes)."""
        method = self.method
        if method not in COMBINED:
            return self._gauge.measure(encoded, (method,))[method]
        found = self._gauge.measure(encoded, COMBINED[method])
        weights = np.array([witness.weight for witness in self.model.witnesses])
        return combine(method, self.model.judges, found, share, weights)
