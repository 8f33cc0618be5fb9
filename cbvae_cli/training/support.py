"""Support samples: made rows near the boundary of classes that join the training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cbvae_cli.networks.adversarial import AdversarialVAE
from cbvae_cli.training.objective import Data

MOST_MADE = 4096  # latent points a network and epoch


class Support:
    """Rows made by each network, for that network alone.

    Parameters
    ----------
    nets : AdversarialVAE
    data : Data

    Attributes
    ----------
    values : Tensor, shape (n_nets, n_made, width)
    labels : int Tensor, shape (n_nets, n_made)
    counts : int Tensor, shape (n_nets,)
        Of each network's rows the first so many are kept ones.
    """

    def __init__(self, nets: AdversarialVAE, data: Data) -> None:
        self.nets = nets
        device = data.values.device
        each = [data.labels[rows.places] for rows in data.train]
        by_class = [torch.bincount(one, minlength=nets.n_classes) for one in each]
        real = torch.stack(by_class)
        self.real = real.sum(1)
        # With them no class has more rows than the largest has real ones, and none has
        # more made rows than real ones: a rare class of made rows alone is another.
        self.room = torch.minimum(real.amax(1, keepdim=True) - real, real)
        shape = (nets.n_nets, 0)
        self.values = torch.zeros(*shape, data.values.shape[1], device=device)
        self.labels = torch.zeros(shape, dtype=torch.int64, device=device)
        self.counts = torch.zeros(nets.n_nets, dtype=torch.int64, device=device)

    @torch.no_grad()
    def renew(self, generator: torch.Generator) -> None:
        """Replace all rows.

        Latent points are drawn from N(0, I), between the classes; a row made at one
        is of the class whose mean is nearest, and kept if the discriminator agrees.
        """
        nets = self.nets
        n_made = min(MOST_MADE, 2 * int(self.room.sum(1).max()))
        if not n_made:
            return
        z = torch.randn((nets.n_nets, n_made, nets.latent), generator=generator)
        z = z.to(self.values.device)
        labels = torch.cdist(z, nets.prior.means()).argmin(-1)
        seed = int(torch.randint(2**63 - 1, (), generator=generator))
        made = nets.sample_cells(nets.decode(z), np.random.default_rng(seed))
        whole = torch.ones(*labels.shape, nets.order.numel(), dtype=torch.bool)
        agreed = nets.tell(made, whole.to(z.device)).argmax(-1) == labels
        kept = _within(agreed, labels, self.room)
        order = kept.long().argsort(dim=1, descending=True, stable=True)
        self.values = made.gather(1, order[..., None].expand_as(made))
        self.labels = labels.gather(1, order)
        self.counts = kept.sum(1)

    def join(
        self, values: Tensor, seen: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Put kept rows into a batch, as often as they are among all rows.

        Parameters
        ----------
        values : Tensor, shape (n_nets, n_rows, width)
        seen : bool Tensor, shape (n_nets, n_rows, n_cells)
        labels : int Tensor, shape (n_nets, n_rows)
        generator : torch.Generator

        Returns
        -------
        values, seen, labels
            Of as many rows; kept ones have no missing cells.
        """
        chance, place = torch.rand((2, *labels.shape), generator=generator)
        chance, place = chance.to(labels.device), place.to(labels.device)
        if not self.values.shape[1]:
            return values, seen, labels
        share = self.counts / (self.counts + self.real)
        made = chance < share[:, None]
        last = (self.counts[:, None] - 1).clamp(min=0)
        picked = (place * self.counts[:, None]).long().minimum(last)
        wide = picked[..., None].expand(-1, -1, self.values.shape[2])
        return (
            torch.where(made[..., None], self.values.gather(1, wide), values),
            seen | made[..., None],
            torch.where(made, self.labels.gather(1, picked), labels),
        )

    def memory(self) -> dict[str, Tensor]:
        """Give all that changes."""
        return {"values": self.values, "labels": self.labels, "counts": self.counts}

    def remember(self, memory: Mapping[str, Tensor]) -> None:
        """Take over what `memory` gave."""
        device = self.values.device
        self.values, self.labels, self.counts = (
            memory[name].to(device) for name in ("values", "labels", "counts")
        )


def _within(agreed: Tensor, labels: Tensor, room: Tensor) -> Tensor:
    """Keep the first rows of each class that there is room for, (n_nets, n_made)."""
    of_class = functional.one_hot(labels, room.shape[1]) * agreed[..., None]
    number = of_class.cumsum(1).gather(2, labels[..., None])[..., 0]
    return agreed & (number <= room.gather(1, labels))
