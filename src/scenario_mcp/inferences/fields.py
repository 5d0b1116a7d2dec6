"""Field groups: every parameter of the inferences, worded once, mixed into one class per inference.

Names, types, ranges and allowed values follow Scenario's public API description. Where its text and
its schema disagree (whole numbers, multiples of 8, ranges stated only in prose) the text wins.
Optional fields default to None, which means "not said": defaults are the API's, so none is repeated.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

SAID = "said"  # the type of validation errors whose message is our own sentence
LONGEST_ID = 200  # characters; real ids have about 30


class Fields(BaseModel):
    """Base of every tool input: camelCase outside, snake_case inside, unknown names refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,
        hide_input_in_errors=True,
    )


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError(SAID, "must not be empty")
    return text


def _short(text: str) -> str:
    if len(text) > LONGEST_ID:
        raise PydanticCustomError(SAID, "is too long to be an id")
    return text


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _seed_digits(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit()):
        raise PydanticCustomError(SAID, 'must be a whole number >= 0, for example "42"')
    return text


Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, AfterValidator(_not_blank)]
Id = Annotated[Text, BeforeValidator(_stripped), AfterValidator(_short)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Seed = Annotated[str, BeforeValidator(_seed_digits)]

Scheduler = Literal[
    "DDIMScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
]


class DryRun(Fields):
    """The free question for a price; travels in the query string."""

    dry_run: Flag | None = Field(None, description="true: only ask the price; nothing is made or billed.")


class OriginalAssets(Fields):
    """Which rendition result URLs point at; travels in the query string."""

    original_assets: Flag | None = Field(None, description="true: result URLs give the untransformed originals.")


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
    seed: Seed | None = Field(None, description="Whole number; the same one repeats a result. Random if not given.")
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
    concepts: list[Concept] | None = Field(None, description="More LoRAs to mix in.")
    scheduler: Scheduler | None = Field(None, description="Stable Diffusion models only.")
    hide_results: Flag | None = Field(None, description="true: keep the results out of listings.")
    intermediate_images: Flag | None = Field(None, description="true: also make images of the steps between.")


class SourceImage(Fields):
    """The picture a generation starts from."""

    image: Text | None = Field(
        None, description="Needed. Picture to start from: asset id, path, https URL or data URL."
    )
    image_hide: Flag | None = Field(None, description="true: keep an image that is not an asset yet out of listings.")
    image_parent_id: Id | None = Field(None, description="Parent asset id of an image that is not an asset yet.")
    image_id: Text | None = Field(None, description="Deprecated: use image.")


class Strength(Fields):
    """How far the result may move from the source image."""

    strength: Number | None = Field(
        None, ge=0.01, le=1, description="How much of the image to change; 1 keeps nothing. 0.75 if not given."
    )


class Mask(Fields):
    """Which part of the source image may change."""

    mask: Text | None = Field(
        None, description="Black and white picture, in any form; white where the image may change."
    )
    mask_id: Text | None = Field(None, description="Asset id that Scenario may ignore: use mask.")


class IpAdapter(Fields):
    """The reference pictures that steer a generation."""

    ip_adapter_images: list[Text] | None = Field(
        None, description="Needed. Reference pictures that steer the result, each in any of the four forms."
    )
    ip_adapter_scales: list[Fraction] | None = Field(
        None, description="Influence of each reference, in their order; 0.9 if not given."
    )
    ip_adapter_type: Literal["character", "style"] | None = Field(
        None, description="What to take from the references; style if not given."
    )
    ip_adapter_image_ids: list[Text] | None = Field(
        None, description="References as asset ids; same as ipAdapterImages."
    )
    ip_adapter_image: Text | None = Field(None, description="Deprecated: use ipAdapterImages.")
    ip_adapter_image_id: Text | None = Field(None, description="Deprecated: use ipAdapterImages.")
    ip_adapter_scale: Fraction | None = Field(None, description="Deprecated: use ipAdapterScales.")
