import json
import math
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbvae_cli.errors import UsageProblem
from cbvae_cli.report.machine import emit


@dataclass(frozen=True)
class Score:
    auprc: float
    of: tuple[str, ...]


class Rule(Enum):
    HIGH = "high"


@pytest.fixture
def printed(capsys):
    def print_out(summary, **more):
        emit(summary, "train", "-", **more)
        return json.loads(capsys.readouterr().out)

    return print_out


def test_schema_and_verb_come_first(capsys):
    emit({"rows": 3}, "train", "-")
    assert capsys.readouterr().out == '{"schema": 1, "verb": "train", "rows": 3}\n'


def test_without_the_flag_nothing_is_written(capsys):
    emit({"rows": 3}, "train", None)
    assert capsys.readouterr() == ("", "")


def test_rows_on_standard_output_send_the_summary_to_standard_error(capsys):
    emit({}, "impute", "-", rows_to_stdout=True)
    streams = capsys.readouterr()
    assert streams.out == ""
    assert json.loads(streams.err) == {"schema": 1, "verb": "impute"}


def test_numbers_that_json_does_not_know_become_null(printed):
    found = printed({"a": math.nan, "b": [math.inf, 1.5], "c": np.float32("nan")})
    assert (found["a"], found["b"], found["c"]) == (None, [None, 1.5], None)


def test_scalars_arrays_and_records_are_accepted(printed):
    found = printed(
        {
            "count": np.int64(3),
            "sure": np.bool_(True),
            "share": np.float64(0.5),
            "matrix": np.array([[1, 2]]),
            "score": Score(0.5, ("a",)),
            "rule": Rule.HIGH,
            "at": datetime(2024, 3, 5, 14, 22),
            "path": Path("a") / "b",
            "names": {"b", "a"},
            "by_class": {np.int64(0): 1, 1: 2},
        }
    )
    assert found["count"] == 3
    assert found["sure"] is True
    assert found["share"] == 0.5
    assert found["matrix"] == [[1, 2]]
    assert found["score"] == {"auprc": 0.5, "of": ["a"]}
    assert found["rule"] == "high"
    assert found["at"] == "2024-03-05T14:22:00"
    assert found["path"] == str(Path("a") / "b")
    assert found["names"] == ["a", "b"]
    assert found["by_class"] == {"0": 1, "1": 2}


def test_a_summary_cannot_hold_anything_else():
    with pytest.raises(TypeError, match="object"):
        emit({"x": object()}, "train", "-")


def test_keys_that_fall_together_are_an_error():
    with pytest.raises(TypeError, match="equal as text"):
        emit({"x": {1: "a", "1": "b"}}, "train", "-")


def test_the_summary_cannot_change_what_it_is(printed):
    assert printed({"schema": 7, "verb": "other"}) == {"schema": 1, "verb": "train"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_what_json_knows_comes_back_the_same(tmp_path_factory, value):
    target = tmp_path_factory.getbasetemp() / "round.json"
    emit({"value": value}, "train", str(target))
    expected = json.loads(json.dumps(value), parse_constant=lambda _: None)
    assert json.loads(target.read_text(encoding="ascii"))["value"] == expected


def test_a_failed_write_keeps_the_older_file(tmp_path):
    target = tmp_path / "summary.json"
    emit({"rows": 1}, "train", str(target))
    with pytest.raises(TypeError):
        emit({"rows": object()}, "train", str(target))
    assert json.loads(target.read_text())["rows"] == 1
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_is_kept_and_what_it_names_replaced(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    emit({"old": 1}, "score", str(real))
    link.symlink_to(real)
    emit({}, "train", str(link))
    assert link.is_symlink()
    assert json.loads(real.read_text())["verb"] == "train"


def test_a_device_is_written_to_and_not_replaced():
    emit({}, "train", "/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("held", ["a,b\n1,2\n", "PK\x03\x04", '{"a": 1}\n', "<html>"])
def test_what_is_no_summary_is_never_replaced(tmp_path, held):
    file = tmp_path / "t.csv"
    file.write_text(held)
    with pytest.raises(UsageProblem, match="--json"):
        emit({}, "train", str(file))
    assert file.read_text() == held
    file.write_text("")
    emit({}, "train", str(file))
    emit({}, "score", str(file))
    assert json.loads(file.read_text())["verb"] == "score"
