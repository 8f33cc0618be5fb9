"""Stored trees that were tampered with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbvae_cli.calibration.boosting import Booster
from cbvae_cli.calibration.trees import CODES


def stored():
    """Give arrays of two trees: a number's split, then a code's; a tree of one leaf."""
    codes = np.zeros(CODES, dtype=bool)
    codes[[0, 2, 255]] = True
    return {
        "feature": np.array([0, -1, 1, -1, -1, -1], dtype=np.int32),
        "threshold": np.array([0.5, 0, 0, 0, 0, 0]),
        "left": np.array([1, -1, 3, -1, -1, -1], dtype=np.int32),
        "right": np.array([2, -1, 4, -1, -1, -1], dtype=np.int32),
        "missing_left": np.array([1, 0, 0, 0, 0, 0], dtype=np.uint8),
        "code_set": np.array([-1, -1, 0, -1, -1, -1], dtype=np.int32),
        "code_sets": np.packbits(codes, bitorder="little")[None],
        "value": np.array([0, 1.0, 0, 2.0, 4.0, 8.0]),
        "roots": np.array([0, 5], dtype=np.int32),
        "classes": np.array([1, 0], dtype=np.int32),
        "baseline": np.array([16.0, 32.0]),
        "present": np.array([True, True]),
        "n_features": np.array([2], dtype=np.int64),
    }


@pytest.mark.parametrize(
    ("cells", "leaf"),
    [
        ([0.5, 1], 1.0),
        ([-np.inf, 1], 1.0),
        ([np.nan, 0], 1.0),
        ([0.6, 0], 2.0),
        ([np.inf, 2], 2.0),
        ([1, 255], 2.0),
        ([1, 1], 4.0),
        ([1, 254], 4.0),
        ([1, 256], 4.0),
        ([1, 0.5], 4.0),
        ([1, -1], 4.0),
        ([1, np.nan], 4.0),
    ],
)
def test_every_question_sends_cells_the_right_way(cells, leaf):
    found = Booster.restore(stored()).raw(np.array([cells], dtype=float))
    np.testing.assert_array_equal(found, [[16.0 + 8.0, 32.0 + leaf]])


@pytest.mark.parametrize("threshold", [np.inf, -np.inf])
def test_infinite_thresholds_part_missing_from_seen_cells(threshold):
    arrays = stored()
    arrays["threshold"][0] = threshold
    arrays["missing_left"][0] = threshold < 0
    rows = np.array([[np.nan, 1], [0, 1], [1e308, 1]])
    found = Booster.restore(arrays).raw(rows)[:, 1] - 32.0
    np.testing.assert_array_equal(found, [1, 4, 4] if threshold < 0 else [4, 1, 1])


def chain(n_leaves):
    """Give one tree of a single path, the deepest that so many leaves can make."""
    inner = n_leaves - 1
    n_nodes = 2 * n_leaves - 1
    arrays = stored()
    at = 2 * np.arange(inner)
    ints = {"feature": 0, "left": at + 1, "right": at + 2}
    for name, value in ints.items():
        arrays[name] = np.full(n_nodes, -1, dtype=np.int32)
        arrays[name][at] = value
    arrays["code_set"] = np.full(n_nodes, -1, dtype=np.int32)
    arrays["code_sets"] = np.zeros((0, CODES // 8), dtype=np.uint8)
    arrays["missing_left"] = np.zeros(n_nodes, dtype=np.uint8)
    arrays["threshold"] = np.arange(n_nodes) / 2.0
    arrays["value"] = np.arange(n_nodes, dtype=float)
    arrays["roots"] = np.zeros(1, dtype=np.int32)
    arrays["classes"] = np.ones(1, dtype=np.int32)
    return arrays


@pytest.mark.parametrize("n_leaves", [2, 15, 16])
def test_the_deepest_tree_is_walked_to_its_end(n_leaves):
    cells = np.arange(n_leaves, dtype=float)
    rows = np.column_stack([cells, cells])
    found = Booster.restore(chain(n_leaves)).raw(rows)[:, 1] - 32.0
    expected = 2 * cells + 1
    expected[-1] = 2 * n_leaves - 2
    np.testing.assert_array_equal(found, expected)


def test_more_leaves_than_a_word_has_bits_are_refused():
    with pytest.raises(ValueError, match="16 leaves"):
        Booster.restore(chain(17))


# Array, place, what to write there.
HARM = [
    ("feature", 0, 2),
    ("feature", 0, -2),
    ("feature", 0, -1),
    ("feature", 1, 0),
    ("feature", 2, 0),  # column 0 then holds numbers and codes
    ("left", 0, 0),  # itself
    ("left", 2, 0),  # back to the root
    ("left", 0, 6),
    ("left", 0, -1),
    ("left", 2, 5),  # into another tree
    ("right", 0, 1),  # both ways to one child
    ("right", 2, 2**31 - 1),
    ("left", 1, 2),  # a leaf with a child
    ("missing_left", 0, 2),
    ("code_set", 2, 1),
    ("code_set", 2, -2),
    ("code_set", 1, 0),
    ("threshold", 0, np.nan),
    ("value", 1, np.nan),
    ("value", 1, np.inf),
    ("roots", 0, 1),
    ("roots", 1, 0),
    ("roots", 1, 6),
    ("roots", 1, 3),  # cuts a tree in two
    ("roots", 1, -1),
    ("classes", 0, 2),
    ("classes", 0, -1),
    ("baseline", 0, np.nan),
    ("present", 0, False),
    ("n_features", 0, 1),
    ("n_features", 0, -1),
]


@pytest.mark.parametrize(("name", "place", "value"), HARM)
def test_numbers_that_form_no_trees_are_refused(name, place, value):
    arrays = stored()
    arrays[name][place] = value
    with pytest.raises(ValueError, match="stored trees"):
        Booster.restore(arrays)


@pytest.mark.parametrize("name", stored())
def test_arrays_of_another_kind_or_size_are_refused(name):
    array = stored()[name]
    kind = np.float32 if array.dtype != np.float32 else np.float64
    bad = [array[:-1], array[None], array.astype(kind), array.sum(), array[:0]]
    for other in bad:
        if name == "code_sets" and other.shape == array.shape[1:]:
            continue
        with pytest.raises(ValueError, match="stored trees"):
            Booster.restore({**stored(), name: np.asarray(other)})


def test_arrays_too_few_or_too_many_are_refused():
    for name in stored():
        part = {key: array for key, array in stored().items() if key != name}
        with pytest.raises(ValueError, match="missing or unknown"):
            Booster.restore(part)
    with pytest.raises(ValueError, match="missing or unknown"):
        Booster.restore({**stored(), "more": np.zeros(1)})


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["feature", "left", "right", "code_set", "roots", "classes"]
            ),
            st.integers(0, 5),
            st.integers(-2, 7),
        ),
        max_size=4,
    )
)
def test_whatever_is_not_refused_can_be_applied(changes):
    arrays = stored()
    for name, place, value in changes:
        arrays[name][place % len(arrays[name])] = value
    try:
        restored = Booster.restore(arrays)
    except ValueError as problem:
        assert "stored trees" in str(problem)  # noqa: PT017
        return
    rows = np.array([[0.0, 0.0], [np.nan, np.nan], [1.0, 300.0]])
    leaves = restored.raw(rows) - restored.baseline
    # Two trees, each of which a row leaves by one leaf.
    assert np.isin(leaves.sum(axis=1), np.add.outer(arrays["value"], [0, 8.0])).all()
