"""The label column."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.label import UNLABELLED, Label, in_order

LABEL = Label("y", ("0", "1", "10"), (50, 3, 7), "int64")


def read(label, cells):
    return label.read(cells, cells.is_null().to_numpy(zero_copy_only=False))


@pytest.mark.parametrize(
    "cells",
    [
        pa.array(["1", "0", "10", None]),
        pa.array(["1.0", "0.0", "10.00", None]),
        pa.array([1, 0, 10, None]),
        pa.array([1.0, 0.0, 10.0, None]),
        pa.array(["1", "0", "10", None]).dictionary_encode(),
    ],
    ids=lambda cells: f"{cells.type} {cells[0]}",
)
def test_classes_are_known_by_their_text_without_point_nought(cells):
    places, foreign = read(LABEL, cells)
    assert places.tolist() == [1, 0, 2, UNLABELLED]
    assert not foreign.any()


def test_a_foreign_class_is_marked():
    places, foreign = read(LABEL, pa.array(["1", "2", None]))
    assert places.tolist() == [1, UNLABELLED, UNLABELLED]
    assert foreign.tolist() == [False, True, False]


def test_places_are_written_in_the_labels_own_type():
    places = np.array([2, 0, UNLABELLED])
    assert LABEL.render(places, text=True).to_pylist() == ["10", "0", None]
    typed = LABEL.render(places, text=False)
    assert (typed.type, typed.to_pylist()) == (pa.int64(), [10, 0, None])
    truth = Label("y", ("false", "true"), (5, 5), "bool")
    assert truth.render(np.array([1, 0]), text=False).to_pylist() == [True, False]


def test_the_smallest_class_is_the_positive_one_unless_told():
    assert LABEL.smallest == 1
    assert LABEL.positive == LABEL.describe()["positive"] == "1"
    assert Label("y", ("a", "b", "c"), (9, 2, 2), "string").positive == "b"
    assert replace(LABEL, positive="10").describe()["positive"] == "10"
    assert Label("y", ("", "b"), (9, 2), "string", positive="").positive == ""


def test_an_old_description_without_a_positive_class_is_read():
    described = LABEL.describe()
    del described["positive"]
    assert Label.restore(described) == LABEL


def test_a_positive_class_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no class '2'"):
        Label.restore({**LABEL.describe(), "positive": "2"})


def test_a_class_that_is_not_there_is_refused_by_name():
    with pytest.raises(UsageProblem, match="no class '2'") as caught:
        LABEL.place("2")
    assert "'10'" in caught.value.expected


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["10", "9", "b"], ["10", "9", "b"]),
        (["ok", "Crack", "é"], ["Crack", "ok", "é"]),
    ],
)
def test_classes_stand_in_order_of_number_or_text(names, wanted):
    assert in_order(names) == wanted


@pytest.mark.parametrize("positive", LABEL.classes)
def test_a_label_comes_back_from_its_description(positive):
    label = replace(LABEL, positive=positive)
    assert Label.restore(json.loads(json.dumps(label.describe()))) == label
