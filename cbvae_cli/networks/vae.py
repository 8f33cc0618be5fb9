"""Variational autoencoders side by side, on rows with hidden cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from cbvae_cli.networks.cells import CellDensities
from cbvae_cli.networks.dense import StackedMLP
from cbvae_cli.networks.inputs import Inputs, MaskInputs, NoiseInputs
from cbvae_cli.table.matrix import Layout

LOG_VARIANCE = 8.0  # bound on the log variance of a posterior, either way


@dataclass(frozen=True)
class Shape:
    """The size of one network.

    Attributes
    ----------
    latent : int
    hidden : tuple of int
        Layers of the encoder; the decoder has them in reverse.
    noise : bool
        Whether hidden cells hold noise instead of being marked by the mask.
    """

    latent: int
    hidden: tuple[int, ...]
    noise: bool


@dataclass(frozen=True)
class Loss:
    """The parts of the negative evidence lower bound, in nats.

    Attributes
    ----------
    recon : Tensor, shape (n_nets, n_rows)
        Log density of the seen cells given one draw of the posterior.
    kl : Tensor, shape (n_nets, n_rows)
        Divergence of the posterior from the prior.
    """

    recon: Tensor
    kl: Tensor

    def elbo(self) -> Tensor:
        """Evidence lower bound, shape (n_nets, n_rows)."""
        return self.recon - self.kl


class StackedVAE(CellDensities):
    """Several variational autoencoders over the same columns.

    Every parameter has a leading axis of networks. Wherever rows come in, their
    classes may: these networks do not look at them, others do.

    Parameters
    ----------
    layout : Layout
    shape : Shape
    n_nets : int
    generator : torch.Generator
        Source of the initial weights.
    n_told : int
        Numbers that encoder and decoder are told besides cells and latent point.
    """

    def __init__(
        self,
        layout: Layout,
        shape: Shape,
        n_nets: int,
        generator: torch.Generator,
        n_told: int = 0,
    ) -> None:
        super().__init__(layout, n_nets)
        self.shape = shape
        self.latent = shape.latent
        self.inputs: Inputs = (
            NoiseInputs(self.owner, generator)
            if shape.noise
            else MaskInputs(self.owner, self.order.numel())
        )
        sizes = (self.inputs.n_inputs + n_told, *shape.hidden, 2 * shape.latent)
        self.encoder = StackedMLP(n_nets, sizes, generator)
        sizes = (shape.latent + n_told, *reversed(shape.hidden), sum(self._params))
        self.decoder = StackedMLP(n_nets, sizes, generator)

    def only(self, places: tuple[int, ...]) -> Self:
        """Give some of the networks as a stack of its own, weights copied."""
        picked = {
            name: tensor if _shared(tensor) else tensor[list(places)]
            for name, tensor in self.state_dict().items()
        }
        return self._stacked(len(places), picked)

    def beside(self, other: Self) -> Self:
        """Give these networks and, behind them, others, as one stack, weights copied.

        What networks share is taken from these.
        """
        state = other.state_dict()
        both = {
            name: tensor if _shared(tensor) else torch.cat([tensor, state[name]])
            for name, tensor in self.state_dict().items()
        }
        return self._stacked(self.n_nets + other.n_nets, both)

    def share_of(self, other: StackedVAE) -> None:
        """Take over what networks share from others over the same columns."""
        shared = {n: t for n, t in other.state_dict().items() if _shared(t)}
        self.load_state_dict(shared, strict=False)

    def _untrained(self, n_nets: int) -> Self:
        """Give as many networks of the same kind."""
        return type(self)(self.layout, self.shape, n_nets, torch.Generator())

    def _stacked(self, n_nets: int, state: dict[str, Tensor]) -> Self:
        some = self._untrained(n_nets)
        some.load_state_dict(state, assign=True)
        return some.to(self.order.device).eval().requires_grad_(False)

    def posterior(
        self,
        values: Tensor,
        seen: Tensor,
        noise: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Encode rows.

        Parameters
        ----------
        values : Tensor, shape (n_nets or 1, n_rows, width)
        seen : bool Tensor, shape (n_nets or 1, n_rows, n_cells)
            In matrix order (see `arrange`).
        noise : Tensor, optional
            For `NoiseInputs` in training.
        labels : int Tensor, shape (n_nets or 1, n_rows), optional
            Classes of the rows.

        Returns
        -------
        mean, log_variance : Tensor, shape (n_nets, n_rows, latent)
        """
        return self._posterior(self.inputs(values, seen, noise))

    def _posterior(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(inputs).chunk(2, dim=-1)
        return mean, log_variance.clamp(-LOG_VARIANCE, LOG_VARIANCE)

    def decode(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Decode latent points to parameters, shape (n_nets, n_rows, n_params)."""
        params: Tensor = self.decoder(z)
        return params

    def divergence(
        self, mean: Tensor, log_variance: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """Divergence of posteriors from the prior, in nats, (n_nets, n_rows)."""
        return kl_to_standard(mean, log_variance)

    def log_prior(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Log density of latent points less that of a prior's middle, in nats.

        Parameters
        ----------
        z : Tensor, shape (n_nets, n_rows, latent)
        labels : int Tensor, shape (n_nets or 1, n_rows), optional

        Returns
        -------
        Tensor, shape (n_nets, n_rows)
        """
        return -0.5 * z.square().sum(-1)

    def given_class(
        self, mean: Tensor, log_variance: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """Give the posterior mean of rows once their classes are known.

        The same, for networks that were told the class already, or know but one.
        """
        return mean

    def loss(
        self,
        values: Tensor,
        seen: Tensor,
        given: Tensor,
        noise: Noise,
        labels: Tensor | None = None,
    ) -> Loss:
        """Evidence lower bound of rows of which only some cells are shown.

        Parameters
        ----------
        values : Tensor, shape (n_nets, n_rows, width)
        seen : bool Tensor, shape (n_nets, n_rows, n_cells)
            Cells with a true value: the target.
        given : bool Tensor, shape (n_nets, n_rows, n_cells)
            Cells that the encoder is shown.
        noise : Noise
        labels : int Tensor, shape (n_nets, n_rows), optional
            Classes of the rows.

        Returns
        -------
        Loss
        """
        mean, log_variance = self.posterior(values, given, noise.inputs, labels)
        z = mean + torch.exp(0.5 * log_variance) * noise.latent
        recon = self.log_prob(self.decode(z, labels), values, seen)
        return Loss(recon, self.divergence(mean, log_variance, labels))


@dataclass(frozen=True)
class Noise:
    """Random numbers of one training step.

    Attributes
    ----------
    latent : Tensor, shape (n_nets, n_rows, latent)
    inputs : Tensor, shape (n_nets, n_rows, width), or None
        Needed by networks with noise in hidden cells only.
    """

    latent: Tensor
    inputs: Tensor | None


def _shared(tensor: Tensor) -> bool:
    """Tell what has no axis of networks, so that all share it."""
    return tensor.dim() == 1


def kl_to_standard(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Divergence of N(mean, variance) from N(0, I), in nats, summed over the latent.

    Kingma & Welling (2014), appendix B.
    """
    terms = log_variance.exp() + mean.square() - 1 - log_variance
    return 0.5 * terms.sum(-1)
