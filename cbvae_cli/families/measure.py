"""The parts of evidence, for a stack of networks on rows with hidden cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cbvae_cli.families.contract import Rows
from cbvae_cli.networks.draws import normal_draws
from cbvae_cli.networks.vae import StackedVAE, kl_to_standard

N_DRAWS = 16


@torch.inference_mode()
def measure(nets: StackedVAE, rows: Rows, parts: Sequence[str]) -> Tensor:
    """Measure how well each network explains each row.

    Parameters
    ----------
    nets : StackedVAE
    rows : Rows
    parts : sequence of str
        `"error"`: mean squared error over seen cells at the posterior mean.
        `"recon"`: mean log density of the seen cells over posterior draws, in nats
        (the reconstruction probability of An & Cho, 2015). `"kl"`: divergence of the
        posterior from N(0, I), in nats. `"elbo"`: recon - kl. `"iw"`: the
        importance-weighted bound (Burda, Grosse & Salakhutdinov, 2016), in nats.

    Returns
    -------
    Tensor, shape (n_nets, n_rows, n_parts)
    """
    mean, log_variance = nets.posterior(rows.values, rows.seen)
    found: dict[str, Tensor] = {"kl": kl_to_standard(mean, log_variance)}
    if "error" in parts:
        params = nets.decode(mean)
        found["error"] = nets.squared_error(params, rows.values, rows.seen)
    if {"recon", "elbo", "iw"} & set(parts):
        found |= _over_draws(nets, rows, mean, log_variance)
        found["elbo"] = found["recon"] - found["kl"]
    return torch.stack([found[part] for part in parts], dim=-1)


def _over_draws(
    nets: StackedVAE, rows: Rows, mean: Tensor, log_variance: Tensor
) -> dict[str, Tensor]:
    deviation = torch.exp(0.5 * log_variance)
    total = torch.zeros_like(mean[..., 0])
    weights = []
    for noise in normal_draws(N_DRAWS, nets.latent).to(mean):
        z = mean + deviation * noise
        recon = nets.log_prob(nets.decode(z), rows.values, rows.seen)
        prior = -0.5 * z.square().sum(-1)
        posterior = -0.5 * noise.square().sum() - 0.5 * log_variance.sum(-1)
        total += recon
        weights.append(recon + prior - posterior)
    together = torch.stack(weights).logsumexp(0) - math.log(N_DRAWS)
    return {"recon": total / N_DRAWS, "iw": together}


@torch.inference_mode()
def believe(nets: StackedVAE, rows: Rows) -> tuple[Tensor, Tensor]:
    """Give mean and deviation of every cell, averaged over posterior draws.

    Returns
    -------
    mean, deviation : Tensor, shape (n_nets, n_rows, width)
        The deviation joins the spread of a cell given z and that between draws.
    """
    mean, log_variance = nets.posterior(rows.values, rows.seen)
    spread = torch.exp(0.5 * log_variance)
    first = second = torch.zeros(())
    for noise in normal_draws(N_DRAWS, nets.latent).to(mean):
        params = nets.decode(mean + spread * noise)
        cells = nets.mean(params)
        first = first + cells
        second = second + cells.square() + nets.deviation(params).square()
    average = first / N_DRAWS
    variance = (second / N_DRAWS - average.square()).clamp(min=0)
    return average, variance.sqrt()
