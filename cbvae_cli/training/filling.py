"""Teaching what fills cells: a pooled network, trees behind it, and their shares."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cbvae_cli.calibration.family_cells import (
    Moved,
    family_draws,
    family_fill,
    noise_width,
)
from cbvae_cli.calibration.filling import Filling, Learner, Regressors, filler_for
from cbvae_cli.calibration.grown import Binned, few_threads, read_trees
from cbvae_cli.calibration.trees import Trees, joined
from cbvae_cli.calibration.voices import fit_scale, fit_shares
from cbvae_cli.evidence import take
from cbvae_cli.families.cells import fit_cells
from cbvae_cli.families.contract import Family
from cbvae_cli.networks.filler import Filler
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.training.blind import Known
from cbvae_cli.training.gaps import Gaps
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.objective import Objective
from cbvae_cli.training.parts import Places

BATCH = 256
RATE = 4e-3
MASK = 0.7  # most that a row loses in a batch
EVEN = 0.25  # of a batch, drawn from all classes alike

# Trees: many small steps cost seconds and megabytes for each column.
ITERATIONS, LEARNING_RATE, MAX_LEAVES = 60, 0.1, 16
TRIED_COLUMNS = 0.5
LEAF_ROWS, LEAF_SHARE, LEAST_LEAF_ROWS = 10, 40, 2
MOST_AMOUNTS = 64  # columns that get trees; with more, none does
MOST_FEATURES = 400
MOST_GROWN = 4_000  # rows that trees grow on
LEAST_GROWN = 30
USUAL_GAPS = 0.3  # most that a row loses where the table is whole

MOST_TAUGHT = 100_000  # rows that the network learns from; steps see no more
MOST_BLIND = 2_000  # rows that shares are fitted on
BLIND_MASK = 0.65  # most that each of them loses
N_DRAWS = 6


class MaskedRegression(Objective):
    """Error in hidden cells: squared in amounts, cross-entropy in names.

    Parameters
    ----------
    net : Filler
    encoded : Encoded
        Rows that the network learns from.
    cells : float64 array, shape (n_rows, width)
        As `Cells.of` lays them out.
    labels : int array, shape (n_rows,)
    owners : tuple of int array
        Table column of each column of `cells`, and of the encoded matrix.
    """

    def __init__(
        self,
        net: Filler,
        encoded: Encoded,
        cells: Floats,
        labels: Places,
        owners: tuple[Places, Places],
    ) -> None:
        super().__init__()
        self.net = net
        self.stops = False
        self.n_units = 1
        self.unit_of_net = torch.zeros(1, dtype=torch.int64)
        self.encoded = torch.from_numpy(encoded.matrix)
        self.observed = torch.from_numpy(encoded.observed)
        self.told = torch.from_numpy(~np.isnan(cells))
        self.cells = torch.from_numpy(np.nan_to_num(cells).astype(np.float32))
        self.labels = torch.from_numpy(labels)
        self.owner, self.encoded_owner = map(torch.from_numpy, owners)
        self.gaps = Gaps(encoded.observed)
        self.rows = torch.arange(len(labels))
        self.classes = [
            torch.from_numpy(np.flatnonzero(labels == place))
            for place in np.unique(labels)
        ]

    def loss(self, generator: torch.Generator) -> Tensor:
        """Error on rows drawn for one step, shape (1,)."""
        each = max(1, round(EVEN * BATCH / len(self.classes)))
        drawn = [_pick(some, each, generator) for some in self.classes]
        rest = max(BATCH - each * len(self.classes), BATCH // 2)
        drawn.append(_pick(self.rows, rest, generator))
        return self._error(torch.cat(drawn), generator)

    def held_out(self, generator: torch.Generator) -> Tensor:
        """Know nothing: all rows teach, and the last step is taken, shape (1,)."""
        return torch.full((1,), torch.nan, dtype=torch.float64)

    def _error(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        seen, cells = self.observed[rows], self.cells[rows]
        given = seen & ~self.gaps.hide((len(rows), seen.shape[1]), MASK, generator)
        hidden = (seen & ~given).index_select(1, self.owner) & self.told[rows]
        shown = given.index_select(1, self.owner) & self.told[rows]
        encoded = self.encoded[rows] * given.index_select(1, self.encoded_owner)
        found = self.net(encoded, cells * shown, given, self.labels[rows])
        at = self.net.amounts
        wrong = (found[:, at] - cells[:, at]).square() * hidden[:, at]
        lost = wrong.sum(dim=1)
        for block in self.net.names:
            share = functional.log_softmax(found[:, block], dim=-1)
            lost = lost - (share * cells[:, block] * hidden[:, block]).sum(dim=1)
        count = (seen & ~given).sum(dim=1) + 1
        error: Tensor = (lost / count).mean()[None]
        return error


def _pick(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    return rows[torch.randint(len(rows), (count,), generator=generator)]


@dataclass(frozen=True)
class Lesson:
    """A table, and what is to learn from it how cells are filled.

    Attributes
    ----------
    family : Family
        The trained networks of the classes.
    known : Known
    learner : Learner
        Its network untrained, without trees.
    rows, blind : int array
        Rows to learn from, and that nothing here has seen.
    seed : int
    """

    family: Family
    known: Known
    learner: Learner
    rows: Places
    blind: Places
    seed: int

    @classmethod
    def of(cls, family: Family, known: Known, seed: int) -> Lesson:
        """Learn from all rows but those that the first member is blind to.

        These calibrate. Rows that certify a bound on false alarms are learnt from:
        no class is told by fills.
        """
        every = np.arange(len(known.labels))
        unseen = known.parts.blind(0, every)
        rng = np.random.default_rng([seed, 21])
        blind = np.sort(rng.permutation(unseen)[:MOST_BLIND])
        rows = np.setdiff1d(every, unseen)
        if len(rows) > MOST_TAUGHT:
            rows = np.sort(rng.choice(rows, MOST_TAUGHT, replace=False))
            every = rows
        layout = family.layout
        cells = fit_cells(layout.kinds, layout.known(known.values[every]))
        net = filler_for(layout, cells, family.n_classes, seed)
        return cls(family, known, Learner(layout, cells, net), rows, blind, seed)

    def loop(self, steps: int) -> Loop:
        """Give the loop that teaches the network."""
        known, learner = self.known, self.learner
        cells, layout = learner.cells, learner.layout
        objective = MaskedRegression(
            learner.net,
            take(known.encoded, self.rows),
            cells.of(layout.known(known.values[self.rows])),
            known.labels[self.rows],
            (cells.owner, layout.owner),
        )
        return Loop(objective, steps, RATE, self.seed + 5)

    def learnt(self) -> Filling:
        """Grow trees behind the trained network, and share cells among the voices."""
        self.learner.net.eval().requires_grad_(False)
        learner = replace(self.learner, regressors=self._trees())
        n_classes = self.family.n_classes
        taught = np.bincount(self.known.labels[self.rows], minlength=n_classes) > 0
        slots = np.where(taught, np.arange(n_classes), -1)
        return Filling(learner, *self._calibrated(learner), slots)

    def _trees(self) -> Regressors | None:
        learner, amounts = self.learner, self.learner.cells.amounts
        few = len(self.rows) < LEAST_GROWN or not len(amounts)
        if few or len(amounts) > MOST_AMOUNTS or learner.n_features > MOST_FEATURES:
            return None
        rng = np.random.default_rng([self.seed, 22])
        rows = self.rows
        if len(rows) > MOST_GROWN:
            rows = np.sort(rng.choice(rows, MOST_GROWN, replace=False))
        values = learner.layout.known(self.known.values[rows])
        gappy = _with_gaps(values, rng)
        truth = learner.cells.of(values)[:, amounts]
        grown = [
            self._grown(place, gappy, truth[:, place], self.known.labels[rows])
            for place in range(len(amounts))
        ]
        trees, baseline = zip(*grown, strict=True)
        return Regressors(joined(trees), np.array(baseline))

    def _grown(
        self, place: int, values: Floats, truth: Floats, labels: Places
    ) -> tuple[Trees, float]:
        """Grow trees for a column of amounts: all other cells speak, guessed or seen.

        Returns
        -------
        trees : Trees
        baseline : float
        """
        from sklearn.ensemble import HistGradientBoostingRegressor

        learner = self.learner
        own = np.flatnonzero(~np.isnan(truth))
        column = learner.cells.owner[learner.cells.amounts[place]]
        asked, told = values[own], labels[own]
        asked[:, column] = np.nan
        guessed = learner.by_network(asked, told)
        x = learner.features(asked, told, guessed)
        x[:, learner.feature_of(place)] = 0.0  # trees must do without a guess of it
        least = max(LEAST_LEAF_ROWS, len(own) // LEAF_SHARE)
        model = HistGradientBoostingRegressor(
            learning_rate=LEARNING_RATE,
            max_iter=ITERATIONS,
            max_leaf_nodes=MAX_LEAVES,
            min_samples_leaf=min(LEAF_ROWS, least),
            max_features=TRIED_COLUMNS,
            early_stopping=False,
            random_state=self.seed,
        )
        layout = Binned.of(x, np.zeros(x.shape[1], dtype=np.bool_), np.ones(len(x)))
        with few_threads(x.size):
            model.fit(layout.encode(x), truth[own])
        grown = [(predictor, place) for (predictor,) in model._predictors]
        return read_trees(grown, layout), float(np.ravel(model._baseline_prediction)[0])

    def _calibrated(self, learner: Learner) -> tuple[Floats, Floats]:
        """Give shares of the voices and the stretch of draws, from blind rows."""
        cells, n_classes = learner.cells, self.family.n_classes
        taught = np.bincount(self.known.labels[self.rows], minlength=n_classes)
        rng = np.random.default_rng([self.seed, 23])
        labels = self.known.labels[self.blind]
        values = learner.layout.known(self.known.values[self.blind])
        gaps = Gaps(take(self.known.encoded, self.rows).observed)
        gappy = gaps.lay(values, BLIND_MASK, rng)
        truth = cells.of(values)
        lost = np.isnan(gappy)[:, cells.owner]
        hidden = lost & ~np.isnan(truth)
        alone = self.family.member(0)
        encoded = learner.layout.encode(gappy)
        held = family_fill(alone, cells, encoded, labels)
        voices = learner.voices(gappy, labels, held.expected)
        trees = learner.regressors is not None
        asked = truth, hidden, labels, cells, taught, trees
        shares = fit_shares(voices, *asked)
        moved = Moved.of(cells, held, (shares[:, labels] * voices).sum(axis=0))
        noise = rng.standard_normal((N_DRAWS, len(labels), noise_width(alone)))
        every = np.tile(labels, (N_DRAWS, 1))
        draws = family_draws(alone, cells, encoded, every, noise)
        drawn = moved.away(np.array(list(draws)))
        amounts = np.zeros(cells.width, dtype=np.bool_)
        amounts[cells.amounts] = True
        wrong = moved.wrong(truth)
        scale = fit_scale(wrong, drawn, hidden & amounts, labels, n_classes)
        return shares, scale


def _with_gaps(values: Floats, rng: np.random.Generator) -> Floats:
    """Hide cells, up to as many as usual, where few are missing."""
    most = max(0.0, USUAL_GAPS - float(np.isnan(values).mean()))
    share = most * rng.random((len(values), 1))
    return np.where(rng.random(values.shape) < share, np.nan, values)
