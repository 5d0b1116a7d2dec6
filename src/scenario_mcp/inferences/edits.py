"""The tools that change a picture: one class each, whose docstring is the tool's description."""

from typing import ClassVar, Literal

from pydantic import Field

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.edit_fields import (
    HEIGHT,
    STYLE_IMAGES,
    WIDTH,
    Avoided,
    Background,
    Edited,
    Filled,
    Guided,
    Steps,
    Stored,
    Structured,
    StyleImages,
)
from scenario_mcp.inferences.fields import ANY_FORM, Concept, DryRun, OriginalAssets
from scenario_mcp.inferences.rules import Remarks, Rules
from scenario_mcp.inferences.values import (
    EditMask,
    FillMask,
    Flag,
    Number,
    Picture,
    Point,
    Ratio,
    StoredPicture,
    Text,
    Whole,
)

# Of prompt-editing: which engine heeds what, and how many references and which ratios each takes, by the prose.
Engine = Literal[
    "flux-kontext", "gemini-2.0-flash", "gemini-2.5-flash", "gpt-image-1", "runway-gen4-image", "seedream-4"
]
USUAL_ENGINE = "gemini-2.5-flash"
KONTEXT, GPT = ("flux-kontext",), ("gpt-image-1",)
REFERENCES = {"gemini-2.0-flash": 5, "gemini-2.5-flash": 5, "gpt-image-1": 5, "flux-kontext": 3, "runway-gen4-image": 2}
SQUARE_TO_WIDE = ("1:1", "4:3", "3:4", "16:9", "9:16", "auto")
RATIOS = {
    "gemini-2.0-flash": ("auto",),
    "gemini-2.5-flash": ("21:9", "16:9", "4:3", "3:2", "1:1", "9:16", "3:4", "2:3", "5:4", "4:5", "auto"),
    "gpt-image-1": ("1:1", "3:2", "2:3", "auto"),
    "runway-gen4-image": SQUARE_TO_WIDE,
    "seedream-4": (*SQUARE_TO_WIDE, "2:3", "3:2", "21:9"),
}


class GenerativeFill(Edited, Guided, Filled, Avoided, DryRun, OriginalAssets):
    """Fill the masked part of a picture by what is around it, or erase what stands there.

    Needs `image` and `mask`; to give a picture more room, use reframe. Costs Creative Units; `dryRun: true` asks the
    price for free.
    """

    redraws: ClassVar[bool] = True
    mask: FillMask | None = Field(None, description="Black and white picture, in any form; white where to fill.")
    mask_id: FillMask | None = Field(None, description="The mask as an asset id: use mask.")
    target_width: Whole | None = Field(None, ge=0, le=2048, description=WIDTH)
    target_height: Whole | None = Field(None, ge=0, le=2048, description=HEIGHT)
    checks: ClassVar[Rules] = (
        rules.one_value("mask", "maskId"),
        rules.needs("mask", "maskId", what="a black and white picture, white where to fill"),
    )


class Overlay(Fields):
    """A picture that is laid over another one."""

    image: Picture = Field(description=f"Picture to lay over: {ANY_FORM}.")
    mode: Literal["erase", "override"] = Field(description="override: paint it; erase: take away what it covers.")


class Position(Fields):
    """A place in a picture, in pixels from its upper left corner."""

    x: Number = Field(description="Pixels from the left.")
    y: Number = Field(description="Pixels from the top.")


class Crop(Fields):
    """A part of a picture, in pixels."""

    left: Number = Field(description="Pixels to cut off at the left.")
    top: Number = Field(description="Pixels to cut off at the top.")
    width: Number = Field(description="Pixels to keep across.")
    height: Number = Field(description="Pixels to keep down.")
    background_color: Text | None = Field(None, description="Colour beyond the edges: rgba, hex or a name.")


class Patch(Edited, Background, OriginalAssets):
    """Crop a picture, lay another one over it, or erase a part of it.

    Needs `image` and what to do: `crop`, `patch` or both; the crop comes first. Costs Creative Units; Scenario names no
    price before it runs, so there is no dryRun, and nothing runs while a cap is set.
    """

    background_color: Text | None = Field(
        None, description="What shows through: #FFFFFF, a name like red, or transparent (png only); white if not given."
    )
    patch: Overlay | None = Field(None, description='Picture to lay over image, and how, like {"image": "~/logo.png"}.')
    position: Position | None = Field(None, description='Where to lay it, like {"x": 0, "y": 0}; only with patch.')
    allow_overflow: Flag | None = Field(
        None, description="true: the result grows where the laid picture reaches over the edge."
    )
    crop: Crop | None = Field(
        None, description='Part of image to keep, like {"left": 0, "top": 0, "width": 64, "height": 64}.'
    )
    checks: ClassVar[Rules] = (
        rules.needs("patch", "crop", "backgroundColor", "format", what="without it the picture stays as it is"),
    )
    notes: ClassVar[Remarks] = (rules.idle_without(("position", "allowOverflow"), "patch"),)


class KontextConcept(Concept):
    """One LoRA of Flux Kontext, which cannot weigh less than nothing."""

    scale: Number = Field(ge=0, le=2, description="Weight of the LoRA, from 0.")


class PromptEditing(Edited, DryRun, OriginalAssets):
    """Edit a picture by saying what to change.

    `modelId` names an engine, not a model of the project; gemini-2.5-flash if not given. Costs Creative Units per
    image; `dryRun: true` asks the price for free.
    """

    redraws: ClassVar[bool] = True
    prompt: Text = Field(description="What to change.")
    model_id: Engine | None = Field(None, description="Engine to use.")
    reference_images: list[Picture] | None = Field(
        None,
        description='More pictures to refer to, like ["~/ink.png"]; gemini and gpt-image-1 take 5, flux-kontext 3 (none'
        " with concepts), runway-gen4-image 2.",
    )
    num_samples: Whole | None = Field(
        None, ge=1, le=128, description="Images to make, each billed; the plan limits how many."
    )
    aspect_ratio: Literal[Ratio, "auto"] | None = Field(
        None, description="Shape of the result; each engine takes some of these."
    )
    quality: Literal["high", "low", "medium"] | None = Field(None, description="high if not given; not for gemini.")
    seed: Whole | None = Field(None, description="flux-kontext only: the same one repeats a result.")
    guidance_scale: Number | None = Field(None, description="flux-kontext only: how closely to follow the prompt.")
    strength: Number | None = Field(None, description="flux-kontext with concepts only.")
    concepts: list[KontextConcept] | None = Field(
        None, description='flux-kontext only: its LoRAs, like [{"modelId": "model_...", "scale": 0.7}].'
    )
    mask: EditMask | None = Field(
        None, description="gpt-image-1 only: picture in any form, black where to edit (not white as elsewhere)."
    )
    input_fidelity: Literal["high", "low"] | None = Field(
        None, description="gpt-image-1 only: high keeps faces and logos."
    )
    format: Literal["jpeg", "png", "webp"] | None = Field(None, description="gpt-image-1 only; png if not given.")
    compression: Number | None = Field(
        None, ge=0, le=100, description="gpt-image-1 with jpeg or webp only: percent; 100 if not given."
    )
    checks: ClassVar[Rules] = (
        rules.at_most("referenceImages", REFERENCES, "modelId", USUAL_ENGINE),
        rules.none_beside("referenceImages", "concepts", "modelId", "flux-kontext"),
        rules.only_when("mask", "modelId", GPT, usual=USUAL_ENGINE),
        rules.only_when("concepts", "modelId", KONTEXT, usual=USUAL_ENGINE),
        rules.allowed_by("aspectRatio", RATIOS, "modelId", USUAL_ENGINE),
    )
    notes: ClassVar[Remarks] = (
        rules.idle_unless(("seed", "guidanceScale", "strength"), "modelId", KONTEXT, usual=USUAL_ENGINE),
        rules.idle_unless(("inputFidelity", "format", "compression"), "modelId", GPT, usual=USUAL_ENGINE),
        rules.idle_unless(
            ("quality",), "modelId", (*GPT, *KONTEXT, "runway-gen4-image", "seedream-4"), usual=USUAL_ENGINE
        ),
        rules.idle_unless(("compression",), "format", ("jpeg", "webp"), usual="png"),
        rules.idle_without(("strength",), "concepts"),
    )


class Reframe(Edited, Guided, Filled, DryRun, OriginalAssets):
    """Give a picture another size or shape; new space is filled to match.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    redraws: ClassVar[bool] = True
    target_width: Whole = Field(ge=0, le=2048, description=WIDTH)
    target_height: Whole = Field(ge=0, le=2048, description=HEIGHT)
    input_location: Literal["bottom", "left", "middle", "right", "top"] | None = Field(
        None, description="Where the picture stands in the result; middle if not given."
    )
    resize_option: Number | None = Field(None, ge=0.1, le=1, description="Share of the result that it takes up.")
    overlap_percentage: Number | None = Field(None, ge=0, le=0.5, description="Overlap, as a share from 0 to 0.5.")
    concepts: list[Concept] | None = Field(
        None, description='Flux LoRA or composition that gives the style, like [{"modelId": "model_...", "scale": 1}].'
    )
    negative_prompt: str | None = Field(None, description="Deprecated.")
    horizontal_expansion_ratio: Number | None = Field(None, ge=1, le=2, description="Deprecated: use targetWidth.")
    vertical_expansion_ratio: Number | None = Field(None, ge=1, le=2, description="Deprecated: use targetHeight.")
    notes: ClassVar[Remarks] = (
        rules.deprecated("horizontalExpansionRatio", "verticalExpansionRatio", "negativePrompt"),
    )


class RemoveBackground(Stored, Background, DryRun, OriginalAssets):
    """Cut out what a picture shows, without its background.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    background_color: Text | None = Field(
        None, description="What to put in its place: #FFFFFF, a name like red, or transparent (png only)."
    )


class Restyle(Edited, Guided, Steps, StyleImages, Structured, DryRun, OriginalAssets):
    """Redraw a picture or a sketch in the style of other pictures.

    Needs `image` and `styleImages`. Costs Creative Units; `dryRun: true` asks the price for free.
    """

    redraws: ClassVar[bool] = True
    style_images: list[StoredPicture] = Field(description=STYLE_IMAGES)
    sketch: Flag | None = Field(None, description="true: the picture is a sketch; its lines are read as such.")
    clustering: Flag | None = Field(None, description="Not documented further; best left out.")
    control_end: Number | None = Field(None, description="Step at which the structure stops to count.")


class Segment(Edited, DryRun, OriginalAssets):
    """Find an object in a picture, and give its mask or cut it out.

    Say which by `text`, `points` or `bbox`. Costs Creative Units; `dryRun: true` asks the price for free.
    """

    text: Text | None = Field(None, max_length=100, description="Words for the object.")
    points: list[Point] | None = Field(
        None, description="Points as [label, x, y], like [[1, 80, 40]]: label 1 on the object, 0 on the background."
    )
    bbox: list[Number] | None = Field(
        None, min_length=4, max_length=4, description="Box around it as [x1, y1, x2, y2], like [10, 10, 90, 60]."
    )
    result_mask: Flag | None = Field(None, description="Give the mask; true if not given.")
    result_image: Flag | None = Field(None, description="true: give the object cut out.")
    result_contours: Flag | None = Field(None, description="true: give its contours as points.")
    checkpoint: Literal["fastsam_x", "sam_b", "sam_h"] | None = Field(None, description="fastsam_x if not given.")
    better_quality: Flag | None = Field(None, description="true: without specks and cracks.")
    dilate: Number | None = Field(None, ge=0, le=30, description="Pixels by which to grow the mask.")
    background_opacity: Whole | None = Field(
        None, ge=0, le=255, description="Opacity of the background of the cut-out."
    )
    checks: ClassVar[Rules] = (rules.some_on("resultMask", "resultImage", "resultContours", usual="resultMask"),)
    notes: ClassVar[Remarks] = (rules.idle_unless(("backgroundOpacity",), "resultImage", (True,)),)
