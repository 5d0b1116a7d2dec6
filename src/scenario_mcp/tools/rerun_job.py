"""Making a job once more, with changes."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

from pydantic import Field

from scenario_mcp.inferences import folding
from scenario_mcp.inferences.base import Fields, pictures_of
from scenario_mcp.inferences.leniency import lenient
from scenario_mcp.inferences.table import INFERENCES, route_of
from scenario_mcp.inferences.values import Id
from scenario_mcp.scenario.errors import InvalidArguments
from scenario_mcp.spending.ledger import refusing
from scenario_mcp.state.entries import Intent
from scenario_mcp.tools import inference, pictures
from scenario_mcp.tools.arguments import Check, validate
from scenario_mcp.tools.fitness import RUN_MODEL
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import Outcome
from scenario_mcp.tools.run_model import RunModel, run_model
from scenario_mcp.tools.schema import input_schema
from scenario_mcp.tools.services import Services
from scenario_mcp.tools.wish import Again

UNKNOWN = (
    "is not in this server's journal, which goes back 90 days. list-jobs shows what is; else make the call itself."
)
NOT_KEPT = (
    "was given as a data URL, which is not kept. Give it anew, as a path, an asset id, an https URL or a data URL."
)


class RerunJob(Fields):
    """Make a job of this server once more, with the arguments of its call and the changes to them.

    It takes them from the journal (list-jobs), resolves paths and addresses anew, and never joins the job it repeats:
    it makes and bills a new one. The same rerun called again while it runs joins it. Costs Creative Units;
    `overrides: {"dryRun": true}` asks the price for free.
    """

    job_id: Id = Field(min_length=1, description="Id of the job (job_...) to make once more.")
    overrides: dict[str, Any] | None = Field(
        None, description='Arguments to change, as its tool takes them, like {"seed": "7"}; null leaves one out.'
    )


class Buy(Protocol):
    """What a paid tool does; `again` says that it is a rerun."""

    async def __call__(self, services: Services, arguments: Any, host: Host, again: Again | None = None) -> Outcome:
        """Generate, and tell the outcome."""
        ...


class _Paid(NamedTuple):
    """A paid tool as a rerun calls it: its input, what it does, and its check beyond the schema."""

    input: type[Fields]
    buy: Buy
    check: Check


async def rerun_job(services: Services, arguments: RerunJob, host: Host) -> Outcome:
    """Call the tool of a job again, with changed arguments. Raises `ScenarioError`."""
    with refusing():
        entry = services.purchases.ledger.journal.of_job(arguments.job_id, own=True)
    paid = _paid(entry.intent.tool) if entry else None
    if entry is None or paid is None:
        raise InvalidArguments([("jobId", UNKNOWN)])
    overrides = arguments.overrides or {}
    if entry.intent.tool == RUN_MODEL:
        overrides = _for_run_model(overrides)
    if problems := list(_not_kept(entry.intent, overrides)):
        raise InvalidArguments(problems)
    merged = folding.replaced(entry.intent.arguments, overrides)
    given = validate(paid.input, input_schema(paid.input), merged, paid.check)
    return await paid.buy(services, given, host, Again(arguments.job_id, overrides))


def _paid(tool: str) -> _Paid | None:
    if tool == RUN_MODEL:
        return _Paid(RunModel, run_model, lambda _: ())
    route = route_of(tool)
    if route is None:
        return None
    check = partial(pictures.check, pictures_of(INFERENCES[route]))
    return _Paid(INFERENCES[route], partial(inference.generate, route), check)


_PARAMETERS = {"properties": {"parameters": {"type": "object"}}}


def _for_run_model(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Take what is no argument of run-model itself as one of its parameters."""
    own = {field.alias or name for name, field in RunModel.model_fields.items()}
    inner = {name: value for name, value in overrides.items() if name not in own}
    given = lenient(_PARAMETERS, overrides).get("parameters", {})
    if not isinstance(given, Mapping):
        raise InvalidArguments([("overrides.parameters", "must be an object: the inputs to change, by name.")])
    kept = {name: value for name, value in overrides.items() if name in own and name != "parameters"}
    return kept | ({"parameters": {**given, **inner}} if given or inner else {})


def _not_kept(intent: Intent, overrides: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List the arguments that were data URLs and are not given anew."""
    for first, *rest in intent.left_out:
        given = [overrides[name] for name in folding.same_thing(first) if name in overrides]
        # An object replaces its own names only; whatever stands deeper goes with them.
        if not given or (rest and isinstance(given[0], Mapping) and rest[0] not in given[0]):
            yield ".".join(("overrides", first, *rest)), NOT_KEPT
