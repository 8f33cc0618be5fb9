import shutil

import pytest

from cbvae_cli.cli.app import main

BRIEF = ["--epochs", "2", "--hidden", "16"]
GOOD = "a,b,y\n" + "".join(f"{n % 9},{n % 5}.5,{'pq'[n % 2]}\n" for n in range(60))


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def refused(tmp_path, monkeypatch, capsysbinary):
    """Run a command that must fail, in a folder that must stay as it is."""
    monkeypatch.chdir(tmp_path)

    def run(*argv, code, says, quiet=True):
        before = contents(tmp_path)
        capsysbinary.readouterr()
        assert main([*argv, *(["--quiet"] if quiet else [])]) == code
        out, error = capsysbinary.readouterr()
        told = error.decode()
        assert out == b""
        assert contents(tmp_path) == before
        lines = told.splitlines()
        assert lines[0].startswith("error: ")
        assert all(line.startswith("  ") for line in lines[1:])
        for words in [says] if isinstance(says, str) else says:
            assert words in told

    return run


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    (folder / "good.csv").write_text(GOOD)
    argv = ["train", f"{folder}/good.csv", "--label", "y", "-o", f"{folder}/m.cbvae"]
    assert main([*argv, *BRIEF, "--quiet"]) == 0
    return folder


@pytest.fixture
def small(once, tmp_path):
    """Give a bundle of two number columns and a label, with its table beside it."""
    shutil.copy(once / "good.csv", tmp_path)
    return shutil.copy(once / "m.cbvae", tmp_path)
