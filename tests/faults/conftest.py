import os
import subprocess
import sys
from pathlib import Path

import pytest

from cbvae_cli.cli.app import main

ROOT = Path(__file__).parents[2]
BRIEF = ["--label", "outcome", "--exclude", "part", "--hidden", "8", "--epochs", "4"]
BRIEF += ["--members", "2", "--quiet"]

# As conftest.py has it for this process, in one of its own.
PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from tests.faults.kills import train_briefly
train_briefly()
{before}
from cbvae_cli.cli.app import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="session")
def defects(tmp_path_factory):
    """Give the beginning of a sample table, which trains in a moment."""
    rows = (ROOT / "sample_data" / "defects.csv").read_text("utf-8")
    short = tmp_path_factory.mktemp("defects") / "defects.csv"
    short.write_text("".join(rows.splitlines(keepends=True)[:161]), encoding="utf-8")
    return short


@pytest.fixture
def train():
    """Train briefly in this process, and give the exit code."""

    def run(data, output, *flags):
        return main(["train", str(data), *BRIEF, "-o", str(output), *flags])

    return run


@pytest.fixture(scope="session")
def whole(tmp_path_factory, defects, brief):
    """Give the bytes of a bundle that nothing disturbed."""
    target = tmp_path_factory.mktemp("whole") / "m.cbvae"
    assert main(["train", str(defects), *BRIEF, "-o", str(target)]) == 0
    return target.read_bytes()


@pytest.fixture
def begin():
    """Start the program in a process of its own; `before` is Python to run first."""
    started = []

    def start(*argv, before="", **more):
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CBVAE_")}
        code = PROGRAM.format(root=str(ROOT), before=before)
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, argv)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environ | {"PYTHONPATH": str(ROOT)} | more.pop("env", {}),
            **more,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def names():
    """List everything in a folder, hidden things too."""
    return lambda folder: sorted(os.listdir(folder))
