"""Options of `train` for the detectors that `score` asks by name."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

Neighbours = Annotated[
    int | None,
    typer.Option(
        "--neighbours",
        min=1,
        max=100_000,
        metavar="N",
        help="Neighbours of score --method lof; fewer in classes of fewer.  "
        "[default: 20]",
    ),
]
StoredEncodings = Annotated[
    bool,
    typer.Option(
        "--allow-stored-encodings",
        help="Fit lof and ocsvm on rows themselves, at most 4,096 a class, and keep "
        "these rows, scaled and encoded, in the bundle; else on means of five rows or "
        "more, and no row is kept.",
    ),
]


@dataclass(frozen=True)
class Finding:
    """How detectors of strange rows are fitted."""

    neighbours: Neighbours = None
    allow_stored_encodings: StoredEncodings = False

    def settings(self) -> dict[str, Any]:
        """Give what was asked for, as fields of `Settings`."""
        found: dict[str, Any] = {"neighbours": self.neighbours}
        if self.allow_stored_encodings:
            found["allow_stored_encodings"] = True
        return {name: value for name, value in found.items() if value is not None}
