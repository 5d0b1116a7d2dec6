"""List the tools, for a person or as a host sees them."""

import json

from scenario_mcp.server import snapshot
from scenario_mcp.tools.catalog import TOOLS


def run(*, as_json: bool) -> int:
    """Print the tools and what their descriptions weigh in a model's context."""
    entries = snapshot.committed()
    if as_json:
        print(json.dumps(list(entries.values()), indent=2, ensure_ascii=False))
        return 0
    sizes = {name: len(json.dumps(entry, ensure_ascii=False, separators=(",", ":"))) for name, entry in entries.items()}
    for tool in TOOLS.values():
        first, _, _ = tool.description.partition(". ")
        needed = ", ".join(entries[tool.name]["inputSchema"].get("required", [])) or "nothing"
        print(f"{tool.name}\n    {first}.")
        print(f"    {'costs Creative Units' if tool.paid else 'free'}; needs {needed}; {sizes[tool.name]} characters")
    total = sum(sizes.values())
    print(f"{len(sizes)} tools, {total} characters, about {total // 4} tokens")
    return 0
