"""The table of the inferences: adding one is a class in a neighbouring module and a line here.

The key is the last part of the route, and names everything else: the tool, its snapshot, the command line word.
"""

import re

from scenario_mcp.inferences import conversions, edits, images, skyboxes, texts
from scenario_mcp.inferences.base import Fields

CORE, TEXT = "core", "text"
BY_TOOLSET: dict[str, dict[str, type[Fields]]] = {
    CORE: {
        "img2img-ip-adapter": images.Img2imgIpAdapter,
    },
    "images": {
        "txt2img": images.Txt2img,
        "txt2img-ip-adapter": images.Txt2imgIpAdapter,
        "txt2img-texture": images.Txt2imgTexture,
        "img2img": images.Img2img,
        "img2img-texture": images.Img2imgTexture,
        "inpaint": images.Inpaint,
        "inpaint-ip-adapter": images.InpaintIpAdapter,
        "controlnet": images.Controlnet,
        "controlnet-img2img": images.ControlnetImg2img,
        "controlnet-inpaint": images.ControlnetInpaint,
        "controlnet-inpaint-ip-adapter": images.ControlnetInpaintIpAdapter,
        "controlnet-ip-adapter": images.ControlnetIpAdapter,
        "controlnet-texture": images.ControlnetTexture,
    },
    "edit": {
        "detect": conversions.Detect,
        "generative-fill": edits.GenerativeFill,
        "patch": edits.Patch,
        "pixelate": conversions.Pixelate,
        "prompt-editing": edits.PromptEditing,
        "reframe": edits.Reframe,
        "remove-background": edits.RemoveBackground,
        "restyle": edits.Restyle,
        "segment": edits.Segment,
        "skybox-base-360": skyboxes.SkyboxBase360,
        "skybox-upscale-360": skyboxes.SkyboxUpscale360,
        "texture": conversions.Texture,
        "upscale": conversions.Upscale,
        "vectorize": conversions.Vectorize,
    },
    TEXT: {
        "caption": texts.Caption,
        "describe-style": texts.DescribeStyle,
        "embed": texts.Embed,
        "prompt": texts.Prompt,
        "translate": texts.Translate,
    },
}

INFERENCES: dict[str, type[Fields]] = {
    route: model for members in BY_TOOLSET.values() for route, model in members.items()
}


def tool_name(route: str) -> str:
    """Name the tool of a route: Scenario's operation id in kebab case, where numbers stick to their word."""
    return f"post-{re.sub('-(?=[0-9])', '', route)}-inferences"


def route_of(tool: str) -> str | None:
    """Name the route of a named inference's tool, also by the name that it had in version 0.1.0."""
    return next((route for route in INFERENCES if tool in (tool_name(route), f"post-{route}-inferences")), None)


def first_name(tool: str) -> str:
    """Give the name that a tool had in version 0.1.0, by which generations are known again."""
    route = route_of(tool)
    return tool if route is None else f"post-{route}-inferences"


def toolset_of(route: str) -> str:
    """Name the toolset that an inference belongs to; core for what is none."""
    return next((toolset for toolset, members in BY_TOOLSET.items() if route in members), CORE)
