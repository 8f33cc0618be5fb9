"""A request to stop, held back until the step that it falls into is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@dataclass
class Stop:
    """Whether somebody asked to stop.

    Attributes
    ----------
    asked : bool
    """

    asked: bool = False


@contextmanager
def held_back() -> Iterator[Stop]:
    """Note the first request to stop, as Ctrl-C, without breaking off.

    Half a step has moved the random state but not the weights: a run that went on
    from there would end in another model. A second request takes its usual course.
    """
    stop = Stop()
    # Only the main thread may set handlers; what Python does not handle (ignored
    # under nohup, or the system's default) stays as it is.
    main_thread = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, n) for n in SIGNALS if hasattr(signal, n)]
    usual = {n: signal.getsignal(n) for n in numbers if main_thread}
    usual = {n: handler for n, handler in usual.items() if callable(handler)}

    def give_back() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        stop.asked = True
        give_back()

    for number in usual:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        give_back()
