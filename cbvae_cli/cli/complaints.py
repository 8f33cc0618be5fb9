"""The parser's complaints about a command line, in our own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cbvae_cli.errors import UsageProblem
from cbvae_cli.nearest import did_you_mean
from cbvae_cli.table.wording import shown

OURS = "takes "
"""How the message of a value's own parser begins: `takes a share, not '2'`."""

NUMBERS = {int: "a whole number", float: "a number"}


def explain_usage(error: Any, verb: str = "") -> UsageProblem:
    """Say what a flag takes and what it was given, in one sentence.

    Parameters
    ----------
    error : exception
        One of typer's, which keeps their classes to itself.
    verb : str
        That was asked, as far as known.
    """
    near = ""
    if hasattr(error, "possibilities"):
        what = f"there is no flag {error.option_name}"
        near = did_you_mean(error.option_name, _flags(error))
    elif hasattr(error, "option_name") and "requires an argument" in error.message:
        what = f"{error.option_name} takes a value, and none is given"
    elif words := _too_many(error):
        what = f"one word too many: {words}"
        near = "A glob that names several files stands in quotes."
    else:
        what, near = _of_value(error) or (_theirs(error), "")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else f"cbvae {verb}".strip()
    listing = f"{command} --help lists what there is"
    return UsageProblem(what, hint=f"{near} {listing}".lstrip())


def _too_many(error: Any) -> str:
    """Give the words that no argument of the verb takes, quoted."""
    found = re.fullmatch(r"Got unexpected extra argument\S* \((.*)\)", error.message)
    return shown(found[1]) if found else ""


def _theirs(error: Any) -> str:
    """Give the parser's own sentence."""
    message = " ".join(error.format_message().split()).rstrip(".")
    return message[:1].lower() + message[1:]


def _of_value(error: Any) -> tuple[str, str] | None:
    """Say what a flag takes, and which of its words was probably meant."""
    parameter: Any = getattr(error, "param", None)
    flag = " / ".join(getattr(parameter, "opts", None) or ())
    message = error.message.replace("Value error, ", "") if flag else ""
    if message.startswith(OURS):
        return f"{flag} {message}", ""
    found: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    if not flag.startswith("-") or not found:
        return None
    given = shown(found[0]["input"])
    kind: Any = getattr(parameter, "type_descriptor", None)
    words = getattr(kind, "choices", None)
    if words:
        names = ", ".join(f"'{word}'" for word in words)
        return f"{flag} takes one of {names}, not {given}", did_you_mean(
            str(found[0]["input"]), [str(word) for word in words]
        )
    annotation: Any = getattr(kind, "annotation", None)
    number = NUMBERS.get(annotation)
    if number is None:
        return None
    bounds = _bounds(parameter.min, parameter.max)
    return f"{flag} takes {number}{bounds}, not {given}", ""


def _bounds(least: float | None, most: float | None) -> str:
    if least is None:
        return "" if most is None else f", at most {_bare(most)}"
    if most is None:
        return f" of {_bare(least)} or more"
    return f" from {_bare(least)} to {_bare(most)}"


def _bare(number: float) -> str:
    return f"{int(number) if number == int(number) else number:,}"


def _flags(error: Any) -> Sequence[str]:
    """List the flags of the verb that a complaint is about."""
    context = getattr(error, "ctx", None)
    parameters = context.command.params if context is not None else ()
    return [flag for each in parameters for flag in each.opts]
