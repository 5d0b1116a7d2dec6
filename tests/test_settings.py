"""Settings: what is read from where, what is trusted, and what is refused by name."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from scenario_mcp.settings import Settings, load
from scenario_mcp.variables import DEFAULT_BASE_URL, SettingsError

KEYS = {"SCENARIO_API_KEY": "api_k", "SCENARIO_API_SECRET": "s3cret"}


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_the_defaults(tmp_path: Path) -> None:
    settings = load({}, tmp_path)

    assert settings.credentials is None
    assert settings.base_url == DEFAULT_BASE_URL
    assert settings.wait_seconds == 45
    assert settings.log_level == "warning"
    assert settings.output_dir is not None
    assert settings.output_dir.name == "Scenario"
    assert settings.ignored == ()
    assert not settings.loopback


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = load(
        KEYS
        | {
            "SCENARIO_BASE_URL": "http://127.0.0.1:8000/v1/",
            "SCENARIO_PROJECT_ID": "proj_1",
            "SCENARIO_WAIT_SECONDS": "12.5",
            "SCENARIO_OUTPUT_DIR": "~/out",
            "SCENARIO_STATE_DIR": str(tmp_path),
            "SCENARIO_LOG_LEVEL": "DEBUG",
        },
        tmp_path,
    )

    assert settings == Settings(
        credentials=("api_k", "s3cret"),
        base_url="http://127.0.0.1:8000/v1",
        project_id="proj_1",
        wait_seconds=12.5,
        output_dir=Path("~/out").expanduser(),
        state_dir=tmp_path,
        log_level="debug",
    )
    assert settings.loopback


def test_the_names_of_scenario_s_own_sdk_are_understood(tmp_path: Path) -> None:
    pair = {"SCENARIO_SDK_API_KEY": "k", "SCENARIO_SDK_API_SECRET": "s"}

    assert load(pair, tmp_path).credentials == ("k", "s")
    assert load(pair | KEYS, tmp_path).credentials == ("api_k", "s3cret")


@pytest.mark.parametrize("value", ["", "   ", "${SCENARIO_API_KEY}", "${user_config.api_key}"])
def test_empty_or_unsubstituted_means_not_set(tmp_path: Path, value: str) -> None:
    settings = load(dict.fromkeys(["SCENARIO_WAIT_SECONDS", "SCENARIO_BASE_URL"], value), tmp_path)

    assert settings == load({}, tmp_path)
    assert load(dict.fromkeys(KEYS, value), tmp_path).credentials is None


def test_half_a_key_pair_is_none(tmp_path: Path) -> None:
    assert load({"SCENARIO_API_KEY": "k"}, tmp_path).credentials is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SCENARIO_BASE_URL", "http://api.example/v1"),
        ("SCENARIO_BASE_URL", "ftp://api.example"),
        ("SCENARIO_BASE_URL", "api.example"),
        ("SCENARIO_BASE_URL", "https://user:pass@api.example"),
        ("SCENARIO_BASE_URL", "https://api.example/v1?key=x"),
        ("SCENARIO_BASE_URL", "https:///v1"),
        ("SCENARIO_BASE_URL", "https://[::1/v1"),
        ("SCENARIO_BASE_URL", "https://api.example:99999/v1"),
        ("SCENARIO_BASE_URL", "https://api.example:abc/v1"),
        ("SCENARIO_BASE_URL", "https://api.example/a b"),
        ("SCENARIO_BASE_URL", "https://api.example/v1?"),
        ("SCENARIO_BASE_URL", "https://api.example/\x7f"),
        ("SCENARIO_OUTPUT_DIR", "~nobody-at-all/x"),
        ("SCENARIO_WAIT_SECONDS", "-1"),
        ("SCENARIO_WAIT_SECONDS", "nan"),
        ("SCENARIO_WAIT_SECONDS", "1e9"),
        ("SCENARIO_WAIT_SECONDS", "45s"),
        ("SCENARIO_OUTPUT_DIR", "pictures"),
        ("SCENARIO_STATE_DIR", "none"),
        ("SCENARIO_LOG_LEVEL", "loud"),
        ("SCENARIO_MAX_CU_PER_CALL", "-1"),
        ("SCENARIO_MAX_CU_PER_CALL", "ten"),
        ("SCENARIO_MAX_CU_PER_DAY", "NaN"),
        ("SCENARIO_MAX_CU_PER_DAY", "Infinity"),
        ("SCENARIO_MAX_CU_PER_DAY", "1e400000"),
    ],
)
def test_a_bad_value_is_told_by_the_name_of_its_variable(tmp_path: Path, variable: str, value: str) -> None:
    settings = load({variable: value}, tmp_path)

    [told] = filter(None, (*settings.problems, settings.unreachable))
    assert told.startswith(f"{variable} must be ")
    assert "pass" not in told
    assert settings.ignored == ()


def test_a_bad_value_never_opens_more_than_was_meant(tmp_path: Path) -> None:
    folders = ("SCENARIO_INPUT_DIRS", "SCENARIO_OUTPUT_DIR", "SCENARIO_STATE_DIR")

    settings = load(dict.fromkeys(folders, "pictures"), tmp_path)

    assert (settings.input_dirs, settings.output_dir, settings.state_dir) == ((), None, None)
    assert len(settings.problems) == 3


def test_a_long_bad_value_is_cut_where_it_is_told(tmp_path: Path) -> None:
    [told] = load({"SCENARIO_MAX_CU_PER_DAY": "no\nnumber" * 1_000}, tmp_path).problems

    assert len(told) < 400
    assert "\n" not in told


def test_a_key_that_cannot_be_one_is_told_and_not_sent(tmp_path: Path) -> None:
    settings = load(KEYS | {"SCENARIO_API_KEY": "api\udcff"}, tmp_path)

    assert settings.credentials is None
    assert settings.half_a_pair == "SCENARIO_API_KEY holds characters that no key has"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_http_is_allowed_on_loopback(tmp_path: Path, host: str) -> None:
    assert load({"SCENARIO_BASE_URL": f"http://{host}:1/v1"}, tmp_path).loopback


def test_nothing_saved_is_a_choice(tmp_path: Path) -> None:
    assert load({"SCENARIO_OUTPUT_DIR": "none"}, tmp_path).output_dir is None


def test_the_env_file_of_the_folder_is_read_and_real_variables_win(env_file: Path) -> None:
    env_file.write_text("SCENARIO_API_KEY=file\nSCENARIO_API_SECRET=secret\nSCENARIO_WAIT_SECONDS=5\n")

    assert load({}, env_file.parent).credentials == ("file", "secret")
    assert load({"SCENARIO_WAIT_SECONDS": "7"}, env_file.parent).wait_seconds == 7


def test_no_env_file_is_looked_for_in_the_folders_above(env_file: Path) -> None:
    env_file.write_text("SCENARIO_API_KEY=file\nSCENARIO_API_SECRET=secret\n")
    below = env_file.parent / "project"
    below.mkdir()

    assert load({}, below).credentials is None


STRANGE = """
SCENARIO_BASE_URL=https://evil.example/v1
SCENARIO_OUTPUT_DIR=/evil
SCENARIO_STATE_DIR=/evil
SCENARIO_MAX_CU_PER_DAY=1000000
"""


def test_a_file_that_does_not_bring_the_keys_may_not_say_where_they_go(env_file: Path) -> None:
    env_file.write_text(STRANGE + "SCENARIO_WAIT_SECONDS=5\n")

    settings = load(KEYS, env_file.parent)

    assert settings.base_url == DEFAULT_BASE_URL
    assert settings.output_dir != Path("/evil")
    assert settings.state_dir != Path("/evil")
    assert settings.max_per_day == 1_000_000  # a cap only ever tightens
    assert settings.wait_seconds == 5
    assert [each.split()[0] for each in settings.ignored] == [
        "SCENARIO_BASE_URL",
        "SCENARIO_OUTPUT_DIR",
        "SCENARIO_STATE_DIR",
    ]
    assert all(f'in "{env_file}"' in each and "--env-file" in each for each in settings.ignored)


@pytest.mark.parametrize("environ", [KEYS, {"SCENARIO_API_KEY": "k"}])
def test_a_file_whose_keys_are_not_the_ones_in_use_is_not_trusted(env_file: Path, environ: dict[str, str]) -> None:
    env_file.write_text(STRANGE + "SCENARIO_API_SECRET=theirs\n")

    assert load(environ, env_file.parent).base_url == DEFAULT_BASE_URL


def test_a_file_that_brings_the_keys_sets_their_project_and_no_more_than_another(env_file: Path) -> None:
    env_file.write_text(STRANGE + "SCENARIO_API_KEY=k\nSCENARIO_API_SECRET=s\nSCENARIO_PROJECT_ID=proj_1\n")

    settings = load({}, env_file.parent)

    assert (settings.credentials, settings.project_id) == (("k", "s"), "proj_1")
    assert settings.base_url == DEFAULT_BASE_URL
    assert [each.split()[0] for each in settings.ignored] == [
        "SCENARIO_BASE_URL",
        "SCENARIO_OUTPUT_DIR",
        "SCENARIO_STATE_DIR",
    ]


def test_a_file_cannot_draw_other_variables_into_its_values(env_file: Path) -> None:
    env_file.write_text("SCENARIO_API_KEY=k\nSCENARIO_API_SECRET=s\nSCENARIO_PROJECT_ID=x${HOME}\n")

    assert load({"HOME": "/secret"}, env_file.parent).project_id == "x${HOME}"


def test_a_file_that_is_named_is_trusted_and_must_exist(tmp_path: Path) -> None:
    named = tmp_path / "my.env"
    named.write_text(STRANGE)

    assert load(KEYS, tmp_path, named).base_url == "https://evil.example/v1"
    with pytest.raises(SettingsError, match=r"other\.env"):
        load(KEYS, tmp_path, tmp_path / "other.env")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", "SCENARIO_PREVIEWS=off".encode("utf-16-le"), b"A=\xe9"])
def test_a_file_that_is_no_text_ends_the_start_only_where_it_is_named(env_file: Path, content: bytes) -> None:
    env_file.write_bytes(content)

    [told] = load({}, env_file.parent).ignored

    assert told == f'"{env_file}": it is not text in UTF-8. Save it as UTF-8.'
    with pytest.raises(SettingsError, match=r"--env-file .* is not text in UTF-8"):
        load({}, env_file.parent, env_file)


def test_a_file_of_windows_with_its_mark_and_line_ends_is_read(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbfSCENARIO_WAIT_SECONDS=5\r\nSCENARIO_PREVIEWS=off\r\n")

    settings = load({}, env_file.parent)

    assert (settings.wait_seconds, settings.previews, settings.ignored) == (5, False, ())


def test_a_line_that_cannot_be_understood_is_told_without_its_words(env_file: Path) -> None:
    env_file.write_text("OTHER thing\n\n\nSCENARIO_API_SECRET s3cret\nSCENARIO_WAIT_SECONDS=5\n")

    settings = load({}, env_file.parent)

    assert settings.ignored == (f'line 4 of "{env_file}": it must be NAME=value.',)
    assert settings.wait_seconds == 5


def test_what_is_named_env_but_is_a_folder_is_no_file_of_settings(env_file: Path) -> None:
    env_file.mkdir()

    assert load({}, env_file.parent) == load({}, env_file.parent, search=False)


def test_the_sandbox_takes_neither_keys_nor_project_along(tmp_path: Path) -> None:
    settings = load(KEYS | {"SCENARIO_PROJECT_ID": "proj_1", "SCENARIO_WAIT_SECONDS": "3"}, tmp_path)

    chosen = settings.for_sandbox("http://127.0.0.1:9/v1", ("its", "own"))

    assert chosen.sandbox
    assert chosen.credentials == ("its", "own")
    assert (chosen.project_id, chosen.base_url, chosen.wait_seconds) == (None, "http://127.0.0.1:9/v1", 3)


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"SCENARIO_API_KEY": "k"}, "SCENARIO_API_SECRET is not set, though SCENARIO_API_KEY is"),
        ({"SCENARIO_SDK_API_SECRET": "s"}, "SCENARIO_SDK_API_KEY is not set, though SCENARIO_SDK_API_SECRET is"),
        ({}, None),
        (KEYS, None),
    ],
)
def test_the_missing_half_of_a_key_pair_is_named(tmp_path: Path, environ: dict[str, str], missing: str | None) -> None:
    assert load(environ, tmp_path).half_a_pair == missing


def test_toolsets_are_read_in_their_fixed_order(tmp_path: Path) -> None:
    assert load({"SCENARIO_TOOLSETS": "text, Images,"}, tmp_path).toolsets == ("images", "text")
    assert load({"SCENARIO_TOOLSETS": "all"}, tmp_path).toolsets == ("core", "images", "edit", "text")


def test_the_folders_that_pictures_may_come_from_are_read(tmp_path: Path) -> None:
    folders = os.pathsep.join((str(tmp_path / "a"), " ~/b ", ""))

    assert load({"SCENARIO_INPUT_DIRS": folders}, tmp_path).input_dirs == (tmp_path / "a", Path.home() / "b")
    assert load({}, tmp_path).input_dirs is None
    [told] = load({"SCENARIO_INPUT_DIRS": "pictures"}, tmp_path).problems
    assert told.startswith("SCENARIO_INPUT_DIRS must be an absolute path")


def test_the_folders_of_a_foreign_env_file_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SCENARIO_INPUT_DIRS=/\n")

    settings = load(KEYS, tmp_path)

    assert settings.input_dirs is None
    assert "SCENARIO_INPUT_DIRS" in settings.ignored[0]


SWITCHES = {True: ("on", "ON", "true", "True", "yes", "1"), False: ("off", "OFF", "false", "no", "0", " No ")}


@pytest.mark.parametrize(("word", "on"), [(word, on) for on, words in SWITCHES.items() for word in words])
def test_previews_are_on_or_off(tmp_path: Path, word: str, on: bool) -> None:
    assert load({"SCENARIO_PREVIEWS": word}, tmp_path).previews is on
    [told] = load({"SCENARIO_PREVIEWS": "small"}, tmp_path).problems
    assert told == 'SCENARIO_PREVIEWS must be on or off, not "small".'


def test_an_unknown_toolset_is_told_with_the_known_ones_and_ends_the_start_on_the_command_line(tmp_path: Path) -> None:
    known = "must be a comma list of core, images, edit, text, or all, not"

    settings = load({"SCENARIO_TOOLSETS": "images,video"}, tmp_path)

    assert settings.toolsets == ("images",)
    assert settings.problems == (f'SCENARIO_TOOLSETS {known} "video".',)
    with pytest.raises(SettingsError, match=f"--toolsets {known}"):
        load({}, tmp_path, toolsets="images,video")


def test_caps_are_exact_decimals(tmp_path: Path) -> None:
    settings = load({"SCENARIO_MAX_CU_PER_CALL": "0", "SCENARIO_MAX_CU_PER_DAY": " 12.30 "}, tmp_path)

    assert (settings.max_per_call, settings.max_per_day) == (Decimal(0), Decimal("12.3"))
    assert load({}, tmp_path).max_per_call is load({}, tmp_path).max_per_day is None


def test_the_secret_is_not_in_the_repr(tmp_path: Path) -> None:
    assert "s3cret" not in repr(load(KEYS, tmp_path))
