"""Moving rows through the latent space: from class to class, from value to value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.landmarks import Landmarks
from cbvae_cli.calibration.neighbours import ROWS_A_CENTRE
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.nearest import did_you_mean
from cbvae_cli.table.cells import BadCell, Bools, Floats
from cbvae_cli.table.wording import HANDFUL, advice, listed, shown

BETWEEN, IS = ":", "="


@dataclass(frozen=True)
class End:
    """What rows hold where a step begins, or where it leads.

    Attributes
    ----------
    said : str
        As the user wrote it.
    code : float
        Place of the class, or the value as its column's kind reads it.
    column : int or None
        Place among modelled columns; None is the label.
    """

    said: str
    code: float
    column: int | None = None

    def held(self, values: Floats, classes: NDArray[np.int64]) -> Bools:
        """Tell which rows are of the class, or hold the value.

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
        classes : int array, shape (n_rows,)
        """
        cells = classes if self.column is None else values[:, self.column]
        found: Bools = cells == self.code
        return found


@dataclass(frozen=True)
class Shift:
    """What is added to latent coordinates.

    Attributes
    ----------
    said : str
        As the user wrote it.
    by : float64 array, shape (n_spaces, latent)
        NaN where too few training rows say.
    target : int or None
        The class that rows are moved to; None is their own.
    start, end : End
    """

    said: str
    by: Floats
    target: int | None
    start: End
    end: End


def find_shift(model: Model, said: str) -> Shift:
    """Read `A:B`, two classes, or `COLUMN=VALUE:COLUMN=VALUE`.

    Raises
    ------
    UsageProblem
        If these are no classes, and no values that the bundle has landmarks of.
    """
    assert model.atlas is not None
    marks, classes = model.atlas.landmarks, model.classes
    sides = list(_sides(said))
    for one, other in sides:
        if one in classes and other in classes:
            return _between_classes(model, marks, said, one, other)
    for one, other in sides:
        if IS in one and IS in other:
            before, after = (_landmark(model, marks, side) for side in (one, other))
            by = _difference(marks.value_means, before, after)
            if np.isnan(by).any(axis=1).all():
                raise _unknown(said, "of any class had both values")
            start, end = (
                End(side, float(marks.code[place]), int(marks.column[place]))
                for side, place in ((one, before), (other, after))
            )
            return Shift(said, by, None, start, end)
    unknown = [side for pair in sides[:1] for side in pair if side not in classes]
    raise UsageProblem(
        f"--shift {shown(said)} names a class that the bundle does not have: "
        + listed(unknown)
        if unknown
        else f"cannot read --shift {shown(said)}",
        expected="A:B with two of "
        + listed(classes, HANDFUL)
        + ", or COLUMN=VALUE:COLUMN=VALUE",
        hint=did_you_mean(unknown[0], classes) if unknown else "",
    )


def _sides(said: str) -> Iterator[tuple[str, str]]:
    """Cut at each colon in turn: names may hold some."""
    for at, sign in enumerate(said):
        if sign == BETWEEN:
            yield said[:at], said[at + 1 :]


def _between_classes(
    model: Model, marks: Landmarks, said: str, one: str, other: str
) -> Shift:
    before, after = (model.classes.index(name) for name in (one, other))
    space = 0 if len(marks.classes) == 1 else after
    by = _difference(marks.class_means, before, after)
    shift = Shift(said, by, after, End(one, before), End(other, after))
    if np.isnan(by[space]).any():
        known = ~np.isnan(marks.class_means[space]).any(axis=1)
        few = [n for n, at in ((one, before), (other, after)) if not known[at]]
        raise _unknown(said, "are of class " + listed(few))
    return shift


def _unknown(said: str, which: str) -> DataProblem:
    return DataProblem(
        f"--shift {shown(said)} is not known: too few training rows {which}",
        expected=f"{ROWS_A_CENTRE} rows or more, or their mean would tell them",
    )


def _difference(of: NDArray[np.float32], before: int, after: int) -> Floats:
    return of[:, after].astype(np.float64) - of[:, before]


def _landmark(model: Model, marks: Landmarks, side: str) -> int:
    """Find the landmark of `COLUMN=VALUE`, at whichever sign makes sense."""
    columns = model.schema.modelled
    names = [column.name for column in columns]
    tried = [side[:at] for at, sign in enumerate(side) if sign == IS]
    known = [name for name in tried if name in names]
    if not known:
        raise UsageProblem(
            f"--shift names a column {shown(tried[0])} that the bundle does not model",
            **advice(tried[0], _marked(model, marks) or names),
        )
    place = names.index(known[0])
    value = side[len(known[0]) + 1 :]
    kind = columns[place].kind
    assert kind is not None
    try:
        [code] = kind.parse(pa.array([value]), np.zeros(1, dtype=np.bool_)).tolist()
        found = marks.of_value(place, code)
    except BadCell:
        found = None
    own = marks.code[marks.column == place]
    if found is None:
        rendered = kind.render(own, text=True).to_pylist() if len(own) else []
        frequent = [str(name) for name in rendered if name is not None]
        raise UsageProblem(
            f"the bundle does not know where rows with {shown(side)} lie",
            expected=f"a frequent value of {shown(known[0])}: "
            + listed(frequent, HANDFUL)
            if frequent
            else "a column of names or truth values, such as "
            + listed(_marked(model, marks), most=5),
            hint=did_you_mean(value, frequent),
        )
    return found


def _marked(model: Model, marks: Landmarks) -> list[str]:
    """Name the columns that have landmarks."""
    places = np.unique(marks.column)
    return [model.schema.modelled[place].name for place in places]
