"""The objective of `dvaan`: an autoencoder, its adversary, and mu between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.networks.adversarial import AdversarialVAE
from cbvae_cli.networks.priors import SimplexPrior
from cbvae_cli.records import Settings
from cbvae_cli.training.apart import rescaled_log_loss
from cbvae_cli.training.objective import (
    Data,
    Generative,
    hidden_cells,
    noise_for,
    padded,
)
from cbvae_cli.training.support import Support

RATE = 0.01  # of mu, a step
MOST_MU = 10.0
GAMMA = 1.0  # weight of the adversarial loss in the movement of mu
MEMORY = 0.99  # of the moving averages


class Adversarial(Generative):
    """Algorithm 1 of the DVAAN paper (Guo, Zhu, Wang & Chen, 2019).

    The autoencoder lowers reconstruction, divergence and the feature loss: the mean
    squared distance of the discriminator's last hidden layer between a row and its
    reconstruction. Decoder and discriminator both lower the adversarial loss, the
    cross-entropy of the discriminator on reconstructions and on rows decoded from the
    priors; for two classes that is the mean of softplus(-y D). All weights are 1.

    Units are the autoencoders first, then their discriminators.

    Parameters
    ----------
    nets : AdversarialVAE
    data : Data
    settings : Settings
    """

    nets: AdversarialVAE

    def __init__(self, nets: AdversarialVAE, data: Data, settings: Settings) -> None:
        super().__init__(nets, data, settings)
        assert isinstance(nets.prior, SimplexPrior)
        self.prior = nets.prior
        self.n_units = 2 * nets.n_nets
        most = max(len(rows.places) for rows in data.train)
        self.epoch = max(1, -(-most // settings.batch))
        # Reconstructions, rows from the priors, and real rows unless as in the paper.
        self.kinds = 2 if settings.paper_discriminator else 3
        self.support = Support(nets, data)
        self._judges = {id(parameter) for parameter in nets.discriminator.parameters()}
        # Feature and adversarial loss of each network: of the last step, and averaged.
        self.average = torch.zeros(2, nets.n_nets, device=data.values.device)
        self.last = self.average
        self.path = self._mu[None]

    @property
    def _mu(self) -> Tensor:
        return self.prior.mu.detach().flatten().clone()

    def loss(self, generator: torch.Generator) -> Tensor:
        """Give losses of autoencoders, then of discriminators, shape (n_units,)."""
        nets, size = self.nets, self.settings.batch
        rows = torch.stack([some.draw(size, generator) for some in self.data.train])
        batch = self.data.values[rows], self.data.seen[rows], self.data.labels[rows]
        values, seen, labels = self.support.join(*batch, generator)
        given = seen & ~hidden_cells(seen, self.settings.mask, generator)
        noise = noise_for(nets, values, generator)
        mean, log_variance = nets.posterior(values, given, noise.inputs)
        z = mean + torch.exp(0.5 * log_variance) * noise.latent
        params = nets.decode(z)
        explained = nets.divergence(mean, log_variance, labels) - nets.log_prob(
            params, values, seen
        )
        # The adversarial loss does not reach the encoder: only its points do.
        points, of_points = self._from_priors(labels, generator)
        made = nets.mean(nets.decode(torch.cat([z.detach(), points], dim=1)))
        # What is made is looked at through the gaps of the batch.
        wanted, log_p = nets.look(
            torch.cat([made, values], dim=1),
            given.repeat(1, 3, 1),
            None if noise.inputs is None else noise.inputs.repeat(1, 3, 1),
        )
        named = torch.cat([labels, of_points, labels], dim=1)
        adverse = _entropy(log_p, named)[:, : self.kinds * size].mean(1)
        found = nets.features(nets.mean(params), given, noise.inputs)
        far = (found - wanted[:, -size:].detach()).square()
        feature = far.mean(dim=(1, 2))
        self.last = torch.stack([feature, adverse]).detach()
        return torch.cat([explained.mean(1) + feature, adverse])

    def _from_priors(
        self, like: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw points of the priors, classes alike, as many as there are labels."""
        nets = self.nets
        labels = torch.randint(nets.n_classes, like.shape, generator=generator)
        noise = torch.randn((*like.shape, nets.latent), generator=generator)
        labels, noise = labels.to(like.device), noise.to(like.device)
        return self.prior.of(labels) + noise, labels

    @torch.no_grad()
    def held_out(self, generator: torch.Generator) -> Tensor:
        """Give losses on stopping rows: the bound's, and the discriminators'."""
        stop = self.data.stop
        rows = padded(stop, [some.places for some in self.data.train])
        labels = self.data.labels[rows]
        told = self.nets.tell(self.data.values[rows], self.data.seen[rows])
        # A discriminator is surer of made rows than of real ones, ever more so: the
        # cross-entropy would choose the first step, the odds' order does not.
        lost = [
            rescaled_log_loss(*(_plain(part[: len(own)]) for part in each))
            for own, *each in zip(stop, told, labels, strict=True)
        ]
        found = torch.tensor(lost, dtype=torch.float64)
        return torch.cat([super().held_out(generator), found])

    def of_unit(self, chosen: Tensor, parameter: Tensor) -> Tensor:
        """Spread a choice of units over a parameter of the half that it belongs to."""
        explain, tell = chosen.chunk(2)
        own = tell if id(parameter) in self._judges else explain
        return own.view(-1, *[1] * (parameter.dim() - 1))

    @torch.no_grad()
    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Move mu, and at the end of an epoch make new support samples.

        mu rises where classes are hard to tell and falls where rows are hard to
        reconstruct (the paper's prose has the sign the other way round).
        """
        kept = MEMORY if step > 1 else 0.0
        self.average = kept * self.average + (1 - kept) * self.last
        if not self.settings.fixed_mu:
            feature, adverse = self.average
            change = RATE * torch.tanh(feature - GAMMA * adverse)
            mu = self.prior.mu
            mu.copy_((mu - change[:, None, None]).clamp(0.0, MOST_MU))
        if step % self.epoch == 0:
            self.path = torch.cat([self.path, self._mu[None]])
            if self.settings.support:
                self.support.renew(generator)

    def memory(self) -> dict[str, Tensor]:
        """Give averages, mu by epoch, and the support samples."""
        support = self.support.memory()
        found = {f"support/{name}": tensor for name, tensor in support.items()}
        return found | {"average": self.average, "path": self.path}

    def remember(self, memory: Mapping[str, Tensor]) -> None:
        """Take over what `memory` gave."""
        device = self.average.device
        self.average = memory["average"].to(device)
        self.path = memory["path"].to(device)
        self.support.remember(
            {
                name.removeprefix("support/"): tensor
                for name, tensor in memory.items()
                if name.startswith("support/")
            }
        )

    def record(self) -> dict[str, Any]:
        """Give mu by epoch and network, and what the losses were at the end."""
        feature, adverse = self.average.tolist()
        return {
            "mu": self.path.tolist(),
            "adversary": {
                "feature_loss": feature,
                "adversarial_loss": adverse,
                "support_samples": self.support.counts.tolist(),
            },
        }


def _plain(part: Tensor) -> NDArray[Any]:
    wide = part.double() if part.is_floating_point() else part
    found: NDArray[Any] = wide.cpu().numpy()
    return found


def _entropy(log_p: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each row, in nats."""
    return -log_p.gather(-1, labels[..., None])[..., 0]
