"""Dates and times: seconds since the epoch on a numeric scale."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cbvae_cli.table import cells as reading
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import Arrays, Block, FitScale, Kind
from cbvae_cli.table.number import arrow_type
from cbvae_cli.table.scale import (
    Scale,
    fit_quantiles,
    fit_range,
    marks_arrays,
    restore_marks,
)

MICRO = 1_000_000
DAY = 86_400.0  # seconds
START, END = -62_135_596_800.0, 253_402_300_800.0
"""Seconds of the years 1 to 9999, which text can name; moments beyond are infinite."""
PER_SECOND = {"s": 1, "ms": 1_000, "us": MICRO, "ns": 1_000 * MICRO}
CLOCK = fit_range(0.0, DAY)
ISO = "iso"
# Ways of writing a moment, tried in this order; the first that reads every cell wins.
PATTERNS = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%Y/%m/%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y %H:%M",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
)
OFFSET = re.compile(r"(Z|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2}))$")
FIRST_YEAR = 1000
_LOOKS_ISO = (
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$"
)


def read_text(cells: pa.Array, pattern: str) -> pa.Array:
    """Read text as moments in microseconds; raises ArrowInvalid where one is none."""
    if pattern != ISO:
        return _strptime(cells, pattern)
    looks = pc.match_substring_regex(cells, _LOOKS_ISO)
    if not pc.all(pc.fill_null(looks, True), min_count=0).as_py():
        raise pa.ArrowInvalid("not an ISO 8601 moment")
    zoned = pc.match_substring_regex(cells, r"\d(Z|[+-]\d{2}:?\d{2})$")
    zoned = pc.and_(zoned, pc.match_substring(cells, ":"))
    if not pc.any(pc.fill_null(zoned, False), min_count=0).as_py():
        return cells.cast(pa.timestamp("us"))
    bare = pc.if_else(zoned, cells, pc.binary_join_element_wise(cells, "Z", ""))
    return bare.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"), safe=False)


def _strptime(cells: pa.Array, pattern: str) -> pa.Array:
    moments = pc.strptime(cells, format=pattern, unit="us", error_is_null=False)
    first = pc.min_max(pc.year(moments))["min"].as_py()
    if first is not None and first < FIRST_YEAR:  # %Y also reads 23 as the year 23
        raise pa.ArrowInvalid("a year of two digits")
    return moments


@dataclass(frozen=True)
class Moment(Kind):
    """A column of dates, times of day, durations or timestamps.

    Attributes
    ----------
    scale : Scale
        On seconds, linear. Ends at the last moment seen: the rows of tomorrow are
        no anomalies for being later.
    low, high : float
        Range seen in training, seconds.
    pattern : str
        How text cells are read: `"iso"` or a strptime pattern.
    written : str
        How text cells are written: a strftime pattern, with the zone of the first
        cell where cells name one.
    step : float
        Seconds of the finest unit in use: 86400 for dates, 1 for whole seconds.
    storage : str
        Arrow type in typed files.
    marks : Scale or None
        Quantiles of training, for later rows to be compared with.
    """

    scale: Scale
    low: float
    high: float
    pattern: str
    written: str
    step: float
    storage: str
    marks: Scale | None = None

    name: ClassVar[str] = "moment"
    likelihood: ClassVar[str] = "gaussian"

    @property
    def clock(self) -> bool:
        """Tell whether the time of day is a matrix column of its own."""
        return self.step < DAY and self.high - self.low > 2 * DAY

    @property
    def width(self) -> int:  # type: ignore[override]  # a class attribute elsewhere
        """Count matrix columns: the moment, and the time of day where it varies."""
        return 1 + self.clock

    def fit(self, values: Floats, fit_scale: FitScale) -> Moment:
        """Learn scale and range; the numeric columns' way of scaling is not used."""
        low, high = float(values.min()), float(values.max())
        scale, marks = fit_range(low, high), fit_quantiles(values)
        return replace(self, scale=scale, low=low, high=high, marks=marks)

    def parse(self, cells: pa.Array, missing: Bools) -> Floats:
        """Read cells as seconds."""
        return seconds(cells, missing, self.pattern)

    def encode(self, values: Floats) -> Block:
        """Map seconds to network units."""
        units = [self.scale.forward(values)]
        if self.clock:
            units.append(CLOCK.forward(np.remainder(values, DAY)))
        return np.nan_to_num(np.stack(units, axis=1), nan=0.0).astype(np.float32)

    def expected(self, mean: Floats, deviation: Floats) -> Floats:
        """Give the mean moment, and the mean time of day, in seconds."""
        scales = (self.scale, CLOCK)[: self.width]
        means = [
            scale.expected_backward(mean[:, place], deviation[:, place])
            for place, scale in enumerate(scales)
        ]
        return np.stack(means, axis=1)

    def settle(self, expected: Floats) -> Floats:
        """Join day and time of day, round to the step, keep within the range seen."""
        moments = expected[:, 0]
        if self.clock:
            days = np.round((moments - expected[:, 1]) / DAY)
            moments = days * DAY + expected[:, 1]
        stepped = np.round(moments / self.step) * self.step
        return np.clip(stepped, self.low, self.high)

    def render(self, values: Floats, *, text: bool) -> pa.Array:
        """Write moments in the column's own pattern or type."""
        values = np.clip(values, START, np.nextafter(END, 0))  # of any bundle
        micros = pa.array(np.round(values * MICRO), from_pandas=True).cast(pa.int64())
        if not (text or self.storage == "string"):
            return _from_micros(micros, arrow_type(self.storage))
        local = pc.add(micros, _ahead(self.written) * MICRO)
        moments = local.cast(pa.timestamp("us"))
        if self.step >= 1:
            moments = moments.cast(pa.timestamp("s"), safe=False)
        return pc.strftime(moments, format=self.written)

    def describe(self) -> dict[str, Any]:
        """Give range, patterns, step and type."""
        return {
            "low": self.low,
            "high": self.high,
            "pattern": self.pattern,
            "written": self.written,
            "step": self.step,
            "storage": self.storage,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the knots of the scale, and the quantiles."""
        knots = {"values": self.scale.values, "units": self.scale.units}
        return {**knots, **marks_arrays(self.marks)}

    @classmethod
    def restore(cls, described: Mapping[str, Any], arrays: Arrays) -> Moment:
        """Build from `describe` and `arrays`."""
        scale, marks = Scale(arrays["values"], arrays["units"]), restore_marks(arrays)
        return cls(scale=scale, marks=marks, **described)


def seconds(cells: pa.Array, missing: Bools, pattern: str) -> Floats:
    """Read cells of text or of a temporal type as seconds, NaN where missing.

    Moments before `START` or after `END` are infinite: databases write the last
    day that they have for "never", and Arrow's casts wrap around there in silence.
    """
    cells = reading.without(reading.plain(cells), missing)
    if pa.types.is_string(cells.type):
        trimmed = pc.utf8_trim_whitespace(cells)
        try:
            cells = read_text(trimmed, pattern)
        except pa.ArrowInvalid:
            raise _misfit(trimmed, pattern) from None
    elif not (pa.types.is_temporal(cells.type) or pa.types.is_null(cells.type)):
        absent = pc.is_null(cells)
        if not pc.all(absent, min_count=0).as_py():
            raise reading.first_misfit(absent, cells, "a date or time")
    values = _to_seconds(cells)
    values[values > END] = np.inf
    values[values < START] = -np.inf
    return values


def typed(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast moments that `render` wrote as text of its own to a temporal type."""
    dated = pc.match_substring(text, "-")
    first_day = pc.binary_join_element_wise("1970-01-01T", text, "")
    moments = read_text(pc.if_else(dated, text, first_day), ISO)
    return _from_micros(moments.cast(pa.int64()), kind)


def _ahead(written: str) -> int:
    """Seconds that the clock of a pattern such as `...%M:%S+02:00` is ahead of UTC."""
    zone = OFFSET.search(written)
    if zone is None or zone[0] == "Z":
        return 0
    hours, minutes = int(zone["hours"]), int(zone["minutes"])
    return (3600 * hours + 60 * minutes) * (-1 if zone["sign"] == "-" else 1)


def _misfit(cells: pa.Array, pattern: str) -> reading.BadCell:
    """Find the first cell that a pattern does not read, by halving."""
    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            read_text(cells[low:middle], pattern)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    shape = "a date or time such as 2024-03-05 14:22:10"
    expected = shape if pattern == ISO else f"a date or time written as {pattern}"
    return reading.BadCell(low, str(cells[low].as_py()), expected)


def _to_seconds(cells: pa.Array) -> Floats:
    kind = cells.type
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    if pa.types.is_date32(kind):
        return _floats(cells.cast(pa.int32())) * DAY
    if pa.types.is_date64(kind):
        return np.floor(_floats(cells.cast(pa.int64())) / (1_000 * DAY)) * DAY
    if kind.unit == "ns":
        # Finer than floats tell apart: the same moment in text must be the same number.
        return _floats(pc.divide(_ticks(cells), 1_000)) / MICRO
    return _floats(_ticks(cells)) / PER_SECOND[kind.unit]


def _ticks(cells: pa.Array) -> pa.Array:
    narrow = pa.types.is_time32(cells.type)
    return (cells.cast(pa.int32()) if narrow else cells).cast(pa.int64())


def _floats(whole: pa.Array) -> Floats:
    floats = whole.cast(pa.float64(), safe=False)
    return np.array(floats.to_numpy(zero_copy_only=False), dtype=np.float64)


def _from_micros(micros: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_date(kind):
        return micros.cast(pa.timestamp("us")).cast(kind, safe=False)
    if pa.types.is_timestamp(kind):
        return micros.cast(pa.timestamp("us", kind.tz)).cast(kind, safe=False)
    if pa.types.is_time(kind):
        return micros.cast(pa.time64("us")).cast(kind, safe=False)
    return micros.cast(pa.duration("us")).cast(kind, safe=False)
