"""How rows are made, and what holds some back: copies, rows far from the boundary."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cbvae_cli.answers.deciding import Wishes
from cbvae_cli.answers.drawing import FromPrior, method_for
from cbvae_cli.answers.known import Known
from cbvae_cli.answers.making import BLOCK, Maker, Sieve, settled
from cbvae_cli.answers.model import BLEND, Model
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.cells import Bools, Floats

NEAREST_SHARE = 1 / 3  # of the confirmed samples that the band holds
LEAST_CONFIRMED = 64  # of a block, to set the band by
AMPLE_CONFIRMED = 256  # to fill the band with any number of rows
EVIDENCE = "likelihood"  # the rule whose odds measure how near the boundary is


@dataclass
class Workshop:
    """How rows are made, whatever real rows they start from.

    Attributes
    ----------
    model : Model
    method : str
        Out of `cbvae_cli.answers.drawing.METHODS`.
    places : list of int
        Classes to make.
    toward : int or None
    seed : int
    keep_gaps : bool
    sieves : list of Sieve
    """

    model: Model
    method: str
    places: list[int]
    toward: int | None
    seed: int
    keep_gaps: bool
    sieves: list[Sieve] = field(default_factory=list)

    def maker(self, known: Known | None) -> Maker:
        """Make a maker that starts from these real rows alone."""
        return Maker(
            self.model,
            method_for(self.method, self.model, self.places, known, self.toward),
            self.seed,
            keep_gaps=self.keep_gaps,
            sieves=self.sieves,
        )


class Copies:
    """Holds back rows that equal a training row which no other row equals.

    A row that several people share tells of none of them.
    """

    why = "nearly all equal a training row"

    def __init__(self, known: Known) -> None:
        rows, counts = np.unique(_as_bytes(known.values), return_counts=True)
        self._unique = rows[counts == 1]

    def keeps(self, place: int, values: Floats) -> Bools:
        """Mark rows that are no copies."""
        kept: Bools = ~np.isin(_as_bytes(values), self._unique)
        return kept


def _as_bytes(values: Floats) -> np.ndarray:
    """Give each row as one item that can be compared; all missing cells are alike."""
    plain = np.where(np.isnan(values), np.nan, values) + 0.0  # -0.0 becomes 0.0
    width = plain.shape[1] * plain.itemsize
    return np.ascontiguousarray(plain).view(f"V{width}").reshape(-1)


@dataclass(frozen=True)
class Band:
    """Keeps rows near the boundary that still are called by their class's name.

    Attributes
    ----------
    model : Model
    widths : dict of int to float
        By class: largest distance of the evidence ratio from 0, in nats.
    """

    model: Model
    widths: dict[int, float]

    why = "they lie too far from the boundary, or are called another class"

    def keeps(self, place: int, values: Floats) -> Bools:
        """Mark rows within the band that the posterior confirms."""
        near = np.abs(ratio(self.model, place, values)) <= self.widths[place]
        kept = np.zeros(len(values), dtype=np.bool_)
        # The blend is slow: it is asked about rows within the band alone.
        kept[near] = confirmed(self.model, place, values[near])
        return kept


def ratio(model: Model, place: int, values: Floats) -> Floats:
    """Give the calibrated evidence for a class over the strongest other, in nats.

    Class shares are taken out: 0 is where both explain the row equally well.
    """
    rule = EVIDENCE if EVIDENCE in model.family.rules else BLEND
    log_p = model.log_probabilities(values, rule) - np.log(model.shares)
    others = np.delete(log_p, place, axis=1)
    found: Floats = log_p[:, place] - others.max(axis=1)
    return found


def confirmed(model: Model, place: int, values: Floats) -> Bools:
    """Mark rows that `classify` would call a class, were it the positive one."""
    if not len(values):
        return np.zeros(0, dtype=np.bool_)
    log_p = model.log_probabilities(values, BLEND)
    called: Bools = Wishes(place).decision(model, BLEND).choose(log_p) == place
    return called


def band_of(
    model: Model, places: list[int], seed: int, least: int = LEAST_CONFIRMED
) -> Band:
    """Set the band so that it holds a third of what the posterior confirms.

    Parameters
    ----------
    model : Model
    places : list of int
        Classes to make.
    seed : int
    least : int
        Of a block of samples, those that must be confirmed.

    Raises
    ------
    UsageProblem
        If there is no other class.
    DataProblem
        If hardly a sample is confirmed.
    """
    if len(model.classes) < 2:
        raise UsageProblem(
            f"the bundle knows one class, '{model.classes[0]}': it has no boundary",
            expected="a bundle trained on two classes or more",
            hint="use --method prior",
        )
    widths = {}
    for place in places:
        rng = np.random.default_rng([seed, place, 9])
        members = range(model.family.n_members)
        drawn = FromPrior(model.family)(place, BLOCK, rng, members)
        values = settled(model, drawn)
        far = np.abs(ratio(model, place, values[confirmed(model, place, values)]))
        if len(far) < least:
            raise DataProblem(
                f"the model calls {len(far)} of {BLOCK:,} samples of class "
                f"'{model.classes[place]}' by that name",
                expected=f"{least} or more, to know its boundary by",
                hint="use --method prior",
            )
        widths[place] = float(np.quantile(far, NEAREST_SHARE))
    return Band(model, widths)
