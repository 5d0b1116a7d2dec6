"""The tools that turn a picture into something else: maps, pixels, curves, or a larger one. One class each."""

from typing import ClassVar, Literal

from pydantic import Field

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.edit_fields import Avoided, Edited, Embeddings, Enlarged, Guided, Stored, Styled
from scenario_mcp.inferences.fields import ANY_FORM, DryRun, OriginalAssets
from scenario_mcp.inferences.rules import Remarks
from scenario_mcp.inferences.values import Colour, Flag, Number, Percent, StoredPicture, Whole


class Detect(Edited, DryRun, OriginalAssets):
    """Make the control map of a picture: its edges, depth, pose and the like.

    Such a map can guide the making of images as their control picture. Costs Creative Units; `dryRun: true` asks the
    price for free.
    """

    modality: Literal[
        "canny",
        "depth",
        "grayscale",
        "lineart_anime",
        "mlsd",
        "normal",
        "pose",
        "scribble",
        "segmentation",
        "sketch",
    ] = Field(description="What to detect.")
    low_threshold: Number | None = Field(None, description="canny only: lower threshold.")
    high_threshold: Number | None = Field(None, description="canny only: upper threshold.")
    keypoint_threshold: Number | None = Field(None, ge=0, le=1, description="Threshold for the points of a pose.")
    remove_background: Flag | None = Field(
        None, description="grayscale only: leave the background out; true if not given."
    )
    min_threshold: Number | None = Field(None, description="grayscale only: lower threshold.")
    max_threshold: Number | None = Field(None, description="grayscale only: upper threshold.")
    factor: Number | None = Field(None, description="grayscale only: contrast.")
    notes: ClassVar[Remarks] = (
        rules.idle_unless(("lowThreshold", "highThreshold"), "modality", ("canny",)),
        rules.idle_unless(("removeBackground", "minThreshold", "maxThreshold", "factor"), "modality", ("grayscale",)),
    )


class Pixelate(Stored, DryRun, OriginalAssets):
    """Turn a picture into pixel art on a grid.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    pixel_grid_size: Literal[16, 32, 64, 128, 256] = Field(
        description="Pixels of the grid, each way: 16, 32, 64, 128 or 256."
    )
    remove_noise: Flag = Field(description="true: fewer stray pixels.")
    remove_background: Flag | None = Field(None, description="true: without the background.")
    color_palette: list[Colour] | None = Field(
        None, description="Colours to use, each as [red, green, blue], like [[255, 0, 0]]."
    )
    color_palette_size: Whole | None = Field(
        None, ge=2, le=256, description="How many colours to choose, without colorPalette."
    )
    notes: ClassVar[Remarks] = (rules.idle_with(("colorPaletteSize",), "colorPalette"),)


class Texture(DryRun, OriginalAssets):
    """Make the maps of a texture: height, normal, smoothness, metallic, edge, ambient occlusion.

    The texture itself comes with them as the albedo map. Costs Creative Units; `dryRun: true` asks the price for free.
    """

    texture: StoredPicture = Field(description=f"Texture to make maps of: {ANY_FORM}.")
    raised: Number | None = Field(None, ge=0, le=1, description="0 flat as water, 1 like rough rock.")
    angular: Number | None = Field(None, ge=0, le=1, description="0 round as a sphere, 1 like a machine part.")
    polished: Number | None = Field(None, ge=0, le=1, description="0 rough, 1 like a mirror.")
    shiny: Number | None = Field(None, ge=0, le=1, description="0 matte, 1 like a diamond.")
    invert: Flag | None = Field(None, description="true: turn the relief inside out.")
    default_parameters: Flag | None = Field(None, description="true: use Scenario's own values.")
    save_flipbook: Flag | None = Field(
        None, description="Also save a flipbook, if the texture is at most 2048x2048 pixels; true if not given."
    )
    notes: ClassVar[Remarks] = (
        rules.idle_with(("raised", "angular", "polished", "shiny", "invert"), "defaultParameters"),
    )


UPSCALER = "model_scenario-upscale-v3"


class Upscale(Edited, Guided, Avoided, Embeddings, Enlarged, Styled, DryRun, OriginalAssets):
    """Enlarge a picture and add details.

    Deprecated by Scenario: prefer run-model with modelId model_scenario-upscale-v3. Costs Creative Units; `dryRun:
    true` asks the price for free.
    """

    scaling_factor: Number | None = Field(
        None, ge=1, le=16, description="Times to enlarge, without targetWidth: 1 to 16."
    )
    preset: Literal["balanced", "creative", "precise"] | None = Field(
        None, description="Faithful (precise) or inventive (creative); balanced if not given."
    )
    style: Literal["3d-rendered", "anime", "cartoon", "comic", "minimalist", "photography", "standard"] | None = Field(
        None, description="What kind of picture it is; standard if not given."
    )
    image_type: Literal["seamfull", "skybox", "texture"] | None = Field(
        None, description="skybox or texture: keep a seamless picture so; seamfull, an ordinary one, if not given."
    )
    creativity: Percent | None = Field(None, description="How much may be invented, in percent.")
    creativity_decay: Percent | None = Field(
        None, description="How it decays on the way, in percent; low keeps less, says Scenario."
    )
    image_fidelity: Percent | None = Field(None, description="How closely to keep the picture, in percent.")
    fractality: Percent | None = Field(
        None, description="Low: few details, coherent, slower and dearer. High: more details, more invented."
    )
    refinement_steps: Whole | None = Field(None, ge=0, le=4, description="Rounds of refinement before enlarging.")
    style_images: list[StoredPicture] | None = Field(
        None, description='Pictures whose style the details take, like ["~/ink.png"]; one is mostly enough.'
    )
    style_images_fidelity: Percent | None = Field(None, description="How closely to follow them, in percent.")
    tile_style: Flag | None = Field(
        None, description="true: match tile by tile with styleImages; best with a similar composition."
    )
    notes: ClassVar[Remarks] = (
        rules.always(
            says=f"Scenario has deprecated this inference and will remove it: run-model with modelId {UPSCALER} takes"
            " its place; get-model tells what it takes."
        ),
        rules.idle_without(("styleImagesFidelity", "tileStyle"), "styleImages"),
    )


class Vectorize(Stored, DryRun, OriginalAssets):
    """Turn a picture into an SVG of shapes.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    preset: Literal["asset", "bw", "custom", "photo", "pixelart", "poster"] | None = Field(
        None, description="Any but custom makes Scenario ignore the fields below; custom if not given."
    )
    color_mode: Literal["bw", "color"] | None = Field(None, description="color if not given.")
    mode: Literal["none", "polygon", "spline"] | None = Field(None, description="Curves; spline if not given.")
    filter_speckle: Number | None = Field(None, ge=0, le=128, description="Drop patches smaller than that many pixels.")
    color_precision: Number | None = Field(None, ge=1, le=16, description="color only: bits of each channel.")
    layer_difference: Number | None = Field(
        None, ge=0, le=255, description="color only: difference between layers; higher means fewer."
    )
    corner_threshold: Number | None = Field(None, ge=0, le=180, description="spline only: degrees that make a corner.")
    length_threshold: Number | None = Field(None, ge=3.5, le=10, description="spline only: shortest segment.")
    splice_threshold: Number | None = Field(
        None, ge=0, le=180, description="spline only: degrees at which to join curves."
    )
    max_iterations: Number | None = Field(None, ge=1, le=100000, description="Most rounds of fitting.")
    path_precision: Number | None = Field(None, ge=0, description="Decimal places in paths.")
    notes: ClassVar[Remarks] = (
        rules.idle_unless(
            (
                *("colorMode", "mode", "filterSpeckle", "colorPrecision", "layerDifference", "cornerThreshold"),
                *("lengthThreshold", "spliceThreshold", "maxIterations", "pathPrecision"),
            ),
            "preset",
            ("custom",),
            usual="custom",
        ),
        rules.idle_unless(("colorPrecision", "layerDifference"), "colorMode", ("color",), usual="color"),
        rules.idle_unless(
            ("cornerThreshold", "lengthThreshold", "spliceThreshold"), "mode", ("spline",), usual="spline"
        ),
    )
