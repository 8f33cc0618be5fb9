"""Filling cells by three voices: a class's networks, a pooled network and trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cbvae_cli.calibration.tree_words import Compiled, compile_trees
from cbvae_cli.calibration.trees import Trees
from cbvae_cli.evidence import CHUNK
from cbvae_cli.families.cells import Cells
from cbvae_cli.networks.filler import Filler
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.kind import under
from cbvae_cli.table.matrix import Layout

Places = NDArray[np.int64]

ROUNDS = 2  # in which trees speak: the second time of cells that trees have filled
MOST_WORDS = 32  # of a column of names that trees ask about
VOICES = ("family", "network", "trees")


@dataclass(frozen=True)
class Regressors:
    """A sum of trees for each column of amounts, given all other cells.

    Attributes
    ----------
    trees : Trees
        Their `classes` are places in `Cells.amounts`.
    baseline : float64 array, shape (n_amounts,)
    """

    trees: Trees
    baseline: Floats

    @cached_property
    def _compiled(self) -> Compiled:
        return compile_trees([self.trees])

    def expected(self, features: Floats) -> Floats:
        """Give amounts, shape (n_rows, n_amounts), in the units of `Cells`."""
        totals = np.tile(self.baseline, (len(features), 1))
        self._compiled.add_to([totals], features)
        return totals

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all numbers by name."""
        nodes = {f.name: getattr(self.trees, f.name) for f in fields(Trees)}
        return {**nodes, "baseline": self.baseline}

    @classmethod
    def restore(
        cls, arrays: Mapping[str, NDArray[Any]], n_features: int, n_amounts: int
    ) -> Regressors:
        """Build from `arrays`; raises ValueError on a misfit."""
        baseline = arrays["baseline"]
        if baseline.shape != (n_amounts,) or baseline.dtype != np.float64:
            raise ValueError("the baseline of trees has another dtype or shape")
        if not np.isfinite(baseline).all():
            raise ValueError("a baseline of trees is not finite")
        return cls(Trees.restore(arrays, n_features, n_amounts), baseline)


@dataclass(frozen=True)
class Learner:
    """A pooled network, and trees behind it, told the row's class.

    Attributes
    ----------
    layout : Layout
    cells : Cells
    net : Filler
    regressors : Regressors or None
        None where columns are too many, or none holds amounts.
    """

    layout: Layout
    cells: Cells
    net: Filler
    regressors: Regressors | None = None

    @property
    def n_features(self) -> int:
        """Count the columns of `features`."""
        return len(self._asked) + self.net.n_classes

    @cached_property
    def _asked(self) -> Places:
        """Cell columns that trees ask about."""
        asked = np.zeros(self.cells.width, dtype=np.bool_)
        asked[self.cells.amounts] = True
        for block in self.cells.names:
            asked[block] = block.stop - block.start <= MOST_WORDS
        return np.flatnonzero(asked)

    def feature_of(self, amount: int) -> int:
        """Give the place among features of a column out of `Cells.amounts`."""
        return int(np.searchsorted(self._asked, self.cells.amounts[amount]))

    @torch.inference_mode()
    def by_network(self, values: Floats, places: Places) -> Floats:
        """Let the network fill, shape (n_rows, width); seen cells are guessed too.

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
            NaN where missing.
        places : int array, shape (n_rows,)
            Classes.
        """
        encoded = self.layout.encode(values)
        cells = np.nan_to_num(self.cells.of(values)).astype(np.float32)
        found = np.empty((len(values), self.cells.width))
        for start in range(0, len(values), CHUNK):
            stop = min(start + CHUNK, len(values))
            parts = (encoded.matrix, cells, encoded.observed, places)
            some = [_padded(part[start:stop]) for part in parts]
            found[start:stop] = self.net.expected(*some)[: stop - start].numpy()
        return found

    def features(self, values: Floats, places: Places, guessed: Floats) -> Floats:
        """Give what trees see of rows: cells, seen or guessed, and the class.

        Parameters
        ----------
        values, places
            As in `by_network`.
        guessed : float64 array, shape (n_rows, width)
        """
        told = self.cells.of(values)
        whole = np.where(np.isnan(told), guessed, told)[:, self._asked]
        classes = np.eye(self.net.n_classes)[places]
        return np.concatenate([whole, classes], axis=1)

    def voices(self, values: Floats, places: Places, family: Floats) -> Floats:
        """Let all three speak, shape (3, n_rows, width).

        Parameters
        ----------
        values, places
            As in `by_network`.
        family : float64 array, shape (n_rows, width)
            What the networks of the rows' classes hold to be in each cell.
        """
        # Cells of days with a time of day are the family's alone.
        network = family.copy()
        guessed = self.by_network(values, places)
        network[:, self.cells.learnt] = guessed[:, self.cells.learnt]
        trees = network.copy()
        if self.regressors is not None:
            at = self.cells.amounts
            for _ in range(ROUNDS):
                features = self.features(values, places, (network + trees) / 2)
                trees[:, at] = self.regressors.expected(features)
        return np.stack([family, network, trees])


@dataclass(frozen=True)
class Filling:
    """How cells are filled.

    Attributes
    ----------
    learner : Learner
    shares : float64 array, shape (3, n_classes, width)
        Of `VOICES` in a cell; they sum to 1.
    scale : float64 array, shape (n_classes, width)
        By which a draw of the family's networks, less their middle, is stretched on
        the networks' scale.
    slots : int64 array, shape (n_classes,)
        The class by which the learner knows each; -1 for one that it was not told
        of, whose own networks fill alone.
    """

    learner: Learner
    shares: Floats
    scale: Floats
    slots: Places

    @property
    def cells(self) -> Cells:
        """How cells lie side by side."""
        return self.learner.cells

    def fill(self, values: Floats, places: Places, family: Floats) -> Floats:
        """Give what each cell is expected to hold, shape (n_rows, width).

        Parameters
        ----------
        values, places, family
            As in `Learner.voices`.
        """
        found = family.copy()
        slots = self.slots[places]
        own = np.flatnonzero(slots >= 0)
        if len(own):
            voices = self.learner.voices(values[own], slots[own], family[own])
            found[own] = (self.shares[:, places[own]] * voices).sum(axis=0)
        return found

    def only(self, order: Sequence[int]) -> Filling:
        """Give some classes, in an order; one behind the last is new."""
        n_classes = len(self.slots)
        old = np.array(order, dtype=np.int64)
        new = old >= n_classes
        old[new] = 0
        slots = np.where(new, -1, self.slots[old])
        return Filling(self.learner, self.shares[:, old], self.scale[old], slots)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all numbers by name."""
        learner = self.learner
        state = learner.net.state_dict()
        found = {f"net/{name}": tensor.cpu().numpy() for name, tensor in state.items()}
        found |= {f"cells/{n}": array for n, array in learner.cells.arrays().items()}
        if learner.regressors is not None:
            trees = learner.regressors.arrays()
            found |= {f"trees/{name}": array for name, array in trees.items()}
        own = {"shares": self.shares, "scale": self.scale, "slots": self.slots}
        return found | own

    @classmethod
    def restore(
        cls, arrays: Mapping[str, NDArray[Any]], layout: Layout, n_classes: int
    ) -> Filling:
        """Build from `arrays`; raises KeyError, RuntimeError or ValueError."""
        cells = Cells.restore(layout.kinds, under(arrays, "cells/"))
        slots = arrays["slots"]
        n_slots = len(arrays["net/entry.weight"][0]) - n_inputs(layout, cells, 0)
        net = filler_for(layout, cells, n_slots, seed=0)
        weights = under(arrays, "net/")
        state = {name: torch.from_numpy(array) for name, array in weights.items()}
        net.load_state_dict(state, strict=True)
        net.eval().requires_grad_(False)
        learner = Learner(layout, cells, net)
        trees = under(arrays, "trees/")
        if trees:
            sizes = learner.n_features, len(cells.amounts)
            learner = replace(learner, regressors=Regressors.restore(trees, *sizes))
        of_cells = (n_classes, cells.width)
        shapes = {"shares": (3, *of_cells), "scale": of_cells, "slots": (n_classes,)}
        for name, shape in shapes.items():
            if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise ValueError(f"{name} of the filling has another shape")
        if slots.dtype != np.int64 or slots.max() >= n_slots or slots.min() < -1:
            raise ValueError("a class of the filling is unknown")
        return cls(learner, arrays["shares"], arrays["scale"], slots)


def filler_for(layout: Layout, cells: Cells, n_classes: int, seed: int) -> Filler:
    """Make an untrained network for a table."""
    generator = torch.Generator().manual_seed(seed)
    told = n_inputs(layout, cells, n_classes)
    places = cells.amounts.tolist(), cells.names
    return Filler(told, cells.width, n_classes, *places, generator)


def n_inputs(layout: Layout, cells: Cells, n_classes: int) -> int:
    """Count the inputs of a network for a table."""
    return layout.width + len(cells.amounts) + len(layout.kinds) + n_classes


def _padded(part: NDArray[Any]) -> torch.Tensor:
    """Fill rows up to `CHUNK`: products of one shape round a row the same anywhere."""
    spare = [(0, CHUNK - len(part))] + [(0, 0)] * (part.ndim - 1)
    return torch.from_numpy(np.pad(part, spare))
