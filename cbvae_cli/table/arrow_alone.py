"""Keeping pandas out of runs that never need it."""

from __future__ import annotations

import sys

import pyarrow as pa


class _NoPandas:
    """A finder that knows one thing: there is no pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"no {name} for now", name=name)


def keep_pandas_out() -> None:
    """Let pyarrow find no pandas, unless it is loaded already.

    pyarrow imports pandas, for half a second, at the first array that it makes, to
    ask whether what it was given is one of pandas' objects. It asks once; whatever
    really needs pandas, as `to_pandas`, finds it all the same later.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)
