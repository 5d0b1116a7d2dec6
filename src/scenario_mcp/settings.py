"""The settings that a server runs with: what a person has set, and the platform's defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from scenario_mcp import variables


@dataclass(frozen=True)
class Settings:
    """What a person has set, or the defaults.

    `credentials` is the key and its secret; `toolsets` are shown besides core; no `output_dir` means that nothing is
    saved, no `input_dirs` that files may come from home and the working directory; `max_file_mb` bounds a saved file in
    megabytes, `download_hosts` may serve results besides Scenario's own; `max_per_call` and `max_per_day` are caps in
    Creative Units; `half_a_pair` says which half of the key pair is missing; `ignored` which settings were left out,
    and why.
    """

    credentials: tuple[str, str] | None = field(default=None, repr=False)
    base_url: str = variables.DEFAULT_BASE_URL
    project_id: str | None = None
    toolsets: tuple[str, ...] = ()
    wait_seconds: float = 45.0
    previews: bool = True
    input_dirs: tuple[Path, ...] | None = None
    output_dir: Path | None = field(default_factory=lambda: _default_output_dir())
    state_dir: Path = field(default_factory=lambda: _default_state_dir())
    max_file_mb: int = 2_000
    download_hosts: tuple[str, ...] = ()
    max_per_call: Decimal | None = None
    max_per_day: Decimal | None = None
    log_level: str = "warning"
    sandbox: bool = False
    half_a_pair: str | None = None
    ignored: tuple[str, ...] = ()

    @property
    def loopback(self) -> bool:
        """Tell whether the API is on this machine."""
        return variables.is_loopback(urlsplit(self.base_url).hostname or "")

    def for_sandbox(self, base_url: str, credentials: tuple[str, str]) -> "Settings":
        """Point the same settings at a sandbox and its key pair, whatever keys and project they held."""
        return replace(self, credentials=credentials, base_url=base_url, project_id=None, sandbox=True)


def load(
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    env_file: str | Path | None = None,
    toolsets: str | None = None,
) -> Settings:
    """Read the settings, as `variables.read` does. Raises `SettingsError`."""
    return Settings(**variables.read(environ, folder, env_file, toolsets))


def _default_output_dir() -> Path:
    from platformdirs import user_pictures_path

    return user_pictures_path() / "Scenario"


def _default_state_dir() -> Path:
    from platformdirs import user_state_path

    return user_state_path("scenario-mcp", appauthor=False)
