"""Clusters through `answers.cluster`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import v_measure_score

from cbvae_cli.answers.cluster import Cluster, Clustering
from cbvae_cli.bundle.model import open_model
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.source import ReadOptions, open_source

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["defects", "pooled"])
def model(request, trained):
    return open_model(str(trained / f"{request.param}.cbvae"), CPU)


def answer(model, path, asked, *, batch_rows=16384):
    with open_source(str(path), ReadOptions(batch_rows=batch_rows), reread=True) as s:
        cluster = Cluster(model, s, asked, prefix="", only=False)
        rows = [cluster.answer(batch) for batch in s.batches()]
    return pa.Table.from_batches(rows, cluster.schema()), cluster.summary()


@pytest.mark.parametrize("method", ["kmeans", "em"])
def test_clusters_are_counted_and_measured(model, samples, method):
    path = samples / "defects.csv"
    found, told = answer(model, path, Clustering(method, 4))
    place = found["cluster"].to_numpy()
    counts = np.bincount(place)
    assert len(counts) == told["clusters"] == 4
    assert counts.tolist() == sorted(counts, reverse=True)
    assert [each["rows"] for each in told["sizes"]] == counts.tolist()
    v = v_measure_score(found["outcome"].to_pylist(), place)
    assert told["v_measure"] == pytest.approx(v)
    assert told["chosen_by"] == "user"
    parts, _ = answer(model, path, Clustering(method, 4), batch_rows=41)
    assert parts["cluster"].to_pylist() == place.tolist()


def test_labels_choose_the_number_of_clusters(model, samples):
    found, told = answer(model, samples / "defects.csv", Clustering("kmeans"))
    assert told["chosen_by"] == "v_measure"
    assert told["clusters"] == max(told["tried"], key=lambda n: told["tried"][n])
    assert found["cluster"].to_numpy().max() == told["clusters"] - 1
    assert set(told["tried"]) == set(range(2, 11))


def test_labels_are_not_looked_at_to_cluster(model, samples, tmp_path):
    path = samples / "defects.csv"
    lines = path.read_text("utf-8").splitlines()
    bare = [line.rpartition(",")[0] + "," for line in lines[1:]]
    target = tmp_path / "bare.csv"
    target.write_text("\n".join([lines[0], *bare]) + "\n", "utf-8")
    one, _ = answer(model, path, Clustering("kmeans", 3))
    other, told = answer(model, target, Clustering("kmeans", 3))
    assert one["cluster"].to_pylist() == other["cluster"].to_pylist()
    assert told["v_measure"] is None
    assert {each["class"] for each in told["sizes"]} == {None}
    with pytest.raises(UsageProblem, match="without labels of two classes"):
        answer(model, target, Clustering("kmeans"))


def test_more_clusters_than_rows_are_refused(model, samples):
    path = samples / "defects_new.csv"
    with pytest.raises(DataProblem, match="201 clusters are more than the 200 rows"):
        answer(model, path, Clustering("em", 201))


def test_more_clusters_than_different_rows_are_refused(model, samples, tmp_path):
    header, line, *_ = (samples / "defects.csv").read_text("utf-8").splitlines()
    target = tmp_path / "same.csv"
    target.write_text("\n".join([header, *[line] * 5]) + "\n", "utf-8")
    with pytest.raises(DataProblem, match="2 clusters are more than the 1 different"):
        answer(model, target, Clustering("kmeans", 2))


def test_beta_weighs_completeness(model, samples):
    path = samples / "defects.csv"
    told = [answer(model, path, Clustering("kmeans", 6, b))[1] for b in (0.1, 10.0)]
    assert told[0]["homogeneity"] == told[1]["homogeneity"]
    assert told[0]["v_measure"] > told[1]["v_measure"]
