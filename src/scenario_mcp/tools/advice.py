"""The way on, when a model or a route is the wrong one."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from scenario_mcp.inferences.table import route_of
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import ApiError, NotFound, Retired, RouteRetired, ScenarioError
from scenario_mcp.scenario.models import Input, Model
from scenario_mcp.tools import carry, fitness
from scenario_mcp.tools.fitness import BASES, RUN_MODEL
from scenario_mcp.tools.look_up import Knowledge
from scenario_mcp.tools.outcome import NextCall
from scenario_mcp.tools.services import Services

FIND_MODELS, GET_MODEL = "find-models", "get-model"
SECONDS = 8.0  # that looking for near models may take
WANTS_CUSTOM = "Standalone models are not supported"  # how the API says that a model wants /generate/custom
WANTS_NAMED = "Custom models only are supported"  # and how, that one does not
OFF = "Tools that run it are in the toolset {}, which is off: add it to SCENARIO_TOOLSETS."
PRICE_IS_FREE = "Its price is free to ask with dryRun: true."

# A modern model that takes a content and a style picture and a prompt, for who comes from a retired one.
MODERN = Model(
    id="model_bfl-flux-2-dev",
    type="custom",
    custom=True,
    plan="Starter",
    inputs=(
        Input("prompt", "string"),
        Input("referenceImages", "file_array", kind="image", max_length=5),
        Input("numOutputs", "number", min=1, max=4, step=1),
        Input("width", "number", min=128, max=2048, step=16),
        Input("height", "number", min=128, max=2048, step=16),
        Input("guidance", "number", min=1, max=10),
        Input("numInferenceSteps", "number", min=1, max=100, step=1),
        Input("seed", "number", min=0, max=2147483647, step=1),
    ),
)


async def instead_of_named(knowledge: Knowledge, given: Mapping[str, Any], model: Model | None) -> str:
    """Word the call to make in place of a named inference, whose folded arguments are given."""
    model_id, dry_run = given["modelId"], bool(given.get("dryRun"))
    if model is not None and fitness.is_custom(model):
        return _run(model_id, given, model.inputs, dry_run=dry_run)
    if model is not None and model.type in BASES:
        base = BASES[model.type]
        record = (await knowledge.of(base.model_id)).model
        return _run(model_id, given, record.inputs if record else None, dry_run=dry_run, besides=(base.input,))
    return _modern(given, model_id, dry_run=dry_run)


async def instead_of_custom(given: Mapping[str, Any], model: Model, toolsets: Collection[str], *, dry_run: bool) -> str:
    """Word the call to make in place of run-model, for a model that it cannot run and the parameters given."""
    tools = [tool for tool in fitness.tools_for(model, toolsets) if tool != RUN_MODEL]
    if tools and not fitness.is_retired(model):
        carried = carry.to_named(given, route_of(tools[0]) or "", model.id)
        return f"{carry.worded(NextCall(tools[0], carried.arguments | _asked(dry_run)), carried)} {PRICE_IS_FREE}"
    off = fitness.toolsets_for(model, toolsets)
    more = OFF.format(" or ".join(off)) if off else ""
    if fitness.is_lora(model) and not fitness.is_retired(model):
        base = (
            f"Its base model is not known here. {FIND_MODELS} with type custom lists models; the one whose modelId or"
            f" loras takes models of type {model.type} runs it, as {GET_MODEL} tells."
        )
        return f"{base} {more}".strip()
    if more and not fitness.is_retired(model):
        return more
    return _modern(given, model.id, dry_run=dry_run)


async def after_refusal(
    services: Services,
    knowledge: Knowledge,
    refusal: ApiError,
    route: str,
    given: Mapping[str, Any],
    deadline: Deadline,
) -> str:
    """Say what to call instead, after a refusal of a named inference by the API for its model or its route."""
    if route not in fitness.CAPABILITY_ROUTES:
        if isinstance(refusal, Retired):
            words = route.replace("-", " ")
            return f" {FIND_MODELS} with query {words!r} looks for models that do the same; {RUN_MODEL} runs them."
        return await _after_not_found(services, refusal, deadline)
    model = (await knowledge.of(given["modelId"])).model
    if refusal.reason.startswith(WANTS_CUSTOM):
        inputs = model.inputs if model and fitness.is_custom(model) else None
        return f" {_run(given['modelId'], given, inputs, dry_run=bool(given.get('dryRun')))}"
    if isinstance(refusal, Retired):
        return f" {await instead_of_named(knowledge, given, model)}"
    return await _after_not_found(services, refusal, deadline)


async def after_custom_refusal(
    services: Services,
    refusal: ApiError,
    model_id: str,
    given: Mapping[str, Any],
    deadline: Deadline,
    *,
    dry_run: bool,
) -> str:
    """Say what to call instead, after a refusal of a custom generation by the API for its model."""
    if refusal.reason.startswith(WANTS_NAMED):
        base = BASES["flux.1-lora"]
        call = NextCall(
            RUN_MODEL, {"modelId": base.model_id, "parameters": {**given, base.input: model_id}} | _asked(dry_run)
        )
        return f" If {model_id} is a Flux.1 LoRA or composition, its base model runs it. {carry.worded(call)}"
    if isinstance(refusal, Retired) and not isinstance(refusal, RouteRetired):
        return f" {_modern(given, model_id, dry_run=dry_run)}"
    return await _after_not_found(services, refusal, deadline)


async def _after_not_found(services: Services, refusal: ApiError, deadline: Deadline) -> str:
    unknown = re.search(r"\bmodel (\S+)", refusal.reason, re.IGNORECASE)
    if not isinstance(refusal, NotFound) or unknown is None:
        return ""
    known: dict[str, str] = {}
    until = deadline.or_within(SECONDS)
    for public in (False, True):
        try:
            listing = await services.models.listed(public=public, pages=2, deadline=until)
        except ScenarioError:
            continue
        known |= {name: model.id for model in listing.models for name in (model.id, model.name) if name}
    near = dict.fromkeys(known[name] for name in get_close_matches(_name_in(refusal.reason, unknown[1]), known, 4, 0.6))
    said = f" Near to it: {', '.join(near)}." if near else ""
    return f"{said} {FIND_MODELS} searches models by words."


def _name_in(reason: str, first_word: str) -> str:
    """Take the whole name out of "Model A name of words not found"."""
    whole = re.search(r"\bmodel (.+?) (?:was )?not found", reason, re.IGNORECASE)
    return whole[1] if whole else first_word


def _run(
    model_id: str,
    given: Mapping[str, Any],
    inputs: tuple[Input, ...] | None,
    *,
    dry_run: bool,
    besides: tuple[str, ...] = (),
) -> str:
    if not inputs:
        tell = NextCall(GET_MODEL, {"modelId": model_id})
        return f"{carry.worded(tell)} It tells the parameters with which {RUN_MODEL} runs {model_id}."
    carried = carry.to_custom(given, inputs, besides)
    call = NextCall(RUN_MODEL, {"modelId": model_id, "parameters": carried.arguments} | _asked(dry_run))
    return f"{carry.worded(call, carried)} {PRICE_IS_FREE}"


def _modern(given: Mapping[str, Any], model_id: str, *, dry_run: bool) -> str:
    said = _run(MODERN.id, given, MODERN.inputs, dry_run=dry_run)
    return (
        f"{said} It is another model, for the plan {MODERN.plan} and up: what {model_id} was trained on is not in it."
    )


def _asked(dry_run: bool) -> dict[str, bool]:
    return {"dryRun": True} if dry_run else {}
