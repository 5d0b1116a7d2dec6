# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Start the server of the bundle that this file lies in, as `start.py`.

What the server needs is installed once, into a folder beside this file: the versions of `requirements.txt`, each file
checked by its hash, nothing built. Only the standard library is here before that.
"""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


def installed() -> Path:
    """Give the Python that has what the server needs, and install that first if need be.

    Raises `OSError` without uv, and `CalledProcessError` if it fails.
    """
    version = platform.python_version()
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + version.encode()).hexdigest()[:16]
    folder = HERE / f".venv-{digest}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / ".ready"
    if not ready.exists():
        _uv("venv", "--allow-existing", "--python", version, folder)
        checked = ("--require-hashes", "--only-binary", ":all:", "--compile-bytecode")
        _uv("pip", "install", "--python", python, *checked, "-r", REQUIREMENTS)
        ready.touch()
    return python


def _uv(*words: str | Path) -> None:
    uv = os.environ.get("UV") or "uv"  # uv names itself to what it runs
    subprocess.run([uv, *words], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)  # stdout belongs to JSON-RPC


def main() -> int:
    """Run the server in place of this process; on Windows, beside it."""
    try:
        python = installed()
    except (OSError, subprocess.CalledProcessError) as fault:
        sys.stderr.write(f"scenario-mcp: what the server needs could not be installed: {fault}\n")
        return 1
    command = [str(python), "-P", "-m", "scenario_mcp", *sys.argv[1:]]
    environ = os.environ | {"PYTHONPATH": str(HERE / "src")}
    if os.name != "nt":
        os.execve(command[0], command, environ)  # noqa: S606  # no shell is wanted
    return subprocess.run(command, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
