"""The variables that a person may set, read from the environment and `.env` and checked; never written anywhere.

The server's first answer waits for this module, so it imports nothing that a variable which is not set would need.
"""

from __future__ import annotations

import math
import os
import re

TYPE_CHECKING = False  # as typing has it, whose import would take as long as this module
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal
    from pathlib import Path
    from typing import Any

DEFAULT_BASE_URL = "https://api.cloud.scenario.com/v1"
TOOLSETS = ("core", "images", "edit", "text")
LOG_LEVELS = ("debug", "info", "warning", "error")
LONGEST_WAIT = 3600.0
MOST_UNITS = 10**9
MOST_MEGABYTES = 10**6

KEY_PAIRS = (("SCENARIO_API_KEY", "SCENARIO_API_SECRET"), ("SCENARIO_SDK_API_KEY", "SCENARIO_SDK_API_SECRET"))

# A cloned repository may bring a .env of its own: these would let it send a person's keys, pictures or money elsewhere.
TRUSTED_ONLY = (
    "SCENARIO_BASE_URL",
    "SCENARIO_INPUT_DIRS",
    "SCENARIO_OUTPUT_DIR",
    "SCENARIO_STATE_DIR",
    "SCENARIO_MAX_FILE_MB",
    "SCENARIO_DOWNLOAD_HOSTS",
    "SCENARIO_MAX_CU_PER_CALL",
    "SCENARIO_MAX_CU_PER_DAY",
)


class SettingsError(Exception):
    """A setting that cannot be used; the message names the variable and what it must be."""


def read(
    environ: Mapping[str, str] | None = None,
    folder: str | Path | None = None,
    env_file: str | Path | None = None,
    toolsets: str | None = None,
) -> dict[str, Any]:
    """Read what is set, as the fields of `Settings`, from an environment and from `.env` in a folder.

    The folder is the working directory by default. Real variables win over the file. `env_file` is read in place of
    `.env` and trusted wholly. `toolsets` is what `--toolsets` says, which wins. Raises `SettingsError`.
    """
    said, credentials, half, ignored = _heeded(environ, folder, env_file)
    values = {
        name: parse(variable, said[variable]) for variable, (name, parse) in VARIABLES.items() if variable in said
    }
    if toolsets is not None:
        values["toolsets"] = parse_toolsets("--toolsets", toolsets)
    return values | {"credentials": credentials, "half_a_pair": half, "ignored": ignored}


def written(environ: Mapping[str, str] | None = None, folder: str | Path | None = None) -> dict[str, str]:
    """Give the variables that are set and heeded, as they were written; keys and secrets are not among them.

    Without a folder only the environment counts, and no file.
    """
    said = _set(os.environ if environ is None else environ) if folder is None else _heeded(environ, folder, None)[0]
    return {variable: said[variable] for variable in VARIABLES if variable in said}


def holds_keys(env_file: str | Path) -> bool:
    """Tell whether a file of settings holds a whole key pair. Raises `SettingsError` for one that cannot be read."""
    return _heeded({}, None, env_file)[1] is not None


def _heeded(
    environ: Mapping[str, str] | None, folder: str | Path | None, env_file: str | Path | None
) -> tuple[dict[str, str], tuple[str, str] | None, str | None, tuple[str, ...]]:
    """Give what counts of what is set, the key pair, which half of it is missing, and what was left out, and why."""
    variables = _set(os.environ if environ is None else environ)
    path = os.path.join(folder or ".", ".env") if env_file is None else os.fspath(env_file)
    from_file = _set(_read_file(path, required=env_file is not None))
    credentials, pair_in_file = _credentials(variables, from_file)
    half = None if credentials else _half_a_pair({**from_file, **variables})
    trusted = env_file is not None or pair_in_file
    left_out = () if trusted else tuple(name for name in TRUSTED_ONLY if name in from_file and name not in variables)
    said = {**{name: value for name, value in from_file.items() if name not in left_out}, **variables}
    ignored = tuple(f"{name} in {path}: the API key does not come from the same file" for name in left_out)
    return said, credentials, half, ignored


def _set(variables: Mapping[str, str | None]) -> dict[str, str]:
    said = {name: (value or "").strip() for name, value in variables.items() if name.startswith("SCENARIO_")}
    return {name: value for name, value in said.items() if value and not re.fullmatch(r"\$\{[^}]*\}", value)}


def _read_file(path: str, *, required: bool) -> Mapping[str, str | None]:
    if not os.path.isfile(path):
        if required:
            raise SettingsError(f"--env-file {path}: there is no such file.")
        return {}
    from dotenv import dotenv_values

    try:
        return dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{path} cannot be read: {fault}") from fault


def _credentials(variables: Mapping[str, str], from_file: Mapping[str, str]) -> tuple[tuple[str, str] | None, bool]:
    for source, in_file in ((variables, False), (from_file, True), ({**from_file, **variables}, False)):
        for key, secret in KEY_PAIRS:
            if key in source and secret in source:
                return (source[key], source[secret]), in_file
    return None, False


def _half_a_pair(said: Mapping[str, str]) -> str | None:
    for key, secret in KEY_PAIRS:
        if key in said or secret in said:
            given, missing = (key, secret) if key in said else (secret, key)
            return f"{missing} is not set, though {given} is"
    return None


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine."""
    from ipaddress import ip_address

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _base_url(variable: str, value: str) -> str:
    from urllib.parse import urlsplit

    try:
        url = urlsplit(value)
        secure = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
        plain = value.isascii() and value.isprintable() and not set(value) & set(" ?#@\\")
        sound = secure and plain and bool(url.hostname) and url.port != 0
    except ValueError:  # from a port or an address that is none
        sound = False
    if not sound:
        raise SettingsError(f"{variable} must be an https URL without user, query or fragment (http on loopback only).")
    return value.rstrip("/")


def _seconds(variable: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_WAIT:
        raise SettingsError(f"{variable} must be a number of seconds from 0 to {LONGEST_WAIT:.0f}, not {value!r}.")
    return seconds


def _units(variable: str, value: str) -> Decimal:
    from decimal import Decimal, InvalidOperation

    try:
        units = Decimal(value)
    except InvalidOperation:
        units = Decimal("NaN")
    if not units.is_finite() or not 0 <= units < MOST_UNITS:
        raise SettingsError(f"{variable} must be a number of Creative Units, 0 or more, like 12.5, not {value!r}.")
    return units


def _folder(variable: str, value: str) -> Path:
    from pathlib import Path

    from scenario_mcp import home

    if re.match(r"~([/\\]|$)", value) and home.find() is None:
        raise SettingsError(f"{variable} must be an absolute path without ~: {home.why_none()}.")
    try:
        path = Path(value).expanduser()
    except RuntimeError:  # from a user that is none
        path = Path()
    if not path.is_absolute() or "\0" in value:
        raise SettingsError(f"{variable} must be an absolute path or start with ~, not {value!r}.")
    return path


def _folder_or_none(variable: str, value: str) -> Path | None:
    return None if value.lower() == "none" else _folder(variable, value)


def _megabytes(variable: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= MOST_MEGABYTES:
        raise SettingsError(f"{variable} must be a whole number of megabytes, 1 or more, like 2000, not {value!r}.")
    return int(value)


def _hosts(variable: str, value: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in value.split(",") if host.strip())
    for host in hosts:
        if not re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", host):
            raise SettingsError(f"{variable} must be a comma list of host names, like files.example.com, not {host!r}.")
    return hosts


def _folders(variable: str, value: str) -> tuple[Path, ...]:
    return tuple(_folder(variable, each.strip()) for each in value.split(os.pathsep) if each.strip())


def _on_or_off(variable: str, value: str) -> bool:
    words = {"on": True, "off": False}
    if value.lower() not in words:
        raise SettingsError(f"{variable} must be on or off, not {value!r}.")
    return words[value.lower()]


def _log_level(variable: str, value: str) -> str:
    if value.lower() not in LOG_LEVELS:
        raise SettingsError(f"{variable} must be one of {', '.join(LOG_LEVELS)}, not {value!r}.")
    return value.lower()


def parse_toolsets(variable: str, value: str) -> tuple[str, ...]:
    """Read a comma list of toolsets, or `all`. Raises `SettingsError` that lists the known ones."""
    names = [name.strip().lower() for name in value.split(",") if name.strip()]
    if unknown := [name for name in names if name not in (*TOOLSETS, "all")]:
        raise SettingsError(f"{variable} must be a comma list of {', '.join(TOOLSETS)}, or all, not {unknown[0]!r}.")
    return TOOLSETS if "all" in names else tuple(name for name in TOOLSETS if name in names)


def _text(variable: str, value: str) -> str:
    return value


VARIABLES: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "SCENARIO_BASE_URL": ("base_url", _base_url),
    "SCENARIO_PROJECT_ID": ("project_id", _text),
    "SCENARIO_TOOLSETS": ("toolsets", parse_toolsets),
    "SCENARIO_WAIT_SECONDS": ("wait_seconds", _seconds),
    "SCENARIO_PREVIEWS": ("previews", _on_or_off),
    "SCENARIO_INPUT_DIRS": ("input_dirs", _folders),
    "SCENARIO_OUTPUT_DIR": ("output_dir", _folder_or_none),
    "SCENARIO_STATE_DIR": ("state_dir", _folder),
    "SCENARIO_MAX_FILE_MB": ("max_file_mb", _megabytes),
    "SCENARIO_DOWNLOAD_HOSTS": ("download_hosts", _hosts),
    "SCENARIO_MAX_CU_PER_CALL": ("max_per_call", _units),
    "SCENARIO_MAX_CU_PER_DAY": ("max_per_day", _units),
    "SCENARIO_LOG_LEVEL": ("log_level", _log_level),
}
