"""All scripts of the papers, one after the other or side by side.

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/papers/run.py [--quick] [--jobs 2] [-o FOLDER]

What each script prints stands in FOLDER (default `benchmark-results/` in the current
folder) as `<script>.txt`, beside its figures, and is printed when it ends. Each job has
one thread.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).parent
# Longest first: the last ones to end then end together.
SCRIPTS = ("dvaan", "clvae", "reconstruction", "cbvae", "oversampling")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def carried_out(script: str, flags: list[str], folder: Path) -> tuple[int, float]:
    """Run a script; gives its exit code and seconds."""
    begun = time.monotonic()
    argv = [sys.executable, str(HERE / f"{script}.py"), *flags, "-o", str(folder)]
    with (folder / f"{script}.txt").open("w", encoding="utf-8") as file:
        ended = subprocess.run(
            argv, stdout=file, env=os.environ | ONE_THREAD, check=False
        )
    return ended.returncode, time.monotonic() - begun


def main() -> int:
    """Run them all, and print what they said."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="what each calls quick")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    flags = ["--quick"] if asked.quick else []
    begun = time.monotonic()
    failed = []
    with ThreadPoolExecutor(asked.jobs) as pool:
        names: dict[Future[tuple[int, float]], str] = {
            pool.submit(carried_out, script, flags, asked.output): script
            for script in SCRIPTS
        }
        for future in as_completed(names):
            script, (code, seconds) = names[future], future.result()
            text = (asked.output / f"{script}.txt").read_text(encoding="utf-8")
            print(
                f"=== {script}: exit code {code}, {seconds:,.0f} s\n{text}", flush=True
            )
            failed += [script] * (code != 0)
    print(f"all in {time.monotonic() - begun:,.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
