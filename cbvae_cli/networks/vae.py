"""Variational autoencoders side by side, on rows with hidden cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cbvae_cli.likelihoods import likelihood_for
from cbvae_cli.likelihoods.base import Likelihood
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
        Divergence of the posterior from N(0, I).
    """

    recon: Tensor
    kl: Tensor

    def elbo(self) -> Tensor:
        """Evidence lower bound, shape (n_nets, n_rows)."""
        return self.recon - self.kl


class StackedVAE(nn.Module):
    """Several variational autoencoders over the same columns.

    Every parameter has a leading axis of networks.

    Parameters
    ----------
    layout : Layout
    shape : Shape
    n_nets : int
    generator : torch.Generator
        Source of the initial weights.
    """

    order: Tensor
    owner: Tensor

    def __init__(
        self, layout: Layout, shape: Shape, n_nets: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.layout = layout
        self.shape = shape
        self.n_nets = n_nets
        self.latent = shape.latent
        cells = [cell for span in layout.spans for cell in span.cells]
        widths = [width for span in layout.spans for width in span.widths]
        owner = torch.repeat_interleave(
            torch.arange(len(cells)), torch.tensor(widths, dtype=torch.long)
        )
        self.register_buffer("order", torch.tensor(cells), persistent=False)
        self.register_buffer("owner", owner, persistent=False)
        self._densities = [
            likelihood_for(span, layout, n_nets) for span in layout.spans
        ]
        self.likelihoods = nn.ModuleList(self._densities)
        self._columns = [(span.start, span.stop) for span in layout.spans]
        self._cells = [len(span.cells) for span in layout.spans]
        self._params = [likelihood.n_params for likelihood in self._densities]
        self.inputs: Inputs = (
            NoiseInputs(owner, generator)
            if shape.noise
            else MaskInputs(owner, len(cells))
        )
        sizes = (self.inputs.n_inputs, *shape.hidden, 2 * shape.latent)
        self.encoder = StackedMLP(n_nets, sizes, generator)
        sizes = (shape.latent, *reversed(shape.hidden), sum(self._params))
        self.decoder = StackedMLP(n_nets, sizes, generator)

    def only(self, places: tuple[int, ...]) -> StackedVAE:
        """Give some of the networks as a stack of its own, weights copied."""
        picked = {
            name: tensor if _shared(tensor) else tensor[list(places)]
            for name, tensor in self.state_dict().items()
        }
        return self._stacked(len(places), picked)

    def beside(self, other: StackedVAE) -> StackedVAE:
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

    def _stacked(self, n_nets: int, state: dict[str, Tensor]) -> StackedVAE:
        some = StackedVAE(self.layout, self.shape, n_nets, torch.Generator())
        some.load_state_dict(state, assign=True)
        return some.to(self.order.device).eval().requires_grad_(False)

    def arrange(self, observed: Tensor) -> Tensor:
        """Put a mask in table order, shape (..., n_cells), into matrix order."""
        return observed[..., self.order]

    def posterior(
        self, values: Tensor, seen: Tensor, noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Encode rows.

        Parameters
        ----------
        values : Tensor, shape (n_nets or 1, n_rows, width)
        seen : bool Tensor, shape (n_nets or 1, n_rows, n_cells)
            In matrix order (see `arrange`).
        noise : Tensor, optional
            For `NoiseInputs` in training.

        Returns
        -------
        mean, log_variance : Tensor, shape (n_nets, n_rows, latent)
        """
        encoded = self.encoder(self.inputs(values, seen, noise))
        mean, log_variance = encoded.chunk(2, dim=-1)
        return mean, log_variance.clamp(-LOG_VARIANCE, LOG_VARIANCE)

    def decode(self, z: Tensor) -> Tensor:
        """Decode latent points to parameters, shape (n_nets, n_rows, n_params)."""
        params: Tensor = self.decoder(z)
        return params

    def log_prob(self, params: Tensor, values: Tensor, seen: Tensor) -> Tensor:
        """Log density of the seen cells, in nats, shape (n_nets, n_rows)."""
        total = params.new_zeros(params.shape[:2])
        masks = torch.split(seen, self._cells, dim=-1)
        for (likelihood, block), (start, stop), mask in zip(
            self._blocks(params), self._columns, masks, strict=True
        ):
            cells = likelihood.log_prob(block, values[..., start:stop], mask)
            total = total + cells.sum(-1)
        return total

    def mean(self, params: Tensor) -> Tensor:
        """Mean of the encoded cells, shape (n_nets, n_rows, width)."""
        means = [lh.mean(block) for lh, block in self._blocks(params)]
        return torch.cat(means, dim=-1)

    def deviation(self, params: Tensor) -> Tensor:
        """Deviation of the encoded cells, shape (n_nets, n_rows, width)."""
        spreads = [lh.deviation(block) for lh, block in self._blocks(params)]
        return torch.cat(spreads, dim=-1)

    def sample_cells(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw encoded cells, shape (n_nets, n_rows, width)."""
        drawn = [lh.sample(block, rng) for lh, block in self._blocks(params)]
        return torch.cat(drawn, dim=-1)

    def _blocks(self, params: Tensor) -> Iterator[tuple[Likelihood, Tensor]]:
        blocks = torch.split(params, self._params, dim=-1)
        yield from zip(self._densities, blocks, strict=True)

    def squared_error(self, params: Tensor, values: Tensor, seen: Tensor) -> Tensor:
        """Mean squared error over the seen cells, shape (n_nets, n_rows).

        Algorithm 2 of the class-based VAE paper; on the scale of the matrix.
        """
        wrong = (values - self.mean(params)).square()
        kept = torch.where(seen[..., self.owner], wrong, wrong.new_zeros(()))
        return kept.sum(-1) / seen.sum(-1).clamp(min=1)

    def loss(self, values: Tensor, seen: Tensor, given: Tensor, noise: Noise) -> Loss:
        """Evidence lower bound of rows of which only some cells are shown.

        Parameters
        ----------
        values : Tensor, shape (n_nets, n_rows, width)
        seen : bool Tensor, shape (n_nets, n_rows, n_cells)
            Cells with a true value: the target.
        given : bool Tensor, shape (n_nets, n_rows, n_cells)
            Cells that the encoder is shown.
        noise : Noise

        Returns
        -------
        Loss
        """
        mean, log_variance = self.posterior(values, given, noise.inputs)
        z = mean + torch.exp(0.5 * log_variance) * noise.latent
        recon = self.log_prob(self.decode(z), values, seen)
        return Loss(recon, kl_to_standard(mean, log_variance))

    def lean(self, counts: Tensor, base: Tensor) -> None:
        """Lean networks of few rows on the whole table; see `Likelihood.lean`."""
        for likelihood, (start, stop) in zip(
            self._densities, self._columns, strict=True
        ):
            likelihood.lean(counts, base[start:stop])


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
