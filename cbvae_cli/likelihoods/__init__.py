"""Densities of cells given what a decoder says, one a file.

A likelihood owns a run of matrix columns (`cbvae_cli.table.matrix.Span`): networks
and losses never ask what kind of column they look at.
"""

from __future__ import annotations

from importlib import import_module

from cbvae_cli.likelihoods.base import Likelihood
from cbvae_cli.table.matrix import Layout, Span

LIKELIHOODS = {
    "gaussian": "cbvae_cli.likelihoods.gaussian:Gaussian",
    "unit": "cbvae_cli.likelihoods.unit:UnitGaussian",
    "bernoulli": "cbvae_cli.likelihoods.bernoulli:Bernoulli",
    "count": "cbvae_cli.likelihoods.count:NegativeBinomial",
    "categorical": "cbvae_cli.likelihoods.categorical:Categorical",
}


def likelihood_for(span: Span, layout: Layout, n_nets: int) -> Likelihood:
    """Build the likelihood of a span for a stack of networks."""
    module, _, attribute = LIKELIHOODS[span.likelihood].partition(":")
    found: type[Likelihood] = getattr(import_module(module), attribute)
    return found.for_span(span, layout, n_nets)
