"""The manifest of a bundle: which keys are the container's, and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cbvae_cli.bundle.archive import shown
from cbvae_cli.bundle.layout import MANIFEST
from cbvae_cli.bundle.strict_json import canonical, digest, plain, read_object
from cbvae_cli.bundle.tensors import declared
from cbvae_cli.errors import BundleProblem

# Set by `seal`, whatever the caller's manifest holds under these names.
_ADDED = ("format", "tensors", "card_sha256", "digest")
_REQUIRED = {
    "format": int,
    "program": dict,
    "tensors": dict,
    "card_sha256": str,
    "digest": str,
}


def seal(manifest: Mapping[str, Any], added: Mapping[str, Any]) -> bytes:
    """Spell a manifest as it is stored, with the container's keys and a digest.

    Parameters
    ----------
    manifest : mapping
        What JSON can hold.
    added : mapping
        `format`, `tensors` and `card_sha256`.
    """
    own = {key: value for key, value in manifest.items() if key not in _ADDED}
    full = plain({**own, **added})
    return canonical({**full, "digest": digest(full)})


def check_manifest(body: bytes, current: int) -> dict[str, Any]:
    """Read a manifest of any format up to `current`, and check it.

    Raises
    ------
    BundleProblem
        If it is not one, was edited, or is too new.
    """
    manifest = read_object(body, MANIFEST)
    if type(manifest.get("format")) is int and manifest["format"] > current:
        raise too_new(manifest, current)
    for key, kind in _REQUIRED.items():
        if key not in manifest:
            raise BundleProblem(f"manifest.json in the bundle lacks '{key}'")
        if type(manifest[key]) is not kind:
            raise BundleProblem(f"'{key}' in manifest.json has the wrong type")
    if manifest["format"] < 1:
        found = shown(manifest["format"])
        raise BundleProblem(f"the bundle has no possible format: {found}")
    signed = {key: value for key, value in manifest.items() if key != "digest"}
    if digest(signed) != manifest["digest"]:
        raise BundleProblem("manifest.json in the bundle was edited or is damaged")
    declared(manifest["tensors"])
    return manifest


def too_new(manifest: Mapping[str, Any], current: int) -> BundleProblem:
    """Say which program wrote a bundle that this one cannot read."""
    from cbvae_cli import __version__

    program = manifest.get("program")
    version = program.get("version") if isinstance(program, dict) else None
    writer = f"cbvae {version}" if isinstance(version, str) else "a newer cbvae"
    return BundleProblem(
        f"the bundle has format {shown(manifest['format'])}, written by "
        f"{shown(writer)[1:-1]}; this is cbvae {__version__}",
        expected=f"format {current} or older",
        hint="update cbvae: pip install --upgrade cbvae-cli",
    )
