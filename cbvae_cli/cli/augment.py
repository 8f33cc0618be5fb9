"""`cbvae augment`: synthetic rows of a class."""

from typing import Annotated, Literal

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, Prefix, RowsOut
from cbvae_cli.cli.pairs import check_bundle


def ratio_of(text: str | float) -> str | float:
    """Read a share above 0, or the word auto.

    Raises
    ------
    typer.BadParameter
        If it is neither.
    """
    if text == "auto":
        return text
    try:
        ratio = float(text)
    except ValueError:
        ratio = 0.0
    if not 0 < ratio <= 1:
        raise typer.BadParameter(
            f"takes a share above 0, at most 1, or the word auto, not {text!r}"
        )
    return ratio


Count = Annotated[
    int | None,
    typer.Option("-n", min=1, metavar="N", help="How many rows to make."),
]
OfClass = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="Class to make.  [default: the smallest; with --balance, all]",
    ),
]
BalanceOption = Annotated[
    bool,
    typer.Option(
        "--balance",
        help="Instead of -n: bring classes up to the largest of --data, or to --ratio.",
    ),
]
RatioOption = Annotated[
    str | None,
    typer.Option(
        "--ratio",
        metavar="R|auto",
        parser=ratio_of,
        help="Share of the largest class that --balance goes to; auto takes the "
        "amount, maybe none, that helps a booster and a logistic regression most on "
        "rows held out of --data.  [default: 1]",
    ),
]
MethodOption = Annotated[
    Literal["prior", "posterior", "boundary", "interpolate"] | None,
    typer.Option(
        "--method",
        help="Where rows come from: prior (where the class lies in latent space), "
        "posterior (near real rows), boundary (where another class explains them about "
        "as well; slower) or interpolate (between real rows).  [default: boundary with "
        "--balance up to a ratio that you give, else prior]",
    ),
]
TowardOption = Annotated[
    str | None,
    typer.Option(
        "--toward",
        metavar="CLASS",
        help="With interpolate: go from rows of the class up to halfway to rows of "
        "this one; the label stays.",
    ),
]
RealRows = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="The training table; needed by posterior, interpolate, --balance, "
        "--with-original, --gate and --privacy.",
    ),
]
MissingOption = Annotated[
    Literal["fill", "keep"],
    typer.Option(
        "--missing", help="Fill every cell, or leave cells out as the class does."
    ),
]
WithOriginal = Annotated[
    bool,
    typer.Option(
        "--with-original",
        help="Write the rows of --data first; cbvae_synthetic is 0 for them, else 1.",
    ),
]
GateOption = Annotated[
    str | None,
    typer.Option(
        "--gate",
        metavar="HELDOUT",
        help="Train a booster and a logistic regression on --data with and without "
        "the rows and judge them on this table; exit 5 unless the rows help by more "
        "than the spread over repeats.",
    ),
]
PrivacyOption = Annotated[
    bool,
    typer.Option(
        "--privacy",
        help="Draw copies of unique rows of --data again, and measure how near rows "
        "lie to real ones, beside rows of --gate or --held-out.",
    ),
]
HeldOutOption = Annotated[
    str | None,
    typer.Option(
        "--held-out",
        metavar="TABLE",
        help="Rows for --privacy that did not train the bundle.  [default: --gate]",
    ),
]


@spread
def augment(
    bundle: BundleIn,
    n: Count = None,
    output: RowsOut = None,
    of_class: OfClass = None,
    balance: BalanceOption = False,
    ratio: RatioOption = None,
    method: MethodOption = None,
    toward: TowardOption = None,
    data: RealRows = None,
    missing: MissingOption = "fill",
    with_original: WithOriginal = False,
    prefix: Prefix = "cbvae_",
    gate: GateOption = None,
    privacy: PrivacyOption = False,
    held_out: HeldOutOption = None,
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Make synthetic rows of a class, which look as training rows do.

    More rows are not always better: --ratio auto and --gate find out.

    Example: cbvae augment fraud.cbvae -n 500 -o synthetic.csv
    """
    from cbvae_cli.cli.ask_rows import Order
    from cbvae_cli.cli.augmenting import carry_out

    order = Order(
        bundle,
        output,
        n,
        of_class,
        balance,
        ratio,
        method,
        toward,
        data,
        missing == "keep",
        with_original,
        prefix,
        gate,
        privacy,
        held_out,
    )
    order.check()
    check_bundle(bundle)
    carry_out(order, compute, reading, writing, telling)
