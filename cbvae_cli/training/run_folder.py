"""The folder of an unfinished run, `.NAME.cbvae.run/`: of one run at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from cbvae_cli.table.passing import Held, folder_held

TAKEN = "another run onto the same bundle saves there"


class RunFolder:
    """A run's hold on its folder, let go at the end of a `with` block.

    Of two runs onto one bundle, one saves its work. The other goes on without, and
    can neither remove what it has not written nor mix its work in.

    Parameters
    ----------
    path : Path
    fresh : bool
        What an older run left is not gone on with, and goes at the first hold.
    """

    def __init__(self, path: Path, *, fresh: bool) -> None:
        self.path = path
        self._fresh = fresh
        self._held: Held | None = None

    def hold(self) -> None:
        """Make the folder, and keep other runs out of it.

        Raises
        ------
        OSError
            If it cannot be made; `BlockingIOError` if another run holds it.
        """
        if self._held is not None:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        self._held = folder_held(self.path)
        if self._held is None:
            raise BlockingIOError(errno.EAGAIN, TAKEN)
        if self._fresh:
            for old in os.scandir(self.path):
                if old.is_dir(follow_symlinks=False):
                    shutil.rmtree(old.path, ignore_errors=True)
                else:
                    os.unlink(old.path)

    def remove(self) -> None:
        """Forget the run, unless it is another's."""
        if not self.path.exists():
            return
        with contextlib.suppress(OSError):
            self.hold()
            shutil.rmtree(self.path, ignore_errors=True)

    @property
    def taken(self) -> bool:
        """Tell whether another run holds the folder now."""
        if self._held is not None or not self.path.is_dir():
            return False
        found = folder_held(self.path)
        if found is not None:
            found.release()
        return found is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None
