"""Tables whose numbers have a decimal comma: read by a flag, written as they came."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

from cbvae_cli.cli.app import main
from cbvae_cli.table.comma import swapped

FLAGS = ["--decimal", ",", "--delimiter", ";"]
BRIEF = ["--label", "y", "--epochs", "2", "--hidden", "8", "--preset", "fast"]


def rows(mark, n_rows=80):
    rng = np.random.default_rng(0)
    lines = []
    for n in range(n_rows):
        price = f"{rng.normal(5, 2):.2f}".replace(".", mark) if n % 7 else ""
        code = ["1.5", "2.5"][n % 2]  # names of sizes, in both tables alike
        lines.append(f"{price};{code if mark == ',' else code.replace('.', ',')};")
    return "price;size;y\n" + "".join(
        f"{line}{'pq'[n % 2]}\n" for n, line in enumerate(lines)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with a bundle of each table: the same one, written in two ways."""
    folder = tmp_path_factory.mktemp("commas")
    for name, mark, flags in (("comma", ",", FLAGS), ("point", ".", FLAGS[2:])):
        (folder / f"{name}.csv").write_text(rows(mark))
        argv = ["train", f"{folder}/{name}.csv", *BRIEF, *flags, "--quiet"]
        assert main([*argv, "-o", f"{folder}/{name}.cbvae"]) == 0
    return folder


def ask(verb, folder, out, *flags):
    argv = [verb, f"{folder}/comma.cbvae", f"{folder}/comma.csv", "-o", str(out)]
    assert main([*argv, *FLAGS, "--quiet", *flags]) == 0
    return csv.read_csv(out, convert_options=TEXT)


TEXT = csv.ConvertOptions(
    column_types={"price": pa.string(), "size": pa.string()}, strings_can_be_null=False
)


def test_the_bundle_is_the_one_of_decimal_points(folder):
    one, other = ((folder / f"{n}.cbvae").read_bytes() for n in ("comma", "point"))
    assert one == other


def test_cells_keep_their_text_and_fills_bear_commas(folder, tmp_path):
    given_rows = csv.read_csv(
        folder / "comma.csv", csv.ReadOptions(), csv.ParseOptions(delimiter=";"), TEXT
    )
    filled = ask("impute", folder, tmp_path / "filled.csv")
    for name in ("price", "size"):
        pairs = zip(given_rows[name].to_pylist(), filled[name].to_pylist(), strict=True)
        assert all(old in ("", new) for old, new in pairs)
    prices = filled["price"].to_pylist()
    assert all("," in price and "." not in price for price in prices)


def test_added_numbers_bear_commas_too_and_all_is_read_again(folder, tmp_path):
    found = ask("classify", folder, tmp_path / "named.csv")
    shares = found["cbvae_p_p"].to_pylist()
    assert all(isinstance(share, str) and "." not in share for share in shares)
    argv = ["score", f"{folder}/comma.cbvae", f"{tmp_path}/named.csv", "--quiet"]
    assert main([*argv, "--decimal", ",", "-o", f"{tmp_path}/scored.csv"]) == 0


def test_typed_formats_hold_numbers_and_names_as_they_were(folder, tmp_path):
    argv = ["impute", f"{folder}/comma.cbvae", f"{folder}/comma.csv", *FLAGS]
    assert main([*argv, "-o", f"{tmp_path}/o.parquet", "--quiet"]) == 0
    found = parquet.read_table(tmp_path / "o.parquet")
    assert found.schema.field("price").type == pa.float64()
    assert set(found["size"].to_pylist()) == {"1.5", "2.5"}


def test_made_rows_bear_commas(folder, tmp_path):
    argv = ["augment", f"{folder}/comma.cbvae", "-n", "9", "--decimal", ",", "--quiet"]
    assert main([*argv, "-o", f"{tmp_path}/made.csv"]) == 0
    made = csv.read_csv(tmp_path / "made.csv", convert_options=TEXT)
    assert all("," in price for price in made["price"].to_pylist())
    assert set(made["size"].to_pylist()) <= {"1.5", "2.5"}


def test_without_the_flag_a_warning_names_column_and_flag(folder, tmp_path, capsys):
    argv = ["train", f"{folder}/comma.csv", "--label", "y", "--delimiter", ";"]
    assert main([*argv, "--dry-run"]) == 0
    told = capsys.readouterr().err
    assert "column 'price' looks like numbers with a decimal comma" in told
    assert "--decimal , reads them" in told


def test_thousands_are_refused_with_what_to_do(folder, tmp_path, capsys):
    (tmp_path / "t.csv").write_text("price;size\n1.234,5;1.5\n")
    argv = ["score", f"{folder}/comma.cbvae", f"{tmp_path}/t.csv", *FLAGS]
    assert main(argv) == 3
    told = capsys.readouterr().err
    assert "line 2: '1.234,5'" in told
    assert "without thousands separators" in told


def test_a_misfit_is_shown_as_it_stands_in_the_file(folder, tmp_path, capsys):
    (tmp_path / "t.csv").write_text("price;size\n1.5;1.5\n")
    argv = ["score", f"{folder}/comma.cbvae", f"{tmp_path}/t.csv", *FLAGS]
    assert main(argv) == 3
    assert "line 2: '1.5'" in capsys.readouterr().err


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(".,0123456789eE+- \n", max_size=8), min_size=1))
def test_swapping_twice_changes_nothing(cells):
    text = pa.array(cells, pa.string())
    assert swapped(swapped(text)).equals(text)


def test_a_table_of_nothing_else_is_told_of_the_flag(tmp_path, capsys):
    lines = [f"{n},5;{'pq'[n % 2]}\n" for n in range(60)]
    (tmp_path / "t.csv").write_text("x;y\n" + "".join(lines))
    argv = ["train", f"{tmp_path}/t.csv", *BRIEF, *FLAGS[2:], "--quiet"]
    assert main([*argv, "-o", f"{tmp_path}/m.cbvae"]) == 3
    told = capsys.readouterr().err
    assert "no column is left" in told
    assert "--decimal , reads them" in told
