"""Rows left out where memory does not hold them all."""

import numpy as np
import pytest

from cbvae_cli.errors import DataProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training import thin
from cbvae_cli.training.read import find_schema
from cbvae_cli.training.thin import LEAST_ROWS, thinning_for

SIZES = {"many": 3000, "some": 200, "few": 3}


@pytest.fixture
def schema(tmp_path):
    rows = [f"{n % 97},{n % 7}.5,{name}" for name in SIZES for n in range(SIZES[name])]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b,y", *rows, ""]), encoding="utf-8")
    with open_source(str(path), ReadOptions(), reread=True) as source:
        return find_schema(source, Columns("y"))[0]


def kept(schema, max_memory):
    thinning = thinning_for(schema, max_memory)
    counts = schema.label.counts
    labels = np.repeat(np.arange(len(counts)), counts)
    left = np.bincount(labels[thinning.keeps(0, labels)], minlength=len(counts))
    return dict(zip(schema.label.classes, left.tolist(), strict=True))


def test_a_small_table_is_kept_whole(schema):
    assert thinning_for(schema, None).whole
    assert kept(schema, None) == SIZES
    assert kept(schema, 10**9) == SIZES


def test_a_table_too_large_for_most_machines_is_thinned_unasked(schema, monkeypatch):
    monkeypatch.setattr(thin, "USUAL_MEMORY", 30_000)
    assert kept(schema, None) == kept(schema, 30_000)
    assert thinning_for(schema, None).memory == 30_000
    monkeypatch.setattr(thin, "USUAL_MEMORY", 1)
    assert min(kept(schema, None).values()) > 0  # never refused


def test_small_classes_stay_whole(schema):
    left = kept(schema, 30_000)
    assert left["few"] == SIZES["few"]
    assert left["some"] == SIZES["some"]
    assert 100 < left["many"] < SIZES["many"]


def test_memory_for_hardly_a_row_is_refused_with_the_least_that_works(schema):
    with pytest.raises(DataProblem, match="--max-memory 1 is too little") as caught:
        thinning_for(schema, 1)
    least = int(caught.value.expected.split()[1])
    with pytest.raises(DataProblem):
        thinning_for(schema, least // 2)
    left = kept(schema, least)
    assert left["few"] == SIZES["few"]
    assert min(left["some"], left["many"]) >= LEAST_ROWS / 3
