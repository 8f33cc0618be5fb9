"""The aggregate posterior of a class: where its rows lie in the latent space."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

MOST_COMPONENTS = 8
ROWS_A_COMPONENT = 50  # encodings that a further component must have to lean on
LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Mixture:
    """A small mixture of normal distributions.

    Attributes
    ----------
    weights : float array, shape (n_components,)
    means : float array, shape (n_components, latent)
    factors : float array, shape (n_components, latent, latent)
        Lower Cholesky factors of the covariances.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    factors: NDArray[np.float64]

    FIELDS: ClassVar[tuple[str, ...]] = ("weights", "means", "factors")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        return {name: getattr(self, name) for name in self.FIELDS}

    def draw(self, n_rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw latent points, shape (n_rows, latent)."""
        component = rng.choice(len(self.weights), size=n_rows, p=self.weights)
        noise = rng.standard_normal((n_rows, self.means.shape[1]))
        spread = np.einsum("nij,nj->ni", self.factors[component], noise)
        drawn: NDArray[np.float64] = self.means[component] + spread
        return drawn


def fit_mixture(
    mean: NDArray[np.float64], deviation: NDArray[np.float64], seed: int
) -> Mixture:
    """Fit the aggregate posterior of a class (scikit-learn's mixture, stored).

    Rows sampled from N(0, I) instead land where the class has none: the prior and
    what the encoder makes of real rows never quite agree.

    Parameters
    ----------
    mean, deviation : float array, shape (n_rows, latent)
        Posteriors of the class's training rows.
    seed : int

    Returns
    -------
    Mixture
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(seed)
    repeats = max(1, -(-200 // len(mean)))
    mean, deviation = np.tile(mean, (repeats, 1)), np.tile(deviation, (repeats, 1))
    points = mean + deviation * rng.standard_normal(mean.shape)
    n_components = int(
        np.clip(len(points) // repeats // ROWS_A_COMPONENT, 1, MOST_COMPONENTS)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = GaussianMixture(
            n_components, reg_covar=LEAST_VARIANCE, random_state=seed, max_iter=50
        ).fit(points)
    return Mixture(
        fitted.weights_ / fitted.weights_.sum(),
        fitted.means_,
        np.linalg.cholesky(fitted.covariances_),
    )
