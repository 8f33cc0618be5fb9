"""Rows on their way to other libraries."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.peers.features import (
    CannotRun,
    Features,
    contained,
    features_of,
    filled,
    renumbered,
)
from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.label import Label
from cbvae_cli.table.schema import Column, Schema

NAN = np.nan


def features(values, categorical):
    return Features(np.array(values, dtype=float), np.array(categorical))


def test_categories_that_training_lacks_become_missing_and_numbers_stay():
    train = features([[7, 1.5], [3, -1], [NAN, 2], [7, 0]], [True, False])
    test = features([[3, 9], [5, -9], [NAN, NAN], [7, -1]], [True, False])
    seen, asked = renumbered(train, test)
    np.testing.assert_array_equal(seen.values[:, 0], [1, 0, NAN, 1])
    np.testing.assert_array_equal(asked.values[:, 0], [0, NAN, NAN, 1])
    np.testing.assert_array_equal(asked.values[:, 1], test.values[:, 1])
    np.testing.assert_array_equal(train.values[:, 0], [7, 3, NAN, 7])


def test_filled_rows_are_standardised_spread_out_and_whole():
    train = features([[0, 1.0], [1, 3.0], [0, NAN], [NAN, 5.0]], [True, False])
    test = features([[1, NAN], [NAN, 3.0]], [True, False])
    seen, asked = filled(train, test)
    assert np.isfinite(seen).all()
    assert np.isfinite(asked).all()
    np.testing.assert_allclose(seen[:, 0].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(seen[:, 0].std(), 1)
    np.testing.assert_allclose(asked[0, 0], 0, atol=1e-12)  # the median
    # A place each for 0, 1 and missing.
    np.testing.assert_array_equal(asked[:, 1:], [[0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("categorical", [[True, True], [False, False]])
def test_tables_of_one_sort_and_empty_columns_are_filled_too(categorical):
    train = features([[0, NAN], [1, NAN], [0, NAN]], categorical)
    seen, asked = filled(train, train, indicators=True)
    assert np.isfinite(seen).all()
    np.testing.assert_array_equal(seen, asked)


def test_a_schema_says_what_is_a_name_and_new_names_are_missing():
    kinds = {
        "name": Category(("a", "b"), False, "string"),
        "flag": Boolean("no", "yes", storage="string"),
    }
    columns = tuple(
        Column(name, "modelled", kind, "string") for name, kind in kinds.items()
    )
    schema = Schema(columns, Label("y", ("0", "1"), (1, 1), "string"), 0)
    found = features_of(schema, np.array([[NOVEL, 1.0], [1.0, NAN]]))
    np.testing.assert_array_equal(found.categorical, [True, True])
    np.testing.assert_array_equal(found.values, [[NAN, 1.0], [1.0, NAN]])
    assert found.gaps


def test_an_absent_package_is_named_with_the_extra_that_brings_it():
    with pytest.raises(CannotRun, match=r"no_such_thing is not installed.*`compare`"):
        with contained(1):
            import no_such_thing  # noqa: F401
