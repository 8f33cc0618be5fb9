import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DUMMY = Path(__file__).with_name("dummy_program.py")


@pytest.fixture(scope="session")
def dummy():
    spec = importlib.util.spec_from_file_location("dummy_program", DUMMY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(dummy, monkeypatch):
    """Run the dummy program in this process and give its exit code."""
    from cbvae_cli.cli.app import main

    for name in [name for name in os.environ if name.startswith("CBVAE_")]:
        monkeypatch.delenv(name)
    return lambda *argv: main(argv, dummy.program())


@pytest.fixture
def start():
    """Start a fresh interpreter on a script or `-c` code, as a user's shell would."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CBVAE_")}
    environ |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    started = []

    def begin(*argv, **more):
        process = subprocess.Popen(
            [sys.executable, *map(str, argv)],
            stdout=more.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environ | more.pop("env", {}),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def start_dummy(start):
    return lambda *argv, **more: start(DUMMY, *argv, **more)
