"""Looking into bundles through the command line."""

import json

from cbvae_cli.cli.app import main

HEAVY = {"torch", "pandas", "pyarrow", "sklearn", "numpy", "scipy"}

MODULES_AFTER = """
import sys
from cbvae_cli.cli.app import main
code = main(sys.argv[1:])
print("\\n".join({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
"""


def told(capsys, *argv):
    assert main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_bundle_tells_what_is_in_it(bundle, capsys):
    assert main(["inspect", str(bundle)]) == 0
    streams = capsys.readouterr()
    assert streams.out == ""
    for words in ("cbvae bundle", "1,500 rows", "outcome", "temperature_c", "crack"):
        assert words in streams.err


def test_a_bundle_tells_its_positive_class_and_where_it_is_called(bundle, capsys):
    found = told(capsys, "inspect", str(bundle))
    label = found["label"]
    place = label["classes"].index(label["positive"])
    threshold = found["calibration"]["thresholds"][place]
    assert main(["inspect", str(bundle)]) == 0
    said = f"positive class '{label['positive']}', which classify calls from a "
    assert f"{said}probability of {threshold:.3g}" in capsys.readouterr().err


def test_a_bundle_tells_programs_too(bundle, capsys):
    found = told(capsys, "inspect", str(bundle))
    assert found["format"] == 1
    assert found["model"]["family"] == "cbvae"
    assert found["label"]["classes"] == ["crack", "ok", "warp"]
    assert found["data"]["rows"] == sum(found["label"]["counts"]) == 1500
    names = [column["name"] for column in found["columns"]]
    assert names[:2] == ["part", "machine"]


def test_looking_loads_nothing_heavy(bundle, start):
    for verb in ("inspect", "verify"):
        process = start("-c", MODULES_AFTER, verb, bundle, "--quiet")
        out, error = process.communicate()
        assert process.returncode == 0, error
        heavy = HEAVY if verb == "inspect" else {"torch", "pandas", "sklearn"}
        assert set(out.split()).isdisjoint(heavy)


def test_naming_classes_loads_neither_pandas_nor_sklearn(bundle, samples, start):
    rows = samples / "defects_new.csv"
    process = start("-c", MODULES_AFTER, "classify", bundle, rows, "--only", "--quiet")
    out, error = process.communicate()
    assert process.returncode == 0, error
    assert set(out.split()).isdisjoint({"pandas", "sklearn"})


def test_a_whole_bundle_is_called_whole(bundle, capsys):
    found = told(capsys, "verify", str(bundle))
    assert found["tensors"] > 0
    assert found["bytes"] == bundle.stat().st_size


def test_a_current_bundle_needs_no_upgrade(bundle, tmp_path, capsys):
    before = bundle.read_bytes()
    found = told(capsys, "upgrade", str(bundle))
    assert (found["changed"], found["format"]) == (False, 1)
    assert bundle.read_bytes() == before
