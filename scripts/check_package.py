"""Check what people install: the wheel made from the sdist, in two environments, everything pinned by hash.

In one there is only what pyproject.toml asks for, which must be enough for the demo. In the other the tests run, in a
folder without the source. Words given go to pytest.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import bundle

ROOT = Path(__file__).parent.parent
TESTED = ("tests", "scripts", "README.md", "pyproject.toml")
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
PARALLEL = ("-n", "4", "--dist", "worksteal")
NEEDED = ("server/tools.json", "sandbox/contract.json", "py.typed", "__main__.py")
TOP = {"src", "tests", "docs", "scripts", "README.md", "SECURITY.md", "LICENSE", "pyproject.toml", ".env.example"}
TOP |= {"server.json"}


def main() -> None:
    """Build, look inside, install and run both. Raises `SystemExit` or `CalledProcessError` for what is wrong."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sdist = _built(ROOT, "sdist", folder)
        with tarfile.open(sdist) as packed:
            packed.extractall(folder / "unpacked", filter="data")
        [source] = (folder / "unpacked").iterdir()
        wheel = _built(source, "wheel", folder)
        _look(source, wheel)
        _demo(wheel, folder)
        _test(wheel, folder, sys.argv[1:])


def _built(source: Path, target: str, folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder / target], cwd=source, check=True
    )
    [built] = (folder / target).iterdir()
    return built


def _look(source: Path, wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    lacking = [name for name in NEEDED if f"scenario_mcp/{name}" not in names]
    lacking += sorted(TOP - {path.name for path in source.iterdir()})
    too_much = [name for name in names if not name.startswith("scenario_mcp")]
    if lacking or too_much:
        raise SystemExit(f"Not packed: {lacking}. Packed, but not meant to be: {too_much}.")
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size // 1000} kB")


def _demo(wheel: Path, folder: Path) -> None:
    python = _environment(folder / "alone")
    needed = folder / "needed.txt"
    needed.write_text(bundle.requirements(), "utf-8")
    subprocess.run([python, *PIP, "--require-hashes", "-r", needed], check=True)
    subprocess.run([python, *PIP, "--no-deps", wheel], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    subprocess.run([python.with_name("scenario-mcp"), "demo"], cwd=folder, check=True)
    print("The demo runs with what pyproject.toml asks for.", flush=True)


def _test(wheel: Path, folder: Path, words: Sequence[str]) -> None:
    python = _environment(folder / "tested")
    subprocess.run([python, *PIP, "--require-hashes", "-r", ROOT / "requirements-dev.txt"], check=True)
    subprocess.run([python, *PIP, "--no-deps", wheel], check=True)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for name in TESTED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, elsewhere / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(ROOT / name, elsewhere / name)
    subprocess.run(
        [python, "-m", "pytest", *PARALLEL, "-m", "not checkout and not nightly", *words], cwd=elsewhere, check=True
    )


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / "bin/python"


if __name__ == "__main__":
    main()
