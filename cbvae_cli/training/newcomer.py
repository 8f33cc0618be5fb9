"""The joint phase of one class: it learns to be told from others that stay as are."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from cbvae_cli.calibration.temperature import Members
from cbvae_cli.networks.vae import StackedVAE
from cbvae_cli.records import Settings
from cbvae_cli.table.cells import Floats
from cbvae_cli.training.joint import Telling, bounds
from cbvae_cli.training.objective import Data


class Newcomer(Telling):
    """Cross-entropy that one class's networks lower, the others' being frozen.

    Scale and biases of the others are those that their log-odds were calibrated
    with; only the bias of the class is learnt.

    Parameters
    ----------
    nets : StackedVAE
        Of the class, one a member; trained already.
    others : StackedVAE
        Of the other classes, class by class; they get no gradient.
    place : int
        Of the class among all.
    speaks : Members
        The others' calibrated evidence lower bounds.
    shares : float64 array, shape (n_others,)
        That the calibration holds for; batches are class-balanced.
    data : Data
        Rows of all classes' networks, class by class.
    settings : Settings
    """

    def __init__(
        self,
        nets: StackedVAE,
        others: StackedVAE,
        place: int,
        speaks: Members,
        shares: Floats,
        data: Data,
        settings: Settings,
    ) -> None:
        n_members = nets.n_nets
        n_classes = others.n_nets // n_members + 1
        super().__init__(n_classes, n_members, nets.order.numel(), data, settings)
        self.nets = nets
        self.unit_of_net = torch.arange(n_members)
        # In a tuple torch does not see them: the optimiser must not.
        self._others = (others,)
        self.place = place
        device = data.values.device
        scale = np.array([each.scale for each in speaks.each])
        bias = np.stack([each.bias - np.log(shares) for each in speaks.each])
        self.scale_of_others = _tensor(scale[:, None, None], device)
        self.bias_of_others = _tensor(bias[:, None], device)
        self.bias = nn.Parameter(torch.zeros(n_members, 1, 1, device=device))

    def bounds(
        self, values: Tensor, given: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Ask the others without, and the class with a way back."""
        rows = (self.n_units, values, given, generator)
        with torch.no_grad():
            others = bounds(self._others[0], *rows)
        return _among(others, bounds(self.nets, *rows), self.place)

    def log_odds(self, elbo: Tensor) -> Tensor:
        """Apply the others' scale, their biases and the one learnt so far."""
        others = self.bias_of_others.movedim(2, 0)
        bias = _among(others, self.bias.movedim(2, 0), self.place).movedim(0, 2)
        return self.scale_of_others * elbo + bias


def _among(others: Tensor, own: Tensor, place: int) -> Tensor:
    """Put a class of the first axis at its place among others."""
    return torch.cat([others[:place], own, others[place:]])


def _tensor(array: Floats, device: torch.device) -> Tensor:
    return torch.from_numpy(array).float().to(device)
