"""The bundle file: write one whole, or read one after checking all of it.

Nothing in a bundle is ever executed. `read_manifest` and `read_card` need the
standard library only, so that `inspect` starts at once.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from cbvae_cli.bundle import archive, aside, tensors, weights
from cbvae_cli.bundle.layout import CARD, MANIFEST, WEIGHTS, Entry, write_archive
from cbvae_cli.bundle.manifest import check_manifest, seal, too_new
from cbvae_cli.bundle.strict_json import read_object
from cbvae_cli.bundle.target import checked_target, taken
from cbvae_cli.bundle.upgrades import upgrade_manifest
from cbvae_cli.errors import BundleProblem, UsageProblem
from cbvae_cli.table.aside import close_whole

if TYPE_CHECKING:
    import numpy as np

# The format of the bundles that `write_bundle` writes. Raise it by one when a
# program of yesterday would misread, or could not read, a bundle of today: a
# key renamed or with a new meaning, a tensor renamed or of another shape. A new
# key that readers may ignore needs no new format.
#
# To raise it from n to n + 1:
#   1. Before the change, freeze a small bundle of format n in `tests/golden/`.
#   2. Write `upgrades/from_vn.py` with a function that turns a manifest and
#      arrays of format n into those of n + 1 (see `upgrades/__init__.py`), and
#      register it in `UPGRADES` under n.
#   3. Raise CURRENT, and test that the frozen bundle answers as it did.
# Steps and frozen bundles stay for good: one step leads to the next.
#
# Whatever changes, `manifest.json` stays the first entry, uncompressed, with
# "format" and "program": {"version"} in it: by these an old program says which
# new one is needed. Digest and `tensors` keep their meaning as well.
CURRENT = 1

_HINT = "copy the file anew from where it came from, or train again"


def write_bundle(
    path: str | Path,
    manifest: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    card: str,
    *,
    force: bool,
) -> Path:
    """Write one bundle; the same content gives the same bytes.

    The file is written aside, read back and checked, and only then gets its
    name, so a failed run leaves an old bundle as it was.

    Parameters
    ----------
    path : str or Path
    manifest : mapping
        What JSON can hold, with `program` in it. `format`, `tensors`,
        `card_sha256` and `digest` are set here, whatever they were.
    arrays : mapping of str to ndarray
        float32, float64, int32, int64, uint8 or bool, of any shape.
    card : str
        Markdown for people.
    force : bool
        Whether an existing file is replaced.

    Returns
    -------
    Path
        Where the bundle now is.

    Raises
    ------
    UsageProblem
        If the path is taken (without `force`), or cannot be written to.
    BundleProblem
        If the content is larger or deeper than a reader would take.
    TypeError, ValueError
        For what neither JSON nor a tensor can hold: a fault of ours.
    """
    target = checked_target(path, force=force)
    with finished_aside(target, manifest, arrays, card) as part:
        _name(part, target, force=force)
    return target


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Read a bundle's manifest, in the current format, without its arrays.

    Raises
    ------
    BundleProblem
        If the zip or the manifest is damaged, foreign or too new. The weights
        are not looked at: `verify_bundle` does that.
    UsageProblem
        If there is no such file, or it may not be read.
    """
    with _opened(path) as (file, entries):
        return upgrade_manifest(_manifest(file, entries), CURRENT)[0]


def read_bundle(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read manifest and arrays, in the current format.

    Every size, name, dtype and digest is checked before the first array is
    made. The check reads a mebibyte at a time and the arrays are filled
    straight from the file, so memory holds the weights once.

    Returns
    -------
    manifest : dict
    arrays : dict of str to ndarray
        Sorted by name; writable, each with memory of its own.

    Raises
    ------
    BundleProblem, UsageProblem
        As `read_manifest`, and for weights that are not as they were written.
    """
    with _opened(path) as (file, entries):
        manifest, slots = _checked(file, entries)
        upgraded, arrays = upgrade_manifest(
            manifest, CURRENT, weights.build(file, slots)
        )
    assert arrays is not None
    return upgraded, arrays


def read_card(path: str | Path) -> str:
    """Read a bundle's card.

    Raises
    ------
    BundleProblem, UsageProblem
        As `read_manifest`, and for a card that is not as it was written.
    """
    with _opened(path) as (file, entries):
        return _card(file, entries, _manifest(file, entries))


def verify_bundle(path: str | Path) -> dict[str, Any]:
    """Check every byte of a bundle. Digests find damage, not forgery.

    Returns
    -------
    dict
        `{"ok": True, "format", "tensors", "bytes"}`: the format as it is on
        disk, the number of tensors, and the size of the file.

    Raises
    ------
    BundleProblem
        Saying what is damaged.
    UsageProblem
        If there is no such file, or it may not be read.
    """
    with _opened(path) as (file, entries):
        manifest, slots = _checked(file, entries)
        size = file.seek(0, os.SEEK_END)
    return {
        "ok": True,
        "format": manifest["format"],
        "tensors": len(slots),
        "bytes": size,
    }


def copy_bundle(source: str | Path, path: str | Path, *, force: bool) -> Path:
    """Write the same bytes under another name, whole or not at all.

    Raises
    ------
    UsageProblem, BundleProblem
        As `write_bundle`, and for a source that is damaged.
    """
    target = checked_target(path, force=force)
    with aside.aside(target) as (file, part):
        file.write(Path(source).read_bytes())
        close_whole(file)
        verify_bundle(part)
        _name(part, target, force=force)
    return target


def _name(part: Path, target: Path, *, force: bool) -> None:
    """Give a finished file its name."""
    if force:
        aside.replace(part, target)
        return
    try:
        aside.claim(part, target)
    except FileExistsError:
        raise taken(target) from None


@contextmanager
def finished_aside(
    target: Path,
    manifest: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    card: str,
) -> Iterator[Path]:
    """Write a whole, checked bundle under a passing name beside `target`."""
    contents = _packed(manifest, arrays, card)
    with aside.aside(target) as (file, part):
        try:
            write_archive(file, contents)
            close_whole(file)
            verify_bundle(part)
        except BundleProblem as problem:
            problem.where = str(target)
            raise
        yield part


def _packed(
    manifest: Mapping[str, Any], arrays: Mapping[str, np.ndarray], card: str
) -> dict[str, bytes]:
    body, described = tensors.pack(arrays)
    card_body = card.encode("utf-8", "backslashreplace")
    added = {
        "format": CURRENT,
        "tensors": described,
        "card_sha256": hashlib.sha256(card_body).hexdigest(),
    }
    return {MANIFEST: seal(manifest, added), WEIGHTS: body, CARD: card_body}


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[BinaryIO, dict[str, Entry]]]:
    """Open a bundle whose zip is sound; say in every problem which file it is."""
    try:
        with _regular_file(path) as file:
            try:
                entries = archive.survey(file)
            except BundleProblem:
                _refuse_newer_layout(file)
                raise
            yield file, entries
    except BundleProblem as problem:
        problem.where = problem.where or str(path)
        problem.hint = problem.hint or _HINT
        raise
    except OSError as error:
        raise UsageProblem(
            f"cannot read the bundle: {error.strerror or error}", where=str(path)
        ) from error


def _regular_file(path: str | Path) -> BinaryIO:
    try:
        mode = os.stat(path).st_mode
    except ValueError:  # a NUL in the name
        raise UsageProblem("no file can have this name", where=repr(path)) from None
    # Before opening: to open a pipe would wait for its writer.
    if not stat.S_ISREG(mode):
        raise BundleProblem("the path is not a file, so it is no bundle")
    return open(path, "rb")


def _refuse_newer_layout(file: BinaryIO) -> None:
    """Say "too new" rather than "damaged" when the manifest says it is."""
    body = archive.leading_manifest(file)
    if body is None:
        return
    try:
        manifest = read_object(body, MANIFEST)
    except BundleProblem:
        return
    found = manifest.get("format")
    if type(found) is int and found > CURRENT:
        raise too_new(manifest, CURRENT)


def _manifest(file: BinaryIO, entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Read the manifest in the format it has on disk, checked."""
    return check_manifest(archive.contents(file, entries[MANIFEST]), CURRENT)


def _card(
    file: BinaryIO, entries: Mapping[str, Entry], manifest: Mapping[str, Any]
) -> str:
    body = archive.contents(file, entries[CARD])
    if hashlib.sha256(body).hexdigest() != manifest["card_sha256"]:
        raise BundleProblem("card.md in the bundle was edited or is damaged")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BundleProblem("card.md in the bundle is not UTF-8 text") from None


def _checked(
    file: BinaryIO, entries: Mapping[str, Entry]
) -> tuple[dict[str, Any], list[weights.Slot]]:
    """Check all three entries; nothing is built yet."""
    manifest = _manifest(file, entries)
    _card(file, entries, manifest)
    expected = tensors.declared(manifest["tensors"])
    slots = weights.find(file, entries[WEIGHTS], expected)
    weights.check(file, entries[WEIGHTS], slots)
    return manifest, slots
