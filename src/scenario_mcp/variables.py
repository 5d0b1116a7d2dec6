"""The variables that a person may set, read from the environment and `.env` and checked; never written anywhere.

A `.env` that is found in the working folder may be anybody's, as that of a cloned repository: it may neither say where
keys, pictures and results go, nor allow more than the person does. A file that `--env-file` names is the person's own.

The server's first answer waits for this module, so it imports nothing that a variable which is not set would need.
"""

from __future__ import annotations

import math
import os
import re

from scenario_mcp import keys, places, sources, spelling
from scenario_mcp.sources import shown

TYPE_CHECKING = False  # as typing has it, whose import would take as long as this module
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path
    from typing import Any

    Parse = Callable[[str, str], Any]  # from a label and a text

DEFAULT_BASE_URL = places.DEFAULT_BASE_URL
TOOLSETS = ("core", "images", "edit", "text")
WORDS = dict.fromkeys(("on", "true", "yes", "1"), True) | dict.fromkeys(("off", "false", "no", "0"), False)
LOG_LEVELS = ("debug", "info", "warning", "error")
LONGEST_WAIT = 3600.0
MOST_UNITS = 10**9
MOST_MEGABYTES = 10**6
LONGEST_ID = 200
ONLY_BY_PERSON = ("cleanup",)  # toolsets that delete or give away: neither `all` nor a `.env` turns them on

KEY_PAIRS = sources.KEY_PAIRS
SettingsError = sources.SettingsError
KEY_NAMES = sources.KEY_NAMES

# What a `.env` that was found may do with a variable.
NEVER = "a .env that was found may not set it"
WITH_KEYS = "a .env that was found may set it only if the API key in use stands there too"
ALWAYS = "it may set it"
TIGHTER = "it may lower it: every place is read, and the smallest value holds"
ONE_PLACE = "half a key pair is set in the environment, and key and secret must come from one place"
NO_PAIR = "There is no Scenario API key"
SET_IT = "Set it in the environment, or in a file that --env-file names."

# What holds in place of a value that cannot be used, where the default would allow more than was meant.
SAFEST: dict[str, Any] = {"input_dirs": (), "output_dir": None, "state_dir": None}
FORGETFUL = (
    "SCENARIO_MAX_CU_PER_DAY cannot be held with SCENARIO_STATE_DIR=memory, which forgets what was spent. Set"
    " SCENARIO_STATE_DIR to a folder, or take the cap of the day away."
)


def read(
    environ: Mapping[str, str] | None = None,
    folder: str | Path | None = None,
    env_file: str | Path | None = None,
    toolsets: str | None = None,
    *,
    search: bool = True,
) -> dict[str, Any]:
    """Read what is set, as the fields of `Settings`, from an environment and from `.env` in a folder.

    The folder is the working directory by default; without `search` no file is looked for in it. Real variables win
    over the file. `env_file` is read in place of `.env` and trusted wholly. `toolsets` is what `--toolsets` says, which
    wins. Raises `SettingsError` for these two; what is wrong elsewhere is told in `problems`, `unreachable`, `ignored`.
    """
    environment, trusted = sources.heeded(os.environ if environ is None else environ), env_file is not None
    path, in_file, ignored = sources.file_of(folder, env_file, search=search)
    where = f" in {shown(path)}" if in_file else ""
    environment, unfilled = keys.filled_in(environment)
    in_file, of_file = keys.filled_in(in_file)
    unfilled += [f"{name}{where}" for name in of_file]
    pair, pair_in_file, half = keys.choose(environment, in_file, trusted=trusted)
    if pair:
        ignored += [f"{name}: {keys.UNFILLED}." for name in unfilled]
    elif unfilled:
        half = "; ".join(f"{name}: {keys.UNFILLED}" for name in unfilled)
    left_out = {} if trusted else _left_out(in_file, environment, has_keys=pair is not None, keys_in_file=pair_in_file)
    ignored += [f"{variable}{where}: {reason}. {SET_IT}" for variable, reason in left_out.items()]
    if half and not left_out.keys().isdisjoint(KEY_NAMES):
        half += f", and what is set{where} does not complete it"

    values, problems = _parsed(environment, "", {})
    counted = {each: in_file[each] for each in in_file.keys() - left_out.keys() - (environment.keys() - CAPS.keys())}
    further, wrong = _parsed(counted, where, {} if trusted else FOUND)
    caps = {name: min(values[name], further[name]) for name in values.keys() & further.keys()}
    values |= further | caps
    problems += [(name, message) for name, message in wrong if trusted or name in CAPS.values()]
    ignored += [message for name, message in wrong if not trusted and name not in CAPS.values()]
    for place, settings in (("", environment), (where, in_file)):
        guards = sources.GUARDS if trusted or not place else CAPS
        for near, message in spelling.strays(settings, KNOWN, place):
            if near and near in guards and near not in settings:  # a cap that nobody holds is worse than none
                problems.append((VARIABLES[near][0], message))
            else:
                ignored.append(message)
            if near in KEY_NAMES and pair is None:
                half = f"{half or NO_PAIR} ({message[:-1]})"
    if "max_per_day" in values and values.get("state_dir", "") is None:
        problems.append(("max_per_day", FORGETFUL))
    values |= {name: SAFEST[name] for name, _ in problems if name in SAFEST}
    if toolsets is not None:
        values["toolsets"] = parse_toolsets("--toolsets", toolsets)
    return values | {
        "credentials": pair,
        "keys_in": path if pair_in_file else None,
        "odd_keys": keys.oddities(pair, environment, in_file) if pair else (),
        "half_a_pair": half,
        "unreachable": next((message for name, message in problems if name == "base_url"), None),
        "problems": tuple(message for name, message in problems if name != "base_url"),
        "ignored": tuple(ignored),
    }


def written(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the variables that are set in an environment, as they were written; keys and secrets are not among them."""
    environment = sources.heeded(os.environ if environ is None else environ)
    return {variable: environment[variable] for variable in VARIABLES if variable in environment}


def _left_out(
    in_file: Iterable[str], environment: Collection[str], *, has_keys: bool, keys_in_file: bool
) -> dict[str, str]:
    """Name what a `.env` that was found sets in vain, and why; `has_keys` says whether there is a key pair to use."""
    reasons = {each: rule for each, (_, _, rule) in VARIABLES.items() if rule == NEVER}
    if not keys_in_file:
        reasons |= {each: rule for each, (_, _, rule) in VARIABLES.items() if rule == WITH_KEYS}
    if not has_keys and any(each in environment for each in KEY_NAMES):
        reasons |= dict.fromkeys(KEY_NAMES, ONE_PLACE)
    return {each: reasons[each] for each in in_file if each in reasons and each not in environment}


def _parsed(
    settings: Mapping[str, str], where: str, parsers: Mapping[str, Parse]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Give the values of one place by field, and pairs of a field and what is wrong with what is set for it."""
    values: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for variable, (name, parse, _) in VARIABLES.items():
        if variable in settings:
            try:
                values[name] = parsers.get(variable, parse)(f"{variable}{where}", settings[variable])
            except SettingsError as error:
                wrong.append((name, str(error)))
                if error.rest is not None:
                    values[name] = error.rest
    return values, wrong


def _seconds(variable: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_WAIT:
        raise SettingsError(f"{variable} must be a number of seconds from 0 to {LONGEST_WAIT:.0f}, not {shown(value)}.")
    return seconds


def _units(variable: str, value: str) -> Decimal:
    from decimal import ROUND_FLOOR, Decimal, InvalidOperation

    try:
        units = Decimal(value)
    except InvalidOperation:
        units = Decimal("NaN")
    if not units.is_finite() or not 0 <= units < MOST_UNITS:
        raise SettingsError(f"{variable} must be a number of Creative Units, 0 or more, like 12.5, not {shown(value)}.")
    # Units are counted in millionths; written out in full, 1e-999999 would fill every page that tells it.
    return units.quantize(Decimal("0.000001"), ROUND_FLOOR).normalize()


def _megabytes(variable: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= MOST_MEGABYTES:
        raise SettingsError(
            f"{variable} must be a whole number of megabytes, 1 or more, like 2000, not {shown(value)}."
        )
    return int(value)


def _on_or_off(variable: str, value: str) -> bool:
    if value.lower() not in WORDS:
        raise SettingsError(f"{variable} must be on or off, not {shown(value)}.")
    return WORDS[value.lower()]


def _log_level(variable: str, value: str) -> str:
    if value.lower() not in LOG_LEVELS:
        raise SettingsError(f"{variable} must be one of {', '.join(LOG_LEVELS)}, not {shown(value)}.")
    return value.lower()


def parse_toolsets(variable: str, value: str, known: Sequence[str] = TOOLSETS) -> tuple[str, ...]:
    """Read a comma list of toolsets, or `all`. Raises `SettingsError` that lists the known ones, and holds them."""
    names = [name.strip().lower() for name in value.split(",") if name.strip()]
    every = tuple(name for name in known if name not in ONLY_BY_PERSON)
    toolsets = tuple(name for name in known if name in names or ("all" in names and name in every))
    if unknown := [name for name in names if name not in (*known, "all")]:
        told = f"{variable} must be a comma list of {', '.join(known)}, or all, not {shown(', '.join(unknown))}."
        raise SettingsError(told, rest=toolsets)
    return toolsets


def _found_toolsets(variable: str, value: str) -> tuple[str, ...]:
    return parse_toolsets(variable, value, [name for name in TOOLSETS if name not in ONLY_BY_PERSON])


def _id(variable: str, value: str) -> str:
    if not (len(value) <= LONGEST_ID and value.isprintable()):
        raise SettingsError(f"{variable} must be an id, of at most {LONGEST_ID} characters, not {shown(value)}.")
    return value


# Each variable: the field of `Settings` that it sets, how it is read, and what a `.env` that was found may do with it.
VARIABLES: dict[str, tuple[str, Parse, str]] = {
    "SCENARIO_BASE_URL": ("base_url", places.base_url, NEVER),
    "SCENARIO_PROJECT_ID": ("project_id", _id, WITH_KEYS),
    "SCENARIO_TOOLSETS": ("toolsets", parse_toolsets, ALWAYS),
    "SCENARIO_WAIT_SECONDS": ("wait_seconds", _seconds, ALWAYS),
    "SCENARIO_PREVIEWS": ("previews", _on_or_off, ALWAYS),
    "SCENARIO_RESULT_LINKS": ("result_links", _on_or_off, ALWAYS),
    "SCENARIO_INPUT_DIRS": ("input_dirs", places.folders, NEVER),
    "SCENARIO_OUTPUT_DIR": ("output_dir", places.folder_or_none, NEVER),
    "SCENARIO_STATE_DIR": ("state_dir", places.folder_or_memory, NEVER),
    "SCENARIO_MAX_FILE_MB": ("max_file_mb", _megabytes, NEVER),
    "SCENARIO_DOWNLOAD_HOSTS": ("download_hosts", places.hosts, NEVER),
    "SCENARIO_MAX_CU_PER_CALL": ("max_per_call", _units, TIGHTER),
    "SCENARIO_MAX_CU_PER_DAY": ("max_per_day", _units, TIGHTER),
    "SCENARIO_LOG_LEVEL": ("log_level", _log_level, ALWAYS),
}
KNOWN = {*KEY_NAMES, *VARIABLES}
CAPS = {variable: name for variable, (name, _, rule) in VARIABLES.items() if rule == TIGHTER}
FOUND: dict[str, Parse] = {"SCENARIO_TOOLSETS": _found_toolsets}  # what is read otherwise in a `.env` that was found
