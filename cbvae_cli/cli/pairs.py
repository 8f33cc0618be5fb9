"""A bundle and a table on one command line, looked at before anything heavy loads."""

from __future__ import annotations

import os
import re

from cbvae_cli.errors import UsageProblem

BUNDLE = re.compile(r".*\.cbvae|(?:.*/)?@[0-9]+", re.IGNORECASE | re.DOTALL)


def check_pair(verb: str, bundle: str, data: str) -> None:
    """Refuse a bundle and a table that change places, or are not there.

    Parameters
    ----------
    verb : str
    bundle, data : str

    Raises
    ------
    UsageProblem, BundleProblem
    """
    from cbvae_cli.table.parts import find_parts

    if looks_like_bundle(data) and not looks_like_bundle(bundle):
        raise UsageProblem(
            f"the arguments look swapped: '{data}' is a bundle, and '{bundle}' is not",
            expected=f"cbvae {verb} BUNDLE DATA",
            hint=f"cbvae {verb} {data} {bundle}",
        )
    check_bundle(bundle)
    if data != "-" and not os.path.isdir(data):
        find_parts(data, None)


def check_bundle(bundle: str) -> None:
    """Refuse what is no bundle by its manifest; its weights are checked later."""
    from cbvae_cli.bundle.container import read_manifest
    from cbvae_cli.bundle.store import resolve

    read_manifest(resolve(bundle))


def looks_like_bundle(path: str) -> bool:
    """Tell by its name whether a path means a bundle, or a store of some."""
    from cbvae_cli.bundle.store import holds_bundles

    return bool(BUNDLE.fullmatch(path)) or holds_bundles(path)
