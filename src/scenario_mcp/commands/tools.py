"""List the tools, for a person or as a host sees them."""

import json

from scenario_mcp.server import snapshot
from scenario_mcp.settings import Settings
from scenario_mcp.tools.catalog import CORE, TOOLS, TOOLSETS, in_toolsets


def run(settings: Settings, *, as_json: bool) -> int:
    """Print the tools that a host would see, and what the descriptions weigh in a model's context, by set."""
    entries, shown = snapshot.committed(), in_toolsets(settings.toolsets)
    if as_json:
        print(json.dumps([entries[tool.name] for tool in shown], indent=2, ensure_ascii=False))
        return 0
    for toolset, purpose in TOOLSETS.items():
        names = [tool.name for tool in TOOLS.values() if tool.toolset == toolset]
        on = toolset == CORE or toolset in settings.toolsets
        size = snapshot.size(names)
        print(f"{toolset} ({'on' if on else 'off'}): {purpose}")
        print(f"    {len(names)} tools, {size} characters, about {size // 4} tokens")
        for tool in shown:
            if tool.toolset == toolset:
                needed = ", ".join(entries[tool.name]["inputSchema"].get("required", [])) or "nothing"
                print(f"  {tool.name}: {tool.summary}")
                print(f"    {'costs Creative Units' if tool.paid else 'free'}; needs {needed}")
    total = snapshot.size([tool.name for tool in shown])
    print(f"A host sees {len(shown)} tools, {total} characters, about {total // 4} tokens.")
    return 0
