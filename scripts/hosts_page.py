"""What the README says of hosts, made from what `scenario-mcp config` prints, and its name in the MCP Registry."""

import re
from collections.abc import Iterator

from published import REGISTRY_NAME
from scenario_mcp.commands.config import HOSTS, KEYS, Host, Launch

CHECKOUT = "/path/to/scenario-mcp"
LAUNCH = Launch("uvx", ["--from", CHECKOUT, "scenario-mcp"], KEYS)
MARKS = "<!-- hosts: written by `make snap` -->\n", "<!-- end of hosts -->\n"


def readme(text: str) -> str:
    """Put the part between its marks in the text of the README, and the name that the registry looks for there."""
    begin, end = MARKS
    pattern = f"{re.escape(begin)}.*{re.escape(end)}"
    told = re.sub(pattern, lambda _: begin + "".join(_part()) + end, text, count=1, flags=re.DOTALL)
    return re.sub(r"<!-- mcp-name: \S+ -->", f"<!-- mcp-name: {REGISTRY_NAME} -->", told)


def _part() -> Iterator[str]:
    for name, host in HOSTS.items():
        yield "\n" + _block(name, host)
    yield "\n"


def _block(name: str, host: Host) -> str:
    return (
        f"**{host.title}** (`scenario-mcp config {name}`):\n{host.where}\n\n"
        f"```{host.language}\n{host.snippet(LAUNCH)}\n```\n"
    )
