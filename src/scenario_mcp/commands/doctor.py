"""Check what the server needs to work, and say what to change; never shows a secret."""

import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import anyio

from scenario_mcp import __version__, home
from scenario_mcp.commands.wiring import picture_folders, sandboxed, services_for
from scenario_mcp.masking import mask_of
from scenario_mcp.scenario import wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import Forbidden, ScenarioError, Unauthorized
from scenario_mcp.server import faststart
from scenario_mcp.settings import Settings
from scenario_mcp.spending import budget
from scenario_mcp.state.anew import Anew, begin_anew
from scenario_mcp.state.faults import StoreBroken, StoreFault
from scenario_mcp.state.folder import is_begun
from scenario_mcp.state.journal import Journal
from scenario_mcp.state.store import Store
from scenario_mcp.wording import clean, quoted

PATIENCE = 20.0  # seconds for the one request that is made
LONGEST_FINDING = 2_000  # characters; folders may have names that a terminal would obey
NO_KEY = (
    "not set. Create one in Scenario (app.scenario.com, team settings, API Keys) and set SCENARIO_API_KEY and"
    " SCENARIO_API_SECRET, or try `scenario-mcp --sandbox`, which needs none."
)
NOTHING = (
    "nothing was begun anew: {} never held a state file. Set SCENARIO_STATE_DIR as the host of the server does, and try"
    " again."
)
RESTART = "Restart every server that still runs on this folder: it pays nothing before."
NO_FOLDER = "none: no picture can be given as a path. Set SCENARIO_INPUT_DIRS to a folder."
NOT_THERE = '{} is no folder. Mend SCENARIO_INPUT_DIRS: between folders stands "{}".'
EVERYTHING = (
    "{} is open whole, so any picture of anybody on this machine can be uploaded. Name narrower folders instead."
)
PACKAGES = ("mcp", "httpx", "pydantic", "pillow")


@dataclass(frozen=True)
class Check:
    """One finding: what was looked at, whether it is well, and what was found or must change."""

    name: str
    well: bool
    found: str


def run(settings: Settings, *, sandbox: bool) -> int:
    """Print every finding; 0 if all is well, 1 if something must change."""
    with sandboxed(settings, sandbox=sandbox) as chosen:
        return _printed(
            [
                *_versions(),
                _start(),
                *_settings(chosen),
                *anyio.run(_api, chosen),
                *_folders(chosen),
                *_money(chosen),
            ],
            settings,
        )


def run_anew(settings: Settings) -> int:
    """Begin the state file anew, and print what became of the old one; 0 if the new one works."""
    try:
        anew = begin_anew(settings.state_dir)
    except StoreFault as fault:
        return _printed([Check("journal", well=False, found=f"nothing was begun anew. {_sentence(fault)}")], settings)
    if anew is None:
        return _printed([Check("journal", well=False, found=NOTHING.format(settings.state_dir or "memory"))], settings)
    return _printed([Check("begun anew", well=True, found=f"{_became(anew)} {RESTART}"), *_money(settings)], settings)


def _became(anew: Anew) -> str:
    aside = ", ".join(map(str, anew.aside))
    where = f"What was there is kept as {aside}." if aside else "Nothing was there any more."
    if not anew.kept:
        return f"{where} No generation was found in it: caps count from 0, and nothing that was paid for is joined."
    if anew.held == anew.kept:
        return f"{where} Nothing was lost: all {anew.kept} generations were taken over, and caps go on counting them."
    lost = "" if anew.held is None else f" of {anew.held}"
    return (
        f"{where} {anew.kept}{lost} generations could be read and were taken over, and caps go on counting them. Others"
        " are lost: they are neither counted nor joined. Look at app.scenario.com (Jobs) before paying for them again."
    )


def _printed(checks: Iterable[Check], settings: Settings) -> int:
    checks, mask = list(checks), mask_of(settings.credentials)
    for check in checks:
        print(f"{'ok ' if check.well else 'BAD'}  {check.name}: {mask(clean(check.found, LONGEST_FINDING))}")
    return 0 if all(check.well for check in checks) else 1


def _versions() -> Iterator[Check]:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield Check(
        "versions", well=True, found=f"scenario-mcp {__version__}, Python {platform.python_version()}, {packages}"
    )


def _start() -> Check:
    if faststart.is_possible():
        found = "fast: a host has its list of tools at once, while the rest is loaded"
    else:
        found = f"a host waits for its list until all is loaded: Windows, or not known to be mcp {faststart.MCP_MINOR}"
    return Check("start", well=True, found=found)


def _settings(settings: Settings) -> Iterator[Check]:
    for ignored in settings.ignored:
        yield Check("ignored setting", well=True, found=ignored)
    for problem in settings.problems:
        yield Check("nothing is paid for", well=False, found=problem)
    if settings.credentials:
        where = f" in {quoted(settings.keys_in)}" if settings.keys_in else ""
        odd = f", but {'; '.join(settings.odd_keys)}." if settings.odd_keys else ""
        yield Check("API key", well=not odd, found=f"set{where}{odd}")
    else:
        yield Check("API key", well=False, found=f"{settings.half_a_pair}." if settings.half_a_pair else NO_KEY)
    yield Check("base URL", well=settings.unreachable is None, found=settings.unreachable or settings.base_url)
    yield Check("project", well=True, found=settings.project_id or "not set: the one of the key")


async def _api(settings: Settings) -> list[Check]:
    if settings.credentials is None or settings.unreachable:
        return []
    client: Client = services_for(settings).client
    try:
        await client.send(wire.Call("GET", wire.path("models"), wire.SAFE, {"pageSize": "1"}), Deadline.after(PATIENCE))
    except (Unauthorized, Forbidden) as refusal:
        return [
            Check("reachable", well=True, found="yes"),
            Check("key accepted", well=False, found=f"{refusal} {refusal.hint}"),
        ]
    except ScenarioError as fault:
        return [Check("reachable", well=False, found=f"{fault} {fault.hint}")]
    finally:
        await client.aclose()
    return [Check("reachable", well=True, found="yes"), Check("key accepted", well=True, found="yes")]


def _folders(settings: Settings) -> Iterator[Check]:
    folders = picture_folders(settings)
    yield Check("picture folders", well=bool(folders), found=", ".join(map(str, folders)) or NO_FOLDER)
    for folder in settings.input_dirs or ():
        if not os.path.isdir(folder):
            yield Check("picture folders", well=False, found=NOT_THERE.format(folder, os.pathsep))
    for folder in filter(home.holds_homes, folders):
        yield Check("picture folders", well=True, found=EVERYTHING.format(folder))
    if settings.output_dir is None:
        yield Check("results folder", well=True, found="none: results are not saved")
    else:
        yield _folder("results folder", settings.output_dir, "SCENARIO_OUTPUT_DIR")
    if settings.state_dir is None:
        yield Check("state folder", well=True, found="none: all is forgotten when the server ends")
    else:
        yield _folder("state folder", settings.state_dir, "SCENARIO_STATE_DIR")


def _money(settings: Settings) -> Iterator[Check]:
    caps = {"per call": settings.max_per_call, "within 24 hours": settings.max_per_day}
    said = ", ".join(f"{cap:f} Creative Units {span}" for span, cap in caps.items() if cap is not None)
    yield Check("spending caps", well=True, found=said or "none")
    store = Store(settings.state_dir)
    try:
        if settings.sandbox or not is_begun(settings.state_dir):
            yield Check("journal", well=True, found="none yet")
            return
        store.probe()
        spent = budget.shown(Journal(store).spent())
    except StoreFault as fault:
        yield Check("journal", well=False, found=_sentence(fault))
    except OSError as fault:
        yield Check("journal", well=False, found=f"{settings.state_dir} cannot be looked at: {fault.strerror}.")
    else:
        found = f"{spent} Creative Units spent within 24 hours. {budget.KNOWN_ONLY}"
        yield Check("journal", well=True, found=found)
    store.close()


def _sentence(fault: StoreFault) -> str:
    return f"{fault} {fault.mend}" if isinstance(fault, StoreBroken) else f"{fault}"


def _folder(name: str, folder: Path, variable: str) -> Check:
    nearest = next(path for path in (folder, *folder.parents) if os.path.exists(path))  # which raises nothing
    if os.path.isdir(nearest) and os.access(nearest, os.W_OK):
        return Check(name, well=True, found=f"{folder}{'' if nearest == folder else ' (will be made)'}")
    return Check(name, well=False, found=f"{nearest} cannot be written to. Set {variable} to another folder.")
