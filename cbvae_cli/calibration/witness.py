"""What a class keeps of its rows for `score`, besides networks and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.looks import Home
from cbvae_cli.table.cells import Floats

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
    """

    homes: tuple[Home, ...]
    weight: float
    usual: Floats
    mislabelled: Conformal

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fields by name."""
        found: dict[str, NDArray[Any]] = {
            f"neighbours/{j}/{name}": array
            for j, home in enumerate(self.homes)
            for name, array in home.arrays().items()
        }
        labels = self.mislabelled.arrays().items()
        found |= {f"mislabelled/{name}": array for name, array in labels}
        return found | {"weight": np.array([self.weight]), "usual": self.usual}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], n_members: int) -> Witness:
        """Build from `arrays`."""
        return cls(
            tuple(
                Home.restore(_under(arrays, f"neighbours/{j}/"))
                for j in range(n_members)
            ),
            float(arrays["weight"][0]),
            arrays["usual"],
            Conformal.restore(_under(arrays, "mislabelled/")),
        )


def _under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
