"""Cells of two values."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cbvae_cli.likelihoods.base import Likelihood, hide, width_of
from cbvae_cli.table.matrix import Layout, Span

MOST_LOGIT = 7.0  # a network of few rows never calls the other value impossible


class Bernoulli(Likelihood):
    """Bernoulli mass; the decoder gives the logit of the value 1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.n_params = width

    @classmethod
    def for_span(cls, span: Span, layout: Layout, n_nets: int) -> Bernoulli:
        """Build it."""
        return cls(width_of(span))

    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Log mass of the value, in nats."""
        logits = params.clamp(-MOST_LOGIT, MOST_LOGIT)
        signed = logits * (2 * target - 1)
        return hide(functional.logsigmoid(signed), observed)

    def mean(self, params: Tensor) -> Tensor:
        """Give the probability of the value 1."""
        return torch.sigmoid(params.clamp(-MOST_LOGIT, MOST_LOGIT))

    def deviation(self, params: Tensor) -> Tensor:
        """Give the standard deviation of a Bernoulli cell."""
        mean = self.mean(params)
        return (mean * (1 - mean)).sqrt()

    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw 0 or 1."""
        uniform = torch.from_numpy(rng.random(params.shape, dtype=np.float32))
        return (uniform.to(params.device) < self.mean(params)).to(params.dtype)
