from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cbvae_cli
from cbvae_cli.bundle import layout
from cbvae_cli.bundle.container import (
    CURRENT,
    read_bundle,
    read_card,
    read_manifest,
    verify_bundle,
    write_bundle,
)
from cbvae_cli.errors import BundleProblem, UsageProblem

PROGRAM = {"program": {"name": "cbvae", "version": "0.1.0"}}
DTYPES = ("f4", "f8", ">f4", ">f8", "i4", "i8", ">i8", "u1", "?")

some_array = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0))
)
some_name = st.text(
    st.characters(categories=("L", "N", "P", "S"), include_characters=" "),
    min_size=1,
    max_size=20,
).filter(lambda name: name != "__metadata__")
# NaN and infinity have no place in JSON; numbers beyond 4,300 digits neither.
some_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(deadline=None, max_examples=60)
@given(
    arrays=st.dictionaries(some_name, some_array, max_size=4),
    extra=some_json,
    card=st.text(st.characters(codec="utf-8")),
)
def test_what_was_written_is_read_back(arrays, extra, card):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.cbvae")
        write_bundle(path, {**PROGRAM, "extra": extra}, arrays, card, force=False)
        manifest, back = read_bundle(path)
        assert manifest == read_manifest(path)
        assert read_card(path) == card
    assert manifest["extra"] == extra
    assert list(back) == sorted(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype.newbyteorder("<")
        assert back[name].shape == array.shape
        np.testing.assert_array_equal(back[name], array)


def test_a_lone_surrogate_from_a_file_name_survives(tmp_path):
    name = os.fsdecode(b"bad\xff.csv")
    path = tmp_path / "m.cbvae"
    write_bundle(path, {**PROGRAM, "data": {"name": name}}, {}, name, force=False)
    assert read_manifest(path)["data"]["name"] == name


def test_two_surrogates_that_meet_do_not_break_the_digest(tmp_path):
    path = tmp_path / "m.cbvae"
    write_bundle(path, {**PROGRAM, "x": "\ud83d\ude00"}, {}, "", force=False)
    assert read_manifest(path)["x"] == "😀"


def test_whole_number_keys_come_back_as_text(tmp_path):
    path = tmp_path / "m.cbvae"
    write_bundle(path, {**PROGRAM, "n": {10: (1,), 2: (2,)}}, {}, "", force=False)
    assert read_manifest(path)["n"] == {"10": [1], "2": [2]}


def test_arrays_in_any_memory_layout_are_stored_right(tmp_path):
    square = np.arange(12.0).reshape(3, 4)
    arrays = {
        "turned": square.T,
        "sparse": square[::2, ::3],
        "backwards": square[::-1],
        "fortran": np.asfortranarray(square),
    }
    path = write_bundle(tmp_path / "m.cbvae", PROGRAM, arrays, "", force=False)
    back = read_bundle(path)[1]
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)


def test_arrays_read_are_writable_and_apart(written):
    arrays = read_bundle(written)[1]
    arrays["mean"][:] = 0
    np.testing.assert_array_equal(read_bundle(written)[1]["mean"], [1.5, -2.5])


def test_the_same_content_gives_the_same_bytes(tmp_path, manifest, arrays):
    backwards = dict(reversed(arrays.items()))
    one = write_bundle(tmp_path / "1.cbvae", manifest, arrays, "card", force=False)
    two = write_bundle(
        tmp_path / "2.cbvae",
        dict(reversed(manifest.items())),
        backwards,
        "card",
        force=False,
    )
    assert one.read_bytes() == two.read_bytes()


def test_what_was_read_can_be_written_again_to_the_same_bytes(tmp_path, written):
    manifest, arrays = read_bundle(written)
    again = write_bundle(
        tmp_path / "2.cbvae", manifest, arrays, read_card(written), force=False
    )
    assert again.read_bytes() == written.read_bytes()


def test_other_zip_programs_read_a_bundle(written):
    with zipfile.ZipFile(written) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(layout.ENTRIES)
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.create_system == 3


def test_the_safetensors_library_reads_the_weights(written, arrays):
    from safetensors.numpy import load

    with zipfile.ZipFile(written) as archive:
        found = load(archive.read("weights.safetensors"))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_manifest_describes_every_tensor(written):
    manifest = read_manifest(written)
    assert manifest["format"] == CURRENT
    entry = manifest["tensors"]["encoder/weight"]
    assert entry["dtype"] == "float32"
    assert entry["shape"] == [2, 3]
    assert entry["finite"] is True
    assert len(entry["sha256"]) == 64
    assert "finite" not in manifest["tensors"]["steps"]


def test_values_that_are_not_finite_are_stored_when_they_were_there(tmp_path):
    array = np.array([1.0, np.nan, -np.inf])
    path = write_bundle(tmp_path / "m.cbvae", PROGRAM, {"a": array}, "", force=False)
    manifest, arrays = read_bundle(path)
    assert manifest["tensors"]["a"]["finite"] is False
    np.testing.assert_array_equal(arrays["a"], array)


def test_verify_counts_what_it_checked(written, arrays):
    assert verify_bundle(written) == {
        "ok": True,
        "format": CURRENT,
        "tensors": len(arrays),
        "bytes": written.stat().st_size,
    }


def test_a_tensor_larger_than_a_chunk_is_read_whole(tmp_path):
    array = np.arange(300_001, dtype=np.float64)
    path = write_bundle(tmp_path / "m.cbvae", PROGRAM, {"a": array}, "", force=False)
    np.testing.assert_array_equal(read_bundle(path)[1]["a"], array)


def test_reading_holds_the_weights_once(tmp_path):
    import tracemalloc

    array = np.ones(4_000_000, dtype=np.float64)
    path = write_bundle(tmp_path / "m.cbvae", PROGRAM, {"a": array}, "", force=False)
    tracemalloc.start()
    try:
        read_bundle(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 1.25 * array.nbytes


@pytest.mark.parametrize("bad", [np.array(["a"]), np.array([1j]), np.zeros(2, "f2")])
def test_a_dtype_that_is_not_stored_is_our_own_fault(tmp_path, bad):
    with pytest.raises(TypeError, match="not stored"):
        write_bundle(tmp_path / "m.cbvae", PROGRAM, {"a": bad}, "", force=False)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["", "__metadata__", "a\nb", "\udcff", "x" * 501, 3])
def test_a_tensor_name_that_cannot_be_read_is_not_written(tmp_path, name):
    with pytest.raises(ValueError, match="no name"):
        write_bundle(tmp_path / "m", PROGRAM, {name: np.zeros(1)}, "", force=False)


def test_a_number_that_json_lacks_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_bundle(
            tmp_path / "m", {**PROGRAM, "x": float("nan")}, {}, "", force=False
        )


def test_a_manifest_that_could_not_be_read_back_is_not_written(tmp_path):
    deep: list = []
    for _ in range(70):
        deep = [deep]
    with pytest.raises(BundleProblem, match="nested too deeply"):
        write_bundle(tmp_path / "m", {**PROGRAM, "x": deep}, {}, "", force=False)
    with pytest.raises(BundleProblem, match="lacks 'program'") as caught:
        write_bundle(tmp_path / "m", {}, {}, "", force=False)
    assert caught.value.where == str(tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_an_existing_file_is_refused_without_force(written, manifest):
    before = written.read_bytes()
    with pytest.raises(UsageProblem, match="already exists") as caught:
        write_bundle(written, manifest, {}, "", force=False)
    assert "--force" in caught.value.hint
    assert written.read_bytes() == before
    assert os.listdir(written.parent) == [written.name]


def test_force_replaces_an_existing_file(written, manifest):
    write_bundle(written, manifest, {}, "new", force=True)
    assert read_card(written) == "new"
    assert os.listdir(written.parent) == [written.name]


def test_a_file_that_appears_during_the_writing_is_not_replaced(
    tmp_path, manifest, monkeypatch
):
    from cbvae_cli.bundle import container

    target = tmp_path / "m.cbvae"
    close_whole = container.close_whole

    def another_writer_is_faster(file):
        close_whole(file)
        target.write_text("theirs")

    monkeypatch.setattr(container, "close_whole", another_writer_is_faster)
    with pytest.raises(UsageProblem, match="already exists"):
        write_bundle(target, manifest, {}, "", force=False)
    assert target.read_text() == "theirs"


def test_a_failed_write_leaves_the_old_bundle_and_no_scraps(
    written, manifest, monkeypatch
):
    before = written.read_bytes()

    def disk_is_full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_is_full)
    with pytest.raises(UsageProblem, match="No space left"):
        write_bundle(written, manifest, {}, "", force=True)
    assert written.read_bytes() == before
    assert os.listdir(written.parent) == [written.name]


def test_a_dead_run_s_scraps_are_gone_after_the_next(tmp_path, manifest):
    scrap = tmp_path / f".m.cbvae.{os.getpid()}.part"
    scrap.write_text("half")
    write_bundle(tmp_path / "m.cbvae", manifest, {}, "", force=False)
    assert not scrap.exists()


def test_a_missing_folder_and_a_folder_are_refused_as_output(tmp_path, manifest):
    with pytest.raises(UsageProblem, match="there is no folder"):
        write_bundle(tmp_path / "no" / "m.cbvae", manifest, {}, "", force=False)
    with pytest.raises(UsageProblem, match="is a folder"):
        write_bundle(tmp_path, manifest, {}, "", force=True)


def test_a_missing_file_is_wrong_usage(tmp_path):
    for read in (read_manifest, read_bundle, read_card, verify_bundle):
        with pytest.raises(UsageProblem, match="No such file"):
            read(tmp_path / "no.cbvae")


@pytest.mark.parametrize("call", ["read_manifest(path)", "read_card(path)"])
def test_a_manifest_is_read_with_the_standard_library_alone(written, call):
    code = f"""
import sys
from cbvae_cli.bundle.container import read_card, read_manifest
from cbvae_cli.bundle.store import listing, resolve
from cbvae_cli.bundle.card import render_card
path = resolve({str(written)!r})
{call}
heavy = {{"numpy", "torch", "pyarrow", "pandas", "sklearn", "safetensors"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        cwd=Path(cbvae_cli.__file__).parents[1],
    )


SMALL = {"a": np.array([1.0, 2.0]), "b": np.array([True, False])}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "m.cbvae"
    return write_bundle(path, PROGRAM, SMALL, "# Card\n", force=False)


@settings(
    deadline=None,
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_one_changed_byte_is_refused_or_harmless(small, tmp_path, data):
    sound = small.read_bytes()
    where = data.draw(st.integers(0, len(sound) - 1))
    flips = data.draw(st.integers(1, 255))
    broken = bytearray(sound)
    broken[where] ^= flips
    path = tmp_path / "broken.cbvae"
    path.write_bytes(broken)
    with pytest.raises(BundleProblem):
        verify_bundle(path)
    try:
        manifest, arrays = read_bundle(path)
    except BundleProblem:
        return
    assert manifest == read_manifest(small)
    for name, array in SMALL.items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("bits", [0x01, 0x80, 0xFF])
def test_no_byte_at_all_can_change_unnoticed(small, tmp_path, bits):
    sound = small.read_bytes()
    path = tmp_path / "broken.cbvae"
    unnoticed = []
    for where in range(len(sound)):
        broken = bytearray(sound)
        broken[where] ^= bits
        path.write_bytes(broken)
        try:
            verify_bundle(path)
        except BundleProblem:
            continue
        unnoticed.append(where)
    assert unnoticed == []


def test_no_shortened_bundle_is_read(small, tmp_path):
    sound = small.read_bytes()
    path = tmp_path / "short.cbvae"
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        with pytest.raises(BundleProblem):
            read_manifest(path)
