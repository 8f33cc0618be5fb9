"""Teaching what fills cells: pooled networks, trees behind them, and their shares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

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
from cbvae_cli.table.cells import Floats
from cbvae_cli.training.blind import Known
from cbvae_cli.training.gaps import Gaps
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.masked import MaskedRegression
from cbvae_cli.training.parts import SEEN, deal
from cbvae_cli.training.units import Places

RATE = 4e-3

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


@dataclass(frozen=True)
class Lesson:
    """A table, and what is to learn from it how cells are filled.

    Attributes
    ----------
    family : Family
        The trained networks of the classes.
    known : Known
    learner : Learner
        Its networks untrained, without trees.
    rows, blind : int array
        Rows to learn from, and that nothing here has seen.
    turn : int8 array, shape (n_rows,)
        The network that is blind to each row; none where negative.
    seed : int
    """

    family: Family
    known: Known
    learner: Learner
    rows: Places
    blind: Places
    turn: NDArray[np.int8]
    seed: int

    @classmethod
    def of(cls, family: Family, known: Known, n_nets: int, seed: int) -> Lesson:
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
        net = filler_for(layout, cells, family.n_classes, n_nets, seed)
        turn = np.full(len(known.labels), SEEN, dtype=np.int8)
        if n_nets > 1:
            turn = deal(known.parts, rows, known.labels, n_nets, seed)
        return cls(family, known, Learner(layout, cells, net), rows, blind, turn, seed)

    def loop(self, steps: int) -> Loop:
        """Give the loop that teaches the networks."""
        known, learner = self.known, self.learner
        cells, layout = learner.cells, learner.layout
        objective = MaskedRegression(
            learner.net,
            take(known.encoded, self.rows),
            cells.of(layout.known(known.values[self.rows])),
            known.labels[self.rows],
            (cells.owner, layout.owner),
            self.turn[self.rows],
        )
        return Loop(objective, steps, RATE, self.seed + 5)

    def learnt(self) -> Filling:
        """Grow trees behind the trained networks, and share cells among the voices."""
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
        guesser = _Guesser(learner, self.turn[rows], self.known.labels[rows])
        grown = [
            self._grown(place, gappy, truth[:, place], guesser)
            for place in range(len(amounts))
        ]
        trees, baseline = zip(*grown, strict=True)
        return Regressors(joined(trees), np.array(baseline))

    def _grown(
        self, place: int, values: Floats, truth: Floats, guesser: _Guesser
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
        asked = values[own]
        asked[:, column] = np.nan
        guessed = guesser.guessed(asked, own)
        x = learner.features(asked, guesser.labels[own], guessed)
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


@dataclass(frozen=True)
class _Guesser:
    """Guesses cells of rows as if they were new.

    Networks know the rows that taught them better than any row they will fill, and
    trees that grow on such guesses trust them too much.

    Attributes
    ----------
    learner : Learner
    turn : int8 array, shape (n_rows,)
        The network that is blind to each row; none where negative.
    labels : int array, shape (n_rows,)
    """

    learner: Learner
    turn: NDArray[np.int8]
    labels: Places

    @cached_property
    def _by_turn(self) -> dict[int, Learner]:
        net = self.learner.net
        alone = {n: replace(self.learner, net=net.alone(n)) for n in range(net.n_nets)}
        return {SEEN: self.learner, **alone}

    def guessed(self, values: Floats, rows: Places) -> Floats:
        """Give cells, shape (n_asked, width).

        Parameters
        ----------
        values : float64 array, shape (n_asked, n_columns)
            NaN where missing.
        rows : int array, shape (n_asked,)
            Which row each is.
        """
        found = np.empty((len(values), self.learner.cells.width))
        turns, labels = self.turn[rows], self.labels[rows]
        for turn in np.unique(turns):
            at = turns == turn
            found[at] = self._by_turn[int(turn)].by_network(values[at], labels[at])
        return found


def _with_gaps(values: Floats, rng: np.random.Generator) -> Floats:
    """Hide cells, up to as many as usual, where few are missing."""
    most = max(0.0, USUAL_GAPS - float(np.isnan(values).mean()))
    share = most * rng.random((len(values), 1))
    return np.where(rng.random(values.shape) < share, np.nan, values)
