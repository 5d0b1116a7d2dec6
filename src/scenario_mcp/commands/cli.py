"""What stands on the command line, and which command it means."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scenario_mcp import __version__
from scenario_mcp.commands import log
from scenario_mcp.settings import Settings, load
from scenario_mcp.variables import SettingsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 2 when it, or a setting, cannot be understood."""
    options = _parser().parse_args(argv)
    try:
        # A snippet lands in a host's own file, for all its folders: what lies in this one has no say in it.
        search = options.command != "config"
        settings = load(env_file=options.env_file, toolsets=options.toolsets, search=search)
    except SettingsError as error:
        print(f"scenario-mcp: {error}", file=sys.stderr)
        return 2
    log.to_stderr(settings)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Windows takes another one for files and pipes; and names of files may be no UTF-8.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        status = _run(options, settings)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read what was printed had enough, like head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _for_server(options: argparse.Namespace) -> list[str]:
    """Give what stands on the command line for the server, whatever the command."""
    flags = [f"--{name.replace('_', '-')}" for name in ("sandbox", "no_fast_start") if getattr(options, name)]
    return flags if options.toolsets is None else [*flags, "--toolsets", options.toolsets]


def _run(options: argparse.Namespace, settings: Settings) -> int:
    # Each command brings its own imports: a server that starts must not wait for those of the others.
    match options.command:
        case "demo":
            from scenario_mcp.commands import demo

            return demo.run(options.image, options.reference, options.output)
        case "call":
            from scenario_mcp.commands import call

            if options.tool is None:
                print(options.usage, end="", file=sys.stdout if options.help else sys.stderr)
                return 0 if options.help else 2
            if options.help:
                return call.explain(options.tool)
            return call.run(settings, options.tool, options.arguments, sandbox=options.sandbox)
        case "tools":
            from scenario_mcp.commands import tools

            return tools.run(settings, as_json=options.json)
        case "doctor":
            from scenario_mcp.commands import doctor

            return doctor.run_anew(settings) if options.begin_anew else doctor.run(settings, sandbox=options.sandbox)
        case "config":
            from scenario_mcp.commands import config

            env_file = None if options.env_file is None else Path(options.env_file)
            return config.run(settings, options.host, _for_server(options), env_file, sandbox=options.sandbox)
        case _:
            from scenario_mcp.commands import serve

            return serve.run(settings, sandbox=options.sandbox)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scenario-mcp",
        description="MCP server for making images with Scenario (scenario.com). Without a command: serve on stdio.",
    )
    parser.add_argument("--version", action="version", version=f"scenario-mcp {__version__}")
    _add_settings(parser, sandbox=False, no_fast_start=False, env_file=None, toolsets=None)
    anywhere = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_settings(anywhere)
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="make images on the sandbox, through the real server", parents=[anywhere])
    demo.add_argument("--image", type=Path, metavar="FILE", help="picture to start from; made if not given")
    demo.add_argument("--reference", type=Path, metavar="FILE", help="picture that lends its style; made if not given")
    demo.add_argument("--output", type=Path, metavar="FOLDER", default=Path("scenario-demo"), help="where images go")

    call = commands.add_parser(
        "call", help="call one tool; JSON on stdout, progress on stderr", parents=[anywhere], add_help=False
    )
    call.add_argument("-h", "--help", action="store_true", help="with a tool: tell what it does and takes")
    call.add_argument("tool", metavar="TOOL", nargs="?")
    call.add_argument("arguments", nargs="*", metavar="key=value", help="repeat a key to give a list")

    tools = commands.add_parser("tools", help="list the tools", parents=[anywhere])
    tools.add_argument("--json", action="store_true", help="as hosts see them")

    doctor = commands.add_parser("doctor", help="check keys, network and folders", parents=[anywhere])
    doctor.add_argument("--begin-anew", action="store_true", help="set the state file aside and begin a new one")

    config = commands.add_parser("config", help="print what makes a host start this server", parents=[anywhere])
    config.add_argument("host", metavar="HOST", nargs="?", help="none: list the hosts")
    call.set_defaults(usage=call.format_help())
    return parser


def _add_settings(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    """Add the words that every command takes, before its name and after it."""
    parser.add_argument("--sandbox", action="store_true", help="use a local imitation of the API; no account needed")
    parser.add_argument("--env-file", metavar="PATH", help="read settings from this file instead of ./.env")
    parser.add_argument("--toolsets", metavar="LIST", help="sets of tools beside core: a comma list, or all")
    parser.add_argument("--no-fast-start", action="store_true", help="answer nothing before everything is loaded")
    if defaults:
        parser.set_defaults(**defaults)
