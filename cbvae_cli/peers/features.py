"""Rows as other libraries take them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.schema import Schema

Task = TypeVar("Task")


@dataclass(frozen=True)
class Library(Generic[Task]):
    """A peer out of some library.

    Attributes
    ----------
    name : str
    solve : callable
        Gives probabilities or scores for the test rows of a task.
    threads : int
        0 means all cores.
    """

    name: str
    solve: Callable[[Task], Floats]
    threads: int


class CannotRun(Exception):
    """A peer has no answer here; the text is one sentence that says why."""


@dataclass(frozen=True)
class Features:
    """Rows without their classes.

    Attributes
    ----------
    values : float64 array, shape (n_rows, n_columns)
        NaN where missing.
    categorical : bool array, shape (n_columns,)
        Columns whose values are codes: whole numbers from 0.
    """

    values: Floats
    categorical: Bools

    def __len__(self) -> int:
        return len(self.values)

    @property
    def gaps(self) -> bool:
        """Whether any cell is missing."""
        return bool(np.isnan(self.values).any())


def features_of(schema: Schema, values: Floats) -> Features:
    """Take values as a schema reads them; a category new to it becomes missing.

    Parameters
    ----------
    schema : Schema
    values : float64 array, shape (n_rows, n_modelled)
    """
    # Two-valued columns too: standardised, a rare flag would outweigh every number in
    # methods that go by distance.
    categorical = np.array([kind.codes for kind in schema.kinds])
    return Features(
        np.where(categorical & (values == NOVEL), np.nan, values), categorical
    )


def renumbered(train: Features, test: Features) -> tuple[Features, Features]:
    """Count the categories that training rows hold from 0, in their order.

    Those that only test rows hold become missing.
    """
    seen, asked = train.values.copy(), test.values.copy()
    for at in np.flatnonzero(train.categorical):
        known = np.unique(seen[~np.isnan(seen[:, at]), at])
        for values in (seen, asked):
            places = np.searchsorted(known, values[:, at]).astype(np.float64)
            places[~np.isin(values[:, at], known)] = np.nan
            values[:, at] = places
    return Features(seen, train.categorical), Features(asked, train.categorical)


def filled(
    train: Features, test: Features, *, indicators: bool = False
) -> tuple[Floats, Floats]:
    """Fill numbers with the median, spread categories out; nothing is missing then.

    A missing category is a category of its own. Numbers are standardised by the
    training rows.

    Parameters
    ----------
    train, test : Features
    indicators : bool
        Add a column of zeros and ones for every column of numbers with gaps.

    Returns
    -------
    float64 arrays, shapes (n_train, width) and (n_test, width)
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    median = SimpleImputer(
        strategy="median", add_indicator=indicators, keep_empty_features=True
    )
    names = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    both = ColumnTransformer(
        [
            ("numbers", make_pipeline(median, StandardScaler()), ~train.categorical),
            ("names", names, train.categorical),
        ]
    )
    return (
        np.asarray(both.fit_transform(train.values), dtype=np.float64),
        np.asarray(both.transform(test.values), dtype=np.float64),
    )


@contextmanager
def contained(threads: int) -> Iterator[None]:
    """Let a library work: on so many threads, its chatter kept away.

    Parameters
    ----------
    threads : int
        0 means all cores.

    Raises
    ------
    CannotRun
        If its package is absent.
    """
    from threadpoolctl import threadpool_limits

    try:
        # They warn of steps not converged and of columns without names: settings
        # are fixed here, and nobody could act on it.
        with warnings.catch_warnings(), threadpool_limits(threads or None):
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as absent:
        raise CannotRun(
            f"the package {absent.name} is not installed; the extra `compare` brings it"
        ) from None


def jobs(threads: int) -> int:
    """Give the number of jobs as scikit-learn spells it."""
    return threads or -1
