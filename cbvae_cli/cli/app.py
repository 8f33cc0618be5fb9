"""The command `cbvae`: its list of verbs, and its one way in and out."""

import functools
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from cbvae_cli import __version__
from cbvae_cli.cli.door import Run, hang_up, settle
from cbvae_cli.cli.forms import joined_long_forms
from cbvae_cli.cli.register import add_verb, output_of
from cbvae_cli.errors import EXIT_DONE
from cbvae_cli.report.machine import STREAM

VERBS = (
    "train",
    "classify",
    "impute",
    "score",
    "augment",
    "embed",
    "cluster",
    "evaluate",
    "compare",
    "inspect",
    "verify",
    "upgrade",
    "demo",
)
"""Each is the function of its name in `cbvae_cli/cli/<verb>.py`, in help order."""

HELP_FLAGS = ("-h", "--help")

HELP = """One variational autoencoder per class, for tables with a rare class.

Standard output carries data, nothing else; talk goes to standard error.
`cbvae VERB --help` shows the flags of a verb."""

EPILOG = """\b
Exit codes:
  0    done
  1    our own fault, a bug
  2    wrong usage
  3    the data do not fit, or a promise cannot be kept on them
  4    the bundle is damaged, foreign or too new
  5    a check that was asked for failed; rows are written all the same
  130  interrupted
  141  the reader of standard output went away"""


def main(argv: Sequence[str] | None = None, app: typer.Typer | None = None) -> int:
    """Run one command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Without the program's name; by default the process's own.
    app : typer.Typer, optional
        By default the one with the verb that is asked for, or with all.

    Returns
    -------
    int
        The exit code.
    """
    words = joined_long_forms(sys.argv[1:] if argv is None else argv)
    given = _asking_for_help(_with_json_target(words))
    app = app or _app_for(given)
    with _stop_signals():
        return _flushed(_dispatch(app, given))


def _asking_for_help(words: list[str]) -> list[str]:
    """Read `help VERB` and `--help VERB` as `VERB --help`, as other tools do."""
    if not words or words[0] not in (*HELP_FLAGS, "help"):
        return words
    return [*(word for word in words[1:2] if not word.startswith("-")), "--help"]


def new_app() -> typer.Typer:
    """Make the program without verbs."""
    app = typer.Typer(
        name="cbvae",
        help=HELP,
        epilog=EPILOG,
        rich_markup_mode=None,  # rich costs more than everything else in --help
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(HELP_FLAGS)},
    )
    app.callback()(_program)
    return app


def full_app() -> typer.Typer:
    """Make the program with all its verbs."""
    return _app_with(VERBS)


def _app_for(given: Sequence[str]) -> typer.Typer:
    """Make the program with as few verbs as the command line needs.

    A file of settings may hold flags of any verb, and needs all to be told apart.
    """
    from_file = any(word.startswith("--conf") for word in given)
    from_file = from_file or bool(os.environ.get("CBVAE_CONFIG"))
    if given and given[0] in VERBS and not from_file:
        return _app_with((given[0],))
    # Not without words: a shell that completes flags calls so.
    if given and given[0] in HELP_FLAGS:
        return _list_of_verbs()
    return full_app()


@functools.cache
def _app_with(verbs: tuple[str, ...]) -> typer.Typer:
    app = new_app()
    for verb in verbs:
        add_verb(app, _function_of(verb))
    return app


def _list_of_verbs() -> typer.Typer:
    """Make the program with verbs to be listed only: flags take time to make."""
    app = new_app()
    for verb in VERBS:
        app.command(name=verb, help=_function_of(verb).__doc__)(_listed_only)
    return app


def _listed_only() -> None:
    """Stand for a verb whose flags nobody asks for."""


def _function_of(verb: str) -> Callable[..., None]:
    module = importlib.import_module(f"cbvae_cli.cli.{verb}")
    function: Callable[..., None] = getattr(module, verb)
    return function


def _dispatch(app: typer.Typer, given: list[str]) -> int:
    try:
        # Not `app()`: typer's standalone mode would end the process itself,
        # with code 1 for a broken pipe and tracebacks that quote rows.
        result = typer.main.get_command(app).main(
            args=given or ["--help"], prog_name="cbvae", standalone_mode=False
        )
    except SystemExit as ending:  # completion, or a broken pipe while in typer
        if isinstance(ending.__context__, OSError):
            return settle(ending, Run())
        return ending.code if isinstance(ending.code, int) else EXIT_DONE
    except (Exception, KeyboardInterrupt) as error:
        return settle(error, _run_before_parsing(given, app))
    return result if isinstance(result, int) else EXIT_DONE


def _flushed(code: int) -> int:
    """Send out what standard output still holds, before the interpreter does."""
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except OSError as error:
        ending = settle(error, Run()) if code == EXIT_DONE else code
        hang_up()
        return ending
    return code


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"cbvae {__version__}")
        raise typer.Exit


def _program(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version,
            help="Print the version and leave.",
        ),
    ] = False,
) -> None:
    """Only carries the options that stand before a verb."""


def _with_json_target(argv: Sequence[str]) -> list[str]:
    """Give a bare `--json` its target: typer knows no options with maybe a value."""
    tokens = list(argv)
    end = tokens.index("--") if "--" in tokens else len(tokens)
    bare = f"--json={STREAM}"
    return [bare if t == "--json" else t for t in tokens[:end]] + tokens[end:]


def _run_before_parsing(tokens: list[str], app: typer.Typer) -> Run:
    """Guess where talk must go when the command line itself is at fault."""
    before = tokens[: tokens.index("--")] if "--" in tokens else tokens
    functions: dict[str, Callable[..., object]] = {
        info.name or "": info.callback
        for info in app.registered_commands
        if info.callback is not None
    }
    verb = next((token for token in before if token in functions), "")
    targets = [token.partition("=")[2] for token in before if _is_json(token)]
    to_file = any(token.startswith(("-o", "--output")) for token in before)
    makes_rows = bool(verb) and output_of(functions[verb]) is not None
    return Run(verb, targets[-1] if targets else None, makes_rows and not to_file)


def _is_json(token: str) -> bool:
    return token.startswith("--json=")


@contextmanager
def _stop_signals() -> Iterator[None]:
    """Let a polite request to stop end a run as Ctrl-C does: once, tidily.

    The second one takes its usual course, for a run that hangs while tidying.
    """
    # Only the main thread may set handlers; ignored signals stay ignored (nohup).
    main_thread = threading.current_thread() is threading.main_thread()
    names = ("SIGTERM", "SIGHUP") if main_thread else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    usual = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    for number in usual:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in usual:
            signal.signal(number, signal.SIG_DFL)
