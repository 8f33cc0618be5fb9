"""Passing names: what is written beside its place, and what dead runs left there.

Each is `.NAME.<pid>.part`, locked by the run that writes it. The lock goes with the
run, however it ends, so the next run onto the same name knows what nobody needs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import sys
from pathlib import Path
from typing import BinaryIO

PART, OLD = ".part", ".old"
NAME_MOST = 200
"""Bytes of a name that its passing name repeats; file systems take 255 in all."""

if sys.platform == "win32":

    def lock(handle: int) -> None:
        """Refuse: there are no such locks here, so nothing is ever swept."""
        raise OSError("no locks")

else:
    import fcntl

    def lock(handle: int) -> None:
        """Lock an open file or folder until it is closed, by death at the latest.

        Raises
        ------
        BlockingIOError
            If another run holds it.
        OSError
            If the file system knows no locks.
        """
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Held:
    """The lock of one file or folder, let go by `release`.

    Parameters
    ----------
    handle : int
        Open on it; the lock takes a copy.

    Raises
    ------
    BlockingIOError
        If another run holds it.
    """

    def __init__(self, handle: int) -> None:
        self._handle = os.dup(handle)
        try:
            lock(self._handle)
        except BlockingIOError:
            self.release()
            raise
        except OSError:
            pass  # nobody sweeps there, so nothing needs the lock

    def release(self) -> None:
        """Let go."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


def sweep(target: Path) -> None:
    """Remove what killed runs left beside `target`, and bring back what they moved.

    Parameters
    ----------
    target : Path
        The file or folder that was to be written.
    """
    ours = re.compile(rf"\.{re.escape(_short(target.name))}\.\d+(\.\d+)?\.(part|old)")
    with contextlib.suppress(OSError):
        for name in os.listdir(target.parent):
            if ours.fullmatch(name):
                _sweep_one(target.with_name(name), target)


def new_file(target: Path) -> tuple[BinaryIO, Path, Held]:
    """Open a new, locked file beside `target`.

    It may be read by those who could read what `target` is now.
    """
    sweep(target)
    attempt = 0
    while True:
        part = _passing(target, attempt)
        attempt += 1
        try:
            file = open(part, "x+b")
        except FileExistsError:
            continue
        with contextlib.suppress(OSError):
            os.chmod(part, stat.S_IMODE(os.stat(target).st_mode))
        held = _held(file.fileno(), part)
        if held is not None:
            return file, part, held
        file.close()


def new_folder(target: Path) -> tuple[Path, Held]:
    """Make a new, locked folder beside `target`."""
    sweep(target)
    attempt = 0
    while True:
        part = _passing(target, attempt)
        attempt += 1
        try:
            part.mkdir()
        except FileExistsError:
            continue
        held = folder_held(part)
        if held is not None:
            return part, held


def folder_held(folder: Path) -> Held | None:
    """Lock a folder; None if another run holds it or has just removed it."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return _held(handle, folder)
    finally:
        os.close(handle)


def _held(handle: int, path: Path) -> Held | None:
    """Lock what is open, unless a sweep was faster."""
    try:
        held = Held(handle)
    except BlockingIOError:
        return None
    try:
        if os.path.samestat(os.fstat(handle), os.stat(path)):
            return held
    except FileNotFoundError:
        pass
    held.release()
    return None


def _passing(target: Path, attempt: int) -> Path:
    """Name what passes; two threads, or a dead run's leftovers, get other names."""
    more = f".{attempt}" if attempt else ""
    return target.with_name(f".{_short(target.name)}.{os.getpid()}{more}{PART}")


def _short(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:NAME_MOST])


def _sweep_one(found: Path, target: Path) -> None:
    kind = os.lstat(found).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        return
    folder = stat.S_ISDIR(kind)
    handle = os.open(found, os.O_RDONLY if folder else os.O_RDWR)
    try:
        lock(handle)
        if found.suffix == OLD and not os.path.lexists(target):
            os.rename(found, target)
        elif folder:
            shutil.rmtree(found, ignore_errors=True)
        else:
            found.unlink()
    except OSError:
        pass  # another run is at work on it
    finally:
        os.close(handle)
