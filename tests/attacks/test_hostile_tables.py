"""Tables made to harm or mislead: nothing of them runs, fills the memory or speaks."""

import gzip
import io
import json
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.cli.door import Run, settle
from cbvae_cli.errors import DataProblem
from cbvae_cli.report.console import Talk
from cbvae_cli.table.source import ReadOptions, open_source

COMMANDS = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
FORMULAS = [
    "=1+1",
    "@SUM(A1)",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "\t=1",
    '=HYPERLINK("x")',
]


def training_rows(name="a", word="r"):
    rows = [f"{n % 9},{word if n % 3 else 'g'},{'pq'[n % 2]}" for n in range(60)]
    return "\n".join([f"{name},c,y", *rows]) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with a table of rude names and cells, and a bundle of it."""
    folder = tmp_path_factory.mktemp("rude")
    rows = training_rows(f"a{COMMANDS}", f"r{COMMANDS}").replace(",p", f",p{COMMANDS}")
    (folder / "t.csv").write_text(rows, encoding="utf-8")
    argv = ["train", f"{folder}/t.csv", "--label", "y", "--preset", "paper", "--epochs"]
    assert main([*argv, "1", "--hidden", "8", "-o", f"{folder}/m.cbvae"]) == 0
    return folder


def silent(streams):
    """Tell that nothing was said which a terminal would obey."""
    said = (streams.out + streams.err).replace("\n", "")
    return all(char.isprintable() for char in said) and said != ""


ASKED = {
    "training": "train {f}/t.csv --label y --dry-run",
    "inspect": "inspect {f}/m.cbvae",
    "evaluate": "evaluate {f}/m.cbvae {f}/t.csv",
    "drift": "evaluate {f}/m.cbvae {f}/t.csv --drift --json",
    "augment": "augment {f}/m.cbvae -n 3 -o {t}/a.csv --json",
    "impute": "impute {f}/m.cbvae {f}/t.csv -o {t}/a.csv --hide c",
    "classify": "classify {f}/m.cbvae {f}/t.csv -o {t}/a.csv",
    "score": "score {f}/m.cbvae {f}/t.csv --top 3 --cells -o {t}/a.csv",
    "cluster": "cluster {f}/m.cbvae {f}/t.csv -k 2 -o {t}/a.csv",
}


@pytest.mark.parametrize("name", ASKED)
def test_commands_to_the_terminal_never_reach_it(folder, tmp_path, capsys, name):
    argv = ASKED[name].format(f=folder, t=tmp_path).split()
    assert main(argv) == 0
    assert silent(capsys.readouterr())


REFUSED = {
    "a rude cell": f"a{COMMANDS},c\n{COMMANDS},r\n",
    "a rude row": f"a{COMMANDS},c\n1,r,{COMMANDS}\n",
    "a rude header twice": f"{COMMANDS},{COMMANDS}\n1,r\n",
    "a rude column for another": f"b{COMMANDS},c\n1,r\n",
    "a rude quote": f'a,c\n1,"{COMMANDS}\n',
    "a rude label": f"a{COMMANDS},c,y\n1,r,{COMMANDS}\n",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_messages_about_rude_tables_are_printable(
    folder, tmp_path, capsys, name, flags
):
    (tmp_path / f"t{COMMANDS}.csv").write_text(REFUSED[name], encoding="utf-8")
    argv = ["impute", f"{folder}/m.cbvae", f"{tmp_path}/t{COMMANDS}.csv", *flags]
    assert main(argv) == 3
    assert silent(capsys.readouterr())


def test_rude_flags_are_told_in_print(folder, capsys):
    argv = ["impute", f"{folder}/m.cbvae", f"{folder}/t.csv", "--hide", COMMANDS]
    assert main(argv) == 2
    assert silent(capsys.readouterr())


@pytest.mark.parametrize("part", ["what", "where", "expected", "hint"])
def test_every_part_of_a_message_is_told_in_print(capsys, part):
    problem = DataProblem("wrong")
    setattr(problem, part, f"a {COMMANDS}")
    assert settle(problem, Run("train")) == 3
    assert silent(capsys.readouterr())


def test_every_part_of_a_table_of_results_is_printable(capsys):
    Talk().table(f"t{COMMANDS}", [f"c{COMMANDS}", "n"], [[COMMANDS, 1], [None, 2]])
    assert silent(capsys.readouterr())


def test_the_page_of_a_comparison_holds_no_tags_of_the_table(folder, tmp_path):
    rows = training_rows().replace(",p", ",<script>alert(1)</script>")
    (tmp_path / "t.csv").write_text(rows)
    argv = ["compare", f"{tmp_path}/t.csv", "--label", "y", "--models", "logistic"]
    assert main([*argv, "--seeds", "1", "--html", f"{tmp_path}/p.html", "-q"]) == 0
    page = (tmp_path / "p.html").read_text()
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_formulas_stay_the_text_that_they_are(folder, tmp_path):
    import csv

    given = tmp_path / "t.csv"
    with given.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow([f"a{COMMANDS}", "c", *FORMULAS])
        table.writerow(["1", FORMULAS[0], *FORMULAS])
    out = tmp_path / "o.csv"
    argv = ["impute", f"{folder}/m.cbvae", str(given), "-o", str(out), "--quiet"]
    assert main(argv) == 0
    before, after = (
        list(csv.reader(io.StringIO(path.read_text("utf-8")))) for path in (given, out)
    )
    assert after == before


def read(path, **options):
    with open_source(str(path), ReadOptions(**options)) as source:
        return [batch.rows for batch in source.batches()]


def refused(path, *says, **options):
    with pytest.raises(DataProblem) as caught:
        read(path, **options)
    for words in says:
        assert words in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_cell_of_ten_megabytes_comes_out_as_it_went_in(folder, tmp_path):
    cell = "x" * 10_000_000
    (tmp_path / "t.csv").write_text(f"a{COMMANDS},c,note\n1,r,{cell}\n")
    argv = ["impute", f"{folder}/m.cbvae", f"{tmp_path}/t.csv", "--quiet"]
    assert main([*argv, "-o", f"{tmp_path}/o.csv"]) == 0
    assert (tmp_path / "o.csv").read_text() == (tmp_path / "t.csv").read_text()


def test_a_misfit_of_ten_megabytes_is_shown_in_a_line(folder, tmp_path, capsys):
    (tmp_path / "t.csv").write_text(f"a{COMMANDS},c\n{'x' * 10_000_000},r\n")
    assert main(["impute", f"{folder}/m.cbvae", f"{tmp_path}/t.csv"]) == 3
    assert len(capsys.readouterr().err) < 1000


def test_a_million_columns_in_the_header_are_refused_at_once(tmp_path):
    (tmp_path / "t.csv").write_text("c," * 999_999 + "c\n1\n")
    refused(tmp_path / "t.csv", "1,000,000 columns", "100,000 columns at most")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_endings_may_be_mixed(tmp_path, end):
    (tmp_path / "t.csv").write_bytes(f"a,b\r\n1,2\n3,4{end}5,6\r".encode())
    (rows,) = read(tmp_path / "t.csv")
    assert rows.to_pydict() == {"a": ["1", "3", "5"], "b": ["2", "4", "6"]}


@pytest.mark.parametrize("byte", [b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88\x80"])
def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path, byte):
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n3," + byte + b"\n")
    refused(tmp_path / "t.csv", "not written in utf-8", "line 3", "--encoding")
    (tmp_path / "t.ndjson").write_bytes(b'{"a": 1}\n{"a": "' + byte + b'"}\n')
    refused(tmp_path / "t.ndjson", "not written in utf-8", "line 2")


def test_text_in_utf_16_without_its_mark_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\n1,2\n".encode("utf-16-le"))
    refused(tmp_path / "t.csv", "not written in utf-16", encoding="utf-16")


def test_a_packed_table_is_unpacked_a_block_at_a_time(tmp_path):
    import tracemalloc

    rows = b"a,b\n" + b"1,2\n" * 10_000_000
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(rows, 1))
    tracemalloc.start()
    try:
        with open_source(str(tmp_path / "t.csv.gz"), ReadOptions()) as source:
            next(source.batches())
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < len(rows)


def parquet_bytes(table, **more):
    sink = io.BytesIO()
    pq.write_table(table, sink, **more)
    return sink.getvalue()


@pytest.mark.parametrize("rows", [0, 1, 7, 2**40])
def test_parquet_that_lies_about_its_rows_is_refused(tmp_path, rows):
    table = pa.table({"a": list(range(100)), "y": ["p", "q"] * 50})
    body = bytearray(parquet_bytes(table, compression="none"))
    # Thrift writes counts as zigzag varints: 100 is b"\xc8\x01".
    value, varint = 2 * rows, b""
    while value > 127:
        varint, value = varint + bytes([value & 127 | 128]), value >> 7
    varint += bytes([value])
    size = struct.unpack("<I", body[-8:-4])[0]
    head, foot = bytes(body[: -8 - size]), bytes(body[-8 - size : -8])
    foot = foot.replace(b"\x16\xc8\x01", b"\x16" + varint, 1)
    whole = head + foot + struct.pack("<I", len(foot)) + b"PAR1"
    (tmp_path / "t.parquet").write_bytes(whole)
    refused(tmp_path / "t.parquet", "cannot be read as Parquet", "and holds 100")


@pytest.mark.parametrize("size", [0, 5, 2**31 - 1, 2**32 - 1])
def test_parquet_that_lies_about_its_footer_is_refused(tmp_path, size):
    body = parquet_bytes(pa.table({"a": [1, 2, 3]}))
    lie = body[:-8] + struct.pack("<I", size) + b"PAR1"
    (tmp_path / "t.parquet").write_bytes(lie)
    refused(tmp_path / "t.parquet", "cannot be read as Parquet")


def arrow_bytes(table):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("ending", "write"), [("parquet", parquet_bytes), ("arrow", arrow_bytes)]
)
def test_column_names_that_are_no_text_are_refused(tmp_path, ending, write):
    body = write(pa.table({"column": [1, 2, 3], "y": ["p", "q", "p"]}))
    path = tmp_path / f"t.{ending}"
    path.write_bytes(body.replace(b"column", b"\xae\xaelumn"))
    refused(path, "utf-8")


def test_nested_columns_are_set_aside_and_nested_labels_refused(tmp_path, capsys):
    nested = [{"k": [n]} for n in range(60)]
    table = pa.table(
        {"a": [n % 9 for n in range(60)], "n": nested, "y": ["p", "q"] * 30}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    argv = ["train", f"{tmp_path}/t.parquet", "--dry-run"]
    assert main([*argv, "--label", "y", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert any("'n' holds struct" in line for line in told["warnings"])
    assert main([*argv, "--label", "n"]) == 3
    assert "label column 'n' holds struct" in capsys.readouterr().err


def test_deeply_nested_json_is_refused(tmp_path):
    (tmp_path / "t.ndjson").write_text('{"a": ' + "[" * 5000 + "]" * 5000 + "}\n")
    refused(tmp_path / "t.ndjson", "line 1")
