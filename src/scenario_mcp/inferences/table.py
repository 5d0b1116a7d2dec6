"""One small class per inference and one table: adding an inference is a class here and a line below.

The key is the last part of the route, and names everything else: the tool, its snapshot, the command line word.
A class's docstring is the tool's description.
"""

from scenario_mcp.inferences.fields import (
    DryRun,
    Fields,
    Generation,
    IpAdapter,
    Mask,
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


INFERENCES: dict[str, type[Fields]] = {
    "img2img-ip-adapter": Img2imgIpAdapter,
}


def tool_name(route: str) -> str:
    """Name the tool of a route: Scenario's operation id in kebab case, `post-<route>-inferences`."""
    return f"post-{route}-inferences"
