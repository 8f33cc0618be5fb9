"""Flags that name classes and give a number: one short text, or words one by one."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.wording import advice

SEPARATOR = "\x1f"  # ASCII's unit separator, which no keyboard puts into a name
SIGNS = "=,>"
OPTION = re.compile(r"-{1,2}[^\W\d].*", re.DOTALL)  # -1 is a class or a number

Entry = tuple[tuple[int, ...], float]


@dataclass(frozen=True)
class Form:
    """A flag with a short form and a long one.

    Parameters
    ----------
    flag : str
        Such as `--cost`.
    words : tuple of str
        What the long form's words are called in help: names of classes, and the
        number last.
    """

    flag: str
    words: tuple[str, ...]

    @property
    def short(self) -> str:
        """One entry of the short form, such as `TRUE>CALLED=VALUE`."""
        *names, number = self.words
        return f"{'>'.join(names)}={number}"

    @property
    def long(self) -> str:
        """The long form, such as `--cost TRUE CALLED VALUE`."""
        return " ".join((self.flag, *self.words))

    def is_long(self, words: Sequence[str]) -> bool:
        """Tell whether the words after the flag are the long form.

        They are when as many as it takes are there and the last is a number. Where
        the first could also be the whole short form, a number that is the name of
        a file is taken for the file.
        """
        if len(words) != len(self.words) or _number(words[-1]) is None:
            return False
        if any(OPTION.fullmatch(word) for word in words[:-1]):
            return False
        return not (self._is_short(words[0]) and os.path.exists(words[-1]))

    def entries(self, tokens: Sequence[str], classes: Sequence[str]) -> Iterator[Entry]:
        """Read what the flag was given.

        Parameters
        ----------
        tokens : sequence of str
            Each the short form, or the long form as `joined_long_forms` leaves it.
        classes : sequence of str

        Yields
        ------
        tuple of int
            Places of the named classes.
        float
            0 or more.

        Raises
        ------
        UsageProblem
            For what cannot be read, an unknown class, a number that is none or
            below 0, and what is named twice.
        """
        seen = set()
        for token in tokens:
            for *names, text in self._split(token, classes):
                places = tuple(self._place(name, classes) for name in names)
                named = " called ".join(f"'{classes[place]}'" for place in places)
                if places in seen:
                    raise UsageProblem(f"{self.flag} names {named} twice")
                seen.add(places)
                yield places, self._value(text, named)

    def _split(self, token: str, classes: Sequence[str]) -> Iterator[Sequence[str]]:
        if SEPARATOR in token:
            words = token.split(SEPARATOR)
            if len(words) != len(self.words):
                raise self._unreadable(" ".join(words))
            yield words
            return
        signed = next((name for name in classes if set(name) & set(SIGNS)), None)
        if signed is not None:
            raise UsageProblem(
                f"the class '{signed}' holds a sign that the short form of "
                f"{self.flag} gives a meaning",
                where=f"{self.flag} '{token}'",
                expected=self.long,
                hint=f"write the words one by one; give {self.flag} once for each",
            )
        for part in token.split(","):
            match = self._pattern.fullmatch(part)
            if match is None:
                raise self._unreadable(part)
            yield [word.strip() for word in match.groups()]

    @property
    def _pattern(self) -> re.Pattern[str]:
        word = f"([^{SIGNS}]+)"
        return re.compile(">".join([word] * (len(self.words) - 1)) + "=" + word)

    def _is_short(self, text: str) -> bool:
        matches = [self._pattern.fullmatch(part) for part in text.split(",")]
        return all(
            m is not None and _number(m.groups()[-1]) is not None for m in matches
        )

    def _place(self, name: str, classes: Sequence[str]) -> int:
        if name in classes:
            return classes.index(name)
        raise UsageProblem(
            f"{self.flag} names '{name}', which is no class of the bundle",
            **advice(name, classes),
        )

    def _value(self, text: str, named: str) -> float:
        value = _number(text)
        if value is None or not 0 <= value < float("inf"):
            raise UsageProblem(
                f"{self.flag} gives {named} the value '{text}'",
                expected="a number, 0 or more",
            )
        return value

    def _unreadable(self, text: str) -> UsageProblem:
        return UsageProblem(
            f"cannot read '{text}' in {self.flag}",
            expected=f'{self.flag} "{self.short},..." or {self.long}',
        )


COST = Form("--cost", ("TRUE", "CALLED", "VALUE"))
PRIOR = Form("--prior", ("CLASS", "SHARE"))
FORMS = {form.flag: form for form in (COST, PRIOR)}


def joined_long_forms(argv: Sequence[str]) -> list[str]:
    """Make one token of every long form: typer wants as many words each time.

    `--cost A B 5` becomes `--cost=A?B?5` with `SEPARATOR` for each question mark.
    Nothing after `--` is touched.
    """
    tokens = list(argv)
    end = tokens.index("--") if "--" in tokens else len(tokens)
    joined: list[str] = []
    at = 0
    while at < end:
        form = FORMS.get(tokens[at])
        words = tokens[at + 1 : min(at + 1 + len(form.words), end)] if form else []
        if form is not None and form.is_long(words):
            joined.append(f"{form.flag}={SEPARATOR.join(words)}")
            at += len(words)
        else:
            joined.append(tokens[at])
        at += 1
    return joined + tokens[end:]


def _number(text: str) -> float | None:
    """Read a number as people write it: Python's `1_000` is none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
