"""The home folder of one person; a root, or a folder that holds everybody's homes, is nobody's."""

import os
from pathlib import Path

from scenario_mcp.sources import shown

# Where systems keep the homes of all people.
_HOMES = ("/home", "/Users", "/var/home", "/usr/home", "/export/home")


def find() -> Path | None:
    """Give the home folder; None where it is not set, relative, a root, or a folder of the whole system.

    Containers that run as a number without an account have the root for a home.
    """
    try:
        home = Path.home()
        real = home.resolve()
    except (OSError, RuntimeError):  # a user without an account, a loop of links
        return None
    return None if not home.is_absolute() or _is_shared(home) or _is_shared(real) else home


def is_absolute() -> bool:
    """Tell whether what is set for a home is one place, be it a home or not."""
    return os.path.isabs(os.path.expanduser("~"))


def why_none() -> str:
    """Say of what is set for a home that it is none."""
    return f"{shown(os.path.expanduser('~'))} is not the home folder of one person"


def holds_homes(folder: Path) -> bool:
    """Tell whether a folder is a root, or one that holds the homes of all people."""
    return folder.parent == folder or str(folder) in _HOMES


def _is_shared(folder: Path) -> bool:
    """Tell whether a folder holds homes, or lies just below a root, like /tmp and /var, and is not this user's own."""
    below_root = folder.parent.parent == folder.parent and str(folder) != "/root"
    return holds_homes(folder) or (below_root and not _is_own(folder))


def _is_own(folder: Path) -> bool:
    try:
        return os.name != "nt" and folder.stat().st_uid == os.getuid() != 0  # to root everything belongs
    except OSError:
        return False
