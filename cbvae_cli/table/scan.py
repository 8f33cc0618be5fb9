"""One pass over a column: everything that deciding its kind needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cbvae_cli.table import cells as reading
from cbvae_cli.table import moment
from cbvae_cli.table.cells import Bools

MOST_NAMES = 50_000  # different texts that are counted; beyond, the rarest are dropped
MOST_NUMBERS = 2_000  # different numbers that are counted; beyond, counting stops
STEPS = (86400.0, 60.0, 1.0)  # seconds of a day, a minute, a second


@dataclass
class Tally:
    """How often each value occurs, at most `limit` of them.

    Attributes
    ----------
    limit : int
    complete : bool
        False once values had to be dropped.
    """

    limit: int
    complete: bool = True
    _pending: list[pa.Table] = field(default_factory=list)
    _waiting: int = 0

    def add(self, cells: pa.Array) -> None:
        """Count non-null cells."""
        counted = cells.drop_null().value_counts()
        if len(counted) == 0:
            return
        self._pending.append(
            pa.table({"value": counted.field(0), "count": counted.field(1)})
        )
        self._waiting += len(counted)
        if self._waiting > 4 * self.limit:
            self._merge()

    def _merge(self) -> None:
        joined = pa.concat_tables(self._pending).group_by("value")
        merged = joined.aggregate([("count", "sum")]).rename_columns(["value", "count"])
        order = [("count", "descending"), ("value", "ascending")]
        merged = merged.sort_by(order)
        if len(merged) > self.limit:
            self.complete = False
            merged = merged[: self.limit]
        self._pending, self._waiting = [merged], len(merged)

    def most_common(self) -> tuple[list[object], list[int]]:
        """Give values and counts, most frequent first, ties in value order."""
        if not self._pending:
            return [], []
        self._merge()
        table = self._pending[0]
        return table["value"].to_pylist(), table["count"].to_pylist()


@dataclass
class ColumnScan:
    """What one pass over a column found.

    Attributes
    ----------
    name : str
    type : pa.DataType
    typed : bool
        The file knows types: a column of text was meant as text.
    rows, missing : int
        `missing` counts as for text; see `lenient_missing`.
    lenient_missing : int
        Missing cells if the column holds numbers, moments or booleans, where the
        word None is no category.
    misfits : int
        Seen cells that are no number.
    first_misfit : tuple of (int, str) or None
        Row and text of the first of them.
    low, high : float
        Range of the finite numbers.
    infinite : int
        Infinite cells.
    whole, leading_zero, exponent, increasing : bool
        Whether all numbers are whole; any starts with a spare zero; any is written
        with an exponent; each is larger than the one before.
    decimals : tuple of (int, int)
        Fewest and most digits after the point.
    patterns : list of str
        Ways of writing moments that read every cell so far.
    moment_step : float
        Seconds of the finest unit among moments.
    moment_text : str
        The first moment as it was written.
    """

    name: str
    type: pa.DataType
    typed: bool = False
    rows: int = 0
    missing: int = 0
    lenient_missing: int = 0
    misfits: int = 0
    first_misfit: tuple[int, str] | None = None
    low: float = np.inf
    high: float = -np.inf
    infinite: int = 0
    whole: bool = True
    leading_zero: bool = False
    exponent: bool = False
    increasing: bool = True
    decimals: tuple[int, int] = (99, 0)
    patterns: list[str] = field(default_factory=lambda: [moment.ISO, *moment.PATTERNS])
    moment_step: float = 86400.0
    moment_text: str = ""
    names: Tally = field(default_factory=lambda: Tally(MOST_NAMES))
    numbers: Tally = field(default_factory=lambda: Tally(MOST_NUMBERS))
    _last: float = -np.inf

    @property
    def is_text(self) -> bool:
        """Tell whether cells come as text."""
        return reading.is_text(self.type)

    def see(self, cells: pa.Array, missing: Bools, lenient: Bools) -> None:
        """Take in the cells of one batch.

        Parameters
        ----------
        cells : pa.Array, shape (n_rows,)
        missing, lenient : bool array, shape (n_rows,)
            Missing cells if the column holds names, and if it holds numbers.
        """
        start = self.rows
        self.rows += len(cells)
        self.missing += int(missing.sum())
        self.lenient_missing += int(lenient.sum())
        kind = self.type
        if reading.is_opaque(kind) or pa.types.is_null(kind):
            return
        if self.is_text:
            self._see_text(cells, missing, lenient, start)
        elif pa.types.is_temporal(kind):
            self._see_moments(reading.without(cells, lenient))
        else:
            self.names.add(reading.texts(cells, missing))
            self._see_numbers(reading.without(reading.plain(cells), lenient), lenient)

    def _see_text(
        self, cells: pa.Array, missing: Bools, lenient: Bools, start: int
    ) -> None:
        text = reading.plain(cells)
        self.names.add(reading.without(text, missing))
        seen = reading.without(text, lenient)
        fits = pc.fill_null(pc.match_substring_regex(seen, reading.NUMBER), True)
        misfits = len(fits) - int(pc.sum(fits.cast(pa.int64()), min_count=0).as_py())
        if misfits and self.first_misfit is None:
            bad = reading.first_misfit(fits, seen, "a number")
            self.first_misfit = (start + bad.row, bad.value)
        if misfits and not self.misfits and (self.infinite or self.low <= self.high):
            self.patterns = []  # an earlier batch held numbers
        self.misfits += misfits
        if self.misfits:
            self._narrow_patterns(pc.utf8_trim_whitespace(seen))
            return
        self._see_spelling(seen)
        self._see_numbers(seen, lenient)

    def _see_spelling(self, seen: pa.Array) -> None:
        bare = pc.utf8_trim(seen, " \t+-")
        if not self.leading_zero:
            spare = pc.match_substring_regex(bare, r"^0\d")
            self.leading_zero = bool(pc.any(spare, min_count=0).as_py())
        if not self.exponent:
            raised = pc.match_substring_regex(bare, "[eE]")
            self.exponent = bool(pc.any(raised, min_count=0).as_py())
        point = pc.find_substring(bare, ".")
        after = pc.subtract(pc.subtract(pc.utf8_length(bare), point), 1)
        digits = pc.if_else(pc.less(point, 0), 0, after)
        found = pc.min_max(digits).as_py()
        if found["min"] is not None:
            fewest, most = self.decimals
            self.decimals = (min(fewest, found["min"]), max(most, found["max"]))

    def _see_numbers(self, seen: pa.Array, lenient: Bools) -> None:
        values = reading.numbers(seen, lenient)
        infinite = np.isinf(values)
        self.infinite += int(infinite.sum())
        values = values[~infinite & ~np.isnan(values)]
        if not len(values):
            return
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        self.whole = self.whole and bool(np.all(values == np.round(values)))
        ordered = self._last < values[0] and bool(np.all(np.diff(values) > 0))
        self.increasing = self.increasing and ordered
        self._last = float(values[-1])
        if self.numbers.complete:
            self.numbers.add(pa.array(values))

    def _narrow_patterns(self, seen: pa.Array) -> None:
        seen = seen.drop_null()
        if not self.patterns or not len(seen):
            return
        # One cell rules most patterns out; only the survivors read the batch.
        likely = [p for p in self.patterns if _reads(seen[:1], p)]
        self.patterns = [p for p in likely if _reads(seen, p)]
        if self.patterns:
            self.moment_text = self.moment_text or str(seen[0].as_py())
            self._see_moments(moment.read_text(seen, self.patterns[0]))

    def _see_moments(self, cells: pa.Array) -> None:
        kind = cells.type
        none = np.zeros(len(cells), dtype=bool)
        values = moment.seconds(cells, none, moment.ISO)
        self.infinite += int(np.isinf(values).sum())
        values = values[np.isfinite(values)]
        if not len(values):
            return
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        fitting = (step for step in STEPS if np.all(_multiple(values, step)))
        self.moment_step = min(self.moment_step, next(fitting, 1e-6))
        if not pa.types.is_date(kind):
            self.numbers.add(pa.array(values))


def _multiple(values: reading.Floats, step: float) -> Bools:
    return np.asarray(np.isclose(np.remainder(values, step), 0.0, atol=1e-7))


def _reads(cells: pa.Array, pattern: str) -> bool:
    try:
        moment.read_text(cells, pattern)
    except pa.ArrowInvalid:
        return False
    return True
