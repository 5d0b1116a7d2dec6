"""How settings name places: the address of the API, hosts of files, and folders.

Each function reads the text of a variable, which it names in the `SettingsError` that it raises. The server's first
answer waits for this module, so it imports nothing that a variable which is not set would need.
"""

from __future__ import annotations

import os
import re

from scenario_mcp.sources import SettingsError, bare, shown

TYPE_CHECKING = False  # as typing has it, whose import would take as long as this module
if TYPE_CHECKING:
    from pathlib import Path


DEFAULT_BASE_URL = "https://api.cloud.scenario.com/v1"
VERSION, OWN_HOSTS = "/v1", ".scenario.com"

# What people put between folders in place of the platform's mark: a path begins anew behind it.
_WRONG_MARK = r"([,|])\s*(?:~|\\|[A-Za-z]:)|(:)\s*[A-Za-z]:" if os.pathsep == ";" else r"([,;|])\s*[~/]"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine."""
    from ipaddress import ip_address

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(variable: str, value: str) -> str:
    """Read the root of the API, without a slash at its end."""
    from urllib.parse import urlsplit

    try:
        url = urlsplit(value)
        secure = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
        plain = value.isascii() and value.isprintable() and not set(value) & set(" ?#@\\")
        sound = secure and plain and bool(url.hostname) and url.port != 0
    except ValueError:  # from a port or an address that is none
        sound = False
    if not sound:
        raise SettingsError(f"{variable} must be an https URL without user, query or fragment (http on loopback only).")
    root = value.rstrip("/")
    if f".{url.hostname}".endswith(OWN_HOSTS) and urlsplit(root).path != VERSION:
        raise SettingsError(f"{variable} must end in {VERSION}, like {DEFAULT_BASE_URL}, which holds if it is not set.")
    return root


def folder(variable: str, value: str) -> Path:
    """Read an absolute path, or one that starts with the home folder."""
    from pathlib import Path

    from scenario_mcp import home

    if re.match(r"~([/\\]|$)", value) and home.find() is None:
        raise SettingsError(f"{variable} must be an absolute path without ~: {home.why_none()}.")
    try:
        path = Path(value).expanduser()
    except RuntimeError:  # from a user that is none
        path = Path()
    if not path.is_absolute() or "\0" in value:
        raise SettingsError(f"{variable} must be an absolute path or start with ~, not {shown(value)}.")
    return path


def folder_or_none(variable: str, value: str) -> Path | None:
    """Read a folder, or `none`."""
    return None if value.lower() == "none" else folder(variable, value)


def folder_or_memory(variable: str, value: str) -> Path | None:
    """Read a folder, or `memory`."""
    return None if value.lower() == "memory" else folder(variable, value)


def hosts(variable: str, value: str) -> tuple[str, ...]:
    """Read a comma list of hosts, each of which may begin with `*.`."""
    named = tuple(host.strip().lower() for host in value.split(",") if host.strip())
    for host in named:
        if not re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", host):
            raise SettingsError(f"{variable} must be a comma list of names, like files.example.com, not {shown(host)}.")
    return named


def folders(variable: str, value: str) -> tuple[Path, ...]:
    """Read folders with what the platform puts between paths."""
    if found := re.search(_WRONG_MARK, value):
        mark = next(filter(None, found.groups()))
        raise SettingsError(f'{variable} must have "{os.pathsep}" between folders, not "{mark}": {shown(value)}.')
    return tuple(folder(variable, bare(each)) for each in value.split(os.pathsep) if bare(each))
