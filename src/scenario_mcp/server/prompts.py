"""MCP prompts: what a person may pick from a host's slash menu, written out as the tool calls that do it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scenario_mcp.inferences.table import tool_name

RESTYLE = tool_name("img2img-ip-adapter")
FOUND = "<modelId>"  # stands in a call for what an earlier call finds
KEPT_STRENGTH = 0.9  # of a scene that starts from the character itself: little of the picture may stay


class PromptError(Exception):
    """A prompt that cannot be written; the message says what is missing."""


@dataclass(frozen=True)
class Argument:
    """What a person is asked for."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True)
class Prompt:
    """One entry of the menu; `steps` makes its lines from what the person said."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    steps: Callable[[Mapping[str, str]], Iterator[str]]


def write(name: str, given: Mapping[str, str] | None) -> str:
    """Write a prompt out. Raises `KeyError` for an unknown name and `PromptError` for what is missing or unknown."""
    prompt = PROMPTS[name]
    said = {key: value.strip() for key, value in (given or {}).items() if value.strip()}  # menus send empty fields
    known = [argument.name for argument in prompt.arguments]
    if unknown := [key for key in said if key not in known]:
        raise PromptError(f"{name} has no argument {unknown[0]}; it takes {', '.join(known)}.")
    if missing := [each for each in prompt.arguments if each.required and each.name not in said]:
        raise PromptError(f"{name} needs {' and '.join(f'{each.name} ({each.description})' for each in missing)}")
    return "\n".join(prompt.steps(said))


def entries() -> list[dict[str, Any]]:
    """Describe the prompts as `prompts/list` does."""
    return [
        {
            "name": prompt.name,
            "title": prompt.title,
            "description": prompt.description,
            "arguments": [
                {"name": each.name, "description": each.description, "required": each.required}
                for each in prompt.arguments
            ],
        }
        for prompt in PROMPTS.values()
    ]


def _restyle(said: Mapping[str, str]) -> Iterator[str]:
    yield f"Restyle the picture {_quoted(said['image'])} after the style of {_quoted(said['style'])}, with Scenario."
    yield from _with_a_model(
        said,
        {
            "prompt": said["prompt"],
            "image": said["image"],
            "ipAdapterImages": [said["style"]],
            "ipAdapterType": "style",
            "numSamples": 1,
        },
    )
    yield "Then offer to change more of the picture (a higher strength) or less (a lower one)."


def _character(said: Mapping[str, str]) -> Iterator[str]:
    yield f"Make a picture of the character in {_quoted(said['character'])}, with Scenario: {_quoted(said['scene'])}."
    start = {"image": said["image"]} if "image" in said else {"image": said["character"], "strength": KEPT_STRENGTH}
    yield from _with_a_model(
        said,
        {
            "prompt": said["scene"],
            **start,
            "ipAdapterImages": [said["character"]],
            "ipAdapterType": "character",
            "numSamples": 1,
        },
    )
    yield "For more scenes make the same call with another prompt, and keep the model and the reference as they are."


def _with_a_model(said: Mapping[str, str], arguments: Mapping[str, Any]) -> Iterator[str]:
    if "modelId" not in said:
        yield _call("find-models", {"capability": "img2img_ip_adapter"})
        yield f"Choose the model that fits best, and put its id in place of {FOUND} here:"
    yield _call(RESTYLE, {"modelId": said.get("modelId", FOUND), **arguments})
    yield "Tell me the model, the cost and the file."


def _find(said: Mapping[str, str]) -> Iterator[str]:
    yield f"Find the Scenario model that suits this best: {_quoted(said['purpose'])}."
    yield _call("find-models", {"query": said["purpose"]})
    yield "If too little is found, ask again with fewer words, or with a capability. For the best two or three:"
    yield _call("get-model", {"modelId": FOUND})
    yield "Compare them, say which one you would take and why, and show the call that runs it. Make no picture yet."


def _quoted(words: str) -> str:
    """Repeat a person's words in one line, as code: nothing in them looks like a step of ours, or like Markdown."""
    said = json.dumps(words, ensure_ascii=False)
    mark = _mark(said, 1)
    return f"{mark}{said}{mark}"


def _call(tool: str, arguments: Mapping[str, Any]) -> str:
    said = json.dumps(arguments, ensure_ascii=False)
    mark = _mark(said, 3)
    return f"Call `{tool}` with\n{mark}json\n{said}\n{mark}"


def _mark(said: str, least: int) -> str:
    """Give the backticks that hold a text together: more than it has itself."""
    return "`" * max(least, max((len(run) for run in re.findall("`+", said)), default=0) + 1)


_MODEL = Argument("modelId", "Id of the model to use; one is found if you name none.")

PROMPTS: dict[str, Prompt] = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            "restyle-image",
            "Restyle an image",
            "Give a picture the style of another one. Costs Creative Units for one image.",
            (
                Argument("image", "The picture to restyle: path, URL or asset id.", required=True),
                Argument("style", "The picture that lends its style: path, URL or asset id.", required=True),
                Argument("prompt", "What the result shows, in words.", required=True),
                _MODEL,
            ),
            _restyle,
        ),
        Prompt(
            "consistent-character",
            "Keep a character",
            "Draw a character from a picture in another scene. Costs Creative Units for one image.",
            (
                Argument("character", "A picture of the character: path, URL or asset id.", required=True),
                Argument("scene", "What the character does, and where, in words.", required=True),
                Argument("image", "A picture to take pose and setting from; the character's own if you give none."),
                _MODEL,
            ),
            _character,
        ),
        Prompt(
            "find-a-model",
            "Find a model",
            "Find the model for a style, a subject or a task; free.",
            (Argument("purpose", "A few words on what you want to make.", required=True),),
            _find,
        ),
    )
}
