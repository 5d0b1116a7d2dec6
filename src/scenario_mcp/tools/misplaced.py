"""Options that were put inside the parameters of a model, though they belong beside them; all pure."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from scenario_mcp.inferences import host_json
from scenario_mcp.inferences.leniency import lenient
from scenario_mcp.scenario.models import Input
from scenario_mcp.tools.parameters import Parameters, Problem

DRY_RUN, WAIT, PROJECT = "dryrun", "wait", "projectid"
BESIDE = "belongs beside parameters, not inside: give {} there, as true or false."
TAKEN_OUT = "{} was inside parameters, where Scenario passes over it; it was taken out."
THE_PROJECT = "is no input: the project that things go to is set by SCENARIO_PROJECT_ID."


class Priced(NamedTuple):
    """Parameters without `dryRun`, and whether it asked for the price."""

    parameters: dict[str, Any]
    dry_run: bool
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def take_dry_run(parameters: Parameters) -> Priced:
    """Take `dryRun`, however spelt, out of the parameters: Scenario passes over it there, runs and bills.

    No record is asked: whoever owns a public model writes it, and must not decide what a price costs. Deeper inside,
    or as no yes or no, it is a problem.
    """
    rest = {name: value for name, value in parameters.items() if _plain(name) != DRY_RUN}
    flags = {name: _yes_or_no(value) for name, value in parameters.items() if name not in rest and value is not None}
    unclear = [name for name, flag in flags.items() if flag is None]
    problems = ((name, BESIDE.format("dryRun")) for name in (*unclear, *_dry_runs(rest)))
    notes = tuple(TAKEN_OUT.format(name) for name, flag in flags.items() if flag is not None)
    return Priced(rest, any(flags.values()), tuple(problems), notes)


def _plain(name: str) -> str:
    """Spell a name without what leniency, or a reader, passes over."""
    return "".join(char for char in unicodedata.normalize("NFKC", name).casefold() if char.isalnum())


def _dry_runs(value: Any, within: str = "", *, texts: bool = True) -> Iterator[str]:
    """List the names in a value that ask for a price, at whatever depth, also in JSON inside a text (but once)."""
    if texts and isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        texts = False
        with suppress(ValueError):
            value = host_json.read(value)
    if isinstance(value, Mapping):
        for name, each in value.items():
            if DRY_RUN in _plain(name):
                yield f"{within}{name}"
            yield from _dry_runs(each, f"{within}{name}.", texts=texts)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _dry_runs(each, f"{within}{index}.", texts=texts)


class Lifted(NamedTuple):
    """Parameters without the option that belongs outside them; it is None where it was not said."""

    parameters: dict[str, Any]
    wait: bool | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def lift(parameters: Parameters, inputs: Sequence[Input] | None) -> Lifted:
    """Take `wait`, however spelt, out of the parameters, and refuse `projectId`; a model's own input stays."""
    own = {each.name for each in inputs or ()}
    foreign = {name: plain for name in parameters if name not in own and (plain := _plain(name)) in (WAIT, PROJECT)}
    rest = {name: value for name, value in parameters.items() if name not in foreign}
    problems = [(name, THE_PROJECT) for name, plain in foreign.items() if plain == PROJECT]
    waits = {name: parameters[name] for name, plain in foreign.items() if plain == WAIT}
    flags = {name: _yes_or_no(value) for name, value in waits.items() if value is not None}
    problems += [(name, BESIDE.format(WAIT)) for name, flag in flags.items() if flag is None]
    notes = tuple(TAKEN_OUT.format(name) for name, flag in flags.items() if flag is not None)
    return Lifted(rest, next(reversed(flags.values()), None), tuple(problems), notes)


def _yes_or_no(value: Any) -> bool | None:
    read = lenient({"properties": {"it": {"type": "boolean"}}}, {"it": value}).get("it")
    return read if isinstance(read, bool) else None
