"""A store: a folder of numbered bundles, the highest number being the newest."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbvae_cli.bundle import aside
from cbvae_cli.bundle.container import finished_aside, read_manifest
from cbvae_cli.errors import BundleProblem, CBVAEError, UsageProblem
from cbvae_cli.table.targets import check_parent

if TYPE_CHECKING:
    import numpy as np

_MEMBER = re.compile(r"([0-9]{4,9})\.cbvae")
_NUMBERED = re.compile(r"(.*)/@([^/]*)", re.DOTALL)
_SHOWN_AT_MOST = 10


def is_store(path: str) -> bool:
    """Whether a path names a store: it ends in a slash, or is a folder."""
    return path.endswith("/") or os.path.isdir(path)


def holds_bundles(path: str) -> bool:
    """Whether a path is a folder with a store's bundles in it."""
    return bool(_members(Path(path)))


def resolve(path: str) -> Path:
    """Turn what a user typed into one bundle's path.

    Parameters
    ----------
    path : str
        `m.cbvae`, `models/` (the newest there) or `models/@2` (number 2).

    Raises
    ------
    UsageProblem
        If there is none, listing what there is.
    """
    numbered = _NUMBERED.fullmatch(path)
    if numbered and not os.path.exists(path):
        return _by_number(Path(numbered[1] or "/"), numbered[2])
    if is_store(path):
        folder = Path(path)
        members = _members(folder)
        if not members:
            raise _nothing(f"no bundle in the store {path}", folder)
        return members[max(members)]
    if os.path.lexists(path):
        return Path(path)
    raise _nothing(f"no such bundle: {path}", Path(path).parent)


def next_path(folder: str | Path) -> Path:
    """Say where the next bundle of a store would go; the folder is made.

    Nothing is reserved: `append_bundle` is what keeps two writers apart.

    Raises
    ------
    UsageProblem
        If the folder cannot be made; the folder above it must exist.
    """
    folder = _made(folder)
    return folder / _name(max(_members(folder), default=0) + 1)


def check_store(folder: str | Path) -> None:
    """Refuse a folder that cannot become, or be added to as, a store.

    Raises
    ------
    UsageProblem
        If it is a file, may not be written to, or the folder above it is missing.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise _no_folder(folder)
    above = folder if folder.exists() else folder.absolute().parent
    check_parent(str(folder), above)


def append_bundle(
    folder: str | Path,
    manifest: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    card: str,
) -> Path:
    """Write a bundle into a store under the next free number.

    The bundle is whole before it takes a number, and takes it in one step, so
    any number of writers may append at once.

    Returns
    -------
    Path

    Raises
    ------
    UsageProblem, BundleProblem, TypeError, ValueError
        As `write_bundle`.
    """
    folder = _made(folder)
    with finished_aside(folder / "new.cbvae", manifest, arrays, card) as part:
        while True:
            target = next_path(folder)
            try:
                aside.claim(part, target)
            except FileExistsError:
                continue
            return target


def listing(folder: str | Path) -> list[dict[str, Any]]:
    """Describe every bundle of a store, oldest first.

    Returns
    -------
    list of dict
        `number` and `file`; then `data_digest`, `family`, `classes` and
        `held_out` as the manifests give them (None where one does not), or
        `error`, a sentence, for a bundle that cannot be read.

    Raises
    ------
    UsageProblem
        If there is no such folder, or no bundle in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise _nothing(f"no such store: {folder}", folder.parent)
    members = _members(folder)
    if not members:
        raise _nothing(f"no bundle in the store {folder}", folder)
    return [_described(number, members[number]) for number in sorted(members)]


def _described(number: int, path: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"number": number, "file": path.name}
    try:
        manifest = read_manifest(path)
    except (BundleProblem, UsageProblem) as problem:
        return {**row, "error": problem.what}
    return {
        **row,
        "data_digest": _inside(manifest, "data", "digest"),
        "family": _inside(manifest, "model", "family"),
        "classes": _inside(manifest, "label", "classes"),
        "held_out": _inside(manifest, "training", "held_out"),
    }


def _inside(manifest: Mapping[str, Any], part: str, key: str) -> Any:
    found = manifest.get(part)
    return found.get(key) if isinstance(found, dict) else None


def _name(number: int) -> str:
    return f"{number:04d}.cbvae"


def _members(folder: Path) -> dict[int, Path]:
    """Find a store's bundles by number; other files in the folder are let be."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    found = {}
    for name in names:
        member = _MEMBER.fullmatch(name)
        # "00002.cbvae" would be a second number 2.
        if member and name == _name(int(member[1])):
            found[int(member[1])] = folder / name
    return found


def _by_number(folder: Path, digits: str) -> Path:
    members = _members(folder)
    if not re.fullmatch(r"[0-9]{1,9}", digits):
        raise UsageProblem(
            f"@{digits} names no bundle in the store {folder}",
            expected="a number, as in models/@2",
        )
    if int(digits) not in members:
        raise _nothing(f"no bundle number {int(digits)} in the store {folder}", folder)
    return members[int(digits)]


def _made(folder: str | Path) -> Path:
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise _no_folder(folder) from None
    except OSError as error:
        raise UsageProblem(
            f"cannot make the store {folder}: {error.strerror}",
            hint=f"make the folder {folder.parent} first",
        ) from error
    return folder


def _no_folder(path: Path) -> UsageProblem:
    return UsageProblem(
        f"{path} is a file, so it cannot be a store",
        hint="name another folder, or leave the slash at the end away",
    )


def _nothing(what: str, folder: Path) -> CBVAEError:
    """Say what is not there, and what is."""
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(".cbvae"))
    except OSError:
        return UsageProblem(what, hint=f"there is no folder {folder}; check the path")
    names = [name for name in names if not name.startswith(".")]
    if not names:
        return UsageProblem(
            what, hint="there is no bundle in that folder; write one with cbvae train"
        )
    more = "" if len(names) <= _SHOWN_AT_MOST else f" and {len(names)} in all"
    return UsageProblem(
        what, hint=f"there is {', '.join(names[:_SHOWN_AT_MOST])}{more} in that folder"
    )
