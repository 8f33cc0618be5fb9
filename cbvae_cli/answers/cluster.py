"""Clusters of a table's rows in the latent space, measured against their labels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.answers.frame import Added
from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.clusters import in_common
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.measures.clustering import clustering
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.label import class_names
from cbvae_cli.table.source import Batch, Source

Places = NDArray[np.int64]

FIRST = 0  # the member whose space it is
MOST_FITTED = 20_000  # rows that clusters are fitted on
MOST_TRIED = 5_000  # rows that numbers of clusters are tried on
FEWEST, ALWAYS_TRIED, MOST_CLUSTERS = 2, 10, 40  # clusters, where none are given
LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Clustering:
    """What is asked of `cluster`.

    Attributes
    ----------
    method : str
        Key in `METHODS`.
    clusters : int or None
        None is as many as have the best V.
    beta : float
        Weight of completeness against homogeneity in V.
    seed : int
    """

    method: str
    clusters: int | None = None
    beta: float = 1.0
    seed: int = 0


class Fitted(Protocol):
    """What scikit-learn fits."""

    def fit(self, points: Floats) -> Any:
        """Fit."""

    def predict(self, points: Floats) -> NDArray[Any]:
        """Give the cluster of each point."""


def _kmeans(n_clusters: int, seed: int) -> Fitted:
    from sklearn.cluster import KMeans

    fitted: Fitted = KMeans(n_clusters, n_init=4, random_state=seed)
    return fitted


def _em(n_clusters: int, seed: int) -> Fitted:
    from sklearn.mixture import GaussianMixture

    fitted: Fitted = GaussianMixture(
        n_clusters, reg_covar=LEAST_VARIANCE, n_init=2, random_state=seed
    )
    return fitted


METHODS = {"kmeans": _kmeans, "em": _em}


class Cluster:
    """Clusters all rows of a source, and answers for them on a second reading.

    Holds latent coordinates in memory, and nothing else of the rows.

    Parameters
    ----------
    model : Model
    source : Source
        That can be read twice.
    asked : Clustering
    prefix : str
    only : bool
    """

    def __init__(
        self,
        model: Model,
        source: Source,
        asked: Clustering,
        *,
        prefix: str,
        only: bool,
    ) -> None:
        model.schema.check(source)
        self.model = model
        self.source = source
        self.asked = asked
        self.added = Added(source, prefix, only, {"cluster": pa.int64()})
        self.added.check()
        self.infinite = 0
        self.tried: dict[int, float] = {}
        at, names = self._read()
        self._check(at)
        self.labels, self.names = _codes(names)
        self.place = self._clustered(at)

    def _read(self) -> tuple[Floats, pa.ChunkedArray]:
        """Give coordinates and label texts of all rows."""
        model, alone = self.model, self.model.family.member(FIRST)
        at: list[Floats] = []
        names: list[pa.Array] = []
        for batch in self.source.batches():
            values, infinite = model.schema.values(self.source, batch)
            self.infinite += infinite
            at.append(in_common(alone, model.layout.encode(values)))
            names.append(self._names(batch))
        return np.concatenate(at), pa.chunked_array(names, pa.string())

    def _names(self, batch: Batch) -> pa.Array:
        name = self.model.schema.label.name
        if name not in self.source.names:
            return pa.nulls(batch.rows.num_rows, pa.string())
        cells = batch.rows.column(self.source.names.index(name))
        return class_names(cells, self.source.missing(cells)).cast(pa.string())

    def _check(self, at: Floats) -> None:
        """Refuse more clusters than there are rows to be in them."""
        wanted = self.asked.clusters
        if wanted is None:
            return
        if wanted > len(at):
            raise DataProblem(
                f"{wanted:,} clusters are more than the {len(at):,} rows to be in them",
                where=self.source.name,
                expected=f"-k of {len(at):,} at most",
            )
        distinct = len(np.unique(at, axis=0))
        if wanted > distinct:
            raise DataProblem(
                f"{wanted:,} clusters are more than the {distinct:,} different rows",
                where=self.source.name,
                expected=f"-k of {distinct:,} at most",
            )

    def _clustered(self, at: Floats) -> Places:
        """Give each row's cluster, the largest first."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # sums of several threads come in any order
            wanted = self.asked.clusters or self._best(at)
            some = self._some(np.arange(len(at)), max(MOST_FITTED, wanted))
            found = self._fit(at[some], wanted).predict(at).astype(np.int64)
        counts = np.bincount(found, minlength=wanted)
        rank = np.empty(wanted, dtype=np.int64)
        rank[np.argsort(-counts, kind="stable")] = np.arange(wanted)
        return rank[found]

    def _fit(self, at: Floats, n_clusters: int) -> Fitted:
        from sklearn.exceptions import ConvergenceWarning

        fitted = METHODS[self.asked.method](n_clusters, self.asked.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.fit(at)
        return fitted

    def _best(self, at: Floats) -> int:
        """Choose the number of clusters that has the best V on labelled rows."""
        known = np.flatnonzero(self.labels >= 0)
        n_classes = len(np.unique(self.labels[known]))
        if n_classes < 2:
            raise UsageProblem(
                "without labels of two classes nothing says how many clusters there "
                f"should be in {self.source.name}",
                expected="-k N, or the label column "
                f"'{self.model.schema.label.name}' of the bundle",
            )
        some = self._some(known, MOST_TRIED)
        distinct = len(np.unique(at[some], axis=0))
        most = min(max(ALWAYS_TRIED, 2 * n_classes + 2), MOST_CLUSTERS, distinct)
        for n_clusters in range(min(FEWEST, most), most + 1):
            found = self._fit(at[some], n_clusters).predict(at[some])
            scores = clustering(self.labels[some], found, self.asked.beta)
            self.tried[n_clusters] = scores["v_measure"]
        return max(self.tried, key=lambda n: self.tried[n])

    def _some(self, rows: Places, most: int) -> Places:
        if len(rows) <= most:
            return rows
        rng = np.random.default_rng([self.asked.seed, 27])
        return np.sort(rng.choice(rows, most, replace=False))

    def schema(self) -> pa.Schema:
        """Columns of the answer."""
        return self.added.schema()

    def answer(self, batch: Batch) -> pa.RecordBatch:
        """Give the clusters of a batch."""
        rows = slice(batch.start, batch.start + batch.rows.num_rows)
        return self.added.join(batch, {"cluster": pa.array(self.place[rows])})

    def summary(self) -> dict[str, Any]:
        """Measure the clusters against labels, where there are some."""
        known = self.labels >= 0
        found: dict[str, Any] = {
            "method": self.asked.method,
            "rows": len(self.place),
            "clusters": int(self.place.max()) + 1,
            "chosen_by": "v_measure" if self.tried else "user",
            "tried": self.tried,
            "labelled": int(known.sum()),
            "shared_space": self.model.family.shares_latent,
            "beta": self.asked.beta,
            **dict.fromkeys(("homogeneity", "completeness", "v_measure")),
            "infinite": self.infinite,
        }
        if known.any():
            labels, place = self.labels[known], self.place[known]
            found |= clustering(labels, place, self.asked.beta)
        return found | {"sizes": self._sizes()}

    def _sizes(self) -> list[dict[str, Any]]:
        """Count the rows of each cluster and name its most frequent class."""
        n_clusters = int(self.place.max()) + 1
        rows = np.bincount(self.place, minlength=n_clusters)
        known = self.labels >= 0
        counts = np.zeros((n_clusters, max(1, len(self.names))), dtype=np.int64)
        np.add.at(counts, (self.place[known], self.labels[known]), 1)
        return [
            {
                "rows": int(rows[at]),
                "class": self.names[each.argmax()] if each.any() else None,
                "others": int(each.sum() - each.max()),
            }
            for at, each in enumerate(counts)
        ]


def _codes(names: pa.ChunkedArray) -> tuple[Places, list[str]]:
    """Give a number a name, -1 where there is none, and the names."""
    encoded = names.combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64), [str(n) for n in encoded.dictionary.to_pylist()]
