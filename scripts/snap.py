"""Write the generated files anew from the models, or with --check say which are stale."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from hosts_page import readme
from published import server_json
from scenario_mcp.server import snapshot, view
from tools_page import page

ROOT = Path(__file__).parent.parent


def generated() -> Iterator[tuple[Path, str]]:
    """Make the content of every generated file; the page shows what is committed, so the snapshot comes first."""
    yield ROOT / "src/scenario_mcp/server" / view.FILE, snapshot.written(snapshot.made())
    view.shown.cache_clear()
    snapshot.committed.cache_clear()
    yield ROOT / "docs/tools.md", page()
    yield ROOT / "server.json", json.dumps(server_json(), indent=2) + "\n"
    yield ROOT / "README.md", readme((ROOT / "README.md").read_text("utf-8"))


def main() -> int:
    """Compare each generated file with what the models say, and write it unless --check is given."""
    checking, stale = "--check" in sys.argv, 0
    for path, text in generated():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        print(f"{'stale' if checking else 'written'}: {path.relative_to(ROOT)}")
        if not checking:
            path.write_text(text, "utf-8")
    return 1 if stale and checking else 0


if __name__ == "__main__":
    sys.exit(main())
