"""What `impute` is asked for besides best guesses, and the chance that draws take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cbvae_cli.table.cells import Floats

NUMBERS = 51  # of the seeds: random numbers of draws
DRAWN_AT_ONCE = 4  # numbers by which a Philox generator steps
LEAST = 1e-12  # no number is 0 or 1: their normal deviates are infinite
DEVIATION_DRAWS = 32  # that `--sd` is measured on


@dataclass(frozen=True)
class Wanted:
    """What is wanted besides fills.

    Attributes
    ----------
    draws : int
        Rows for each row, with draws in the place of best guesses; 0 is one of these.
    deviations : bool
        Add a column of deviations for each modelled one.
    labels : bool
        Fill the label too.
    prefix : str
        Of added columns.
    seed : int
        Of draws.
    """

    draws: int = 0
    deviations: bool = False
    labels: bool = False
    prefix: str = "cbvae_"
    seed: int = 0

    @property
    def n_drawn(self) -> int:
        """Count the draws of a row, those for deviations among them."""
        return max(self.draws, DEVIATION_DRAWS if self.deviations else 0)

    def numbers(self, first: int, n_rows: int, n_numbers: int) -> Floats:
        """Give random numbers of rows, whatever batch they come in.

        Parameters
        ----------
        first : int
            Number of the first row.
        n_rows : int
        n_numbers : int
            Of a draw.

        Returns
        -------
        float64 array, shape (n_drawn, n_rows, n_numbers)
            Between 0 and 1.
        """
        used = self.n_drawn * n_numbers
        each = used + -used % DRAWN_AT_ONCE
        source = np.random.Philox(key=[self.seed, NUMBERS])
        source.advance(first * (each // DRAWN_AT_ONCE))
        found = np.random.Generator(source).random((n_rows, each))[:, :used]
        shape = (n_rows, self.n_drawn, n_numbers)
        return np.clip(found, LEAST, 1 - LEAST).reshape(shape).transpose(1, 0, 2)


PLAIN = Wanted()
