"""The main job, by which hosts and clients are checked: two pictures, a look at one, and what a model must be told."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import icon
from fake_model import FakeModel, Json

TOOL = "post-img2img-ip-adapter-inferences"
PROMPT = "Make two pictures and show the first."
SERVER = str(Path(sys.executable).with_name("scenario-mcp"))
TOLD = ("success: 2 images by job job_sandbox_", "billed 5 Creative Units", "An assetId can be given")
SHOWN = "preview of result 1"
PICTURES = 3
_ASSET = re.compile(r"asset_sandbox_\w+")


class Home:
    """An empty home with one picture, and an environment that has nothing else."""

    def __init__(self, folder: Path, path: str) -> None:
        self.folder = folder
        self.picture, self.results = folder / "pictures/hero.png", folder / "results"
        self.picture.parent.mkdir(parents=True)
        icon.write(self.picture)
        kept = {name: os.environ[name] for name in ("LANG", "TERM") if name in os.environ}
        self.env = kept | {
            "HOME": str(folder),
            "PATH": os.pathsep.join(filter(None, (path, os.environ["PATH"]))),
            "SCENARIO_INPUT_DIRS": str(self.picture.parent),
            "SCENARIO_OUTPUT_DIR": str(self.results),
            "SCENARIO_STATE_DIR": str(folder / "state"),
        }

    def model(self) -> FakeModel:
        """Make a model that does the main job with the picture."""
        generation: Json = {
            "modelId": "model_sandbox-ink",
            "prompt": "a phoenix",
            "image": str(self.picture),
            "ipAdapterImages": [str(self.picture)],
            "numSamples": 2,
        }
        return FakeModel([(TOOL, lambda _: generation), ("show-assets", _first_asset)])

    def complaints(self, texts: Sequence[str], pictures: int, expected: int) -> Iterator[str]:
        """Say what a model was not told, or shown; `texts` are those of both results, as the host wrote them."""
        if len(texts) < 2:
            yield f"{len(texts)} results reached the model"
            return
        made, shown = texts[:2]
        files = [str(path) for path in self.results.rglob("*.png")]
        if len(files) != 2:
            yield f"{len(files)} files were saved"
        yield from (f"the model was not told {words!r}" for words in (*TOLD, *files) if words not in made)
        if SHOWN not in shown:
            yield f"the model was not told {SHOWN!r}"
        if pictures != expected:
            yield f"the model saw {pictures} pictures, not {expected}"


def _first_asset(told: str) -> Json:
    """Do what a model does: read an id in what it was told, and go on with it."""
    found = _ASSET.search(told)
    return {"assetIds": [found[0] if found else "asset_that_was_not_told"]}


def reported(checks: Mapping[str, str | None]) -> int:
    """Print what was found, and give the status to end with."""
    for name, found in checks.items():
        print(f"{'ok ' if found is None else 'BAD'}  {name}{f': {found}' if found else ''}", flush=True)
    return 1 if any(checks.values()) else 0


def told(complaints: Sequence[str], *details: object) -> str | None:
    """Put complaints into words, with what helps to find their cause; nothing without any."""
    return "\n".join(("; ".join(complaints), *(f"{each}"[-2_000:] for each in details))) if complaints else None


def as_json(value: object) -> str:
    """Write what was seen for whoever looks for a cause."""
    return json.dumps(value, ensure_ascii=False)
