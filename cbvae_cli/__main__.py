"""Entry point of `cbvae` and of `python -m cbvae_cli`."""

from __future__ import annotations

import sys


def run() -> None:
    """Run the command line and leave with its exit code."""
    from cbvae_cli.cli.app import main
    from cbvae_cli.cli.process import wait_briefly

    wait_briefly()
    sys.exit(main())


if __name__ == "__main__":
    run()
