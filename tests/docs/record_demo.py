"""Record the demo as the terminal picture in README.

Run `python tests/docs/record_demo.py` with cbvae installed; it writes `demo.svg`
beside this file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent


def main() -> None:
    """Run the demo in an empty folder and draw what it says."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cbvae_cli", "demo"]
        told = subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True
        ).stderr
    samples = str(HERE.parents[1] / "sample_data")
    lines = ["$ cbvae demo", *told.replace(samples, "sample_data").splitlines()]
    console = Console(record=True, width=110, file=sys.stdout)
    for line in lines:
        style = "bold" if line.startswith("$") else ""
        console.print(Text(line.rstrip(), style=style))
    console.save_svg(str(HERE / "demo.svg"), title="cbvae demo")


if __name__ == "__main__":
    main()
