"""One call of every inference that works on the sandbox, and what is wrong with each when a value is changed.

Pictures are placeholders, which `example` fills with what a test gives.
"""

from collections.abc import Mapping
from typing import Any

PICTURE, MASK = "<picture>", "<mask>"

_IMAGE = {"modelId": "model_sandbox-atelier", "prompt": "a phoenix", "numSamples": 1}
_REFERENCES = {"ipAdapterImages": [PICTURE]}
_CONTROL = {"controlImage": PICTURE, "modality": "canny:0.5"}
_PAINT = {"image": PICTURE, "mask": MASK}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "img2img-ip-adapter": {**_IMAGE, "image": PICTURE, **_REFERENCES},
    "txt2img": _IMAGE,
    "txt2img-ip-adapter": {**_IMAGE, **_REFERENCES},
    "txt2img-texture": _IMAGE,
    "img2img": {**_IMAGE, "image": PICTURE},
    "img2img-texture": {**_IMAGE, "image": PICTURE},
    "inpaint": {**_IMAGE, **_PAINT},
    "inpaint-ip-adapter": {**_IMAGE, **_PAINT, **_REFERENCES},
    "controlnet": {**_IMAGE, **_CONTROL},
    "controlnet-img2img": {**_IMAGE, **_CONTROL, "image": PICTURE},
    "controlnet-inpaint": {**_IMAGE, **_CONTROL, **_PAINT},
    "controlnet-inpaint-ip-adapter": {**_IMAGE, **_PAINT, "controlImage": PICTURE, **_REFERENCES},
    "controlnet-ip-adapter": {**_IMAGE, **_CONTROL, **_REFERENCES},
    "controlnet-texture": {**_IMAGE, **_CONTROL},
    "detect": {"image": PICTURE, "modality": "canny"},
    "generative-fill": {"image": PICTURE, "mask": MASK, "prompt": "grass"},
    "patch": {"image": PICTURE, "patch": {"image": PICTURE, "mode": "override"}, "position": {"x": 2, "y": 2}},
    "pixelate": {"image": PICTURE, "pixelGridSize": 32, "removeNoise": True, "colorPalette": [[0, 0, 0], [9, 9, 9]]},
    "prompt-editing": {"image": PICTURE, "prompt": "at night", "referenceImages": [PICTURE]},
    "reframe": {"image": PICTURE, "targetWidth": 96, "targetHeight": 64},
    "remove-background": {"image": PICTURE},
    "restyle": {"image": PICTURE, "styleImages": [PICTURE]},
    "segment": {"image": PICTURE, "points": [[1, 4, 4]], "resultImage": True},
    "skybox-base-360": {"prompt": "dunes", "structureImage": PICTURE, "structureFidelity": 60},
    "skybox-upscale-360": {"image": PICTURE, "scalingFactor": 2},
    "texture": {"texture": PICTURE, "raised": 0.5},
    "upscale": {"image": PICTURE, "scalingFactor": 2},
    "vectorize": {"image": PICTURE, "preset": "poster"},
    "caption": {"images": [PICTURE, PICTURE]},
    "describe-style": {"images": [PICTURE]},
    "embed": {"text": "a phoenix"},
    "prompt": {"mode": "completion", "prompt": "a phoenix", "numResults": 2},
    "translate": {"prompt": "un phénix"},
}

# For each inference a value of its own that is out of its range, or not among what it takes.
WRONG: Mapping[str, Mapping[str, Any]] = {
    "img2img-ip-adapter": {"strength": 0},
    "txt2img": {"aspectRatio": "7:5"},
    "txt2img-ip-adapter": {"ipAdapterScales": [1.5]},
    "txt2img-texture": {"width": 100},
    "img2img": {"strength": 1.01},
    "img2img-texture": {"height": 4096},
    "inpaint": {"guidance": 21},
    "inpaint-ip-adapter": {"ipAdapterType": "face"},
    "controlnet": {"controlStart": 0.95},
    "controlnet-img2img": {"controlEnd": 0.05},
    "controlnet-inpaint": {"modality": "canny:0"},
    "controlnet-inpaint-ip-adapter": {"negativePromptStrength": 11},
    "controlnet-ip-adapter": {"modality": "cany"},
    "controlnet-texture": {"numInferenceSteps": 151},
    "detect": {"modality": "tile"},
    "generative-fill": {"promptFidelity": 0.5},
    "patch": {"patch": {"image": PICTURE, "mode": "add"}},
    "pixelate": {"pixelGridSize": 33},
    "prompt-editing": {"modelId": "flux-kontext-2"},
    "reframe": {"targetWidth": 2049},
    "remove-background": {"format": "gif"},
    "restyle": {"styleFidelity": 101},
    "segment": {"text": "w" * 101},
    "skybox-base-360": {"width": 512},
    "skybox-upscale-360": {"scalingFactor": 9},
    "texture": {"shiny": 2},
    "upscale": {"refinementSteps": 5},
    "vectorize": {"lengthThreshold": 2},
    "caption": {"temperature": 2.5},
    "describe-style": {"topP": 1.1},
    "embed": {"text": " "},
    "prompt": {"numResults": 6},
    "translate": {"temperature": -1},
}

# For each inference an argument without which it cannot work.
NEEDED: Mapping[str, str] = {
    "img2img-ip-adapter": "ipAdapterImages",
    "txt2img": "modelId",
    "txt2img-ip-adapter": "ipAdapterImages",
    "txt2img-texture": "prompt",
    "img2img": "image",
    "img2img-texture": "image",
    "inpaint": "mask",
    "inpaint-ip-adapter": "mask",
    "controlnet": "modality",
    "controlnet-img2img": "image",
    "controlnet-inpaint": "mask",
    "controlnet-inpaint-ip-adapter": "image",
    "controlnet-ip-adapter": "controlImage",
    "controlnet-texture": "controlImage",
    "detect": "modality",
    "generative-fill": "mask",
    "patch": "patch",
    "pixelate": "removeNoise",
    "prompt-editing": "prompt",
    "reframe": "targetHeight",
    "remove-background": "image",
    "restyle": "styleImages",
    "segment": "image",
    "skybox-base-360": "prompt",
    "skybox-upscale-360": "image",
    "texture": "texture",
    "upscale": "image",
    "vectorize": "image",
    "caption": "images",
    "describe-style": "images",
    "embed": "text",
    "prompt": "mode",
    "translate": "prompt",
}


def example(route: str, picture: Any, mask: Any = None) -> dict[str, Any]:
    """Give the working call of an inference, with a picture and a mask in their places."""
    made: dict[str, Any] = filled(EXAMPLES[route], picture, picture if mask is None else mask)
    return made


def filled(value: Any, picture: Any, mask: Any) -> Any:
    """Put a picture and a mask in the places that were kept for them."""
    if isinstance(value, Mapping):
        return {name: filled(each, picture, mask) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, picture, mask) for each in value]
    return {PICTURE: picture, MASK: mask}.get(value, value) if isinstance(value, str) else value
