"""What is asked of `score`, and which questions make sense."""

from __future__ import annotations

from dataclasses import dataclass

from cbvae_cli.calibration.strangeness import SPACE, SPACED
from cbvae_cli.errors import UsageProblem

MISLABEL = "mislabel"


@dataclass(frozen=True)
class Strangely:
    """What is asked of `score`.

    Attributes
    ----------
    method : str
        One of `JUDGED`, of `SPACED` without its space, or `MISLABEL`.
    against : str or None
        The one class that judges.
    cells, repair : bool
        Columns to add; see `CellColumns`.
    fail_on : float or None
        False discovery rate at which no row may survive.
    space : str or None
        One of `SPACES`; None is the usual one, where there are several.
    by : str or None
        `"clusters"`: of `MISLABEL`, what is asked in the place of the posterior.
    """

    method: str
    against: str | None = None
    cells: bool = False
    repair: bool = False
    fail_on: float | None = None
    space: str | None = None
    by: str | None = None

    def check(self) -> None:
        """Refuse what does not go together, before anything is read.

        Raises
        ------
        UsageProblem
        """
        spaced = _spaced()
        if self.space is not None and self.method not in spaced:
            raise UsageProblem(
                f"--method {self.method} looks at no space in particular",
                where=f"--space {self.space}",
                expected=f"--method {', '.join(spaced[:-1])} or {spaced[-1]}",
                hint="leave --space out",
            )
        if self.method == MISLABEL:
            if self.against is not None:
                raise UsageProblem(
                    "--method mislabel judges each row by its own label",
                    hint="leave --against out",
                )
        elif self.by is not None:
            raise UsageProblem(
                f"--by {self.by} is a way of finding wrong labels",
                where=f"--method {self.method}",
                expected="--method mislabel",
            )

    @property
    def looks_at(self) -> str | None:
        """The space that the method looks at; None where it has none."""
        return (self.space or SPACE) if self.method in _spaced() else None


def _spaced() -> list[str]:
    return list(dict.fromkeys(method for method, _ in SPACED))
