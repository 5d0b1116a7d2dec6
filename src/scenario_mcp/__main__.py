"""The command `scenario-mcp`, also `python -m scenario_mcp`."""

import sys

from scenario_mcp.commands.start import main

if __name__ == "__main__":
    sys.exit(main())
