"""Names that a new bundle may have, and whether one is free."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.targets import check_parent

ENDING = ".cbvae"
_NUMBERED = re.compile(r"@[0-9]*")  # as in models/@2


def check_name(path: str | Path) -> None:
    """Refuse an output whose name is not one that a bundle has.

    A name without any ending is one; a folder's, with a slash at its end, is not.

    Raises
    ------
    UsageProblem
    """
    name, expected = Path(path).name, "-o NAME.cbvae"
    if str(path).endswith(("/", os.sep)):
        raise UsageProblem(f"'{path}' is a folder, not a bundle", expected=expected)
    if _NUMBERED.fullmatch(name):
        raise UsageProblem(
            f"'{path}' names a bundle that is in a store, not one to be written",
            expected=expected,
            hint="train -o models/ takes the next number in that store",
        )
    if Path(name).suffix.lower() not in ("", ENDING):
        raise UsageProblem(
            f"'{path}' is not the name of a bundle, which ends in {ENDING}",
            expected=expected,
        )


def checked_target(path: str | Path, *, force: bool) -> Path:
    """Refuse an output path before any work is done for it."""
    target = Path(path)
    if target.is_dir():
        raise UsageProblem(
            f"{target} is a folder, not a bundle",
            expected="-o NAME.cbvae, a name inside that folder or beside it",
        )
    if os.path.lexists(target) and not force:
        raise taken(target)
    check_parent(str(path), target.absolute().parent)
    return target


def taken(target: Path) -> UsageProblem:
    """Say that the name is taken, and what to do."""
    return UsageProblem(
        f"{target} already exists",
        hint="add --force to replace it, or name a folder (models/) to keep both",
    )
