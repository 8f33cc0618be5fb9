"""Laws of every density: one table of cases, one test a law."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from cbvae_cli.likelihoods import LIKELIHOODS, likelihood_for
from cbvae_cli.likelihoods.base import Likelihood
from cbvae_cli.likelihoods.categorical import LEAST
from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.count import Count
from cbvae_cli.table.kind import Kind
from cbvae_cli.table.matrix import Layout
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import UNFITTED

NETS, ROWS = 2, 7
FLOAT32 = {"rtol": 2e-4, "atol": 2e-4}


def number() -> Number:
    return Number(UNFITTED, 0.0, 1.0, None, False, "double")


def category(n_names: int) -> Category:
    return Category(tuple("abcdefgh"[:n_names]), False, "string")


def count(centre: float, spread: float) -> Count:
    return Count(centre, spread, 0.0, 50.0, "int64", mean=float(np.exp(centre)))


def boolean() -> Boolean:
    return Boolean("no", "yes", "string")


def as_counts(likelihood: Likelihood, encoded: Tensor) -> np.ndarray:
    scale = likelihood.spread.numpy(), likelihood.centre.numpy()
    return np.expm1(encoded.detach().double().numpy() * scale[0] + scale[1])


def normal_reference(lh: Likelihood, params: np.ndarray, x: np.ndarray) -> np.ndarray:
    deviation = np.exp(lh.log_scale.detach().numpy())
    return stats.norm(params, deviation).logpdf(x)


def unit_reference(lh: Likelihood, params: np.ndarray, x: np.ndarray) -> np.ndarray:
    each = stats.norm(params, 1.0).logpdf(x)
    ends = [*np.flatnonzero(np.diff(lh.owner.numpy())) + 1]
    return np.stack([b.sum(-1) for b in np.split(each, ends, axis=-1)], axis=-1)


def bernoulli_reference(
    lh: Likelihood, params: np.ndarray, x: np.ndarray
) -> np.ndarray:
    share = (1 - LEAST) / (1 + np.exp(-params)) + LEAST * 0.5
    return stats.bernoulli(share).logpmf(x)


def categorical_reference(
    lh: Likelihood, params: np.ndarray, x: np.ndarray
) -> np.ndarray:
    cells = []
    ends = np.cumsum(lh.widths)[:-1]
    for logits, one in zip(
        np.split(params, ends, -1), np.split(x, ends, -1), strict=True
    ):
        odds = np.exp(logits)
        shares = odds / odds.sum(-1, keepdims=True)
        shares = (1 - LEAST) * shares + LEAST / logits.shape[-1]
        one = np.broadcast_to(one, shares.shape)
        shares = shares / shares.sum(-1, keepdims=True)
        cells.append(stats.multinomial(1, shares).logpmf(one))
    return np.stack(cells, axis=-1)


def count_reference(lh: Likelihood, params: np.ndarray, x: np.ndarray) -> np.ndarray:
    rate = np.exp(params + lh.log_mean.numpy())
    size = np.exp(lh.log_dispersion.detach().numpy())
    counts = np.round(np.expm1(x * lh.spread.numpy() + lh.centre.numpy()))
    return stats.nbinom(size, size / (size + rate)).logpmf(counts)


@dataclass(frozen=True)
class Case:
    """A likelihood with columns that it may own.

    Attributes
    ----------
    kinds : several columns; the first alone is used for sums over all values.
    reference : log density by scipy, float64, shape (n_nets, n_rows, n_cells).
    everything : all values of the first column, encoded, and what each weighs in
        a sum or an integral.
    natural : a block in units in which `mean` is the mean of samples.
    """

    name: str
    kinds: tuple[Kind, ...]
    reference: Callable[[Likelihood, np.ndarray, np.ndarray], np.ndarray]
    everything: Callable[[Likelihood], tuple[Tensor, Tensor]]
    natural: Callable[[Likelihood, Tensor], np.ndarray] = lambda _, x: (
        x.detach().double().numpy()
    )

    def build(self, n_columns: int | None = None) -> Likelihood:
        kinds = self.kinds[:n_columns]
        layout = Layout(kinds, (self.name,) * len(kinds))
        built = likelihood_for(layout.spans[0], layout, NETS)
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.uniform_(-0.7, 0.9, generator=generator)
        return built

    def params(self, likelihood: Likelihood, n_rows: int = ROWS) -> Tensor:
        generator = torch.Generator().manual_seed(5)
        return torch.randn(NETS, n_rows, likelihood.n_params, generator=generator)

    def target(self, n_rows: int = ROWS) -> Tensor:
        """Give encoded cells of all columns, shape (1, n_rows, width)."""
        rng = np.random.default_rng(7)
        blocks = []
        for kind in self.kinds:
            values = {
                "numeric": rng.normal(size=n_rows),
                "boolean": rng.integers(0, 2, n_rows).astype(float),
                "count": rng.poisson(3, n_rows).astype(float),
                "categorical": rng.integers(0, kind.width, n_rows).astype(float),
            }[kind.name]
            raw = values[:, None] if kind.name == "numeric" else kind.encode(values)
            blocks.append(raw.astype(np.float32))
        return torch.from_numpy(np.concatenate(blocks, axis=1))[None]


def whole_line(_: Likelihood) -> tuple[Tensor, Tensor]:
    points = torch.linspace(-40, 40, 80_001, dtype=torch.float64)
    return points[:, None].float(), torch.full((80_001,), 1e-3, dtype=torch.float64)


def both_values(_: Likelihood) -> tuple[Tensor, Tensor]:
    return torch.tensor([[0.0], [1.0]]), torch.ones(2, dtype=torch.float64)


def all_names(likelihood: Likelihood) -> tuple[Tensor, Tensor]:
    width = likelihood.widths[0]
    return torch.eye(width), torch.ones(width, dtype=torch.float64)


def many_counts(likelihood: Likelihood) -> tuple[Tensor, Tensor]:
    counts = torch.arange(20_000, dtype=torch.float64)
    encoded = (torch.log1p(counts)[:, None] - likelihood.centre) / likelihood.spread
    return encoded.float(), torch.ones(20_000, dtype=torch.float64)


CASES = [
    Case("gaussian", (number(), number()), normal_reference, whole_line),
    Case("unit", (number(), category(3), boolean()), unit_reference, whole_line),
    Case("bernoulli", (boolean(), boolean()), bernoulli_reference, both_values),
    Case("categorical", (category(4), category(2)), categorical_reference, all_names),
    Case(
        "count",
        (count(0.9, 0.7), count(1.8, 0.4)),
        count_reference,
        many_counts,
        as_counts,
    ),
]
EXTREMES = (-1e4, -60.0, 0.0, 60.0, 1e4)


@torch.inference_mode()
def sample(likelihood: Likelihood, params: Tensor, seed: int) -> Tensor:
    return likelihood.sample(params, np.random.default_rng(seed))


every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_every_likelihood_is_a_case():
    assert {case.name for case in CASES} == set(LIKELIHOODS)


@every_case
def test_shapes_are_as_promised(case):
    likelihood, target = case.build(), case.target()
    params = case.params(likelihood)
    observed = torch.ones(1, ROWS, len(case.kinds), dtype=torch.bool)
    width = target.shape[-1]
    assert likelihood.n_params == params.shape[-1]
    log_prob = likelihood.log_prob(params, target, observed)
    assert log_prob.shape == (NETS, ROWS, len(case.kinds))
    assert likelihood.mean(params).shape == (NETS, ROWS, width)
    assert likelihood.deviation(params).shape == (NETS, ROWS, width)
    drawn = sample(likelihood, params, 0)
    assert drawn.shape == (NETS, ROWS, width)


@every_case
def test_a_known_mean_changes_no_deviation(case):
    likelihood = case.build()
    params = case.params(likelihood)
    found = likelihood.deviation_around(likelihood.mean(params), params)
    assert torch.equal(found, likelihood.deviation(params))


@every_case
def test_log_density_is_scipys(case):
    likelihood, target = case.build(), case.target()
    params = case.params(likelihood)
    observed = torch.ones(1, ROWS, len(case.kinds), dtype=torch.bool)
    found = likelihood.log_prob(params, target, observed).detach().numpy()
    wanted = case.reference(likelihood, params.double().numpy(), target.numpy())
    np.testing.assert_allclose(found, wanted, **FLOAT32)


@every_case
def test_hidden_cells_add_exactly_nothing(case):
    likelihood = case.build()
    params = case.params(likelihood)
    observed = torch.zeros(1, ROWS, len(case.kinds), dtype=torch.bool)
    found = likelihood.log_prob(params, case.target(), observed)
    assert torch.equal(found, torch.zeros_like(found))


@every_case
def test_what_lies_in_hidden_cells_changes_nothing(case):
    likelihood, target = case.build(), case.target()
    params = case.params(likelihood)
    observed = torch.rand(1, ROWS, len(case.kinds)) < 0.5
    widths = torch.tensor([kind.width for kind in case.kinds])
    shown = observed.repeat_interleave(widths, dim=-1)
    before = likelihood.log_prob(params, target, observed)
    for other in (0.0, 1.0, -17.5, 3e4):
        garbled = torch.where(shown, target, torch.tensor(other))
        assert torch.equal(likelihood.log_prob(params, garbled, observed), before)


@every_case
@pytest.mark.parametrize("held", [1.0, 0.0], ids=["a value", "nought"])
def test_hidden_cells_pass_no_gradient(case, held):
    # A matrix holds 0 in hidden cells: no category at all where names are one-hot.
    likelihood = case.build()
    params = case.params(likelihood).requires_grad_()
    observed = torch.zeros(1, ROWS, len(case.kinds), dtype=torch.bool)
    likelihood.log_prob(params, held * case.target(), observed).sum().backward()
    assert torch.equal(params.grad, torch.zeros_like(params))
    for parameter in likelihood.parameters():
        assert torch.equal(parameter.grad, torch.zeros_like(parameter))


@every_case
def test_all_values_together_have_mass_one(case):
    likelihood = case.build(1)
    values, weights = case.everything(likelihood)
    observed = torch.ones(1, len(values), 1, dtype=torch.bool)
    for params in case.params(likelihood, 4).unbind(1):
        wide = params[:, None].expand(-1, len(values), -1)
        log_prob = likelihood.log_prob(wide, values[None], observed)
        mass = (log_prob.detach().double().exp()[..., 0] * weights).sum(-1)
        np.testing.assert_allclose(mass.numpy(), 1.0, rtol=2e-4)


@every_case
def test_density_and_gradient_stay_finite_far_out(case):
    likelihood = case.build()
    outputs = torch.tensor(list(itertools.product(EXTREMES, repeat=2)))
    params = outputs.repeat(1, likelihood.n_params)[None, :, : likelihood.n_params]
    params = params.expand(NETS, -1, -1).clone().requires_grad_()
    target = case.target(params.shape[1])
    observed = torch.ones(1, params.shape[1], len(case.kinds), dtype=torch.bool)
    found = likelihood.log_prob(params, target, observed)
    assert torch.isfinite(found).all()
    found.sum().backward()
    assert torch.isfinite(params.grad).all()
    for parameter in likelihood.parameters():
        assert torch.isfinite(parameter.grad).all()
    assert torch.isfinite(likelihood.mean(params)).all()
    assert torch.isfinite(likelihood.deviation(params)).all()
    drawn = sample(likelihood, params.detach(), 0)
    assert torch.isfinite(drawn).all()


@every_case
def test_learned_deviations_stay_finite_far_out(case):
    likelihood, target = case.build(), case.target()
    observed = torch.ones(1, ROWS, len(case.kinds), dtype=torch.bool)
    for value in EXTREMES:
        with torch.no_grad():
            for parameter in likelihood.parameters():
                parameter.fill_(value)
        params = case.params(likelihood).requires_grad_()
        found = likelihood.log_prob(params, target, observed)
        assert torch.isfinite(found).all(), value
        found.sum().backward()
        assert torch.isfinite(params.grad).all(), value


@every_case
def test_samples_lie_around_the_mean(case):
    likelihood = case.build(1)
    n_draws = 40_000
    params = case.params(likelihood, 1).expand(-1, n_draws, -1)
    drawn = case.natural(likelihood, sample(likelihood, params, 11))
    wanted = case.natural(likelihood, likelihood.mean(params))[:, 0]
    error = drawn.std(axis=1) / np.sqrt(n_draws)
    assert (np.abs(drawn.mean(axis=1) - wanted) < 5 * error + 1e-5).all()


@every_case
def test_samples_are_values_that_the_column_can_hold(case):
    likelihood = case.build(1)
    params = 3 * case.params(likelihood, 200)
    drawn = sample(likelihood, params, 1)
    if case.name in ("bernoulli", "categorical"):
        assert set(drawn.unique().tolist()) <= {0.0, 1.0}
    if case.name == "categorical":
        assert torch.equal(drawn.sum(-1), torch.ones(NETS, 200))
    if case.name == "count":
        counts = case.natural(likelihood, drawn)
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-2, rtol=1e-4)
        assert (counts > -0.01).all()


@every_case
def test_the_same_draws_come_from_the_same_seed(case):
    likelihood = case.build()
    params = case.params(likelihood)
    first = sample(likelihood, params, 4)
    second = sample(likelihood, params, 4)
    assert torch.equal(first, second)


@every_case
def test_leaning_on_the_table_makes_nothing_impossible(case):
    likelihood = case.build(1)
    values, _ = case.everything(likelihood)
    if len(values) > 10:  # a density: some values stand for all
        values = values[:: len(values) // 9]
    # The table as one value in every row, and networks of no row and of many.
    base = values[0]
    likelihood.lean(torch.tensor([0.0, 1e6]), base)
    observed = torch.ones(1, len(values), 1, dtype=torch.bool)
    for value in (-100.0, 0.0, 100.0):
        params = torch.full((NETS, len(values), likelihood.n_params), value)
        params[..., 0] *= -1
        found = likelihood.log_prob(params, values[None], observed)
        assert torch.isfinite(found).all()
        if case.name in ("bernoulli", "categorical"):
            assert found.min() > np.log(LEAST * LEAST / 10)
            assert found.max() < 1e-6


@every_case
def test_leaning_keeps_mass_one(case):
    likelihood = case.build(1)
    values, weights = case.everything(likelihood)
    likelihood.lean(torch.tensor([1.0, 300.0]), values[len(values) // 2])
    observed = torch.ones(1, len(values), 1, dtype=torch.bool)
    params = case.params(likelihood, 1).expand(-1, len(values), -1)
    log_prob = likelihood.log_prob(params, values[None], observed)
    mass = (log_prob.detach().double().exp()[..., 0] * weights).sum(-1)
    np.testing.assert_allclose(mass.numpy(), 1.0, rtol=2e-4)


def test_a_network_of_few_rows_leans_harder_than_one_of_many():
    for name in ("bernoulli", "categorical"):
        case = next(case for case in CASES if case.name == name)
        likelihood = case.build(1)
        likelihood.lean(torch.tensor([2.0, 2000.0]), case.everything(likelihood)[0][0])
        few, many = likelihood.share.flatten().tolist()
        assert few > 10 * many
    likelihood = CASES[0].build(1)
    likelihood.lean(torch.tensor([2.0, 2000.0]), torch.zeros(1))
    few, many = likelihood.floor.flatten().tolist()
    assert few > many


def test_a_deviation_never_falls_below_its_floor():
    likelihood = CASES[0].build(1)
    likelihood.lean(torch.tensor([6.0, 1e9]), torch.zeros(1))
    with torch.no_grad():
        likelihood.log_scale.fill_(-50.0)
    found = likelihood.deviation(torch.zeros(NETS, 1, 1)).flatten().tolist()
    assert found == pytest.approx([0.5, 0.05], rel=1e-5)


@pytest.mark.parametrize("mean", [0.002, 0.7, 12.0])
def test_an_untrained_count_column_has_the_rate_of_the_table(mean):
    values = np.random.default_rng(0).poisson(mean, 20_000).astype(float)
    kind = count(0.0, 1.0).fit(values, None)
    layout = Layout((kind,), ("count",))
    lh = likelihood_for(layout.spans[0], layout, 1)
    expected = kind.expected(lh.mean(torch.zeros(1, 1, 1))[0].double().numpy(), None)
    assert expected[0, 0] == pytest.approx(values.mean(), rel=1e-3)
