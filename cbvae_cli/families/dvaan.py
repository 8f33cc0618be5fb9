"""`dvaan`: a discriminative autoencoder and its adversary (the DVAAN paper)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.errors import DataProblem
from cbvae_cli.families.contract import Family
from cbvae_cli.families.dvae import DiscriminativeVAE, at_mu
from cbvae_cli.families.rows import DENSITIES, Rows
from cbvae_cli.networks.adversarial import AdversarialVAE
from cbvae_cli.networks.vae import Shape
from cbvae_cli.table.matrix import Layout


class AdversarialFamily(DiscriminativeVAE):
    """The decoder generates, a discriminator classifies; mu moves between them.

    The autoencoder explains rows, under the classes' priors; `Teller` tells classes
    apart.
    """

    name: ClassVar[str] = "dvaan"
    rules: ClassVar[tuple[str, ...]] = (*DiscriminativeVAE.rules, "discriminator")
    options: ClassVar[tuple[str, ...]] = (
        *DiscriminativeVAE.options,
        *("fixed_mu", "support", "paper_discriminator"),
    )
    nets: AdversarialVAE

    @classmethod
    def networks(
        cls,
        layout: Layout,
        shape: Shape,
        n_nets: int,
        generator: torch.Generator,
        n_classes: int,
    ) -> AdversarialVAE:
        """Make untrained networks."""
        return AdversarialVAE(layout, shape, n_nets, generator, n_classes, at_mu)

    @classmethod
    def check(cls, n_classes: int, latent: int) -> None:
        """Refuse one class alone: there is nothing to discriminate."""
        if n_classes < 2:
            raise DataProblem(
                f"--model {cls.name} learns to tell classes apart, and the table has "
                "one",
                expected="two classes or more",
                hint="--model cbvae learns from one class",
            )
        super().check(n_classes, latent)

    @torch.inference_mode()
    def support(
        self, place: int, n_rows: int, rng: np.random.Generator, member: int = 0
    ) -> NDArray[Any]:
        """Make rows at points between the classes, as training does.

        Points are drawn from N(0, I); kept are those whose nearest mean is the class's
        and whose rows the discriminator takes for the class.
        """
        net = self._net((member,))
        assert isinstance(net, AdversarialVAE)  # one of `self.nets`
        device = net.order.device
        z = torch.from_numpy(rng.standard_normal((n_rows, net.latent))).float()
        nearest = torch.cdist(z, net.prior.means()[0].cpu()).argmin(-1)
        drawn = self.draw_from(z[nearest == place], place, rng, member)
        values = torch.from_numpy(drawn)[None].to(device)
        whole = torch.ones(1, len(drawn), net.order.numel(), dtype=torch.bool)
        agreed = net.tell(values, whole.to(device))[0].argmax(-1) == place
        kept: NDArray[Any] = drawn[agreed.cpu().numpy()]
        return kept

    @cached_property
    def teller(self) -> Family:
        """The same networks, asked by the discriminator."""
        return Teller(
            self.layout, self.n_classes, self.n_members, self.n_draws, self.nets
        )


class Teller(AdversarialFamily):
    """Gives what the discriminator makes of rows for evidence.

    All of it, log p(class given seen cells), stands for every log density, and nothing
    for `kl`. The squared error stays the autoencoder's.
    """

    @property
    def teller(self) -> Family:
        """The family itself."""
        return self

    @torch.inference_mode()
    def evidence(self, rows: Rows, parts: Sequence[str]) -> Tensor:
        """Ask the discriminators, shape (n_rows, n_members, n_classes, n_parts)."""
        told = self.nets.tell(rows.values, rows.seen).transpose(0, 1)
        found = dict.fromkeys(DENSITIES, told)
        found["kl"] = torch.zeros_like(told)
        if "error" in parts:
            found["error"] = super().evidence(rows, ("error",))[..., 0]
        return torch.stack([found[part] for part in parts], dim=-1)
