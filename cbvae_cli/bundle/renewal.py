"""Bundles of older formats rewritten in the current one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cbvae_cli.bundle import container


def upgrade_bundle(
    path: str | Path, *, output: str | Path | None = None, force: bool = False
) -> dict[str, Any]:
    """Rewrite an old bundle in the current format.

    Parameters
    ----------
    path : str or Path
    output : str or Path, optional
        Where to write; without it the bundle itself is replaced, once the new
        one is whole.
    force : bool
        Whether an existing `output` is replaced.

    Returns
    -------
    dict
        `{"changed": False, "format"}` for a current bundle, which is checked
        and left alone, with `"path"` where it was copied to an output; else
        `{"changed": True, "from", "format", "path"}`.

    Raises
    ------
    BundleProblem, UsageProblem
        As `read_bundle` and `write_bundle`.
    """
    found = container.verify_bundle(path)["format"]
    if found == container.CURRENT:
        same = {"changed": False, "format": found}
        if output is None:
            return same
        return same | {"path": str(container.copy_bundle(path, output, force=force))}
    manifest, arrays = container.read_bundle(path)
    target = Path(path if output is None else output)
    container.write_bundle(
        target,
        manifest,
        arrays,
        container.read_card(path),
        force=force or output is None,
    )
    return {
        "changed": True,
        "from": found,
        "format": container.CURRENT,
        "path": str(target),
    }
