"""Where an option's value comes from, when no flag gave it.

One rule for every option of every verb: the flag, then the environment variable
`CBVAE_<NAME>`, then the TOML file named by `--config`, then the default. The
command line is read elsewhere; this file answers for the two in the middle.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbvae_cli.errors import UsageProblem
from cbvae_cli.nearest import did_you_mean

PREFIX = "CBVAE_"

YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})

EXPECTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
}


@dataclass(frozen=True)
class Flag:
    """An option as the command line knows it, without what it means.

    Parameters
    ----------
    kind : type
        `bool`, `int`, `float` or `str`.
    many : bool
        Whether it may be given more than once.
    choices : tuple of str
        The texts it takes; empty when any will do.
    free : bool
        Whether the text has a small language of its own, as in `--hidden 64,32`
        or `--max-memory 4GB`; then a file may hold a number or a list as well.
    names : tuple of str
        What the command line calls it, without dashes in front: other spellings
        of its key in a file.
    """

    kind: type = str
    many: bool = False
    choices: tuple[str, ...] = ()
    free: bool = False
    names: tuple[str, ...] = ()


def resolve(
    flags: Mapping[str, Flag],
    *,
    verb: str,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    verbs: Collection[str] = (),
    elsewhere: Collection[str] = (),
) -> dict[str, Any]:
    """Give the values that stand where no flag was given.

    Parameters
    ----------
    flags : mapping of str to Flag
        The verb's options, by parameter name.
    verb : str
        Whose table in the file counts besides the keys at its top.
    config : Path, optional
        The TOML file.
    environ : mapping of str to str, optional
        The environment. An empty variable counts as none.
    verbs : collection of str
        Tables that the file may hold.
    elsewhere : collection of str
        Options of other verbs: allowed at the top of the file and skipped, so
        that one file serves all verbs.

    Returns
    -------
    dict
        By parameter name; options that neither names are left out.

    Raises
    ------
    UsageProblem
        If the file cannot be read, names an unknown option, or a value is of
        the wrong type.
    """
    from_file: dict[str, Any] = {}
    if config is not None:
        from_file = _from_file(config, flags, verb, verbs, elsewhere)
    return from_file | _from_environment(flags, environ or {})


def _from_environment(
    flags: Mapping[str, Flag], environ: Mapping[str, str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, flag in flags.items():
        variable = PREFIX + name.upper()
        text = environ.get(variable, "")
        if text:
            words = text.split(",") if flag.many else [text]
            values = [_from_text(flag, word, variable) for word in words]
            found[name] = values if flag.many else values[0]
    return found


def _from_text(flag: Flag, text: str, variable: str) -> Any:
    """Read one word of the environment as the option's type."""
    try:
        if flag.kind is bool:
            return {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}[
                text.strip().lower()
            ]
        value = flag.kind(text)
    except (KeyError, ValueError):
        raise _wrong(flag, f"environment variable {variable}", repr(text)) from None
    return _chosen(flag, value, f"environment variable {variable}")


def _from_file(
    path: Path,
    flags: Mapping[str, Flag],
    verb: str,
    verbs: Collection[str],
    elsewhere: Collection[str],
) -> dict[str, Any]:
    content = _read(path)
    tables = {key: value for key, value in content.items() if key in verbs}
    general = {key: value for key, value in content.items() if key not in verbs}
    own = tables.get(verb, {})
    if not isinstance(own, dict):
        raise UsageProblem(
            f"{verb!r} in the configuration file is a value, not a table",
            where=f"{path}: {verb}",
            expected=f"a table [{verb}]",
        )
    found: dict[str, Any] = {}
    # The verb's own table comes second: it wins over the top of the file.
    for keys, skipped, within in ((general, elsewhere, ""), (own, (), f"[{verb}] ")):
        for key, value in keys.items():
            name = _name_of(key, flags)
            where = f"{path}: {within}{key}"
            if name is not None:
                found[name] = _from_toml(flags[name], value, where)
            elif _plain(key) not in {_plain(other) for other in skipped}:
                raise _unknown(key, flags, where, verb)
    return found


def _read(path: Path) -> dict[str, Any]:
    import tomllib  # every start of the program would pay for it

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageProblem(
            f"cannot read the configuration file: {error.strerror or error}",
            where=str(path),
        ) from error
    except ValueError as error:  # bad TOML, or bytes that are not UTF-8
        raise UsageProblem(
            f"the configuration file is not TOML: {error}", where=str(path)
        ) from error


def _from_toml(flag: Flag, value: Any, where: str) -> Any:
    if flag.many:
        values = value if isinstance(value, list) else [value]
        return [_one(flag, item, where) for item in values]
    if flag.free and isinstance(value, list):
        return ",".join(str(_one(flag, item, where)) for item in value)
    return _one(flag, value, where)


def _one(flag: Flag, value: Any, where: str) -> Any:
    if flag.free and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    fits = isinstance(value, flag.kind)
    if flag.kind is float:
        fits = isinstance(value, int | float)
    # Python counts True as a number; a person does not.
    if not fits or isinstance(value, bool) is not (flag.kind is bool):
        raise _wrong(flag, where, repr(value))
    return _chosen(flag, value, where)


def _chosen(flag: Flag, value: Any, where: str) -> Any:
    if flag.choices and value not in flag.choices:
        raise _wrong(flag, where, repr(value))
    return value


def _wrong(flag: Flag, where: str, value: str) -> UsageProblem:
    expected = EXPECTED.get(flag.kind, "text")
    if flag.choices:
        expected = f"one of {', '.join(flag.choices)}"
    return UsageProblem(
        "a setting has the wrong type" if not flag.choices else "unknown choice",
        where=f"{where} = {value}",
        expected=expected,
    )


def _unknown(
    key: str, flags: Mapping[str, Flag], where: str, verb: str
) -> UsageProblem:
    known = [name.replace("_", "-") for name in flags]
    near = did_you_mean(_plain(key).replace("_", "-"), known)
    return UsageProblem(
        f"unknown setting {key!r}",
        where=where,
        expected=f"a flag of cbvae {verb}, without the dashes in front",
        hint=near or f"see cbvae {verb} --help",
    )


def _name_of(key: str, flags: Mapping[str, Flag]) -> str | None:
    """Find the option that a key of the file means, in either spelling."""
    plain = _plain(key)
    if plain in flags:
        return plain
    spelt = (name for name, flag in flags.items() if key in flag.names)
    return next(spelt, None)


def _plain(key: str) -> str:
    return key.lower().replace("-", "_")
