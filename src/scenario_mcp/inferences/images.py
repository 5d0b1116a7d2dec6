"""The fourteen image inferences: one class each, whose docstring is the tool's description."""

from scenario_mcp.inferences.fields import (
    AspectRatio,
    ControlImage,
    ControlMode,
    ControlSource,
    DryRun,
    Generation,
    Inpainting,
    IpAdapter,
    Mask,
    Merging,
    OriginalAssets,
    SourceImage,
    Strength,
)


class Img2imgIpAdapter(SourceImage, IpAdapter, Strength, Mask, Generation, DryRun, OriginalAssets):
    """Make images from one source image, steered by reference images through an IP adapter.

    `image` is where each result starts; `ipAdapterImages` lend it their style or character. Both are needed,
    with a model that has the capability img2img_ip_adapter (Flux.1 LoRAs and compositions). Costs Creative Units
    per image; `dryRun: true` asks the price for free. Answers in time for the host, with the images or with a job id
    and the call that waits for it. The same call again joins a job that runs; after its results it bills new images.
    """


class Txt2img(Generation, AspectRatio, DryRun, OriginalAssets):
    """Make images from a prompt alone.

    Needs a model with the capability txt2img. Costs Creative Units per image; `dryRun: true` asks the price for free.
    """


class Txt2imgIpAdapter(IpAdapter, Generation, AspectRatio, DryRun, OriginalAssets):
    """Make images from a prompt, in the style of reference images or with their character.

    Needs `ipAdapterImages` and a model with the capability txt2img_ip_adapter. Costs Creative Units per image;
    `dryRun: true` asks the price for free.
    """


class Txt2imgTexture(Generation, DryRun, OriginalAssets):
    """Make seamless textures, which tile without an edge, from a prompt.

    Needs a model with the capability txt2img_texture. Costs Creative Units per image; `dryRun: true` asks the price
    for free.
    """


class Img2img(SourceImage, Strength, Generation, DryRun, OriginalAssets):
    """Make variations of one image, guided by a prompt.

    Needs `image` and a model with the capability img2img. Costs Creative Units per image; `dryRun: true` asks the
    price for free.
    """


class Img2imgTexture(SourceImage, Strength, Mask, Generation, DryRun, OriginalAssets):
    """Make seamless textures, which tile without an edge, from one image.

    Needs `image` and a model with the capability img2img_texture. Costs Creative Units per image; `dryRun: true` asks
    the price for free.
    """


class Inpaint(SourceImage, Inpainting, Strength, Generation, Merging, DryRun, OriginalAssets):
    """Paint something new into the masked part of an image.

    Needs `image`, `mask` and a model with the capability inpaint. Costs Creative Units per image; `dryRun: true` asks
    the price for free.
    """


class InpaintIpAdapter(SourceImage, Inpainting, IpAdapter, Strength, Generation, Merging, DryRun, OriginalAssets):
    """Paint into the masked part of an image, steered by reference images.

    Needs `image`, `mask`, `ipAdapterImages` and a model with the capability inpaint_ip_adapter. Costs Creative Units
    per image; `dryRun: true` asks the price for free.
    """


class Controlnet(ControlSource, Generation, ControlMode, DryRun, OriginalAssets):
    """Make images that keep the pose, edges or depth of a control picture.

    Needs `controlImage`, its `modality` and a model with the capability controlnet. Costs Creative Units per image;
    `dryRun: true` asks the price for free.
    """


class ControlnetImg2img(SourceImage, ControlImage, Strength, Generation, ControlMode, DryRun, OriginalAssets):
    """Make variations of an image that keep the pose, edges or depth of a control picture.

    Needs `image`, `controlImage`, its `modality` and a model with the capability controlnet_img2img. Costs Creative
    Units per image; `dryRun: true` asks the price for free.
    """


class ControlnetInpaint(
    SourceImage, Inpainting, ControlImage, Strength, Generation, ControlMode, Merging, DryRun, OriginalAssets
):
    """Paint into the masked part of an image, keeping the pose, edges or depth of a control picture.

    Needs `image`, `mask`, `controlImage`, its `modality` and a model with the capability controlnet_inpaint. Costs
    Creative Units per image; `dryRun: true` asks the price for free.
    """


class ControlnetInpaintIpAdapter(
    SourceImage, Inpainting, ControlImage, IpAdapter, Strength, Generation, Merging, DryRun, OriginalAssets
):
    """Paint into the masked part of an image, steered by a control picture and reference images.

    Needs `image`, `mask`, `controlImage`, `ipAdapterImages` and a model with the capability
    controlnet_inpaint_ip_adapter. Costs Creative Units per image; `dryRun: true` asks the price for free.
    """


class ControlnetIpAdapter(ControlSource, IpAdapter, Generation, ControlMode, DryRun, OriginalAssets):
    """Make images that keep a control picture's pose, edges or depth, steered by reference images.

    Needs `controlImage`, its `modality`, `ipAdapterImages` and a model with the capability controlnet_ip_adapter.
    Costs Creative Units per image; `dryRun: true` asks the price for free.
    """


class ControlnetTexture(ControlSource, Generation, ControlMode, DryRun, OriginalAssets):
    """Make seamless textures that keep the edges or depth of a control picture.

    Needs `controlImage`, its `modality` and a model with the capability controlnet_texture. Costs Creative Units per
    image; `dryRun: true` asks the price for free.
    """
