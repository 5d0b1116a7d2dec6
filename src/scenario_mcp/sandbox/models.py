"""The models of the sandbox: one of each family that behaves differently, and two catalogues to get lost in."""

import json
import random
from collections.abc import Mapping
from functools import cache
from itertools import cycle
from typing import Any

Record = dict[str, Any]

FLUX_LORA = (
    "txt2img",
    "img2img",
    "txt2img_texture",
    "img2img_texture",
    "controlnet",
    "controlnet_texture",
    "controlnet_img2img",
    "controlnet_inpaint",
    "inpaint",
    "outpaint",
    "txt2img_ip_adapter",
    "img2img_ip_adapter",
    "controlnet_ip_adapter",
)
BASES = ("flux.1-dev", "flux.1-schnell")
ALWAYS = {"always": True}
MODALITIES = ("canny", "tile", "depth", "blur", "pose", "gray", "low-quality")
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4")
VOICES = tuple(
    f"{mood} {kind} {number}" for mood in ("calm", "warm", "bright", "dark") for kind in "ab" for number in range(6)
)


def _model(model_id: str, name: str, kind: str, capabilities: tuple[str, ...], **more: Any) -> Record:
    return {
        "id": model_id,
        "name": f"{name} (sandbox)",
        "type": kind,
        "custom": kind == "custom",
        "capabilities": list(capabilities),
        "privacy": "public",
        "status": "trained",
        "source": "scenario",
        "tags": ["sandbox"],
        "accessRestrictions": 0,
        "shortDescription": f"{name}, a made-up model of the sandbox.",
        **more,
    }


def _input(name: str, kind: str, /, **more: Any) -> Record:
    return {"name": name, "type": kind, "label": name, "description": f"The {name} of the result.", **more}


def _number(name: str, low: float, high: float, default: float | None = None, **more: Any) -> Record:
    said = {} if default is None else {"default": default}
    return _input(name, "number", min=low, max=high, **said, **more)


PROMPT = _input("prompt", "string", required=ALWAYS, maxLength=2048, prompt=True)
SEED = _number("seed", 0, 2147483647, step=1)
SIZE = (_number("width", 128, 2048, 1104, step=16), _number("height", 128, 2048, 832, step=16))
OUTPUTS = _number("numOutputs", 1, 4, 1, step=1, costImpact=True)
LORAS = (
    _input("loras", "model_array", modelTypes=["flux.1-lora"], maxLength=6),
    _input("lorasScale", "number_array", min=0, max=2),
)

FLUX2_LORAS = ("flux.2-dev-lora", "flux.2-dev-edit-lora")

FAMILIES: tuple[Record, ...] = (
    _model("flux.1-dev", "Flux.1 dev", "flux.1", FLUX_LORA),
    _model("model_sandbox-ink", "Ink and wash", "flux.1-lora", FLUX_LORA, compliantModelIds=list(BASES)),
    _model("model_sandbox-duo", "Two styles in one", "flux.1-composition", FLUX_LORA, compliantModelIds=list(BASES)),
    _model(
        "model_sandbox-atelier",
        "Paints into pictures by reference",
        "flux.1-lora",
        (*FLUX_LORA, "inpaint_ip_adapter", "controlnet_inpaint_ip_adapter"),
        compliantModelIds=list(BASES),
    ),
    _model("model_sandbox-kontext", "Kontext edits", "flux.1-kontext-lora", ("img2img",)),
    _model("model_sandbox-max", "For the Max plan", "flux.1-lora", FLUX_LORA, accessRestrictions=75),
    _model("model_sandbox-pro", "A Flux pro model", "flux.1-pro", FLUX_LORA),
    _model("model_sandbox-sdxl", "An SDXL LoRA", "sd-xl-lora", FLUX_LORA),
    _model("model_sandbox-sd15", "An SD 1.5 model", "sd-1_5", FLUX_LORA),
    _model("model_sandbox-flux2", "A Flux.2 LoRA", "flux.2-dev-lora", ("txt2img", "img2img")),
    _model("model_sandbox-flux2-edit", "A Flux.2 edit LoRA", "flux.2-dev-edit-lora", ("img2img",)),
    _model("model_sandbox-qwen", "A Qwen LoRA", "qwen-image-lora", ("txt2img",)),
    _model("model_sandbox-hologram", "Something new", "hologram", ()),
    _model(
        "model_bfl-flux-1-dev",
        "FLUX.1 dev",
        "custom",
        ("txt2img", "img2img", "controlnet", "outpaint"),
        inputs=[
            PROMPT,
            _input("image", "file", kind="image"),
            _number("strength", 0.01, 1, 0.8),
            _input("modelId", "model", modelTypes=["flux.1-lora", "flux.1-composition"]),
            *LORAS,
            _input(
                "controlImage", "file", kind="image", required={"ifDefined": {"controlModality": "Needs a picture"}}
            ),
            _input("controlModality", "string", allowedValues=list(MODALITIES)),
            _number("controlStrength", 0, 1, 0.7),
            OUTPUTS,
            _number("numInferenceSteps", 1, 50, 28, step=1),
            *SIZE,
            _number("guidance", 0, 10, 3.5),
            SEED,
        ],
    ),
    _model(
        "model_bfl-flux-2-dev",
        "FLUX.2 dev",
        "custom",
        ("txt2img", "img2img"),
        accessRestrictions=25,
        inputs=[
            PROMPT,
            _input("referenceImages", "file_array", kind="image", maxLength=5),
            _input("modelId", "model", modelTypes=list(FLUX2_LORAS), default=""),
            _input("loras", "model_array", modelTypes=list(FLUX2_LORAS), maxLength=6, default=[]),
            LORAS[1],
            OUTPUTS,
            _number("numInferenceSteps", 1, 100, 28, step=1),
            *SIZE,
            _number("guidance", 1, 10, 4),
            SEED,
        ],
    ),
    _model(
        "model_flux-kontext-editing",
        "Flux Kontext",
        "custom",
        ("img2img",),
        accessRestrictions=25,
        inputs=[
            _input(
                "loras", "model_array", modelTypes=["flux.1-kontext-lora"], maxLength=1, default=[], costImpact=True
            ),
            LORAS[1],
            _input("referenceImages", "file_array", kind="image", required=ALWAYS, maxLength=10),
            PROMPT,
            OUTPUTS,
            _input("aspectRatio", "string", allowedValues=[*RATIOS, "auto"], default="auto"),
            _number("guidanceScale", 1, 10, 3.5, step=0.1),
        ],
    ),
    _model(
        "model_telestyle-v2",
        "TeleStyle",
        "custom",
        ("img2img",),
        inputs=[
            _input("contentImage", "file", kind="image", required=ALWAYS),
            _input("styleImage", "file", kind="image", required=ALWAYS),
            _input("resolution", "string", allowedValues=["square_hd", "square", "portrait_4_3", "landscape_4_3"]),
            _number("loraScale", 0, 4, 1),
            _input("negativePrompt", "string"),
            _number("numInferenceSteps", 2, 50, 4, step=1),
            _number("guidanceScale", 0, 20, 1),
            OUTPUTS,
            SEED,
        ],
    ),
    _model(
        "model_sandbox-film",
        "Short films",
        "custom",
        ("txt2video", "img2video"),
        inputs=[
            _input("prompt", "string", maxLength=500, required={"ifNotDefined": {"firstFrame": "Say what happens"}}),
            _input("firstFrame", "file", kind="image", required={"ifDefined": {"lastFrame": "Needs a first frame"}}),
            _input("lastFrame", "file", kind="image"),
            _number("duration", 5, 10, 5, step=5, costImpact=True),
            _input("aspectRatio", "string", allowedValues=list(RATIOS), default="16:9"),
            _input("sound", "boolean", default=False, costImpact=True),
            _input("soundPrompt", "string", required={"conditional": {"sound": True}}),
            SEED,
        ],
    ),
    _model(
        "model_sandbox-voice",
        "Voices",
        "custom",
        ("txt2audio",),
        inputs=[
            _input("text", "string", required=ALWAYS, minLength=1, maxLength=300, costImpact=True),
            _input("voice", "string", required=ALWAYS, allowedValues=list(VOICES)),
            _number("speed", 0.5, 2, 1, step=0.25),
            _input("keywords", "string_array"),
        ],
    ),
    _model(
        "model_sandbox-statue",
        "Statues",
        "custom",
        ("img23d", "txt23d"),
        accessRestrictions=50,
        inputs=[
            _input("images", "file_array", kind="image", required=ALWAYS, maxLength=4),
            _number("faces", 1000, 50000, 10000, step=1000, costImpact=True),
            _input("views", "inputs_array"),
        ],
    ),
    _model(
        "model_sandbox-story",
        "Stories",
        "custom",
        (),
        inputs=[PROMPT, _input("pictures", "file_array", kind="image", max=3), _number("temperature", 0, 2, 1)],
        tags=["sandbox", "deprecated:model_sandbox-film"],
    ),
    _model("model_sandbox-bare", "A model without inputs", "custom", ("txt2img",)),
)

# What custom models make; images unless said here.
MAKES: Mapping[str, str] = {
    "model_sandbox-film": "video",
    "model_sandbox-voice": "audio",
    "model_sandbox-statue": "3d",
    "model_sandbox-story": "text",
}

SUBJECTS = ("Dragon", "Castle", "Robot", "Forest", "Portrait", "Weapon", "Icon", "Tileset", "Spaceship", "Potion")
STYLES = ("Ink", "Clay", "Pixel", "Watercolor", "Neon", "Comic", "Gouache", "Low-poly", "Storybook", "Woodcut", "Anime")
KINDS = (
    *(("custom", ("txt2img", "img2img")),) * 6,
    *(("flux.1-lora", FLUX_LORA),) * 3,
    ("flux.1-composition", FLUX_LORA),
    ("custom", ("txt2video", "img2video")),
    ("flux.1-kontext-lora", ("img2img",)),
)


@cache
def catalogue(privacy: str, count: int) -> tuple[Record, ...]:
    """Make up a catalogue of models, always the same one."""
    chance = random.Random(privacy)  # noqa: S311  # made-up data
    kinds = cycle(KINDS)
    records = []
    for number in range(count):
        kind, capabilities = next(kinds)
        name = f"{chance.choice(STYLES)} {chance.choice(SUBJECTS)} {number}"
        more: Record = {"inputs": [PROMPT, OUTPUTS, *SIZE, SEED]} if kind == "custom" else {}
        if kind == "flux.1-lora":
            more = {"compliantModelIds": list(BASES)}
        plan = chance.choice((0, 0, 0, 25, 50))
        record = _model(f"model_{privacy}-{number}", name, kind, capabilities, accessRestrictions=plan, **more)
        records.append(record | {"privacy": privacy, "tags": ["sandbox", name.split()[0].lower()]})
    return tuple(records)


_FAMILIES = json.dumps(FAMILIES)  # read anew for each sandbox, which is the fastest way to copy it


def all_models() -> dict[str, Record]:
    """List every model of a sandbox, by id; the records are the sandbox's own to change."""
    families: list[Record] = json.loads(_FAMILIES)
    return {model["id"]: model for model in (*families, *catalogue("public", 700), *catalogue("private", 640))}
