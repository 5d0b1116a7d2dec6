"""The table of all tools: what each is called, takes, does, and may cost."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from scenario_mcp.inferences.base import Fields, pictures_of
from scenario_mcp.inferences.table import CORE as CORE  # commands name it too
from scenario_mcp.inferences.table import INFERENCES, tool_name, toolset_of
from scenario_mcp.tools import (
    cancel_job,
    find_models,
    get_model,
    inference,
    jobs,
    list_jobs,
    pictures,
    rerun_job,
    show_assets,
    upload_asset,
)
from scenario_mcp.tools.arguments import Check
from scenario_mcp.tools.fitness import RUN_MODEL
from scenario_mcp.tools.host import Host
from scenario_mcp.tools.outcome import Outcome, Report
from scenario_mcp.tools.run_model import RunModel, run_model
from scenario_mcp.tools.services import Services
from scenario_mcp.tools.wish import RERUN_JOB

Run = Callable[[Services, Any, Host], Awaitable[Outcome | Report]]


def _nothing(_: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return ()


TOOLSETS = {
    CORE: "always on: the main tool, any model, finding models, files, jobs",
    "images": "more named image inferences",
    "edit": "tools that work on one picture",
    "text": "tools that answer with text or numbers",
}


@dataclass(frozen=True)
class Hints:
    """MCP's four tool annotations, all of them said."""

    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool


PAID = Hints(read_only=False, destructive=False, idempotent=False, open_world=False)
UPLOADS = Hints(read_only=False, destructive=False, idempotent=True, open_world=False)
CANCELS = Hints(read_only=False, destructive=False, idempotent=True, open_world=False)
READS = Hints(read_only=True, destructive=False, idempotent=True, open_world=False)


@dataclass(frozen=True)
class Tool:
    """One tool: `input`'s docstring is its description, `run` what it does, `toolset` the one set it belongs to.

    `paid` says that calling it may cost Creative Units; it is said for itself, not derived from the hints for hosts.
    `check` lists what is wrong with arguments beyond their schema, before anything is opened or sent.
    """

    name: str
    toolset: str
    title: str
    input: type[Fields]
    run: Run
    hints: Hints
    paid: bool = False
    check: Check = _nothing

    @property
    def description(self) -> str:
        """Give the tool's description, unwrapped to one line per paragraph."""
        paragraphs = inspect.getdoc(self.input) or ""
        return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs.split("\n\n"))

    @property
    def summary(self) -> str:
        """Give the description's first sentence: what the tool does."""
        return re.split(r"(?<=[.;])\s", self.description, maxsplit=1)[0].rstrip(";")


TITLES = {  # where the route alone says too little
    "detect": "Make a control map",
    "patch": "Crop or patch a picture",
    "prompt": "Write prompts",
    "texture": "Make texture maps",
    "upscale": "Upscale (deprecated)",
}


def _inference(route: str, model: type[Fields]) -> Tool:
    words = route.replace("img2img", "image to image").replace("txt2img", "text to image")
    title = TITLES.get(route) or words.replace("-", " ").capitalize()
    run, check = partial(inference.generate, route), partial(pictures.check, pictures_of(model))
    return Tool(tool_name(route), toolset_of(route), title, model, run, PAID, True, check)


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        *(_inference(route, model) for route, model in INFERENCES.items()),
        Tool(RUN_MODEL, CORE, "Run any model", RunModel, run_model, PAID, paid=True),
        Tool("find-models", CORE, "Find models", find_models.FindModels, find_models.find_models, READS),
        Tool("get-model", CORE, "Get a model", get_model.GetModel, get_model.get_model, READS),
        Tool("upload-asset", CORE, "Upload a file", upload_asset.UploadAsset, upload_asset.upload_asset, UPLOADS),
        Tool(
            "show-assets",
            CORE,
            "Show assets",
            show_assets.ShowAssets,
            show_assets.show_assets,
            READS,
            check=show_assets.check,
        ),
        Tool(jobs.WAIT_FOR_JOBS, CORE, "Wait for jobs", jobs.WaitForJobs, jobs.wait_for_jobs, READS),
        Tool("list-jobs", CORE, "List jobs", list_jobs.ListJobs, list_jobs.list_jobs, READS, check=list_jobs.check),
        Tool(RERUN_JOB, CORE, "Make a job once more", rerun_job.RerunJob, rerun_job.rerun_job, PAID, paid=True),
        Tool("cancel-job", CORE, "Cancel a job", cancel_job.CancelJob, cancel_job.cancel_job, CANCELS),
    )
}


def in_toolsets(toolsets: Iterable[str]) -> list[Tool]:
    """List the tools of some toolsets: those of core, which is always on, come first, then set by set."""
    wanted = {CORE, *toolsets}
    return [tool for toolset in TOOLSETS if toolset in wanted for tool in TOOLS.values() if tool.toolset == toolset]
