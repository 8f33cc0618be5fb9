"""Make a verb's function a command: settings, the error door, and `--config`."""

import functools
import inspect
import os
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from typer.models import OptionInfo

from cbvae_cli import settings
from cbvae_cli.cli import options
from cbvae_cli.cli.door import Run, settle
from cbvae_cli.settings import Flag

CONFIG_HELP = (
    "A TOML file of flags, at its top or in a table named after the verb. A flag "
    "wins over its variable CBVAE_<FLAG>, and that over the file."
)


def add_verb(app: typer.Typer, function: Callable[..., None]) -> None:
    """Register `function` as the command of its name.

    The command takes the function's options and `--config`; whatever the
    function raises leaves through the error door.

    Parameters
    ----------
    app : typer.Typer
    function : callable
        Annotated with the types of `cbvae_cli.cli.options`, or others like them.
        The first paragraph of its docstring is the help in the list of verbs.
    """
    verb = function.__name__

    @functools.wraps(function)
    def command(**values: Any) -> None:
        values.pop("config")
        try:
            function(**values)
            if sys.stdout is not None:
                sys.stdout.flush()
        except typer.Exit:
            raise
        except Exception as error:
            if hasattr(error, "format_message"):  # typer's; it knows the command
                raise
            raise typer.Exit(settle(error, _run(function, values))) from None
        except KeyboardInterrupt as error:
            raise typer.Exit(settle(error, _run(function, values))) from None

    def fill(ctx: typer.Context, value: Path | None) -> Path | None:
        if not ctx.resilient_parsing:  # shell completion must not fail over a file
            ctx.default_map = _settings(app, verb, value)
        return value

    # Eager, so that it runs before any other option looks for its default.
    config = Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            is_eager=True,
            callback=fill,
            help=CONFIG_HELP,
        ),
    ]
    signature = inspect.signature(function)
    added = inspect.Parameter(
        "config", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=config
    )
    parameters = [*signature.parameters.values(), added]
    # A function may carry a signature of its own; mypy does not know that.
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters
    )
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    app.command(name=verb)(command)


def flags_of(function: Callable[..., Any]) -> dict[str, Flag]:
    """List the options in a signature, for the environment and the file."""
    flags = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if get_origin(parameter.annotation) is Annotated and name != "config":
            kind, *notes = get_args(parameter.annotation)
            for note in notes:
                if isinstance(note, OptionInfo):
                    flags[name] = _flag(kind, note)
    return flags


def output_of(function: Callable[..., Any]) -> str | None:
    """Name the parameter that says where rows go; None for a verb without rows."""
    return _named(function, options.RowsOut)


def _settings(app: typer.Typer, verb: str, config: Path | None) -> dict[str, Any]:
    known = {
        info.name or "": flags_of(info.callback)
        for info in app.registered_commands
        if info.callback is not None
    }
    if config is None and os.environ.get("CBVAE_CONFIG"):
        config = Path(os.environ["CBVAE_CONFIG"])
    others = {name for flags in known.values() for name in flags}
    spelt = {n for flags in known.values() for f in flags.values() for n in f.names}
    return settings.resolve(
        known[verb],
        verb=verb,
        config=config,
        environ=os.environ,
        verbs=known.keys(),
        elsewhere=others | spelt,
    )


def _run(function: Callable[..., Any], values: dict[str, Any]) -> Run:
    output = output_of(function)
    json = _named(function, options.Json)
    return Run(
        verb=function.__name__,
        json=values.get(json) if json else None,
        rows_to_stdout=output is not None and options.rows_to_stdout(values[output]),
    )


def _named(function: Callable[..., Any], annotation: Any) -> str | None:
    parameters = inspect.signature(function).parameters.values()
    return next((p.name for p in parameters if p.annotation == annotation), None)


def _flag(annotation: Any, option: OptionInfo) -> Flag:
    # Inside Annotated, typer keeps the first spelling where a default would be.
    first = (option.default,) if isinstance(option.default, str) else ()
    spellings = "/".join((*first, *(option.param_decls or ()))).split("/")
    names = tuple(spelling.strip().lstrip("-") for spelling in spellings)
    kind, many = _bare(annotation), False
    if get_origin(kind) is list:
        many, kind = True, _bare(get_args(kind)[0])
    choices: tuple[str, ...] = ()
    if get_origin(kind) is Literal:
        choices = tuple(str(choice) for choice in get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        choices = tuple(str(choice.value) for choice in kind)
    free = option.parser is not None
    plain = kind in (bool, int, float) and not free
    return Flag(kind if plain else str, many, choices, free, names)


def _bare(annotation: Any) -> Any:
    """Take `| None` off a type."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else str
