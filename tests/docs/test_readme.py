"""README says what is true: its commands run, its flags and folders exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cbvae_cli.cli.app import VERBS, full_app, main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
EXAMPLES = next(text for kind, text in BLOCKS if kind == "bash").splitlines()


def brief(words: list[str]) -> list[str]:
    """Train for a moment only."""
    return [*words, "--epochs", "2", "--hidden", "16"] if words[1] == "train" else words


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Give a folder with the sample tables, where the examples have all been run."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "sample_data", folder / "sample_data")
    return folder


def test_the_first_two_shell_blocks_install_and_run_demo_and_tests():
    shell = [text.strip() for kind, text in BLOCKS if kind == "sh"]
    assert len(shell) == 2
    assert shell[0] == "pip install . && cbvae demo"
    assert "pytest" in shell[1]
    assert shell[1].startswith('pip install -e ".[dev]"')


def test_every_example_runs_in_the_order_of_the_page(shop, monkeypatch, capfd):
    monkeypatch.chdir(shop)
    commands = [line for line in EXAMPLES if line.startswith("cbvae ")]
    assert {shlex.split(line)[1] for line in commands} == set(VERBS) - {"demo"}
    for line in commands:
        assert main(brief(shlex.split(line))[1:]) == 0, line
    pipeline = next(line for line in EXAMPLES if line.startswith("cat "))
    run = subprocess.run(
        pipeline.replace("| cbvae ", f"| {sys.executable} -m cbvae_cli "),
        shell=True,
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    rows = run.stdout.splitlines()
    assert len(rows) == 10
    assert "cbvae_label" in rows[0]


def test_every_flag_on_the_page_exists():
    app = typer.main.get_command(full_app())
    known = {
        name
        for command in app.commands.values()
        for option in command.params
        for name in option.opts
    }
    known |= {"--help", "--version", "--check"}  # the last is ruff's
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) <= known


def test_every_folder_of_the_package_is_on_the_map():
    package = ROOT / "cbvae_cli"
    folders = {p.name for p in package.iterdir() if (p / "__init__.py").is_file()}
    drawn = next(text for kind, text in BLOCKS if kind == "text")
    assert all(f"  {name}/" in drawn for name in folders)


def test_pictures_and_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    local = [target for target in targets if "://" not in target]
    assert all((ROOT / target).is_file() for target in local)
