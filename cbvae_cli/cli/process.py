"""What the operating system is told of a run, for speed alone."""

from __future__ import annotations

import os
import sys

# Loops that a thread waits in before it sleeps. The default, 300,000, is about a
# millisecond: several libraries bring a pool of their own, and each then waits on
# the processors that the others need.
SPINS = "20000"

# mallopt(3): what is freed stays with the process, up to a bound. Training frees and
# asks for the same few megabytes at every step, each time cleared by the kernel.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_KEPT = 32 * 2**20  # glibc takes no more
KEPT = 256 * 2**20


def wait_briefly() -> None:
    """Let the threads of GNU's OpenMP sleep early, before any library loads it."""
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def keep_freed_memory() -> None:
    """Keep freed memory for the next step, where the C library is GNU's."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(M_TRIM_THRESHOLD, KEPT)
