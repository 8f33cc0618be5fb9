"""One command as a program of its own: what it said and what it cost."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The kernel counts into a program's peak what the process was that started it, so a
# small process stands between this one, which holds tables, and the one measured.
LAUNCH = """
import json, os, signal, sys, time
begun = time.monotonic()
child = os.spawnv(os.P_NOWAIT, sys.argv[3], sys.argv[3:])
if float(sys.argv[2]):
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[2]))
_, status, usage = os.wait4(child, 0)
seconds = time.monotonic() - begun
code = os.waitstatus_to_exitcode(status)
cpu = usage.ru_utime + usage.ru_stime
with open(sys.argv[1], "w") as file:
    json.dump([code, seconds, cpu, usage.ru_maxrss * 1024], file)
"""


@dataclass(frozen=True)
class Ran:
    """A command that has ended.

    Attributes
    ----------
    code : int
        Exit code; minus the signal's number if one ended it.
    wall, cpu : float
        Seconds gone by, and seconds of all processors, the system's included.
    peak : int
        Bytes of memory, at most.
    out, told : str
        Standard output and standard error.
    """

    code: int
    wall: float
    cpu: float
    peak: int
    out: str
    told: str


def run(command: Sequence[str], limit: float = 0.0) -> Ran:
    """Run a command, its program named by a whole path.

    Parameters
    ----------
    command : sequence of str
    limit : float
        Seconds after which it is killed; 0 is never.
    """
    with tempfile.TemporaryDirectory() as folder:
        usage = Path(folder) / "usage"
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCH, str(usage), str(limit)]
        done = subprocess.run([*launcher, *command], capture_output=True, text=True)
        code, wall, cpu, peak = json.loads(usage.read_text())
    return Ran(code, wall, cpu, peak, done.stdout, done.stderr)
