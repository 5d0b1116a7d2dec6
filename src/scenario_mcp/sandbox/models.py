"""The models of the sandbox, one of each family that behaves differently."""

from typing import Any

FLUX_LORA = (
    "txt2img",
    "img2img",
    "txt2img_texture",
    "img2img_texture",
    "controlnet",
    "controlnet_texture",
    "controlnet_img2img",
    "controlnet_inpaint",
    "inpaint",
    "outpaint",
    "txt2img_ip_adapter",
    "img2img_ip_adapter",
    "controlnet_ip_adapter",
)
BASES = ("flux.1-dev", "flux.1-schnell")


def _model(model_id: str, name: str, kind: str, capabilities: tuple[str, ...], **more: Any) -> dict[str, Any]:
    return {
        "id": model_id,
        "name": f"{name} (sandbox)",
        "type": kind,
        "custom": kind == "custom",
        "capabilities": list(capabilities),
        "privacy": "public",
        "status": "trained",
        "source": "scenario",
        "tags": ["sandbox"],
        "accessRestrictions": 0,
        **more,
    }


MODELS: tuple[dict[str, Any], ...] = (
    _model("flux.1-dev", "Flux.1 dev", "flux.1", FLUX_LORA),
    _model("model_sandbox-ink", "Ink and wash", "flux.1-lora", FLUX_LORA, compliantModelIds=list(BASES)),
    _model("model_sandbox-duo", "Two styles in one", "flux.1-composition", FLUX_LORA, compliantModelIds=list(BASES)),
    _model("model_sandbox-kontext", "Kontext edits", "flux.1-kontext-lora", ("img2img",)),
    _model("model_sandbox-max", "For the Max plan", "flux.1-lora", FLUX_LORA, accessRestrictions=75),
    _model("model_sandbox-sdxl", "An SDXL LoRA", "sd-xl-lora", FLUX_LORA),
    _model("model_sandbox-sd15", "An SD 1.5 model", "sd-1_5", FLUX_LORA),
    _model("model_bfl-flux-1-dev", "FLUX.1 dev", "custom", ("txt2img", "img2img", "controlnet", "outpaint")),
)
