"""The settings that a server runs with: what a person has set, and the platform's defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scenario_mcp import home, places, variables

NO_STATE = (
    "What was paid for cannot be remembered: {}. Set SCENARIO_STATE_DIR to a folder, or to memory if it shall be"
    " forgotten."
)
HOMELESS = "HOME: {}, so no pictures are taken from it and no results are saved in it. Set {}."


@dataclass(frozen=True)
class Settings:
    """What a person has set, or the defaults.

    `credentials` is the key and its secret, `keys_in` the file that holds them, if one does; `toolsets` are shown
    besides core; no `output_dir` means that nothing is saved, no `state_dir` that nothing is remembered on disk, no
    `input_dirs` that files may come from home and the working directory; `max_file_mb` bounds a saved file in
    megabytes, `download_hosts` may serve results besides Scenario's own; `max_per_call` and `max_per_day` are caps in
    Creative Units. In words: `odd_keys` tells what no key and no secret holds, `half_a_pair` what is wrong with the
    pair, `unreachable` why nothing can be sent, `problems` why nothing may be paid, `ignored` what was left out.
    """

    credentials: tuple[str, str] | None = field(default=None, repr=False)
    base_url: str = variables.DEFAULT_BASE_URL
    project_id: str | None = None
    toolsets: tuple[str, ...] = ()
    wait_seconds: float = 45.0
    previews: bool = True
    result_links: bool = False
    input_dirs: tuple[Path, ...] | None = None
    output_dir: Path | None = field(default_factory=lambda: _default_output_dir())
    state_dir: Path | None = field(default_factory=lambda: _default_state_dir())
    max_file_mb: int = 2_000
    download_hosts: tuple[str, ...] = ()
    max_per_call: Decimal | None = None
    max_per_day: Decimal | None = None
    log_level: str = "warning"
    sandbox: bool = False
    keys_in: str | None = None
    odd_keys: tuple[str, ...] = ()
    half_a_pair: str | None = None
    unreachable: str | None = None
    problems: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def loopback(self) -> bool:
        """Tell whether the API is on this machine."""
        return places.is_loopback(urlsplit(self.base_url).hostname or "")

    def for_sandbox(self, base_url: str, credentials: tuple[str, str]) -> "Settings":
        """Point the same settings at a sandbox and its key pair, whatever keys and project they held."""
        own = replace(self, credentials=credentials, base_url=base_url, project_id=None, sandbox=True)
        return replace(own, keys_in=None, odd_keys=(), unreachable=None)


def load(
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    env_file: str | Path | None = None,
    toolsets: str | None = None,
    *,
    search: bool = True,
) -> Settings:
    """Read the settings, as `variables.read` does. Raises `SettingsError`."""
    return completed(variables.read(environ, folder, env_file, toolsets, search=search))


def completed(values: Mapping[str, Any]) -> Settings:
    """Give the settings of what `variables.read` gives, and say in them where the defaults lack a home folder."""
    settings = Settings(**values)
    if settings.state_dir is None and "state_dir" not in values:
        settings = replace(settings, problems=(*settings.problems, NO_STATE.format(home.why_none())))
    folders = {"SCENARIO_INPUT_DIRS": "input_dirs", "SCENARIO_OUTPUT_DIR": "output_dir"}
    unset = [variable for variable, name in folders.items() if name not in values]
    if unset and home.find() is None:
        settings = replace(settings, ignored=(*settings.ignored, HOMELESS.format(home.why_none(), " and ".join(unset))))
    return settings


def _default_output_dir() -> Path | None:
    from platformdirs import user_pictures_path

    return user_pictures_path() / "Scenario" if home.find() else None


def _default_state_dir() -> Path | None:
    """Give the platform's folder; none below a relative home, which would be another with each working directory."""
    from platformdirs import user_state_path

    return user_state_path("scenario-mcp", appauthor=False) if home.is_absolute() else None
