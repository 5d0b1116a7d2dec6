"""The inferences besides those that make images of a model: what each answers with, and what it makes."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from scenario_mcp.sandbox import painter, retouch
from scenario_mcp.sandbox.generate import Generation, paintings, picture, repeated, seed_of
from scenario_mcp.sandbox.painter import Order
from scenario_mcp.sandbox.refusal import Refusal
from scenario_mcp.sandbox.world import Draft, World

Body = Mapping[str, Any]

EACH, WORDS = 2.0, 0.5  # what a file and a text cost, in made-up Creative Units
DIMENSIONS = 1024  # of an embedding
COLOURS = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 70, 190), "tan": (210, 180, 140)}
COLOURS |= {"white": (245, 245, 245), "black": (15, 15, 15), "grey": (128, 128, 128), "teal": (0, 128, 128)}

# The words of records for each kind of job.
JOB_TYPES = {
    "detect": "detection",
    "generative-fill": "repaint",
    "patch": "patch-image",
    "prompt": "generate-prompt",
    "prompt-editing": "image-prompt-editing",
}
WITH_ASSET = ("detect", "patch", "pixelate", "remove-background", "vectorize")  # whose answer shows the result


def generation(world: World, route: str, body: Body) -> Generation:
    """Check a body and say what comes of it. Raises `Refusal`."""
    made = MAKERS[route](world, body)
    return replace(made, said=repeated(world, body), kind=JOB_TYPES.get(route, route), shows_asset=route in WITH_ASSET)


def _files(world: World, body: Body, name: str, *, stored: bool = False) -> list[bytes]:
    """Read the pictures of a field: ids of assets, or data URLs where they are taken."""
    said = body.get(name, [])
    texts = said if isinstance(said, list) else [said]
    return [picture(world, name, text, as_id=stored or not text.startswith("data:")) for text in texts]


def _draft(make: Callable[[], bytes], size: tuple[int, int] | None, kind: str = "image/png", **metadata: Any) -> Draft:
    width, height = size or (None, None)
    return Draft(kind, make, width, height, metadata)


def _measured(make: Callable[[], bytes], **metadata: Any) -> Draft:
    """Make a picture at once, since its size is not known before."""
    content = make()
    width, height, mime_type = painter.measure(content) or (0, 0, "image/png")
    return Draft(mime_type, lambda: content, width, height, metadata=metadata)


def _made(*drafts: Draft, **answer: Any) -> Generation:
    return Generation(EACH * len(drafts) if drafts else WORDS, drafts, {}, answer=answer)


# --- pictures


def _detect(world: World, body: Body) -> Generation:
    [image] = _files(world, body, "image")
    return _made(_measured(partial(retouch.control_map, image), type="detection"))


def _generative_fill(world: World, body: Body) -> Generation:
    [image] = _files(world, body, "image")
    masks = _files(world, body, "mask") or _files(world, body, "maskId", stored=True)
    size = (body.get("targetWidth"), body.get("targetHeight"))
    return _made(_measured(partial(retouch.filled, image, masks[0] if masks else None, size)))


def _patch(world: World, body: Body) -> Generation:
    [image] = _files(world, body, "image")
    patch, position = body.get("patch", {}), body.get("position", {"x": 0, "y": 0})
    over = _files(world, patch, "image") if patch else []
    make = partial(
        retouch.patched,
        image,
        body.get("crop"),
        over[0] if over else None,
        (int(position["x"]), int(position["y"])),
        erase=patch.get("mode") == "erase",
        background=body.get("backgroundColor", "white"),
        kind=body.get("format", "png"),
    )
    return _made(_measured(make))


def _pixelate(world: World, body: Body) -> Generation:
    if body["pixelGridSize"] not in (16, 32, 64, 128, 256):
        raise Refusal(400, {"reason": "Input pixelGridSize must be one of 16, 32, 64, 128, 256"})
    [image] = _files(world, body, "image", stored=True)
    colours = len(body["colorPalette"]) if body.get("colorPalette") else body.get("colorPaletteSize")
    return _made(_measured(partial(retouch.pixelated, image, body["pixelGridSize"], colours)))


def _painted(world: World, body: Body, references: Sequence[bytes], count: int) -> Generation:
    [image] = _files(world, body, "image")
    width, height, _ = painter.measure(image) or (512, 512, "")
    order = Order(
        source=image,
        references=tuple(references),
        scales=(0.9,) * len(references),
        character=False,
        strength=body.get("strength", 0.5),
        width=width,
        height=height,
        seed=seed_of(str(int(body["seed"])) if "seed" in body else None),
    )
    return _made(*paintings(order, count, {"prompt": body.get("prompt", "")}))


def _prompt_editing(world: World, body: Body) -> Generation:
    return _painted(world, body, _files(world, body, "referenceImages"), int(body.get("numSamples", 1)))


def _restyle(world: World, body: Body) -> Generation:
    return _painted(world, body, _files(world, body, "styleImages", stored=True), 1)


def _reframe(world: World, body: Body) -> Generation:
    [image] = _files(world, body, "image")
    width, height = int(body["targetWidth"]), int(body["targetHeight"])
    make = partial(retouch.reframed, image, width, height, body.get("inputLocation", "middle"))
    return _made(_draft(make, (max(1, width), max(1, height))))


def _remove_background(world: World, body: Body) -> Generation:
    [image] = _files(world, body, "image", stored=True)
    return _made(_measured(partial(retouch.cut_out, image, body.get("backgroundColor"), body.get("format", "png"))))


def _segment(world: World, body: Body) -> Generation:
    [image] = _files(world, body, "image")
    drafts = (
        [_measured(partial(retouch.object_mask, image), type="segmentation-mask")]
        if body.get("resultMask", True)
        else []
    )
    if body.get("resultImage"):
        drafts.append(_measured(partial(retouch.cut_out, image), type="segmentation-image"))
    found = {"checkpoint": body.get("checkpoint", "fastsam_x"), "nbMasks": 1, "bbox": [1, 1, 7, 7], "message": "ok"}
    found |= {"contours": [[[[1, 1], [7, 1], [7, 7]]]]} if body.get("resultContours") else {}
    return _made(*drafts, segments=[found])


def _skybox(world: World, body: Body) -> Generation:
    for name in ("structureImage", "cannyStructureImage", "depthImage", "styleImages"):
        _files(world, body, name, stored=True)
    _files(world, body, "image")
    seed, width = int(body["seed"]) if "seed" in body else seed_of(None), int(body.get("width", 1024))
    size = (width, width // 2)
    return _made(*(_draft(partial(retouch.panorama, seed + n, width), size) for n in range(body.get("numOutputs", 1))))


def _enlarge(world: World, body: Body) -> Generation:
    [image] = _files(world, body, "image")
    _files(world, body, "styleImages", stored=True)
    return _made(_measured(partial(retouch.enlarged, image, body.get("scalingFactor"), body.get("targetWidth"))))


def _texture(world: World, body: Body) -> Generation:
    """File the maps below the texture, as the description has it."""
    [image] = _files(world, body, "texture", stored=True)
    maps = [_measured(partial(retouch.texture_map, image, kind), type=f"texture-{kind}") for kind in retouch.MAPS]
    whole = _measured(partial(retouch.texture_map, image, "albedo"), type="texture")
    return replace(_made(whole), cost=EACH * len(maps), parts=maps)


def _vectorize(world: World, body: Body) -> Generation:
    [image] = _files(world, body, "image", stored=True)
    make = partial(retouch.vectors, image, colour=body.get("colorMode") != "bw")
    return _made(_draft(make, None, "image/svg+xml"))


# --- words and numbers


def _seen(world: World, body: Body) -> Iterator[str]:
    for image in (*_files(world, body, "images"), *_files(world, body, "assetIds", stored=True)):
        width, height, _ = painter.measure(image) or (0, 0, "")
        yield f"a picture of {width} by {height} pixels, mostly {_colour(image)}"


def _colour(image: bytes) -> str:
    own = painter.average(image)
    return min(COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(own, COLOURS[name], strict=True)))


def _caption(world: World, body: Body) -> Generation:
    return _made(captions=[f"{painter.MARK}: {each}" for each in _seen(world, body)])


def _describe_style(world: World, body: Body) -> Generation:
    seen = list(_seen(world, body)) or [f"the style of {body.get('modelId')}"]
    return _made(description=f"{painter.MARK}: {'; '.join(seen)}.", synthesis=f"{painter.MARK}: flat and plain.")


def _prompt(world: World, body: Body) -> Generation:
    seen = [body["prompt"]] if "prompt" in body else []
    seen += [*_seen(world, body), *(["an edit of the picture"] if _files(world, body, "image") else [])]
    said = ", ".join(seen) or "something new"
    prompts = [f"{painter.MARK}: {said}, variation {number}" for number in range(1, int(body.get("numResults", 1)) + 1)]
    return _made(prompts=prompts, mode=body["mode"])


def _translate(world: World, body: Body) -> Generation:
    _files(world, body, "images")
    return _made(translation=f"{painter.MARK} in English: {body['prompt']}", detectedLanguage="fr")


def _embed(_: World, body: Body) -> Generation:
    chance = random.Random(body["text"])  # noqa: S311  # made-up numbers
    return _made(embedding=[round(chance.uniform(-1, 1), 6) for _ in range(DIMENSIONS)])


MAKERS: Mapping[str, Callable[[World, Body], Generation]] = {
    "caption": _caption,
    "describe-style": _describe_style,
    "detect": _detect,
    "embed": _embed,
    "generative-fill": _generative_fill,
    "patch": _patch,
    "pixelate": _pixelate,
    "prompt": _prompt,
    "prompt-editing": _prompt_editing,
    "reframe": _reframe,
    "remove-background": _remove_background,
    "restyle": _restyle,
    "segment": _segment,
    "skybox-base-360": _skybox,
    "skybox-upscale-360": _enlarge,
    "texture": _texture,
    "translate": _translate,
    "upscale": _enlarge,
    "vectorize": _vectorize,
}
