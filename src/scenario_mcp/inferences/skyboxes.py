"""Skyboxes, which are seamless panoramas: one class each, whose docstring is the tool's description."""

from typing import ClassVar, Literal

from pydantic import Field

from scenario_mcp.inferences import rules
from scenario_mcp.inferences.edit_fields import (
    Avoided,
    Edited,
    Embeddings,
    Enlarged,
    Guided,
    Seed,
    Structured,
    StyleImages,
)
from scenario_mcp.inferences.fields import ANY_FORM, DryRun, OriginalAssets
from scenario_mcp.inferences.rules import Remarks, Rules
from scenario_mcp.inferences.values import Flag, Number, Percent, Picture, StoredPicture, Text, Whole


class SkyboxBase360(Seed, Avoided, Embeddings, StyleImages, Structured, DryRun, OriginalAssets):
    """Make a skybox: a seamless panorama of 360 degrees.

    Costs Creative Units per image; `dryRun: true` asks the price for free.
    """

    redraws: ClassVar[bool] = True
    prompt: Text = Field(description="What the panorama shows.")
    negative_prompt_strength: Number | None = Field(
        None, ge=0, le=10, description="Weight of negativePrompt; needed with it, above 0."
    )
    style: (
        Literal[
            "3d-cartoon",
            "cartoon",
            "cinematic",
            "claymation",
            "cloud-skydome",
            "comic",
            "cyberpunk",
            "enchanted",
            "fantasy",
            "ink",
            "manga",
            "manga-color",
            "neon-tron",
            "oil-painting",
            "pastel",
            "photo",
            "psychedelic",
            "retro-fantasy",
            "scifi-concept-art",
            "space",
            "standard",
            "whimsical",
        ]
        | None
    ) = Field(None, description="standard if not given.")
    num_outputs: Whole | None = Field(None, ge=1, le=8, description="Panoramas to make, each billed.")
    width: Whole | None = Field(None, ge=1024, le=2048, description="Width in pixels.")
    num_inference_steps: Whole | None = Field(None, ge=20, le=50, description="Denoising steps, 20 to 50.")
    image: Picture | None = Field(None, description=f"Picture to start the panorama from: {ANY_FORM}.")
    strength: Number | None = Field(None, ge=0.01, le=1, description="How much of image to change; 1 keeps nothing.")
    structure_image: StoredPicture | None = Field(
        None, description="Picture, in any form, whose edges the panorama keeps."
    )
    canny_structure_image: StoredPicture | None = Field(
        None, description="The same as a ready map of edges, in any form."
    )
    depth_image: StoredPicture | None = Field(None, description="Map of depths, in any form, that it keeps.")
    depth_fidelity: Percent | None = Field(None, description="How closely to follow depthImage, in percent.")
    geometry_enforcement: Percent | None = Field(
        None, description="How strongly to force the geometry of a panorama, in percent; with caution."
    )
    style_images: list[StoredPicture] | None = Field(None, description="Deprecated: style pictures.")
    style_fidelity: Percent | None = Field(None, description="Deprecated: how closely to follow styleImages.")
    override_embeddings: Flag | None = Field(None, description="Deprecated: only prompt and negativePrompt count.")
    checks: ClassVar[Rules] = (rules.positive_with("negativePromptStrength", "negativePrompt"),)
    notes: ClassVar[Remarks] = (
        rules.idle_without(("strength",), "image"),
        rules.idle_without(("structureFidelity",), "structureImage", "cannyStructureImage"),
        rules.idle_without(("depthFidelity",), "depthImage"),
        rules.idle_without(("negativePromptStrength",), "negativePrompt"),
        rules.deprecated("styleImages", "styleFidelity", "overrideEmbeddings"),
    )


class SkyboxUpscale360(Edited, Guided, Avoided, Embeddings, Enlarged, StyleImages, DryRun, OriginalAssets):
    """Enlarge a skybox, keeping its seamless geometry.

    Costs Creative Units; `dryRun: true` asks the price for free.
    """

    scaling_factor: Number | None = Field(None, ge=1, le=8, description="Times to enlarge, without targetWidth, 1-8.")
    sharpen: Flag | None = Field(None, description="true: sharpen.")
    color_correction: Flag | None = Field(None, description="Keep the colours; true if not given.")
