"""Field groups: every parameter of the inferences, worded once, mixed into one class per inference.

Names, types, ranges and allowed values follow Scenario's public API description. Where its text and
its schema disagree (whole numbers, multiples of 8, ranges stated only in prose) the text wins.
Optional fields default to None, which means "not said": defaults are the API's, so none is repeated.
"""

from typing import ClassVar, Literal

from pydantic import Field

from scenario_mcp.inferences import control, rules
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.folding import REFERENCE_FIELDS
from scenario_mcp.inferences.rules import Remarks, Rules
from scenario_mcp.inferences.values import (
    ControlPicture,
    Flag,
    Fraction,
    Id,
    MaskPicture,
    Number,
    Picture,
    Ratio,
    Reference,
    Scheduler,
    SeedText,
    Text,
    Whole,
)

ANY_FORM = "asset id, path, https URL or data URL"


# --- of every inference


class DryRun(Fields):
    """The free question for a price; travels in the query string."""

    dry_run: Flag | None = Field(None, description="true: only ask the price; nothing is made or billed.")


class OriginalAssets(Fields):
    """Which rendition result URLs point at; travels in the query string."""

    original_assets: Flag | None = Field(None, description="true: result URLs give the untransformed originals.")


# --- of the fourteen image inferences


class Concept(Fields):
    """One LoRA mixed into a generation."""

    model_id: Id = Field(description="LoRA model id.")
    scale: Number = Field(ge=-2, le=2, description="Weight of the LoRA.")
    model_epoch: Text | None = Field(None, description="Its training epoch (Flux LoRAs).")


class Generation(Fields):
    """What all fourteen image inferences share."""

    model_id: Id = Field(min_length=1, description="Id of the model to run.")
    prompt: Text = Field(min_length=1, description="What to draw, with the model's own trigger words.")
    num_samples: Whole | None = Field(None, ge=1, le=128, description="Images to make, each billed; 4 if not given.")
    width: Whole | None = Field(None, ge=64, le=2048, multiple_of=8, description="Pixels; 512 if not given.")
    height: Whole | None = Field(None, ge=64, le=2048, multiple_of=8, description="Pixels; 512 if not given.")
    guidance: Number | None = Field(
        None, ge=0, le=20, description="How closely to follow the prompt. Flux dev: 0-10 (3.5), Flux pro: 2-5 (3)."
    )
    num_inference_steps: Whole | None = Field(None, ge=1, le=150, description="Denoising steps; 30 if not given.")
    seed: SeedText | None = Field(None, description="Whole number; the same one repeats a result. Random if not given.")
    negative_prompt: str | None = Field(
        None, description="What to avoid. On Flux models only txt2img, img2img and controlnet heed it."
    )
    negative_prompt_strength: Number | None = Field(
        None, ge=0, le=10, description="Weight of negativePrompt on Flux dev, where it must be > 0 to count."
    )
    base_model_id: Id | None = Field(
        None, description="Flux LoRAs only: base model, one of the LoRA's compliantModelIds."
    )
    model_epoch: Text | None = Field(None, description="Flux LoRAs only: training epoch to use.")
    concepts: list[Concept] | None = Field(
        None, description='More LoRAs to mix in, like [{"modelId": "model_...", "scale": 0.7}].'
    )
    scheduler: Scheduler | None = Field(None, description="Stable Diffusion models only.")
    hide_results: Flag | None = Field(None, description="true: keep the results out of listings.")
    intermediate_images: Flag | None = Field(None, description="true: also make images of the steps between.")
    notes: ClassVar[Remarks] = (rules.idle_below("negativePrompt", "guidance", 1),)
    redraws: ClassVar[bool] = True


class AspectRatio(Fields):
    """The shape of images whose model takes no width and height."""

    aspect_ratio: Ratio | None = Field(
        None, description="flux.1.1-pro-ultra only, in place of width and height; 1:1 if not given."
    )


class FiledImage(Fields):
    """How the source picture is filed, and its old name."""

    image_hide: Flag | None = Field(None, description="true: keep an image that is not an asset yet out of listings.")
    image_parent_id: Id | None = Field(None, description="Parent asset id of an image that is not an asset yet.")
    image_id: Picture | None = Field(None, description="Deprecated: use image.")
    checks: ClassVar[Rules] = (rules.one_value("image", "imageId"),)


class SourceImage(FiledImage):
    """The picture a generation starts from."""

    image: Picture | None = Field(None, description=f"Needed. Picture to start from: {ANY_FORM}.")
    checks: ClassVar[Rules] = (
        rules.needs(
            *("image", "imageId"),
            what="the picture to start from, as an asset id, a path, an https URL or a data URL",
        ),
    )


class Strength(Fields):
    """How far the result may move from the source image."""

    strength: Number | None = Field(
        None, ge=0.01, le=1, description="How much of the image to change; 1 keeps nothing. 0.75 if not given."
    )


class Mask(Fields):
    """Which part of the source image may change."""

    mask: MaskPicture | None = Field(
        None, description="Black and white picture, in any form; white where the image may change."
    )
    mask_id: MaskPicture | None = Field(None, description="Asset id that Scenario may ignore: use mask.")
    checks: ClassVar[Rules] = (rules.one_value("mask", "maskId"),)


class Inpainting(Mask):
    """A mask that must be there."""

    checks: ClassVar[Rules] = (
        rules.needs(
            *("mask", "maskId"),
            what="a black and white picture, white where to paint. To change the whole image, use img2img",
        ),
    )


class Merging(Fields):
    """How what is painted joins the rest."""

    disable_merging: Flag | None = Field(
        None,
        description="true: faster, but the whole image will likely change, and the new part joins it less well.",
    )


class IpAdapter(Fields):
    """The reference pictures that steer a generation."""

    ip_adapter_images: list[Reference] | None = Field(
        None, description='Needed. Reference pictures that steer the result, like ["~/ink.png", "asset_..."].'
    )
    ip_adapter_scales: list[Fraction] | None = Field(
        None, description="Influence of each reference, in their order, like [0.8, 0.4]; 0.9 if not given."
    )
    ip_adapter_type: Literal["character", "style"] | None = Field(
        None, description="What to take from the references; style if not given."
    )
    ip_adapter_image_ids: list[Reference] | None = Field(
        None, description='References as asset ids, like ["asset_..."]; same as ipAdapterImages.'
    )
    ip_adapter_image: Reference | None = Field(None, description="Deprecated: use ipAdapterImages.")
    ip_adapter_image_id: Reference | None = Field(None, description="Deprecated: use ipAdapterImages.")
    ip_adapter_scale: Fraction | None = Field(None, description="Deprecated: use ipAdapterScales.")
    checks: ClassVar[Rules] = (
        rules.needs(
            *REFERENCE_FIELDS,
            what="at least one reference picture, as an asset id, a path, an https URL or a data URL",
        ),
        rules.one_list_of_references,
        rules.scales_fit_references,
    )


class ControlPictures(Fields):
    """The picture whose pose, lines or depth the result keeps."""

    control_image: ControlPicture | None = Field(
        None, description=f"Picture whose pose, edges or depth to keep, ready made as a map: {ANY_FORM}."
    )
    control_image_id: ControlPicture | None = Field(None, description="The same as an asset id: use controlImage.")
    checks: ClassVar[Rules] = (rules.one_value("controlImage", "controlImageId"),)


class ControlImage(ControlPictures):
    """The control picture beside a source picture."""

    checks: ClassVar[Rules] = (rules.needs("controlImage", "controlImageId", what="the map that guides the result"),)


class ControlSource(ControlPictures, FiledImage):
    """The control picture, or one that may stand in for it: Scenario does not say what `image` is without a source."""

    image: Picture | None = Field(None, description=f"What it does here is not documented; {ANY_FORM}.")
    checks: ClassVar[Rules] = (
        rules.needs("controlImage", "controlImageId", "image", "imageId", what="the map that guides the result"),
    )
    notes: ClassVar[Remarks] = (
        rules.missing(
            *("controlImage", "controlImageId"),
            says="Without controlImage, Scenario does not document where the control is taken from; it may be image.",
        ),
    )


class ControlMode(Fields):
    """What the control picture holds, and when it counts."""

    modality: Text = Field(
        description="What controlImage holds: canny, depth, pose, tile, blur, gray or low-quality (one, on Flux);"
        " else up to 3 with weights, like depth:0.5,pose:1.0, or character, landscape, city or interior."
    )
    control_start: Number | None = Field(
        None, ge=0, le=0.9, description="Flux dev only: share of the steps after which the control begins."
    )
    control_end: Number | None = Field(
        None, ge=0.1, le=1, description="Flux dev only: share of the steps after which it ends; 0.5 (canny) or 0.6."
    )
    disable_modality_detection: Flag | None = Field(
        None, description="false: make the control from an ordinary picture first; never on Flux. true if not given."
    )
    checks: ClassVar[Rules] = (control.modality_reads, control.control_window)
