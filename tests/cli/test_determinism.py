"""The same question gets the same bytes; another seed gets others."""

import pytest

from cbvae_cli.cli.app import main

TRAIN = ["--label", "outcome", "--exclude", "part", "--epochs", "2", "--hidden", "16"]


def run(*argv):
    assert main([*map(str, argv), "--quiet"]) == 0


@pytest.fixture(scope="module")
def short(tmp_path_factory, request):
    """Give the beginning of a sample table, which trains in a moment."""
    rows = (request.config.rootpath / "sample_data" / "defects.csv").read_text("utf-8")
    target = tmp_path_factory.mktemp("short") / "defects.csv"
    target.write_text("".join(rows.splitlines(keepends=True)[:201]), encoding="utf-8")
    return target


@pytest.mark.parametrize("flags", [[], ["--model", "vae"], ["--preset", "paper"]])
def test_the_same_seed_gives_the_same_bundle(short, tmp_path, flags):
    def trained(name, *more):
        target = tmp_path / name
        argv = [short, *TRAIN, *flags, *more, "-o", target]
        run("train", *argv)
        return target.read_bytes()

    assert trained("one.cbvae") == trained("two.cbvae")
    assert trained("three.cbvae", "--seed", "1") != trained("four.cbvae", "--seed", "2")


def test_rows_by_another_batch_size_give_the_same_bundle(short, tmp_path):
    bundles = set()
    for size in (97, 10_000):
        target = tmp_path / f"{size}.cbvae"
        argv = [short, *TRAIN, "--batch-rows", size, "-o", target]
        run("train", *argv)
        bundles.add(target.read_bytes())
    assert len(bundles) == 1


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst", "parquet", "arrow"])
@pytest.mark.parametrize(
    "ask",
    [
        ["classify", "payments_new.csv"],
        ["impute", "payments_new.csv"],
        ["score", "payments_new.csv"],
        ["augment", "-n", "200"],
    ],
    ids=lambda ask: ask[0],
)
def test_the_same_question_gets_the_same_bytes(
    trained, samples, tmp_path, monkeypatch, ask, ending
):
    monkeypatch.chdir(samples)
    verb, *more = ask
    answers = set()
    for name in ("one", "two"):
        target = tmp_path / f"{name}.{ending}"
        run(verb, trained / "payments.cbvae", *more, "-o", target)
        answers.add(target.read_bytes())
    assert len(answers) == 1


@pytest.mark.parametrize("method", ["prior", "posterior", "interpolate"])
def test_fewer_rows_are_the_first_of_more(trained, samples, tmp_path, method):
    bundle = trained / "defects.cbvae"
    more = ["--method", method, "--data", samples / "defects.csv", "--class", "warp"]

    def made(n, *flags):
        target = tmp_path / "made.csv"
        run("augment", bundle, "-n", n, *more, *flags, "-o", target, "--force")
        return target.read_text(encoding="utf-8")

    ten, hundred = made(10), made(100)
    assert hundred.startswith(ten)
    assert hundred.count("\n") == 101
    assert made(10, "--seed", "1") != ten


def test_more_rows_than_a_block_are_all_there(trained, tmp_path):
    bundle = trained / "defects.cbvae"
    for n in (4_096, 5_000):
        run("augment", bundle, "-n", n, "-o", tmp_path / f"{n}.csv")
    one, two = ((tmp_path / f"{n}.csv").read_text("utf-8") for n in (4_096, 5_000))
    assert two.startswith(one)
    assert two.count("\n") == 5_001
