"""What the API checks of a generation beyond its fields: the model, and the pictures."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException

from scenario_mcp.sandbox import painter
from scenario_mcp.sandbox.painter import Order
from scenario_mcp.sandbox.world import World, seed_of

PLANS = {25: "cu-starter", 50: "cu-pro", 75: "cu-max", 100: "enterprise"}
REFERENCE_FIELDS = ("ipAdapterImages", "ipAdapterImageIds", "ipAdapterImage", "ipAdapterImageId")  # first one wins


class Refusal(HTTPException):
    """An answer that says no, with the body that the API sends."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.body = dict(body)


def refuse_model(model_id: str, model: Mapping[str, Any] | None, capability: str) -> None:
    """Raise what the API answers when a model cannot do this."""
    if model is None:
        raise Refusal(404, {"reason": f"Model {model_id} not found"})
    if model["type"].startswith(("sd-1_5", "sd-xl")):
        raise Refusal(410, {"reason": "SD 1.5 and SDXL inference is no longer available"})
    if model["custom"]:
        raise Refusal(400, {"reason": "Standalone models are not supported for this endpoint"})
    if capability not in model["capabilities"]:
        raise Refusal(400, {"reason": f"Model {model_id} does not support {capability}"})
    if plan := PLANS.get(model["accessRestrictions"]):
        details = {"modelId": model_id, "requiredPlan": plan}
        reason = f"Access to model {model_id} is restricted"
        raise Refusal(403, {"name": "ModelAccessRestrictedError", "reason": reason, "details": details})


def order_for(world: World, body: Mapping[str, Any]) -> Order:
    """Gather the pictures of a body and what is to be painted from them. Raises `Refusal`."""
    source = body.get("image") or body.get("imageId")
    if not source:
        raise Refusal(400, {"reason": "Input image is required"})
    named = next((name for name in REFERENCE_FIELDS if body.get(name)), None)
    if named is None:
        raise Refusal(400, {"reason": "Input ipAdapterImages is required"})
    said = body[named] if isinstance(body[named], list) else [body[named]]
    references = tuple(_picture(world, named, each, as_id=named.endswith(("Id", "Ids"))) for each in said)
    scales = body.get("ipAdapterScales") or [body.get("ipAdapterScale", 0.9)] * len(references)
    if "seed" in body and not body["seed"].isdigit():
        raise Refusal(400, {"reason": "Input seed must be a number"})
    return Order(
        source=_picture(world, "image", source, as_id=not source.startswith("data:")),
        references=references,
        scales=tuple((scales + [0.9] * len(references))[: len(references)]),
        character=body.get("ipAdapterType") == "character",
        strength=body.get("strength", 0.75),
        width=body.get("width", 512),
        height=body.get("height", 512),
        seed=seed_of(body.get("seed")),
        mask=_mask(world, body),
    )


def _mask(world: World, body: Mapping[str, Any]) -> bytes | None:
    if body.get("mask"):
        return _picture(world, "mask", body["mask"], as_id=False)
    if body.get("maskId") and not body.get("image"):  # documented so: maskId is ignored when image is given
        return _picture(world, "maskId", body["maskId"], as_id=True)
    return None


def _picture(world: World, name: str, said: str, *, as_id: bool) -> bytes:
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
