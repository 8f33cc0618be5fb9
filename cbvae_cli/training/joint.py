"""The joint phase: networks that have learnt their class learn to tell it apart."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from cbvae_cli.networks.vae import StackedVAE
from cbvae_cli.records import Settings
from cbvae_cli.training.objective import (
    Data,
    Objective,
    hidden_cells,
    noise_for,
    padded,
)

GENERATIVE = 0.1  # weight of the negative elbo a column beside the cross-entropy


class Telling(Objective):
    """Class cross-entropy of each member over class-balanced batches.

    p(class given row) = softmax(log-odds) over the networks of a member, plus
    `GENERATIVE` times the negative elbo a column of a row's own class, so that the
    networks go on explaining their rows.

    Parameters
    ----------
    n_classes, n_members : int
    n_cells : int
        Columns of a row.
    data : Data
        Rows of all classes' networks, class by class.
    settings : Settings
    """

    def __init__(
        self,
        n_classes: int,
        n_members: int,
        n_cells: int,
        data: Data,
        settings: Settings,
    ) -> None:
        super().__init__()
        self.data = data
        self.settings = settings
        self.n_classes = n_classes
        self.n_units = n_members
        self.n_cells = n_cells
        self.n_each = max(2, settings.batch // n_classes)

    @abstractmethod
    def bounds(
        self, values: Tensor, given: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Elbo of each class and member, shape (n_classes, n_members, n_rows).

        Parameters
        ----------
        values : Tensor, shape (n_members, n_rows, width)
        given : bool Tensor, shape (n_members, n_rows, n_cells)
        generator : torch.Generator
        """

    @abstractmethod
    def log_odds(self, elbo: Tensor) -> Tensor:
        """Log-odds of classes from (n_members, n_rows, n_classes) of elbo."""

    def _by_member(self, of_nets: list[Tensor]) -> list[list[Tensor]]:
        """Give lists by net as lists by member and class."""
        return [of_nets[member :: self.n_units] for member in range(self.n_units)]

    def loss(self, generator: torch.Generator) -> Tensor:
        """Loss of each member on rows drawn for one step, shape (n_members,)."""
        drawn = [rows.draw(self.n_each, generator) for rows in self.data.train]
        rows = torch.stack([torch.cat(each) for each in self._by_member(drawn)])
        elbo = self._elbo(rows, generator)
        truth = torch.arange(self.n_classes, device=rows.device)
        truth = truth.repeat_interleave(self.n_each).expand(len(rows), -1)
        own = elbo.gather(-1, truth[..., None])[..., 0]
        return self._entropy(elbo, truth).mean(
            1
        ) - GENERATIVE / self.n_cells * own.mean(1)

    @torch.no_grad()
    def held_out(self, generator: torch.Generator) -> Tensor:
        """Cross-entropy on stopping rows, classes counting alike, (n_members,)."""
        spare = [rows.places for rows in self.data.train]
        filled = list(padded(self.data.stop, spare))
        rows = torch.stack([torch.cat(each) for each in self._by_member(filled)])
        elbo = self._elbo(rows, generator)
        size = len(filled[0])
        truth = torch.arange(self.n_classes, device=rows.device)
        truth = truth.repeat_interleave(size).expand(len(rows), -1)
        lost = self._entropy(elbo, truth)
        lost = lost.view(self.n_units, self.n_classes, size).mean(2)
        known = torch.tensor([len(some) > 0 for some in self.data.stop])
        known = known.view(self.n_classes, self.n_units).T.to(lost.device)
        # A class without stopping rows says nothing of what unseen rows would lose.
        mean = (lost * known).sum(1) / known.sum(1)
        found: Tensor = mean.double().cpu()
        return found

    def _elbo(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Evidence of rows under all classes, (n_members, n_rows, n_classes)."""
        values, seen = self.data.values[rows], self.data.seen[rows]
        given = seen & ~hidden_cells(seen, self.settings.joint_mask, generator)
        return self.bounds(values, given, generator).permute(1, 2, 0)

    def _entropy(self, elbo: Tensor, truth: Tensor) -> Tensor:
        lost: Tensor = functional.cross_entropy(
            self.log_odds(elbo).flatten(0, 1), truth.flatten(), reduction="none"
        ).view(truth.shape)
        return lost


class Joint(Telling):
    """Cross-entropy that all classes' networks lower together.

    log-odds = scale * elbo + bias, both learnt.

    Parameters
    ----------
    nets : StackedVAE
        A class and member each, class by class; trained already.
    n_classes : int
    data : Data
    settings : Settings
    """

    def __init__(
        self, nets: StackedVAE, n_classes: int, data: Data, settings: Settings
    ) -> None:
        n_members = nets.n_nets // n_classes
        super().__init__(n_classes, n_members, nets.order.numel(), data, settings)
        self.nets = nets
        self.unit_of_net = torch.tensor(data.members)
        device = data.values.device
        self.log_scale = nn.Parameter(torch.zeros(n_members, 1, 1, device=device))
        self.bias = nn.Parameter(torch.zeros(n_members, 1, n_classes, device=device))

    def bounds(
        self, values: Tensor, given: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Ask all networks."""
        return bounds(self.nets, self.n_units, values, given, generator)

    def log_odds(self, elbo: Tensor) -> Tensor:
        """Apply scale and biases as learnt so far."""
        return self.log_scale.exp() * elbo + self.bias


def bounds(
    nets: StackedVAE,
    n_members: int,
    values: Tensor,
    given: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Elbo of rows by networks, class by class, shape (n_classes, n_members, n_rows).

    Parameters
    ----------
    nets : StackedVAE
    n_members : int
    values, given, generator
        As in `Telling.bounds`.
    """
    n_classes = nets.n_nets // n_members
    values, given = (x.repeat(n_classes, 1, 1) for x in (values, given))
    noise = noise_for(nets, values, generator)
    elbo = nets.loss(values, given, given, noise).elbo()
    return elbo.view(n_classes, n_members, -1)
