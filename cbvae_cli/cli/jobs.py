"""Options that say what each column of a training table is for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cbvae_cli.records import Columns

Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="COL",
        help="Leave a column out, as an id; may be given again.",
    ),
]
Categorical = Annotated[
    list[str] | None,
    typer.Option(
        "--categorical",
        metavar="COL",
        help="Read a column as names; may be given again.",
    ),
]
Numeric = Annotated[
    list[str] | None,
    typer.Option(
        "--numeric",
        metavar="COL",
        help="Read a column as numbers; may be given again.",
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="COL",
        help="Rows of equal text here stay together when rows are held out; a missing "
        "cell is a group of its own.",
    ),
]
Time = Annotated[
    str | None,
    typer.Option(
        "--time",
        metavar="COL",
        help="Numbers or dates: the latest fifth of the rows calibrates. Not beside "
        "--validation FRACTION; a --validation FILE calibrates in its place.",
    ),
]
Weight = Annotated[
    str | None,
    typer.Option(
        "--weight",
        metavar="COL",
        help="How much each row counts, 0 or more.",
    ),
]
Positive = Annotated[
    str | None,
    typer.Option(
        "--positive",
        metavar="CLASS",
        help="Class that thresholds and rates speak of.  [default: the smallest]",
    ),
]
DropUnlabelled = Annotated[
    bool,
    typer.Option("--drop-unlabelled", help="Leave rows without a label out."),
]


@dataclass(frozen=True)
class Jobs:
    """What columns are for."""

    exclude: Exclude = None
    categorical: Categorical = None
    numeric: Numeric = None
    group: Group = None
    time: Time = None
    weight: Weight = None
    positive: Positive = None
    drop_unlabelled: DropUnlabelled = False

    def columns(self, label: str) -> "Columns":
        """Give what reading the table needs."""
        from cbvae_cli.records import Columns

        return Columns(
            label,
            tuple(self.exclude or ()),
            tuple(self.categorical or ()),
            tuple(self.numeric or ()),
            self.drop_unlabelled,
            group=self.group,
            time=self.time,
            weight=self.weight,
            positive=self.positive,
        )
