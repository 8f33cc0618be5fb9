"""Who may import whom, and what a fresh interpreter loads for light work."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cbvae_cli

PACKAGE = Path(cbvae_cli.__file__).parent
NAME = PACKAGE.name

# High to low. A layer may import itself and whatever stands below; those of one
# line may not see each other.
LEVELS = (
    ("__main__",),
    ("cli",),
    ("report", "estimators"),
    ("training", "bundle"),
    ("answers",),
    ("calibration", "measures", "peers"),
    ("evidence",),
    ("families",),
    ("networks",),
    ("likelihoods",),
    ("engines", "table"),
    ("records", "settings"),
    ("errors", "nearest"),
    ("__init__",),
)
HEIGHT = {layer: -at for at, level in enumerate(LEVELS) for layer in level}

HEAVY = {"numpy", "pandas", "pyarrow", "safetensors", "scipy", "sklearn", "torch"}
OTHERS = {"imblearn", "lightgbm", "pyod", "xgboost"}  # of the extra `compare`
# Never at the top of a module of the layer.
ONLY_INSIDE_FUNCTIONS = {
    "__init__": HEAVY,
    "__main__": HEAVY,
    "answers": {"pandas", "scipy", "sklearn"},
    "bundle": HEAVY,
    "calibration": {"pandas", "scipy", "sklearn"},
    "cli": HEAVY,
    "errors": HEAVY,
    "evidence": {"pandas", "scipy", "sklearn"},
    "families": {"pandas", "scipy", "sklearn"},
    "measures": {"pandas", "scipy", "sklearn"},
    "nearest": HEAVY,
    "peers": {"pandas", "scipy", "sklearn", "threadpoolctl", "torch"} | OTHERS,
    "records": HEAVY,
    "settings": HEAVY,
    "table": {"pandas", "scipy", "sklearn"},
}
# Nowhere in the layer.
NEVER = {"cli": {"click"}, "table": {"torch"}, "records": HEAVY, "errors": HEAVY}
# `bundle/model.py` builds models; the rest of the folder reads a manifest alone.
MAY_COMPUTE = {"bundle/model.py"}

FILES = sorted(PACKAGE.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Give every module that a file imports, and whether as it is loaded."""
    return _imports(ast.parse(path.read_text(encoding="utf-8")), True)


def _imports(node: ast.AST, at_top: bool) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, at_top) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, "imports name the whole path"
            yield from (
                (f"{child.module}.{alias.name}", at_top) for alias in child.names
            )
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(
                child.test
            )
            yield from _imports(child, at_top and not inside and not types)


def imported_layer(module: str) -> str | None:
    """Give the layer of a module of ours; the package itself is `__init__`."""
    head, *rest = module.split(".")
    if head != NAME:
        return None
    return rest[0] if rest and rest[0] in HEIGHT else "__init__"


def test_every_folder_and_module_has_its_place_among_the_layers():
    assert {layer_of(path) for path in FILES} <= set(HEIGHT)


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_go_down(path):
    own = layer_of(path)
    for module, _ in imports(path):
        other = imported_layer(module)
        if other is not None and other != own:
            assert HEIGHT[other] < HEIGHT[own], f"{own} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_heavy_libraries_wait_inside_functions(path):
    own = layer_of(path)
    late = set() if relative(path) in MAY_COMPUTE else ONLY_INSIDE_FUNCTIONS.get(own)
    for module, at_top in imports(path):
        library = module.partition(".")[0]
        assert library not in NEVER.get(own, ()), f"{own} imports {library}"
        assert not (at_top and library in (late or ())), f"{library} at the top"


def test_a_module_name_that_is_no_layer_counts_as_the_package_itself():
    assert imported_layer("cbvae_cli.__version__") == "__init__"
    assert imported_layer("cbvae_cli.table.cells") == "table"
    assert imported_layer("numpy.typing") is None


RUN = """
import sys
from cbvae_cli.cli.app import main
code = main(sys.argv[1:])
print(",".join(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(code)
"""


def loaded_by(*args: object) -> set[str]:
    """Run the command line in a fresh interpreter and see what it loaded."""
    command = [sys.executable, "-c", RUN, *map(str, args)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=PACKAGE.parent
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.strip().splitlines()[-1].split(","))


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["train", "--help"]])
def test_help_and_version_load_nothing_heavy(args):
    assert loaded_by(*args).isdisjoint(HEAVY)


# What is wrong with flags and files is said before torch is loaded.
EARLY = {
    "a flag of another model": ["train", "T", "--label", "y", "--mu", "2", "-o", "N"],
    "no bundle to write": ["train", "T", "--label", "y"],
    "layers that are none": ["train", "T", "--label", "y", "--hidden", "a", "-o", "N"],
    "a misspelt column": ["train", "T", "--label", "fruad", "-o", "N"],
    "two calibrations": [
        *("train", "T", "--label", "outcome", "-o", "N"),
        *("--time", "machine", "--validation", "0.2"),
    ],
    "an update of nothing": ["train", "T", "--label", "y", "--class", "a", "-o", "N"],
    "two ways to decide": ["classify", "B", "T", "--cost", "a>b=1", "--fpr", "0.1"],
    "a question that is none": ["score", "B", "T", "--by", "clusters"],
    "no space to look at": ["score", "B", "T", "--space", "latent"],
    "no rows": ["augment", "B"],
    "a direction without a way": ["augment", "B", "-n", "3", "--toward", "a"],
    "a model that is none": ["compare", "T", "--label", "y", "--models", "zz"],
    "a table that is not there": ["impute", "B", "no.csv"],
    "a bundle that is not there": ["embed", "no.cbvae", "T"],
    "too little memory": ["classify", "B", "T", "--max-memory", "100"],
    "too little memory for draws": ["impute", "B", "T", "--max-memory", "100"],
    "swapped arguments": ["evaluate", "T", "B"],
}


@pytest.mark.parametrize("name", EARLY)
def test_mistakes_that_need_no_model_are_told_without_torch(bundle, samples, name):
    stands = {"T": samples / "defects.csv", "B": bundle, "N": "new.cbvae"}
    argv = [str(stands.get(word, word)) for word in EARLY[name]]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *argv],
        capture_output=True,
        text=True,
        check=False,
        cwd=bundle.parent,
    )
    assert done.returncode in (2, 3), done.stderr
    assert "torch" not in done.stdout.strip().splitlines()[-1].split(",")


def test_inspect_loads_nothing_heavy(bundle):
    light = {"torch", "pandas", "pyarrow", "sklearn"}
    assert loaded_by("inspect", bundle).isdisjoint(light)
    assert loaded_by("inspect", bundle, "--json").isdisjoint(light)


def test_classify_loads_neither_sklearn_nor_pandas(bundle, samples, tmp_path):
    out = tmp_path / "named.csv"
    rows = samples / "defects_new.csv"
    seen = loaded_by("classify", bundle, rows, "-o", out, "--quiet")
    assert "torch" in seen, "the check sees what is loaded"
    assert seen.isdisjoint({"sklearn", "pandas"})
