"""Files and folders written aside and put in place when whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import BinaryIO

from cbvae_cli.table.passing import OLD, folder_held, new_file, new_folder

EXCHANGE, HERE = 2, -100  # renameat2(2)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def close_whole(file: BinaryIO) -> None:
    """Close a file once its bytes are on the disk."""
    file.flush()
    os.fsync(file.fileno())
    file.close()


def may_hold(path: str, beginning: bytes) -> bool:
    """Tell whether a file is empty, or begins as others of its kind do."""
    with open(path, "rb") as file:
        return file.read(len(beginning)) in (b"", beginning)


def write_whole(target: Path, content: bytes) -> None:
    """Write a file whole, or leave what has its name as it was.

    Raises
    ------
    OSError
        As the system refuses.
    """
    aside = AsideFile(target)
    try:
        aside.file.write(content)
        aside.commit()
    except BaseException:
        aside.abort()
        raise


class AsideFile:
    """A file that takes its place when whole.

    Parameters
    ----------
    target : Path
        A link is followed: what it points to is replaced, not the link.
    """

    def __init__(self, target: Path) -> None:
        self._target = Path(os.path.realpath(target))
        self.file, self._aside, self._held = new_file(self._target)

    def commit(self) -> None:
        """Put the file in place of whatever was there."""
        close_whole(self.file)
        os.replace(self._aside, self._target)
        self._held.release()
        sync_folder(self._target.parent)

    def abort(self) -> None:
        """Remove what was written; an old file stays as it was."""
        # Closing writes what waits, and a full disk refuses that as well.
        with contextlib.suppress(OSError):
            self.file.close()
        self._aside.unlink(missing_ok=True)
        self._held.release()


class AsideFolder:
    """A folder that takes its place when whole.

    Parameters
    ----------
    target : Path
    """

    def __init__(self, target: Path) -> None:
        self._target = Path(os.path.realpath(target))
        self._aside, self._held = new_folder(self._target)

    def create(self, name: str) -> BinaryIO:
        """Open a new file within the folder, making the folders it needs."""
        path = self._aside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")

    def commit(self) -> None:
        """Put the folder in place of whatever was there."""
        if not exchanged(self._aside, self._target):
            self._replace()
        sync_folder(self._target.parent)
        self.abort()  # what was there is aside now

    def _replace(self) -> None:
        """Move the old folder aside; it comes back should the new one not fit.

        A run that is killed in between leaves it to the next run to bring it back.
        """
        old = self._aside.with_suffix(OLD)
        held = folder_held(self._target) if self._target.is_dir() else None
        try:
            if held is not None:
                os.rename(self._target, old)
            try:
                os.rename(self._aside, self._target)
            except OSError:
                if held is not None:
                    os.rename(old, self._target)
                raise
            shutil.rmtree(old, ignore_errors=True)
        finally:
            if held is not None:
                held.release()

    def abort(self) -> None:
        """Remove what was written; an old folder stays as it was."""
        shutil.rmtree(self._aside, ignore_errors=True)
        self._held.release()


def exchanged(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where there are not two, or no such step."""
    if not (sys.platform.startswith("linux") and other.is_dir()):
        return False
    import ctypes

    swap = getattr(ctypes.CDLL(None), "renameat2", None)
    if swap is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(swap(HERE, names[0], HERE, names[1], EXCHANGE) == 0)
