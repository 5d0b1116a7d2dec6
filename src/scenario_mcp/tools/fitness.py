"""Whether a model can do what a named inference is asked: judged by its record alone, all pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from scenario_mcp.inferences import control
from scenario_mcp.inferences.fields import Generation
from scenario_mcp.inferences.table import CORE, INFERENCES, tool_name, toolset_of
from scenario_mcp.scenario.models import Model

Given = Mapping[str, Any]
Problem = tuple[str, str]

RUN_MODEL = "run-model"
RECOMMENDED = "Its owner recommends {} in place of {}."


class Base(NamedTuple):
    """The custom model that runs a family of trained models, and the input that takes their ids."""

    model_id: str
    input: str


# Scenario's documentation: a trained id goes into the body, and the base model that runs it into the URL. Which base
# takes which types is told by the `modelTypes` of the bases' records, as of October 2026.
BASES = {
    "flux.1-lora": Base("model_bfl-flux-1-dev", "modelId"),
    "flux.1-composition": Base("model_bfl-flux-1-dev", "modelId"),
    "flux.1-kontext-lora": Base("model_flux-kontext-editing", "loras"),
    **dict.fromkeys(("flux.2-dev-lora", "flux.2-dev-edit-lora"), Base("model_bfl-flux-2-dev", "loras")),
    "qwen-image-edit-2511-lora": Base("model_qwen-image-edit-2511", "loras"),
    **dict.fromkeys(("zimage-lora", "zimage-turbo-lora", "zimage-de-turbo-lora"), Base("model_z-image", "loras")),
}
LORAS = ("-lora", "-composition")  # how the types of LoRAs and of compositions of them end
RETIRED = ("sd-1_5", "sd-xl")  # families that answer 410, as far as is known

# Scenario's description: ranges that depend on the model's type.
SIZES = dict.fromkeys(("sd-xl", "sd-xl-lora", "sd-xl-composition"), (512, 2048)) | {"sd-1_5": (64, 1024)}
FLUX_DEV, FLUX_PRO = (0, 10), (2, 5)
FLUX_DEV_TYPES = ("flux.1", "flux.1-lora", "flux.1-composition")
GUIDANCE = {
    **dict.fromkeys(FLUX_DEV_TYPES, FLUX_DEV),
    **dict.fromkeys(("flux.1-pro", "flux1.1-pro", "flux.1.1-pro-ultra"), FLUX_PRO),
}

# Scenario's description: negative prompts act on Flux only in these inferences.
NEGATIVE_PROMPT_ON_FLUX = frozenset({"txt2img", "img2img", "controlnet"})
RATIO_TYPE = "flux.1.1-pro-ultra"  # the one that takes aspectRatio, in place of width and height
IDLE_ON_FLUX = ("scheduler", "disableModalityDetection")


class OnlyOn(NamedTuple):
    """Fields that count on some models only, told by their type."""

    fields: tuple[str, ...]
    whom: str
    counts: Callable[[str], bool]


ONLY_ON = (
    OnlyOn(("controlStart", "controlEnd"), "models based on Flux dev", lambda kind: kind in FLUX_DEV_TYPES),
    OnlyOn(("modelEpoch", "baseModelId"), "Flux LoRAs", lambda kind: kind.endswith(LORAS)),
)

# The routes that run a model of the project, in the table's order; each is named after the capability that it needs.
CAPABILITY_ROUTES = tuple(route for route, model in INFERENCES.items() if issubclass(model, Generation))

KNOWN_TYPES = frozenset({*SIZES, *GUIDANCE, *BASES, "custom", "sd-1_5-lora", "sd-1_5-composition"})


class Verdict(NamedTuple):
    """What a record says against a call: a reason why this tool is the wrong one, fields to change, and notes."""

    wrong_tool: str | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def capability(route: str) -> str:
    """Name the capability that a model must have for a route of the image family."""
    return route.replace("-", "_")


def judge(model: Model, route: str, given: Given) -> Verdict:
    """Judge a call of a named inference by the model's record. What the record leaves open is no reason to refuse."""
    return Verdict(_wrong_tool(model, route), tuple(_problems(model, route, given)), tuple(_notes(model, route, given)))


def is_custom(model: Model) -> bool:
    """Tell whether a model is served only by /generate/custom/{modelId}."""
    return model.custom is True or model.type == "custom"


def tools_for(model: Model, toolsets: Collection[str]) -> list[str]:
    """List the tools of core and other toolsets that can run a model, best first; none if its record names none."""
    if is_custom(model):
        return [RUN_MODEL]
    named = [tool_name(route) for route in _routes_for(model) if toolset_of(route) in (CORE, *toolsets)]
    return [*named, RUN_MODEL] if model.type in BASES else named


def toolsets_for(model: Model, toolsets: Collection[str]) -> list[str]:
    """List the toolsets, beside core and those that are shown, that have tools for a model."""
    return sorted({toolset_of(route) for route in _routes_for(model)} - {CORE, *toolsets})


def _routes_for(model: Model) -> list[str]:
    """List the routes that can run a model: the main one first, then those that need the least besides."""
    return [] if is_custom(model) else [r for r in CAPABILITY_ROUTES if capability(r) in model.capabilities]


def is_retired(model: Model) -> bool:
    """Tell whether a model's family is probably no longer served."""
    return (model.type or "").startswith(RETIRED)


def is_lora(model: Model) -> bool:
    """Tell whether a model is a LoRA or a composition of LoRAs, which runs on a base model."""
    return model.type is not None and model.type.endswith(LORAS)


def _wrong_tool(model: Model, route: str) -> str | None:
    if is_custom(model):
        return f"{model.id} is a custom model, which {tool_name(route)} cannot run."
    wanted = capability(route)
    if route in CAPABILITY_ROUTES and model.capabilities and wanted not in model.capabilities:
        can = ", ".join(model.capabilities)
        return f"{model.id} does not have the capability {wanted}, which {tool_name(route)} needs. It can: {can}."
    return None


def _problems(model: Model, route: str, given: Given) -> Iterator[Problem]:
    for name, ranges in (("width", SIZES), ("height", SIZES), ("guidance", GUIDANCE)):
        low, high = ranges.get(model.type or "", (None, None))
        if low is not None and high is not None and name in given and not low <= given[name] <= high:
            yield name, f"must be from {low} to {high} for a model of type {model.type}, not {given[name]:g}."
    if model.type in FLUX_DEV_TYPES:
        yield from _problems_on_flux_dev(model, route, given)
    if model.type in KNOWN_TYPES - {RATIO_TYPE} and "aspectRatio" in given:
        yield (
            "aspectRatio",
            f"counts on {RATIO_TYPE} only, and {model.id} is of type {model.type}. Use width and height.",
        )
    base = given.get("baseModelId")
    if base is not None and model.base_model_ids and base not in model.base_model_ids:
        yield "baseModelId", f"must be one of {', '.join(model.base_model_ids)} for {model.id}, not {base}."


def _problems_on_flux_dev(model: Model, route: str, given: Given) -> Iterator[Problem]:
    names = control.modalities(given["modality"]) if "modality" in given else []
    if len(names) > 1 or any(name not in control.ON_FLUX for name in names):
        yield "modality", f"must be one of {', '.join(control.ON_FLUX)}, alone, for a model of type {model.type}."
    start, end = given.get("controlStart", 0), control.usual_end(given.get("modality", ""))
    if "controlEnd" not in given and start >= end:
        yield "controlStart", f"must be below {end:g}, where the control ends unless controlEnd is given."
    if route in NEGATIVE_PROMPT_ON_FLUX and given.get("negativePrompt") and not given.get("negativePromptStrength"):
        yield "negativePromptStrength", f"must be above 0 for negativePrompt to count on a model of type {model.type}."


def _notes(model: Model, route: str, given: Given) -> Iterator[str]:
    if model.replacement:
        yield RECOMMENDED.format(model.replacement, model.id)
    yield from _without_effect(model, route, given)
    yield from _unchecked(model, given)


def _without_effect(model: Model, route: str, given: Given) -> Iterator[str]:
    kind = model.type or ""
    if kind.startswith("flux"):
        yield from (f"{name} has no effect on Flux models." for name in IDLE_ON_FLUX if name in given)
        negative = [name for name in ("negativePrompt", "negativePromptStrength") if name in given]
        if negative and route not in NEGATIVE_PROMPT_ON_FLUX:
            yield f"{' and '.join(negative)} has no effect on Flux models in this inference."
    for only in ONLY_ON if kind else ():
        for name in only.fields:
            if name in given and not only.counts(kind):
                yield f"{name} has an effect on {only.whom} only, and {model.id} is of type {kind}."


def _unchecked(model: Model, given: Given) -> Iterator[str]:
    kind = model.type or ""
    if kind and kind not in KNOWN_TYPES and not is_custom(model):
        yield f"The type {kind} is not known here, so only the capability of {model.id} was checked."
    if given.get("baseModelId") is not None and is_lora(model) and not model.base_model_ids:
        yield f"The record of {model.id} does not list its base models, so baseModelId was not checked."
    if not kind or not (model.capabilities or is_custom(model)):
        yield f"The record of {model.id} does not say what it can do, so it was not checked."
