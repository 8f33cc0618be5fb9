"""Files and folders written aside and put in place when whole."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import BinaryIO


def aside_name(target: Path) -> Path:
    """Name what is written before it takes the place of `target`."""
    return target.with_name(f".{target.name}.{os.getpid()}.part")


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


class AsideFile:
    """A file that takes its place when whole.

    Parameters
    ----------
    target : Path
        A link is followed: what it points to is replaced, not the link.
    """

    def __init__(self, target: Path) -> None:
        self._target = Path(os.path.realpath(target))
        self._aside = aside_name(self._target)
        # Left by a run of the same process number that was killed.
        self._aside.unlink(missing_ok=True)
        self.file: BinaryIO = self._aside.open("xb")

    def commit(self) -> None:
        """Put the file in place of whatever was there."""
        close_whole(self.file)
        os.replace(self._aside, self._target)
        sync_folder(self._target.parent)

    def abort(self) -> None:
        """Remove what was written; an old file stays as it was."""
        self.file.close()
        self._aside.unlink(missing_ok=True)


class AsideFolder:
    """A folder that takes its place when whole.

    Parameters
    ----------
    target : Path
    """

    def __init__(self, target: Path) -> None:
        self._target = Path(os.path.realpath(target))
        self._aside = aside_name(self._target)
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir()

    def create(self, name: str) -> BinaryIO:
        """Open a new file within the folder, making the folders it needs."""
        path = self._aside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")

    def commit(self) -> None:
        """Put the folder in place of whatever was there."""
        # A folder cannot be replaced in one step: the old one moves aside, and
        # comes back should the new one not get its place.
        old = self._aside.with_suffix(".old")
        shutil.rmtree(old, ignore_errors=True)
        replaced = self._target.is_dir()
        if replaced:
            os.rename(self._target, old)
        try:
            os.rename(self._aside, self._target)
        except OSError:
            if replaced:
                os.rename(old, self._target)
            raise
        sync_folder(self._target.parent)
        shutil.rmtree(old, ignore_errors=True)

    def abort(self) -> None:
        """Remove what was written; an old folder stays as it was."""
        shutil.rmtree(self._aside, ignore_errors=True)
