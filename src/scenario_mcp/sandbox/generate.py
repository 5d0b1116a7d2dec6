"""What the API checks of a generation beyond its fields: the model, and the pictures."""

import base64
import binascii
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from scenario_mcp.sandbox import custom, outputs, painter
from scenario_mcp.sandbox.models import MAKES, Record
from scenario_mcp.sandbox.painter import Order
from scenario_mcp.sandbox.refusal import Refusal
from scenario_mcp.sandbox.world import Draft, World

PLANS = {25: "cu-starter", 50: "cu-pro", 75: "cu-max", 100: "enterprise"}
MIME_TYPES = {"video": "video/x-msvideo", "audio": "audio/wav", "3d": "model/gltf-binary", "text": "text/plain"}
REFERENCE_FIELDS = ("ipAdapterImages", "ipAdapterImageIds", "ipAdapterImage", "ipAdapterImageId")  # first one wins


@dataclass(frozen=True)
class Generation:
    """A body that the API accepts: what it costs, the files it will make, and what its job repeats of it.

    `kind` is the job's type in records; `answer` is what the answer holds besides, and without
    files the work is done with it. `parts` are filed below the first file.
    """

    cost: float
    drafts: Sequence[Draft]
    said: Mapping[str, Any]
    kind: str = "flux"
    answer: Mapping[str, Any] = field(default_factory=dict)
    shows_asset: bool = False
    parts: Sequence[Draft] = ()


def named(world: World, route: str, body: Mapping[str, Any]) -> Generation:
    """Check a body of an inference that makes images of a model. Raises `Refusal`."""
    _refuse_model(world, body["modelId"], f"{route.replace('-', '_')}")
    order = order_for(world, route, body)
    metadata = {"type": f"inference-{route}", "modelId": body["modelId"], "prompt": body["prompt"]}
    drafts = paintings(order, body.get("numSamples", 4), metadata)
    said = {**repeated(world, body), "type": route.replace("-", "_"), "seed": str(order.seed)}
    return Generation(price(body), drafts, said)


def repeated(world: World, body: Mapping[str, Any]) -> dict[str, Any]:
    """Repeat a body as records do, its pictures by addresses under which they can be seen."""
    return {name: _repeated(world, name, value) for name, value in body.items()}


def _repeated(world: World, name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return repeated(world, value)
    if isinstance(value, list):
        return [_repeated(world, "", each) for each in value]
    if isinstance(value, str) and value.startswith("data:"):
        return "https://cdn.example/inline.png"
    return world.signed_url(value, original=False) if name in ("image", "mask") and value in world.assets else value


def of_custom_model(world: World, model_id: str, body: Mapping[str, Any]) -> Generation:
    """Check a body of a custom model by the inputs of its record. Raises `Refusal`."""
    model = _known(world, model_id)
    if not model["custom"]:
        raise Refusal(400, {"reason": "Custom models only are supported for this endpoint"})
    _refuse_plan(world, model)
    inputs, types = model.get("inputs", []), {each["id"]: each["type"] for each in world.models.values()}
    taken = custom.accepted(inputs, body)
    for objection in custom.objections(inputs, taken, types):
        raise Refusal(400, {"reason": objection})
    for _, each in _given(inputs, taken, "model"):
        _known(world, each)
    files = [picture(world, name, each, as_id=True) for name, each in _given(inputs, taken, "file")]
    seed = int(taken.get("seed", seed_of(None)))
    count, kind = int(taken.get("numOutputs", 1)), MAKES.get(model_id, "image")
    metadata = {"type": f"custom-{kind}", "modelId": model_id, "prompt": taken.get("prompt", "")}
    if kind == "image":
        order = _order_of(files, taken, seed)
        drafts, cost = paintings(order, count, metadata), price({**taken, "numSamples": count})
    else:
        make = {
            "video": partial(outputs.video, seed),
            "audio": partial(outputs.audio, seed),
            "3d": partial(outputs.solid, seed),
            "text": partial(outputs.text, str(taken.get("prompt", ""))),
        }[kind]
        drafts, cost = [Draft(MIME_TYPES[kind], make, metadata=metadata)], 5.0 + taken.get("duration", 0)
    return Generation(cost, drafts, {"modelId": model_id, **taken}, kind="custom")


def price(body: Mapping[str, Any]) -> float:
    """Price a body in made-up Creative Units: by images, size and steps, as the real ones do."""
    pixels = body.get("width", 512) * body.get("height", 512)
    each = 1.5 + pixels / 2**18 * body.get("numInferenceSteps", 30) / 30
    return round(float(body.get("numSamples", 4) * each), 2)


def seed_of(said: str | None) -> int:
    """Take the seed that a body names, or a random one."""
    return int(said) if said is not None else random.randrange(2**31)  # noqa: S311  # a seed, not a secret


def _known(world: World, model_id: str) -> Record:
    model = world.models.get(model_id)
    if model is None:
        raise Refusal(404, {"reason": f"Model {model_id} not found"})
    if model["type"].startswith(("sd-1_5", "sd-xl")):
        raise Refusal(410, {"reason": "SD 1.5 and SDXL inference is no longer available"})
    return model


def _refuse_model(world: World, model_id: str, capability: str) -> None:
    model = _known(world, model_id)
    if model["custom"]:
        raise Refusal(400, {"reason": "Standalone models are not supported for this endpoint"})
    if capability not in model["capabilities"]:
        raise Refusal(400, {"reason": f"Model {model_id} does not support {capability}"})
    _refuse_plan(world, model)


def _refuse_plan(world: World, model: Record) -> None:
    if model["accessRestrictions"] > world.plan:
        details = {"modelId": model["id"], "requiredPlan": PLANS[model["accessRestrictions"]]}
        reason = f"Access to model {model['id']} is restricted"
        raise Refusal(403, {"name": "ModelAccessRestrictedError", "reason": reason, "details": details})


def _given(inputs: Sequence[Record], body: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    for each in inputs:
        if each["type"].startswith(kind) and each["name"] in body:
            value = body[each["name"]]
            yield from ((each["name"], item) for item in (value if isinstance(value, list) else [value]))


def _order_of(files: Sequence[bytes], body: Mapping[str, Any], seed: int) -> Order:
    """Paint from the pictures given, the first as the source; from nothing, a picture of the prompt's own colour."""
    source = files[0] if files else painter.blank(str(body.get("prompt", "")))
    return Order(
        source=source,
        references=tuple(files[1:]),
        scales=(0.9,) * len(files[1:]),
        character=False,
        strength=body.get("strength", 0.75),
        width=int(body.get("width", 512)),
        height=int(body.get("height", 512)),
        seed=seed,
    )


def paintings(order: Order, count: int, metadata: Mapping[str, Any]) -> list[Draft]:
    """Draft so many pictures of an order, each with a seed of its own."""
    orders = [replace(order, seed=order.seed + index) for index in range(count)]
    return [
        Draft("image/png", partial(painter.paint, each), each.width, each.height, {**metadata, "seed": str(each.seed)})
        for each in orders
    ]


def order_for(world: World, route: str, body: Mapping[str, Any]) -> Order:
    """Gather the pictures of a body and what is to be painted from them. Raises `Refusal`."""
    references = _references(world, body) if "ip-adapter" in route else ()
    source, control = _source(world, body), _control(world, body)
    if source is None and "img2img" in route:
        raise Refusal(400, {"reason": "Input image is required"})
    if source is None and control is None and "controlnet" in route:
        raise Refusal(400, {"reason": "Input controlImage is required"})
    mask = _mask(world, body)
    if "inpaint" in route and (source is None or mask is None) and not body.get("maskId"):
        raise Refusal(400, {"reason": f"Input {'mask' if source else 'image'} is required"})
    scales = body.get("ipAdapterScales") or [body.get("ipAdapterScale", 0.9)] * len(references)
    if "seed" in body and not body["seed"].isdigit():
        raise Refusal(400, {"reason": "Input seed must be a number"})
    return Order(
        source=source or control or painter.blank(body["prompt"]),
        references=references,
        scales=tuple((scales + [0.9] * len(references))[: len(references)]),
        character=body.get("ipAdapterType") == "character",
        strength=body.get("strength", 0.75),
        width=body.get("width", 512),
        height=body.get("height", 512),
        seed=seed_of(body.get("seed")),
        mask=mask,
    )


def _references(world: World, body: Mapping[str, Any]) -> tuple[bytes, ...]:
    named = next((name for name in REFERENCE_FIELDS if body.get(name)), None)
    if named is None:
        raise Refusal(400, {"reason": "Input ipAdapterImages is required"})
    said = body[named] if isinstance(body[named], list) else [body[named]]
    return tuple(picture(world, named, each, as_id=named.endswith(("Id", "Ids"))) for each in said)


def _source(world: World, body: Mapping[str, Any]) -> bytes | None:
    said = body.get("image") or body.get("imageId")
    return picture(world, "image", said, as_id=not said.startswith("data:")) if said else None


def _control(world: World, body: Mapping[str, Any]) -> bytes | None:
    name = next((name for name in ("controlImage", "controlImageId") if body.get(name)), None)
    return picture(world, name, body[name], as_id=name == "controlImageId") if name else None


def _mask(world: World, body: Mapping[str, Any]) -> bytes | None:
    if body.get("mask"):
        return picture(world, "mask", body["mask"], as_id=False)
    if body.get("maskId") and not body.get("image"):  # documented so: maskId is ignored when image is given
        return picture(world, "maskId", body["maskId"], as_id=True)
    return None


def picture(world: World, name: str, said: str, *, as_id: bool) -> bytes:
    """Read a picture that a body names: an asset by its id, or the data URL itself. Raises `Refusal`."""
    if as_id:
        if said not in world.assets:
            raise Refusal(404, {"reason": f"Asset {said} not found"})
        return world.assets[said].content
    try:
        content = base64.b64decode(said.partition(";base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not said.startswith("data:") or painter.measure(content) is None:
        raise Refusal(400, {"reason": f"Input {name} must be an image as a data URL"})
    return content
