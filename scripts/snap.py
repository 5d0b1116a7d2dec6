"""Write the generated files anew from the models, or with --check say which are stale."""

import sys
from pathlib import Path

from scenario_mcp.server import snapshot

ROOT = Path(__file__).parent.parent


def generated() -> dict[Path, str]:
    """Make the content of every generated file."""
    return {ROOT / "src/scenario_mcp/server" / snapshot.FILE: snapshot.written(snapshot.entries())}


def main() -> int:
    """Compare each generated file with what the models say, and write it unless --check is given."""
    stale = {path: text for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        print(f"{'stale' if '--check' in sys.argv else 'written'}: {path.relative_to(ROOT)}")
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
