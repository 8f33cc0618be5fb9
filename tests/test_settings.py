import pytest

from cbvae_cli.errors import UsageProblem
from cbvae_cli.settings import Flag, resolve

FLAGS = {
    "latent": Flag(int, names=("latent",)),
    "rate": Flag(float),
    "dry_run": Flag(bool, names=("dry-run",)),
    "preset": Flag(str, choices=("paper", "fast")),
    "exclude": Flag(str, many=True, names=("exclude",)),
    "hidden": Flag(str, free=True),
    "number": Flag(int, names=("n",)),
}


@pytest.fixture
def settled(tmp_path):
    def settle(text="", environ=None, verb="train"):
        path = tmp_path / "settings.toml"
        path.write_text(text, encoding="utf-8")
        return resolve(
            FLAGS,
            verb=verb,
            config=path,
            environ=environ,
            verbs=("train", "score"),
            elsewhere=("method", "by"),
        )

    return settle


def test_an_option_that_nobody_names_is_left_out(settled):
    assert settled() == {}


def test_keys_are_read_with_hyphens_or_underscores(settled):
    assert settled("dry-run = true") == settled("dry_run = true") == {"dry_run": True}


def test_a_key_may_be_the_short_name_of_a_flag(settled):
    assert settled("n = 5") == {"number": 5}


def test_the_verbs_own_table_wins_over_the_top_of_the_file(settled):
    text = "latent = 2\nrate = 1\n[train]\nlatent = 3\n[score]\nlatent = 4"
    assert settled(text) == {"latent": 3, "rate": 1}


def test_a_variable_wins_over_the_file(settled):
    assert settled("latent = 2", {"CBVAE_LATENT": "9"}) == {"latent": 9}


def test_an_empty_variable_counts_as_none(settled):
    assert settled("latent = 2", {"CBVAE_LATENT": ""}) == {"latent": 2}


def test_a_variable_lists_values_between_commas():
    environ = {"CBVAE_EXCLUDE": "card no,id"}
    assert resolve(FLAGS, verb="train", environ=environ) == {
        "exclude": ["card no", "id"]
    }


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("OFF", False)])
def test_a_variable_of_a_switch_takes_words(word, value):
    environ = {"CBVAE_DRY_RUN": word}
    assert resolve(FLAGS, verb="train", environ=environ) == {"dry_run": value}


def test_variables_of_other_programs_are_ignored():
    assert resolve(FLAGS, verb="train", environ={"LATENT": "3"}) == {}


def test_a_repeatable_option_takes_a_list_or_one_value(settled):
    assert settled('exclude = ["a", "b"]') == {"exclude": ["a", "b"]}
    assert settled('exclude = "a"') == {"exclude": ["a"]}


def test_a_list_in_the_file_spells_an_option_with_commas(settled):
    assert settled("hidden = [64, 32]") == {"hidden": "64,32"}


def test_options_of_other_verbs_may_stand_at_the_top_of_the_file(settled):
    assert settled('method = "lof"') == {}


def test_an_unknown_key_is_refused_with_its_nearest_match(settled):
    with pytest.raises(UsageProblem, match="unknown setting 'latnt'") as caught:
        settled("latnt = 2")
    assert "'latent'" in caught.value.hint
    assert "settings.toml" in caught.value.where


def test_an_unknown_key_in_the_verbs_table_is_refused(settled):
    with pytest.raises(UsageProblem, match="unknown setting 'method'"):
        settled('[train]\nmethod = "lof"')


@pytest.mark.parametrize(
    "text",
    [
        'latent = "3"',
        "latent = true",
        "latent = 3.5",
        "rate = true",
        "dry_run = 1",
        "exclude = [1]",
        "preset = 3",
        "preset = 'slow'",
        "latent = [1]",
        "latent = 2024-01-01",
        "train = 3",
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_key(settled, text):
    with pytest.raises(UsageProblem) as caught:
        settled(text)
    assert text.partition(" ")[0] in caught.value.where
    assert caught.value.expected


@pytest.mark.parametrize(
    ("name", "word"), [("LATENT", "x"), ("DRY_RUN", "maybe"), ("PRESET", "slow")]
)
def test_a_variable_of_the_wrong_type_is_refused_by_name(name, word):
    with pytest.raises(UsageProblem) as caught:
        resolve(FLAGS, verb="train", environ={f"CBVAE_{name}": word})
    assert f"CBVAE_{name}" in caught.value.where


def test_a_file_that_is_not_toml_is_refused(settled):
    with pytest.raises(UsageProblem, match="not TOML"):
        settled("latent: 3")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match="cannot read"):
        resolve(FLAGS, verb="train", config=tmp_path / "none.toml")


def test_bytes_that_are_not_text_are_refused(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageProblem, match="not TOML"):
        resolve(FLAGS, verb="train", config=path)
