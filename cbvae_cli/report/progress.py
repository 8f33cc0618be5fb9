"""A progress bar for people; programs and log files never see it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from cbvae_cli.report.console import Talk, escaped

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

NEEDED = 2
"""Seconds to watch before naming a time left; a first guess is mostly wrong."""


class Progress:
    """Show how far a piece of work is, when somebody is there to look.

    Parameters
    ----------
    label : str
        What is being done, as `"training"`.
    talk : Talk
        Decides whether anything is shown.

    Examples
    --------
    >>> with Progress("training", Talk(quiet=True)) as progress:
    ...     progress.update(1, 10, "loss 3.2")
    """

    def __init__(self, label: str, talk: Talk) -> None:
        self._label = escaped(label)
        self._shown = talk.live
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Start the bar, if it is to be shown."""
        if self._shown:
            self._bar = _bar()
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away, so that what follows starts on a clean line."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def update(self, done: float, total: float | None = None, note: str = "") -> None:
        """Say how much is done.

        Parameters
        ----------
        done : float
            In the unit of `total`; may go back, when work is redone.
        total : float, optional
            None while nobody knows; then no time left is shown.
        note : str
            A few words on the state, as `"loss 3.2"`.
        """
        if self._bar is None:
            return
        words = escaped(note)
        if self._task is None:
            self._task = self._bar.add_task(self._label, total=total, note=words)
        self._bar.update(self._task, completed=done, total=total, note=words)


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
    )
    from rich.progress import Progress as Bar
    from rich.text import Text

    class TimeLeft(ProgressColumn):
        """Time left at the mean speed so far, coarse while it is a guess."""

        max_refresh = 0.5

        def render(self, task: Task) -> Text:
            left = seconds_left(task.elapsed or 0.0, task.completed, task.total)
            return Text(f"about {spoken(left)} left" if left else "")

    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeLeft(),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True, highlight=False),
        transient=True,
        # Rows go through standard output: rich must not take hold of it.
        redirect_stdout=False,
    )


def seconds_left(elapsed: float, done: float, total: float | None) -> float | None:
    """Guess the seconds left from the mean speed so far; None when it is too early."""
    if total is None or done <= 0 or elapsed < NEEDED:
        return None
    return max(total - done, 0.0) * elapsed / done


def spoken(seconds: float) -> str:
    """Write a duration as coarsely as a guess deserves."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
