"""The inferences that answer with text or numbers: one class each, whose docstring is the tool's description."""

from typing import ClassVar, Literal

from pydantic import Field

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.base import Fields
from scenario_mcp.inferences.fields import DryRun, OriginalAssets
from scenario_mcp.inferences.rules import Remarks, Rules
from scenario_mcp.inferences.values import Flag, Fraction, Id, Number, Picture, StoredPicture, Text, Whole

STARTING = ("completion", "inventive", "structured")
ENGINES = ("gemini-2.0-flash", "gemini-2.5-flash", "gpt-image-1", "flux-kontext", "runway-gen4-image")


# --- field groups of several of them


class Sampling(Fields):
    """How words are chosen."""

    temperature: Number | None = Field(None, ge=0, le=2, description="Higher is more random, like 0.8; 0.2 is focused.")
    top_p: Fraction | None = Field(None, description="Share of the likeliest words to choose from; or temperature.")
    seed: Whole | None = Field(None, description="The same one repeats a result, as far as possible.")
    ensure_ip_cleared: Flag | None = Field(
        None, alias="ensureIPCleared", description="true: try to leave out protected names and characters."
    )
    notes: ClassVar[Remarks] = (rules.better_alone("temperature", "topP"),)


class SeenImages(Fields):
    """The pictures that words are made from."""

    images: list[Picture] | None = Field(None, description='Pictures to look at, like ["~/ink.png", "asset_..."].')


class Seen(SeenImages):
    """The same, or the model whose training pictures are looked at."""

    asset_ids: list[StoredPicture] | None = Field(
        None, description='Pictures as asset ids, like ["asset_..."]: use images.'
    )
    checks: ClassVar[Rules] = (rules.one_value("images", "assetIds"),)


class Unwanted(Fields):
    """The words to leave out."""

    unwanted_sequences: list[Text] | None = Field(None, description='Words that must not occur, like ["neon"].')


# --- the inferences


class Caption(Seen, Unwanted, Sampling, DryRun):
    """Describe pictures in words, one caption for each, in their order.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    images: list[Picture] = Field(description='Needed. Pictures to describe, like ["~/ink.png", "asset_..."].')
    details_level: Literal["action", "action+style"] | None = Field(
        None, description="What to tell; a model with examples of its own overrules it."
    )
    model_id: Id | None = Field(None, description="Model whose training captions to follow.")
    notes: ClassVar[Remarks] = (rules.idle_with(("detailsLevel",), "modelId", surely=False),)


class DescribeStyle(Seen, Unwanted, Sampling, DryRun):
    """Describe the style of pictures, or of what a model was trained on.

    Needs `images` or `modelId`. Costs Creative Units; `dryRun: true` asks the price for free.
    """

    model_id: Id | None = Field(None, description="Model whose style to describe; images count before it.")
    checks: ClassVar[Rules] = (
        rules.needs("images", "assetIds", "modelId", what="the pictures, or the model, whose style to describe"),
    )
    notes: ClassVar[Remarks] = (rules.idle_with(("modelId",), "images"),)


class Prompt(Seen, Sampling, DryRun):
    """Write prompts: complete one, invent new ones, or suggest edits of a picture.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    mode: Literal["completion", "contextual", "image-editing", "inventive", "structured"] = Field(
        description="completion, inventive and structured start from prompt, contextual from images or a model,"
        " image-editing from image."
    )
    prompt: Text | None = Field(None, description="Words to start from.")
    image: Picture | None = Field(None, description="image-editing only: picture to edit, in any of the four forms.")
    model_id: Id | None = Field(
        None,
        description="Model to write for. image-editing: an engine, one of gemini-2.0-flash, gemini-2.5-flash,"
        " gpt-image-1, flux-kontext and runway-gen4-image.",
    )
    num_results: Whole | None = Field(None, ge=1, le=5, description="Prompts to write.")
    checks: ClassVar[Rules] = (
        rules.needs_when("image", other="mode", value="image-editing", what="the picture to edit"),
        rules.needs_when("prompt", other="mode", value="completion", what="the words to complete"),
        rules.needs_when("images", "assetIds", "modelId", other="mode", value="contextual", what="the context"),
        rules.allowed_when("modelId", ENGINES, "mode", "image-editing"),
    )
    notes: ClassVar[Remarks] = (
        rules.idle_when(("assetIds",), "mode", ("image-editing",)),
        rules.idle_when(("prompt",), "mode", ("contextual", "image-editing")),
        rules.idle_when(("modelId",), "mode", (*STARTING, "contextual"), beside="assetIds"),
        rules.idle_when(("modelId",), "mode", STARTING, beside="images"),
    )


class Translate(SeenImages, Sampling, DryRun):
    """Translate a prompt into English, and name its language.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    prompt: Text = Field(description="Words to translate.")


class Embed(DryRun, OriginalAssets):
    """Turn a text into its embedding: numbers, near to each other for near meanings.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    text: Text = Field(min_length=1, description="Text to embed.")
