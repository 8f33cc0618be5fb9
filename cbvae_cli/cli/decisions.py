"""What `classify` is told about deciding: its flags, and what they are read as."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cbvae_cli.cli.forms import COST, PRIOR
from cbvae_cli.errors import UsageProblem

if TYPE_CHECKING:
    from cbvae_cli.answers.deciding import Wishes
    from cbvae_cli.table.cells import Floats
    from cbvae_cli.table.label import Label

SUM_TOLERANCE = 1e-6  # for shares typed with a few digits


def open_share(text: str | float) -> float:
    """Read a number between 0 and 1, both left out.

    Raises
    ------
    typer.BadParameter
        If it is none.
    """
    try:
        share = float(text)
    except ValueError:
        share = float("nan")
    if not 0 < share < 1:
        raise typer.BadParameter(f"takes a number above 0 and below 1, not {text!r}")
    return share


def parse_costs(tokens: Sequence[str], classes: Sequence[str]) -> "Floats":
    """Read `--cost` as a matrix.

    Parameters
    ----------
    tokens : sequence of str
        Values of the flag, short or joined by `joined_long_forms`.
    classes : sequence of str

    Returns
    -------
    float64 array, shape (n_classes, n_classes)
        What it costs to call a true class (row) by a name (column). Calls that no
        token names cost 1 where wrong and 0 where right.

    Raises
    ------
    UsageProblem
    """
    import numpy as np

    costs = 1.0 - np.eye(len(classes))
    for (true, called), cost in COST.entries(tokens, classes):
        costs[true, called] = cost
    return costs


def parse_prior(tokens: Sequence[str], classes: Sequence[str]) -> "Floats":
    """Read `--prior` as one share a class.

    Parameters
    ----------
    tokens : sequence of str
        Values of the flag, short or joined by `joined_long_forms`.
    classes : sequence of str

    Returns
    -------
    float64 array, shape (n_classes,)
        They sum to 1. A class of share 0 cannot occur.

    Raises
    ------
    UsageProblem
        Also if a class is left out, or the shares do not sum to 1.
    """
    import numpy as np

    shares = np.full(len(classes), np.nan)
    for (place,), share in PRIOR.entries(tokens, classes):
        shares[place] = share
    if np.isnan(shares).any():
        named = zip(classes, np.isnan(shares), strict=True)
        left_out = ", ".join(f"'{name}'" for name, missing in named if missing)
        raise UsageProblem(
            f"--prior leaves out {left_out}",
            expected="a share for every class; 0 for one that cannot occur",
        )
    total = float(shares.sum())
    if abs(total - 1) > SUM_TOLERANCE:
        raise UsageProblem(
            f"the shares in --prior sum to {total:.9g}", expected="a sum of 1"
        )
    return shares / total


PositiveOption = Annotated[
    str | None,
    typer.Option(
        "--positive",
        metavar="CLASS",
        help="The class that thresholds and rates speak of.  [default: the smallest]",
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="P",
        parser=open_share,
        help="Call the positive class when its probability is at least P; after "
        "--prior, the re-weighted one.  [default: of best F1 in training]",
    ),
]
CostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cost",
        metavar=COST.short,
        help='Call the class of least expected cost: "0>1=1,1>0=50" when a true 0 '
        "called 1 costs 1 and a true 1 called 0 costs 50. Other wrong calls cost 1, "
        f"right ones 0. Or {COST.long}, given again for each.",
    ),
]
PriorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--prior",
        metavar=PRIOR.short,
        help='Shares of all classes where the rows come from: "0=0.999,1=0.001". '
        "Probabilities and the default threshold follow; --threshold stays as given. "
        f"Or {PRIOR.long}, given again for each.  [default: as in training]",
    ),
]
FprOption = Annotated[
    float | None,
    typer.Option(
        "--fpr",
        metavar="RATE",
        parser=open_share,
        help="Bound the share of the other classes' rows, mixed as in training, that "
        "are called positive; refused where too few rows were kept to promise it.",
    ),
]
ConfidenceOption = Annotated[
    float | None,
    typer.Option(
        "--confidence",
        metavar="C",
        parser=open_share,
        help="Let --fpr hold for this very bundle with confidence C, as 0.95; "
        "without it, it holds on average over bundles.",
    ),
]
AbstainOption = Annotated[
    float | None,
    typer.Option(
        "--abstain",
        metavar="ALPHA",
        parser=open_share,
        help="Leave the label empty where a row fits no class: a class with rows "
        "enough loses at most 2 ALPHA of its own, in practice about ALPHA.",
    ),
]
LogoddsOption = Annotated[
    bool,
    typer.Option(
        "--logodds", help="Also give the log-odds of each class, exact near 0 and 1."
    ),
]


@dataclass(frozen=True)
class Deciding:
    """How probabilities become labels."""

    positive: PositiveOption = None
    threshold: ThresholdOption = None
    cost: CostOption = None
    prior: PriorOption = None
    fpr: FprOption = None
    confidence: ConfidenceOption = None
    abstain: AbstainOption = None
    logodds: LogoddsOption = False

    def check(self) -> None:
        """Refuse flags that exclude each other, before anything is read.

        `--fpr` with `--prior` passes: false alarms are a share of the other classes'
        rows, so the share of the positive class does not touch the bound. Shares
        that mix the other classes anew do; `follow_cut` refuses them when the
        classes are known.

        Raises
        ------
        UsageProblem
        """
        rules = {
            "--threshold": self.threshold is not None,
            "--cost": bool(self.cost),
            "--fpr": self.fpr is not None,
        }
        given = [flag for flag, is_given in rules.items() if is_given]
        if len(given) > 1:
            raise UsageProblem(
                f"{' and '.join(given)} each decide alone",
                expected="one of --threshold, --cost and --fpr",
            )
        if self.confidence is not None and self.fpr is None:
            raise UsageProblem(
                "--confidence speaks of --fpr, which is not given",
                hint=f"add --fpr 0.01, or leave out --confidence {self.confidence:g}",
            )

    def wishes(self, label: "Label") -> "Wishes":
        """Read the flags by the bundle's classes.

        Raises
        ------
        UsageProblem
            If a flag names a class that the bundle does not know.
        """
        from cbvae_cli.answers.deciding import Wishes

        return Wishes(
            label.place(label.positive if self.positive is None else self.positive),
            self.threshold,
            parse_costs(self.cost, label.classes) if self.cost else None,
            parse_prior(self.prior, label.classes) if self.prior else None,
            self.fpr,
            self.confidence,
            self.abstain,
            self.logodds,
        )
