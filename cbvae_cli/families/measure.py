"""The parts of evidence, for a stack of networks on rows with hidden cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from cbvae_cli.families.rows import Rows
from cbvae_cli.networks.draws import normal_draws
from cbvae_cli.networks.vae import StackedVAE

N_DRAWS = 16  # of all members together
LEAST_DRAWS = 4  # of each


def draws_each(n_members: int) -> int:
    """Count the posterior draws of each of some members: pairs of mirror images."""
    return max(LEAST_DRAWS, N_DRAWS // n_members // 2 * 2)


@torch.inference_mode()
def measure(nets: StackedVAE, rows: Rows, parts: Sequence[str], n_draws: int) -> Tensor:
    """Measure how well each network explains each row.

    Parameters
    ----------
    nets : StackedVAE
    rows : Rows
    parts : sequence of str
        `"error"`: mean squared error over seen cells at the posterior mean.
        `"recon"`: mean log density of the seen cells over posterior draws, in nats
        (the reconstruction probability of An & Cho, 2015). `"kl"`: divergence of the
        posterior from the prior, in nats. `"elbo"`: recon - kl. `"iw"`: the
        importance-weighted bound (Burda, Grosse & Salakhutdinov, 2016), in nats.
        `"plugin"`: recon with the posterior mean for its only draw, in nats.
    n_draws : int
        Of each network's posterior.

    Returns
    -------
    Tensor, shape (..., n_nets, n_rows, n_parts)
        Axes that the rows' labels have in front come in front.
    """
    labels = rows.labels
    mean, log_variance = nets.posterior(rows.values, rows.seen, labels=labels)
    found = {"kl": nets.divergence(mean, log_variance, labels)}
    if {"error", "plugin"} & set(parts):
        found |= _at_mean(nets, rows, mean)
    if {"recon", "elbo", "iw"} & set(parts):
        found |= _over_draws(nets, rows, mean, log_variance, n_draws)
        found["elbo"] = found["recon"] - found["kl"]
    return torch.stack([found[part].expand_as(found["kl"]) for part in parts], dim=-1)


def _at_mean(nets: StackedVAE, rows: Rows, mean: Tensor) -> dict[str, Tensor]:
    params = nets.decode(mean, rows.labels)
    log_prob = nets.summing(rows.values, rows.seen)
    return {
        "error": nets.squared_error(params, rows.values, rows.seen),
        "plugin": log_prob(params),
    }


def _over_draws(
    nets: StackedVAE, rows: Rows, mean: Tensor, log_variance: Tensor, n_draws: int
) -> dict[str, Tensor]:
    deviation = torch.exp(0.5 * log_variance)
    total = torch.zeros_like(mean[..., 0])
    log_prob = nets.summing(rows.values, rows.seen)
    weights = []
    for noise in normal_draws(n_draws, nets.latent).to(mean):
        z = mean + deviation * noise
        params = nets.decode(z, rows.labels)
        recon = log_prob(params)
        prior = nets.log_prior(z, rows.labels)
        posterior = -0.5 * noise.square().sum() - 0.5 * log_variance.sum(-1)
        total += recon
        weights.append(recon + prior - posterior)
    together = torch.stack(weights).logsumexp(0) - math.log(n_draws)
    return {"recon": total / n_draws, "iw": together}


@torch.inference_mode()
def believe(nets: StackedVAE, rows: Rows, n_draws: int) -> tuple[Tensor, Tensor]:
    """Give mean and deviation of every cell, over posterior draws of all networks.

    Returns
    -------
    mean, deviation : Tensor, shape (n_rows, width)
        The deviation joins the spread of a cell given z and that between draws.
    """
    first = second = torch.zeros(())
    for z in _draws(nets, rows, n_draws):
        params = nets.decode(z, rows.labels)
        cells, deviation = nets.moments(params)
        first = first + cells.sum(0)
        second = second + (cells.square() + deviation.square()).sum(0)
    count = n_draws * nets.n_nets
    average = first / count
    variance = (second / count - average.square()).clamp(min=0)
    return average, variance.sqrt()


@torch.inference_mode()
def density(nets: StackedVAE, rows: Rows, hidden: Tensor, n_draws: int) -> Tensor:
    """Give the log density of hidden cells given those that stay shown.

    Parameters
    ----------
    nets : StackedVAE
    rows : Rows
        With the true values of the cells.
    hidden : bool Tensor, shape (1, n_rows, n_cells)
        Cells that the encoder is not shown, in matrix order.
    n_draws : int
        Of each network's posterior.

    Returns
    -------
    Tensor, shape (n_rows, n_nets)
        In nats: log of the mean density over posterior draws. Cells that are missing
        give nothing.
    """
    shown = replace(rows, seen=rows.seen & ~hidden)
    asked = rows.seen & hidden
    log_prob = nets.summing(rows.values, asked)
    found = [
        log_prob(nets.decode(z, rows.labels)) for z in _draws(nets, shown, n_draws)
    ]
    together = torch.stack(found).logsumexp(0) - math.log(n_draws)
    return together.T


def encode(nets: StackedVAE, rows: Rows) -> tuple[Tensor, Tensor]:
    """Give posteriors of rows under their classes: mean and deviation.

    Returns
    -------
    mean, deviation : Tensor, shape (n_nets, n_rows, latent)
    """
    mean, log_variance = nets.posterior(rows.values, rows.seen, labels=rows.labels)
    mean = nets.given_class(mean, log_variance, rows.labels)
    return mean, torch.exp(0.5 * log_variance)


def _draws(nets: StackedVAE, rows: Rows, n_draws: int) -> Iterator[Tensor]:
    """Draw from posteriors under the rows' classes, (n_nets, n_rows, latent) each."""
    mean, deviation = encode(nets, rows)
    for noise in normal_draws(n_draws, nets.latent).to(mean):
        yield mean + deviation * noise
