"""Options of `train` that say what is fitted to which table."""

from typing import Annotated, Literal, get_args

import typer

from cbvae_cli.errors import UsageProblem

LabelOption = Annotated[
    str,
    typer.Option(
        "--label",
        metavar="COL",
        help="Column that names each row's class.",
        show_default=False,
    ),
]
TableOption = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="The table: a file, a folder of Parquet files, a quoted glob, or - "
        "for standard input. Only --drop-class needs none.",
        show_default=False,
    ),
]
ColumnOption = Annotated[
    str | None,
    typer.Option(
        "--label",
        metavar="COL",
        help="Column that names each row's class. Only --update needs none.",
    ),
]
Model = Literal["cbvae", "vae", "cvae", "clvae", "dvae", "dvaan"]
MODELS: tuple[str, ...] = get_args(Model)

ModelOption = Annotated[
    Model,
    typer.Option(
        "--model",
        help="cbvae: one autoencoder a class. The others share one: vae (the label is "
        "a column), cvae (told the label), clvae (one latent mean a class), dvae "
        "(classes at +mu and -mu), dvaan (dvae, a discriminator that classifies, and "
        "rows made near the boundary).",
    ),
]
PresetOption = Annotated[
    Literal["paper", "fast", "default", "best"] | None,
    typer.Option(
        "--preset",
        help="default: the sound version; fast: one member a class; best: ten members, "
        "and other sizes, masks and rates tried first; paper: the class-based VAE "
        "paper's algorithm as written.  [default: default]",
    ),
]
Latent = Annotated[
    int | None,
    typer.Option(
        "--latent",
        min=1,
        max=512,
        metavar="N",
        help="Latent dimensions.  [default: 8; paper: 10]",
    ),
]
Hidden = Annotated[
    str | None,
    typer.Option(
        "--hidden",
        metavar="N,N",
        parser=str,  # an option with a parser may be a list in a file of settings
        help="Hidden layers of the encoder.",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        min=1,
        max=1_000_000,
        metavar="N",
        help="Passes over the rows of the largest class.  [default: as many as 1,000 "
        "steps of 128 rows make]",
    ),
]
Mask = Annotated[
    float | None,
    typer.Option(
        "--mask",
        min=0,
        metavar="N|SHARE",
        help="Cells hidden in training: below 1 the largest share of a row, from 1 "
        "upwards that many cells of each row.  [default: 0.4; paper: 2]",
    ),
]
MembersOption = Annotated[
    int | None,
    typer.Option(
        "--members",
        min=1,
        max=20,
        metavar="N",
        help="Networks of each class, each blind to another part of the rows.  "
        "[default: 5; fast and paper: 1; best: 10; fewer for many classes or columns]",
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        min=1,
        metavar="SECONDS",
        help="Take fewer steps, and with --preset best fewer tries, to end in about "
        "this time; calibration is never cut. The bundle then depends on the machine.",
    ),
]
Validation = Annotated[
    str | None,
    typer.Option(
        "--validation",
        metavar="FRACTION|FILE",
        parser=str,  # an option with a parser may be a number in a file of settings
        help="Rows that only calibrate: a share as 0.2 (not beside --time, which "
        "chooses them itself), or a table of their own, which wins over --time.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Show columns, classes and a time estimate; train nothing."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with an interrupted run.")
]


def layer_sizes(text: str | None) -> tuple[int, ...] | None:
    """Read `--hidden` as the sizes of layers; raises `UsageProblem`."""
    if text is None:
        return None
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or not all(1 <= size <= 65_536 for size in sizes):
        raise UsageProblem(
            f"--hidden {text!r} is no list of layer sizes", expected="as in 128,128"
        )
    return sizes
