"""What a bundle knows of its latent space, for `embed` and for labels in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cbvae_cli.calibration.clusters import Clusters
from cbvae_cli.calibration.landmarks import Landmarks
from cbvae_cli.families.contract import Family
from cbvae_cli.table.kind import under


@dataclass(frozen=True)
class Atlas:
    """Places in the latent space of the first member.

    Attributes
    ----------
    landmarks : Landmarks
    clusters : Clusters or None
        None of a single class, whose labels cannot stand out.
    """

    landmarks: Landmarks
    clusters: Clusters | None

    def only(self, classes: Sequence[int]) -> Atlas:
        """Leave classes out that have latent spaces of their own."""
        latent = self.landmarks.classes.shape[2]
        clusters = None
        if self.clusters is not None and len(classes) > 1:
            clusters = self.clusters.only(classes, latent)
        return Atlas(self.landmarks.only(classes), clusters)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        marks = self.landmarks.arrays().items()
        found: dict[str, NDArray[Any]] = {f"landmarks/{n}": a for n, a in marks}
        if self.clusters is not None:
            clusters = self.clusters.arrays().items()
            found |= {f"clusters/{name}": array for name, array in clusters}
        return found

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], family: Family) -> Atlas:
        """Build from `arrays`, trusting none of them."""
        spaces, latent = spaces_of(family), family.nets.latent
        n_classes = family.n_classes
        marks = under(arrays, "landmarks/")
        clusters = under(arrays, "clusters/")
        return cls(
            Landmarks.restore(marks, spaces, n_classes, latent),
            Clusters.restore(clusters, n_classes, spaces * latent)
            if n_classes > 1
            else None,
        )


def spaces_of(family: Family) -> int:
    """Count the latent spaces of a member."""
    return 1 if family.shares_latent else family.n_classes
