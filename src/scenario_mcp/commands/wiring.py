"""Putting the rooms together for one run of a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scenario_mcp import __version__, home, places
from scenario_mcp.media import files
from scenario_mcp.media.files import Allowed
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.errors import (
    MEND,
    ApiError,
    Forbidden,
    NoAnswer,
    NotFound,
    Redirected,
    RouteRetired,
    ScenarioError,
    Unauthorized,
)
from scenario_mcp.settings import Settings
from scenario_mcp.spending.budget import Caps
from scenario_mcp.state.alive import Process
from scenario_mcp.state.journal import Journal
from scenario_mcp.state.store import Store
from scenario_mcp.tools.services import Services, services_over

# What servers answer for an address that is no root of the API.
NO_SUCH_ROUTE = (Forbidden, NotFound, RouteRetired, Redirected, NoAnswer, ApiError)
NO_VERSION = (
    "SCENARIO_BASE_URL is {} and does not end in /v1, as the root of Scenario's API does: ask the user to check it."
)


@contextmanager
def sandboxed(settings: Settings, *, sandbox: bool) -> Iterator[Settings]:
    """Serve a sandbox while the block runs and point the settings at it, if one is wanted."""
    if not sandbox:
        yield settings
        return
    from scenario_mcp.sandbox.serve import serving
    from scenario_mcp.sandbox.world import World

    world = World()
    with serving(world) as base_url:
        yield settings.for_sandbox(base_url, world.credentials)


def picture_folders(settings: Settings) -> tuple[Path, ...]:
    """List the folders that pictures may come from; results may always be used again."""
    folders = settings.input_dirs
    if folders is None:
        folders = tuple(files.default_folders(home.find(), _working()))
    return folders if settings.output_dir is None else (*folders, settings.output_dir)


def _working() -> Path | None:
    try:
        folder = Path.cwd()
    except OSError:  # it was removed
        return None
    return None if home.holds_homes(folder) else folder


def _why_nothing_is_sent(settings: Settings) -> tuple[str, ...]:
    if settings.unreachable:
        return settings.unreachable.rstrip("."), MEND
    return (settings.half_a_pair or "There is no Scenario API key",)


def _hints(settings: Settings) -> dict[type[ScenarioError], str]:
    """Say what the settings themselves explain of a refusal."""
    hints: dict[type[ScenarioError], str] = {}
    if settings.odd_keys:
        hints[Unauthorized] = f"Most likely: {'; '.join(settings.odd_keys)}."
    if not settings.base_url.endswith(places.VERSION):
        hints |= dict.fromkeys(NO_SUCH_ROUTE, NO_VERSION.format(settings.base_url))
    return hints


def services_for(settings: Settings) -> Services:
    """Make what tools work with; nothing is opened yet."""
    client = Client(
        settings.base_url,
        None if settings.unreachable else settings.credentials,
        project_id=settings.project_id,
        user_agent=f"scenario-mcp/{__version__}",
        no_credentials=_why_nothing_is_sent(settings),
        hints=_hints(settings),
        trust_env=not settings.loopback,  # a proxy of the environment must not be asked for this very machine
        download_hosts=settings.download_hosts,
    )
    shelf = settings.output_dir
    memory = settings.state_dir
    if settings.sandbox:  # what is made up must not be taken for what was paid for, nor outlive its sandbox
        shelf, memory = shelf and shelf / "Sandbox", None
    store = Store(memory)
    return services_over(
        client,
        settings.wait_seconds,
        allowed=Allowed(picture_folders(settings), home=home.find()),
        store=store,
        journal=Journal(store, client.scope, Process(memory)),
        caps=Caps(settings.max_per_call, settings.max_per_day, problems=settings.problems),
        remarks=settings.ignored,
        shelf=shelf,
        max_file_mb=settings.max_file_mb,
        previews=settings.previews,
        toolsets=settings.toolsets,
    )
