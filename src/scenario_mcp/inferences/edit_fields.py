"""Field groups of the tools that work on one picture, each worded once."""

from typing import ClassVar, Literal

from pydantic import Field

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.fields import ANY_FORM
from scenario_mcp.inferences.rules import Remarks, Rules
from scenario_mcp.inferences.values import Flag, Number, Percent, Picture, StoredPicture, Whole

WORKED_ON = f"Picture to work on: {ANY_FORM}."
WIDTH, HEIGHT = "Width of the result in pixels.", "Height of the result in pixels."
STYLE_IMAGES = 'Pictures that lend their style, like ["~/ink.png"]; one is mostly enough.'


class Edited(Fields):
    """The picture to work on."""

    image: Picture = Field(description=WORKED_ON)


class Stored(Fields):
    """The picture to work on, where Scenario takes the id of an asset only."""

    image: StoredPicture = Field(description=WORKED_ON)


class Seed(Fields):
    """What makes a result repeatable."""

    seed: Whole | None = Field(None, ge=0, le=2147483647, description="The same one repeats a result.")


class Guided(Seed):
    """The words that guide a result."""

    prompt: str | None = Field(None, description="What to aim for.")


class Avoided(Fields):
    """The words that a result is to keep away from."""

    negative_prompt: str | None = Field(None, description="What to avoid; try without it first.")


class Steps(Fields):
    """How long to work on a result."""

    num_inference_steps: Whole | None = Field(None, ge=5, le=50, description="Denoising steps.")


class Filled(Steps):
    """How to fill a part of a picture by what stands around it."""

    prompt_fidelity: Number | None = Field(None, ge=1, le=15, description="How closely to follow the prompt, 1 to 15.")


class Styled(Fields):
    """How strongly words count, in percent."""

    prompt_fidelity: Percent | None = Field(None, description="How closely to follow the prompt, in percent.")


class StyleImages(Styled):
    """The pictures that lend their style, and how much of it."""

    style_images: list[StoredPicture] | None = Field(None, description=STYLE_IMAGES)
    style_fidelity: Percent | None = Field(None, description="How closely to follow styleImages, in percent.")
    notes: ClassVar[Remarks] = (rules.idle_without(("styleFidelity",), "styleImages"),)


class Structured(Fields):
    """How much of the structure stays."""

    structure_fidelity: Percent | None = Field(None, description="How closely to keep the structure, in percent.")


class Enlarged(Fields):
    """How large the result becomes, and with how many details."""

    target_width: Whole | None = Field(
        None, ge=1024, le=16000, description="Width of the result in pixels; overrides scalingFactor."
    )
    details_level: Number | None = Field(None, ge=-50, le=50, description="Details to add, or to take away if < 0.")
    notes: ClassVar[Remarks] = (rules.idle_with(("scalingFactor",), "targetWidth"),)


class Embeddings(Fields):
    """Whether a model's own words count."""

    override_embeddings: Flag | None = Field(
        None, description="true: only prompt and negativePrompt count, not the model's embeddings."
    )


class Background(Fields):
    """The file format, which says whether a background can be transparent."""

    format: Literal["jpeg", "png"] | None = Field(None, description="Format of the result; png if not given.")
    checks: ClassVar[Rules] = (rules.apart("backgroundColor", "transparent", "format", "jpeg"),)
