"""Old formats brought to the current one, a step at a time.

A step is a function in a file of its own, `from_vn.py`::

    def upgrade(manifest, arrays):
        return manifest, arrays

It gets a manifest of format n, and its arrays or None where only the manifest
is wanted, may change both in place, and returns them as format n + 1 has them.
It sets neither `format` nor digests; where it renames tensors it renames them
in `manifest["tensors"]` too, for those who read the manifest alone. It never
imports what computes: a step is about names and shapes, and outlives the code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cbvae_cli.errors import BundleProblem

if TYPE_CHECKING:
    import numpy as np

# From the format named to the next one: "module:function", imported when needed.
UPGRADES: dict[int, str] = {}

# No road leads from formats before this one.
OLDEST = 1


def upgrade_manifest(
    manifest: dict[str, Any],
    current: int,
    arrays: dict[str, np.ndarray] | None = None,
) -> tuple[dict[str, Any], dict[str, np.ndarray] | None]:
    """Bring a manifest, and its arrays if given, to the current format.

    Parameters
    ----------
    manifest : dict
        Checked, of any format up to the current one; may be changed.
    current : int
        The format to bring it to.
    arrays : dict of str to ndarray, optional

    Raises
    ------
    BundleProblem
        If the format is too old or too new, or the manifest is not what its
        format asks for.
    """
    from cbvae_cli.bundle.manifest import too_new

    if manifest["format"] > current:
        raise too_new(manifest, current)
    while manifest["format"] < current:
        found = manifest["format"]
        if found < OLDEST or found not in UPGRADES:
            raise BundleProblem(
                f"the bundle has format {found}, which is no longer read",
                expected=f"format {OLDEST} to {current}",
                hint="train again, or upgrade it with an older cbvae first",
            )
        module, _, name = UPGRADES[found].partition(":")
        step = getattr(import_module(module), name)
        try:
            manifest, arrays = step(manifest, arrays)
        except BundleProblem:
            raise
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BundleProblem(
                f"the bundle is not what format {found} asks for: {error!r}"
            ) from error
        manifest["format"] = found + 1
    return manifest, arrays
