"""What a class keeps of its rows for `score`, besides networks and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.detectors import Detectors
from cbvae_cli.calibration.looks import Home
from cbvae_cli.calibration.neighbours import Crowd
from cbvae_cli.calibration.spaces import shared_crowds
from cbvae_cli.calibration.strangeness import SPACES
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.kind import under

NO_SCORES = Conformal((np.empty(0),))


@dataclass(frozen=True)
class Witness:
    """Summaries of a class's rows, none of which is a row.

    Attributes
    ----------
    homes : tuple of Home
        By member, of the rows that the member learnt from.
    weight : float
        Of the likelihood in `combined`; the looks at neighbours share the rest.
    usual : float64 array, shape (n_columns,)
        Median log density of a blind row's cell given its others, in nats.
    mislabelled : Conformal
        What blind rows of the class score by `mislabel`, in one list.
    detectors : mapping of str to Detectors
        By space, as the first member sees it.
    """

    homes: tuple[Home, ...]
    weight: float
    usual: Floats
    mislabelled: Conformal
    detectors: Mapping[str, Detectors] = field(default_factory=dict)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        found: dict[str, NDArray[Any]] = {
            f"neighbours/{j}/{name}": array
            for j, home in enumerate(self.homes)
            for name, array in home.arrays().items()
        }
        labels = self.mislabelled.arrays().items()
        found |= {f"mislabelled/{name}": array for name, array in labels}
        found |= self._detectors()
        return found | {"weight": np.array([self.weight]), "usual": self.usual}

    def _detectors(self) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {}
        shared = shared_crowds(self.homes[0])
        for space, detectors in self.detectors.items():
            own = detectors.arrays()
            if detectors.crowd is not shared.get(space):
                crowd = detectors.crowd.arrays().items()
                own |= {f"crowd/{name}": array for name, array in crowd}
            found |= {f"detectors/{space}/{name}": a for name, a in own.items()}
        return found

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], n_members: int) -> Witness:
        """Build from `arrays`."""
        homes = tuple(
            Home.restore(under(arrays, f"neighbours/{j}/")) for j in range(n_members)
        )
        return cls(
            homes,
            float(arrays["weight"][0]),
            arrays["usual"],
            Conformal.restore(under(arrays, "mislabelled/")),
            _restored(arrays, homes[0]),
        )


def _restored(arrays: Mapping[str, NDArray[Any]], home: Home) -> dict[str, Detectors]:
    shared, found = shared_crowds(home), {}
    for space, methods in SPACES.items():
        own = under(arrays, f"detectors/{space}/")
        crowd = under(own, "crowd/")
        kept = Crowd.restore(crowd) if crowd else shared[space]
        found[space] = Detectors.restore(own, kept, methods)
    return found
