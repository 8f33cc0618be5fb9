"""`cbvae cluster`: clusters of rows in the latent space."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, Only, Prefix, RowsIn, RowsOut
from cbvae_cli.cli.pairs import check_pair
from cbvae_cli.cli.streaming import answer_rows

if TYPE_CHECKING:
    from cbvae_cli.report.console import Talk

MethodOption = Annotated[
    Literal["kmeans", "em"],
    typer.Option(
        "--method",
        help="kmeans, or em: a mixture of normal distributions.",
    ),
]
Clusters = Annotated[
    int | None,
    typer.Option(
        "-k",
        "--clusters",
        metavar="N",
        min=1,
        help="Number of clusters.  [default: the one with the best V, by the labels]",
    ),
]
Beta = Annotated[
    float,
    typer.Option(
        "--beta",
        min=0.0,
        metavar="B",
        help="Weight of completeness in V: above 1 it counts more than homogeneity.",
    ),
]
MOST_SHOWN = 20


@spread
def cluster(
    bundle: BundleIn,
    data: RowsIn,
    output: RowsOut = None,
    method: MethodOption = "kmeans",
    clusters: Clusters = None,
    beta: Beta = 1.0,
    prefix: Prefix = "cbvae_",
    only: Only = False,
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Put rows into clusters by their latent coordinates.

    Adds cbvae_cluster, 0 for the largest. No label is looked at but to measure how
    well clusters and classes agree (homogeneity, completeness, and V, their weighted
    harmonic mean) and, unless -k is given, to choose the number of clusters. In a cbvae
    bundle, where each class has a latent space, a row has coordinates in all of them.
    Latent coordinates of all rows are held in memory.

    Example: cbvae cluster parts.cbvae rows.csv --method em -k 4 -o clusters.csv
    """
    check_pair("cluster", bundle, data)

    from cbvae_cli.answers.cluster import Cluster, Clustering

    asked = Clustering(method, clusters, beta, compute.seed)
    answer_rows(
        "cluster",
        bundle,
        data,
        output,
        lambda model, source: Cluster(model, source, asked, prefix=prefix, only=only),
        _tell,
        compute=compute,
        reading=reading,
        writing=writing,
        telling=telling,
        reread=True,
        allow_empty=False,
    )


def _tell(summary: dict[str, Any], talk: "Talk") -> None:
    rows, found = summary["rows"], summary["clusters"]
    talk.say(f"put {rows:,} rows into {found:,} cluster{'s' if found != 1 else ''}")
    table = [
        (at, each["rows"], each["class"], each["others"])
        for at, each in enumerate(summary["sizes"][:MOST_SHOWN])
    ]
    left = found - len(table)
    more = f", the {len(table)} largest of {found}" if left else ""
    heads = ("cluster", "rows", "most frequent class", "rows of other classes")
    n_heads = len(heads) if summary["labelled"] else 2  # no label, no class
    talk.table(f"Clusters{more}", heads[:n_heads], [row[:n_heads] for row in table])
    if summary["v_measure"] is not None:
        talk.say(
            f"homogeneity {summary['homogeneity']:.3f}, completeness "
            f"{summary['completeness']:.3f}, V {summary['v_measure']:.3f} "
            f"(beta {summary['beta']:g}) on {summary['labelled']:,} labelled rows"
        )
    if summary["chosen_by"] != "user":
        talk.say(
            f"{found} clusters have the best V of {len(summary['tried'])} tried: a V "
            "that labels chose flatters"
        )
