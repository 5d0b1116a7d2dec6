"""What the world is told of this package: server.json for the MCP Registry, and the manifest of the bundle."""

from dataclasses import dataclass
from typing import Any

from scenario_mcp import __version__
from scenario_mcp.server import view
from scenario_mcp.tools.catalog import TOOLS

# PLACEHOLDER: the account that publishes the package. This is the one place where it stands; then run `make snap`.
OWNER = "owner-to-be-set"

NAME = "scenario-mcp"
START = "start.py"  # of the bundle
REGISTRY_NAME = f"io.github.{OWNER}/{NAME}"
REPOSITORY = f"https://github.com/{OWNER}/{NAME}"
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
SUMMARY = "Make images with Scenario: your files in, finished files out, no credit spent twice."


@dataclass(frozen=True)
class Option:
    """A variable as a form shows it; one that is `asked` stands in the form of the bundle too."""

    variable: str
    title: str
    description: str
    kind: str = "string"
    secret: bool = False
    required: bool = False
    asked: bool = False
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Give the option's name in the form of the bundle."""
        return self.variable.removeprefix("SCENARIO_").lower()


OPTIONS = (
    Option(
        "SCENARIO_API_KEY",
        "API key",
        "From app.scenario.com: team settings, API Keys.",
        secret=True,
        required=True,
        asked=True,
    ),
    Option(
        "SCENARIO_API_SECRET",
        "API secret",
        "Shown once, with the key.",
        secret=True,
        required=True,
        asked=True,
    ),
    Option(
        "SCENARIO_OUTPUT_DIR",
        "Folder for results",
        "Where pictures are saved. By default: Scenario in your Pictures folder.",
        "directory",
        asked=True,
    ),
    Option(
        "SCENARIO_MAX_CU_PER_CALL",
        "Most that one call may cost",
        "In Creative Units. Blank: no cap.",
        "number",
        asked=True,
    ),
    Option(
        "SCENARIO_MAX_CU_PER_DAY",
        "Most that all calls within 24 hours may cost",
        "In Creative Units, as far as this machine knows. Blank: no cap.",
        "number",
        asked=True,
    ),
    Option(
        "SCENARIO_PROJECT_ID",
        "Project",
        "Id of the project that things belong to. Blank: the one of the key.",
        asked=True,
    ),
    Option(
        "SCENARIO_TOOLSETS",
        "More tools",
        "Sets beside core: a comma list of images, edit and text, or all. Each costs the model some context.",
        asked=True,
    ),
    Option(
        "SCENARIO_INPUT_DIRS",
        "Folders for pictures",
        "Folders that picture paths may come from, between them : or, on Windows, ;. By default your home folder.",
        asked=True,
    ),
    Option("SCENARIO_PREVIEWS", "Previews", "Small pictures in results: on by default.", choices=("on", "off")),
    Option("SCENARIO_RESULT_LINKS", "Links", "Links beside the text: off by default.", choices=("on", "off")),
    Option(
        "SCENARIO_WAIT_SECONDS", "Longest wait", "Seconds that a paid call waits for its job; 45 by default.", "number"
    ),
    Option("SCENARIO_STATE_DIR", "Folder for state", "Where the server remembers what was made.", "directory"),
    Option(
        "SCENARIO_MAX_FILE_MB", "Largest file", "Megabytes of a file that is saved at most; 2000 by default.", "number"
    ),
    Option(
        "SCENARIO_DOWNLOAD_HOSTS",
        "Hosts of results",
        "Hosts that results may come from besides Scenario's own: a comma list, like files.example.com.",
    ),
    Option("SCENARIO_BASE_URL", "API root", "Only if Scenario gave you another one."),
    Option(
        "SCENARIO_LOG_LEVEL",
        "Log level",
        "What is written to stderr; warning by default.",
        choices=("debug", "info", "warning", "error"),
    ),
)


def server_json() -> dict[str, Any]:
    """Describe the package for the MCP Registry; its schema is the one of 2025-12-11."""
    return {
        "$schema": SCHEMA,
        "name": REGISTRY_NAME,
        "title": "Scenario",
        "description": SUMMARY,
        "version": __version__,
        "repository": {"url": REPOSITORY, "source": "github"},
        "packages": [
            {
                "registryType": "pypi",
                "identifier": NAME,
                "version": __version__,
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "environmentVariables": [_registered(option) for option in OPTIONS],
            }
        ],
    }


def _registered(option: Option) -> dict[str, Any]:
    formats = {"number": "number", "directory": "filepath"}
    return {
        "name": option.variable,
        "description": option.description,
        "format": formats.get(option.kind, "string"),
        "isRequired": option.required,
        "isSecret": option.secret,
        **({"choices": list(option.choices)} if option.choices else {}),
    }


def manifest() -> dict[str, Any]:
    """Describe the bundle for Claude Desktop: manifest 0.4, run by uv, with a form for what a person may set."""
    asked = [option for option in OPTIONS if option.asked]
    return {
        "manifest_version": "0.4",
        "name": NAME,
        "display_name": "Scenario",
        "version": __version__,
        "description": SUMMARY,
        "long_description": view.shown()["instructions"],
        "author": {"name": "The scenario-mcp authors"},
        "repository": {"type": "git", "url": REPOSITORY},
        "icon": "icon.png",
        "server": {
            "type": "uv",
            "entry_point": START,
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", START],
                "env": {option.variable: f"${{user_config.{option.key}}}" for option in asked},
            },
        },
        "tools": [
            {"name": tool.name, "description": tool.summary} for tool in TOOLS.values() if tool.toolset == "core"
        ],
        "tools_generated": True,  # sets of tools may be switched on
        "prompts_generated": True,
        "keywords": ["images", "games", "art", "scenario"],
        "license": "MIT",
        "compatibility": {"platforms": ["darwin", "win32", "linux"], "runtimes": {"python": ">=3.11"}},
        "user_config": {option.key: _form(option) for option in asked},
    }


def _form(option: Option) -> dict[str, Any]:
    return {
        "type": option.kind,
        "title": option.title,
        "description": option.description,
        "required": option.required,
        **({"sensitive": True} if option.secret else {}),
        **({"min": 0} if option.kind == "number" else {}),
    }
