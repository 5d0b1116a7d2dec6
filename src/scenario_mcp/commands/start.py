"""The first step of the command: a server starts fast, everything else takes its time."""

from __future__ import annotations

import sys

from scenario_mcp import variables

TYPE_CHECKING = False  # as typing has it; the server's first answer waits for this module
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

FLAG, VALUES = "--sandbox", ("--env-file", "--toolsets")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 2 when it, or a setting, cannot be understood."""
    words = sys.argv[1:] if argv is None else argv
    options = plain_serving(words)
    if options is not None:
        from scenario_mcp.server import faststart

        if faststart.is_possible():
            return _serve(options)
    from scenario_mcp.commands import cli

    return cli.main(words)


def plain_serving(words: Sequence[str]) -> dict[str, str] | None:
    """Read a command line that only says how to serve; None for any other, which is read in full elsewhere."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == FLAG:
            options[word] = ""
        elif word in VALUES and rest and not rest[0].startswith("-"):
            options[word] = rest.pop(0)
        else:
            return None
    return options


def _serve(options: dict[str, str]) -> int:
    from scenario_mcp.server import faststart, pipes

    try:
        values = variables.read(env_file=options.get("--env-file"), toolsets=options.get("--toolsets"))
    except variables.SettingsError as error:
        sys.stderr.write(f"scenario-mcp: {error}\n")
        return 2

    def prepare() -> Callable[[pipes.Pipes], NoReturn]:
        from scenario_mcp.commands import log, serve
        from scenario_mcp.settings import completed

        settings = completed(values)
        log.to_stderr(settings)
        return serve.prepare(settings, sandbox=FLAG in options)

    claimed = pipes.claim()
    serve: Callable[[pipes.Pipes], NoReturn] = faststart.open_with(claimed, values.get("toolsets", ()), prepare)
    return serve(claimed)
