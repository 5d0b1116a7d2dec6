"""Looking for the job of a paid request whose answer was lost, in the project's list of jobs.

Scenario knows no lookup by a client's own id, so a job is recognized by when it was made, by whom, and what it was
asked for. Wrongly passing over our own job would pay twice: what a record does not say, or says in another form,
speaks for it.
"""

import html
import math
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from scenario_mcp import wording
from scenario_mcp.scenario import jobs, records, wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.jobs import Job
from scenario_mcp.state.entries import Intent

SKEW = 600.0  # seconds by which the clocks of a gateway and of the jobs may differ, before a job counts as another
SURELY_CUT = 100  # characters; a text that repeats the beginning of a longer one is that one, cut
PAGE_SIZE, MOST_PAGES, MOST_EMPTY = 50, 5, 5

# How records call the jobs of each route, by Scenario's description; the image inferences are not listed.
IMAGE_ROUTES, IMAGE_TYPES = ("txt2img", "img2img", "inpaint", "controlnet"), ("inference", "flux")
TYPES: Mapping[str, Collection[str]] = {
    "caption": ("caption", "caption-llava"),
    "describe-style": ("describe-style",),
    "detect": ("detection",),
    "embed": ("embed",),
    "generative-fill": ("repaint",),
    "patch": ("patch-image",),
    "pixelate": ("pixelate",),
    "prompt": ("generate-prompt",),
    "prompt-editing": ("image-prompt-editing", "openai-image-generation", "image-generation", "flux"),
    "reframe": ("reframe",),
    "remove-background": ("remove-background",),
    "restyle": ("restyle",),
    "segment": ("segment",),
    "skybox-base-360": ("skybox-base-360", "skybox-3d"),
    "skybox-upscale-360": ("skybox-upscale-360", "upscale-skybox"),
    "texture": ("texture",),
    "translate": ("translate", "generate-prompt"),
    "upscale": ("upscale", "upscale-skybox", "upscale-texture"),
    "vectorize": ("vectorize",),
}
IN_WORDS = ("caption", "describe-style", "embed", "prompt", "translate")
TYPES_IN_WORDS = frozenset(each for tool in IN_WORDS for each in TYPES[tool])


def answers_in_words(route: str) -> bool:
    """Tell whether the answer to a generation is its whole result."""
    return route.removeprefix(wire.GENERATE) in IN_WORDS


KNOWN_TYPES = frozenset({*IMAGE_TYPES, "custom", *(each for types in TYPES.values() for each in types)})
# The engines of prompt-editing: where a record names one of them, it is the one that was asked for.
ENGINES = ("flux-kontext", "gemini-2.0-flash", "gemini-2.5-flash", "gpt-image-1", "runway-gen4-image", "seedream-4")


@dataclass(frozen=True)
class Sought:
    """A request whose job is looked for.

    `earliest` and `latest` are when its job was made, in seconds since the epoch on Scenario's clock.
    """

    intent: Intent
    earliest: float
    latest: float
    author: str | None = None

    def is_answered_by(self, job: Job) -> bool:
        """Tell whether a job is probably the one: its time, author, route and model, and all that it repeats."""
        made = records.moment(job.created)
        return made is not None and self.earliest <= made <= self.latest and self._agrees(job)

    def may_be_answered_by(self, job: Job) -> bool:
        """Tell whether a job may be the one, though its time is not known, or not quite that of the request."""
        made = records.moment(job.created)
        near = made is None or self.earliest - SKEW <= made <= self.latest + SKEW
        return near and not self.is_answered_by(job) and self._agrees(job)

    def _agrees(self, job: Job) -> bool:
        return (
            (self.author is None or job.author is None or job.author == self.author)
            and self._is_of_route(job)
            and self._is_of_model(job.model_id)
            and all(self._repeats(job, name, sent) for name, sent in self.intent.body.items() if name != "modelId")
        )

    def _repeats(self, job: Job, name: str, sent: Any) -> bool:
        repeated = job.input.get(name)
        if self._tool in IN_WORDS and isinstance(sent, str) and isinstance(repeated, str) and sent.strip() in repeated:
            return True  # what is written for a model may be wrapped into more words
        return _agree(sent, repeated)

    def _is_of_model(self, model_id: str | None) -> bool:
        """Tell whether the job may run the model that was asked for: where it was sent, or the one inside the body.

        A tool that runs no model of the project may say which one it runs itself: that is no word against it.
        """
        sent = self.intent.body.get("modelId")
        if model_id is None:
            return True
        if not (self._is_of_image_family or self._is_custom):
            alike = _is_of_project(model_id) == _is_of_project(sent) and (model_id in ENGINES) == (sent in ENGINES)
            return sent is None or model_id == sent or not alike
        custom = self.intent.route.removeprefix(wire.CUSTOM) if self._is_custom else None
        return model_id in (self.intent.model_id, sent, custom and unquote(custom))

    @property
    def _is_custom(self) -> bool:
        return self.intent.route.startswith(wire.CUSTOM)

    @property
    def _is_of_image_family(self) -> bool:
        return not self._is_custom and self._tool.startswith(IMAGE_ROUTES)

    @property
    def _tool(self) -> str:
        return self.intent.route.removeprefix(wire.GENERATE)

    def _is_of_route(self, job: Job) -> bool:
        """Tell whether a job is of a kind that the route may have; one that nobody knows yet may be."""
        kind = wording.word(job.input.get("type"))
        same_kind = kind is None or kind.replace("-", "_") == self._tool.replace("-", "_")
        if self._is_custom:
            return job.type not in (*IMAGE_TYPES, *TYPES_IN_WORDS)
        types = TYPES.get(self._tool, (self._tool,))
        if self._is_of_image_family:
            return (job.type in IMAGE_TYPES or job.type not in KNOWN_TYPES) and same_kind
        if job.type in IMAGE_TYPES:
            return job.type in types and same_kind
        # A tool may be served by a model of its own, as upscale is to be.
        served = job.type == "custom" and self._tool not in IN_WORDS
        return served or job.type in types or job.type not in KNOWN_TYPES


def _is_of_project(model_id: Any) -> bool:
    return isinstance(model_id, str) and model_id.startswith("model_")


@dataclass(frozen=True)
class Seen:
    """What a look found: the jobs that are probably the one, and whether all that could be were looked at.

    `near` are jobs that agree in everything but the time, `passed` those of which one was taken for its words.
    """

    candidates: tuple[Job, ...]
    whole: bool
    near: tuple[Job, ...] = ()
    passed: tuple[Job, ...] = ()


async def look(client: Client, sought: Sought, deadline: Deadline) -> Seen:
    """Page through the project's jobs, newest first, until they are older than the request, or for 5 pages.

    Raises `ScenarioError`.
    """
    candidates: dict[str, Job] = {}
    token: str | None = None
    read = empty = 0
    near: list[Job] = []
    legible = True  # a job that cannot be read may be the one
    while read < MOST_PAGES and empty < MOST_EMPTY:
        page = await jobs.page(client, deadline, size=PAGE_SIZE, token=token)
        legible = legible and page.whole
        near += filter(sought.may_be_answered_by, page.jobs)
        read, empty = (read + 1, empty) if page.jobs else (read, empty + 1)
        candidates |= {job.id: job for job in page.jobs if sought.is_answered_by(job)}
        made = [moment for job in page.jobs if (moment := records.moment(job.created)) is not None]
        if page.next is None or (made and max(made) < sought.earliest):
            return Seen(tuple(candidates.values()), legible, tuple(near))
        token = page.next
    return Seen(tuple(candidates.values()), whole=False, near=tuple(near))


def _agree(sent: Any, repeated: Any) -> bool:
    """Tell whether a record may repeat what was sent; pictures come back as addresses, numbers as text."""
    if repeated is None:
        return True
    if isinstance(sent, Mapping) and isinstance(repeated, Mapping):
        return all(_agree(value, repeated.get(name)) for name, value in sent.items())
    if isinstance(sent, Mapping) or isinstance(repeated, Mapping):
        return True  # in another form
    if isinstance(sent, list) and isinstance(repeated, list):
        return len(sent) == len(repeated) and all(map(_agree, sent, repeated))
    if isinstance(sent, list) != isinstance(repeated, list):
        return _agree(*((each if isinstance(each, list) else [each]) for each in (sent, repeated)))
    if isinstance(repeated, str) and repeated.startswith(("https://", "http://", "asset_")) and sent != repeated:
        return isinstance(sent, str) and not (sent.startswith("asset_") and repeated.startswith("asset_"))
    numbers = _number(sent), _number(repeated)
    if None not in numbers:
        return math.isclose(*numbers, abs_tol=1e-9)  # type: ignore[arg-type]  # None was ruled out
    if isinstance(sent, bool):
        return str(sent).lower() == str(repeated).lower() or (repeated in (0, 1) and sent == bool(repeated))
    return _same_text(str(sent), str(repeated))


def _same_text(sent: str, repeated: str) -> bool:
    """Tell whether a text repeats another, if in another form of the same characters and blanks, or cut."""
    plain, again = _folded(sent), _folded(repeated).rstrip("….")
    return again == plain.rstrip("….") or (len(again) >= SURELY_CUT and plain.startswith(again))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", html.unescape(text)).split())


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
