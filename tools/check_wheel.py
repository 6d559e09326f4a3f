"""Fails when a wheel holds something that does not belong in it, or lacks something that does.

usage: python tools/check_wheel.py FOLDER      (that holds exactly one wheel)
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"
SUFFIXES = {".py", ".gguf", ".wav", ".json", ".txt", ".html", ".css", ".js", ".svg", ".toml"}
METADATA = {
    "METADATA",
    "WHEEL",
    "RECORD",
    "entry_points.txt",
    "licenses/LICENSE",
    "licenses/NOTICE",
}
LARGEST = 8_000_000
"""Bytes: the embedded model is 2.5 MB, everything else is text."""


def wanted() -> set[str]:
    """Every file of the source tree that is meant to ship."""
    files = (file for file in (SOURCE / "breeze").rglob("*") if file.is_file())
    return {
        file.relative_to(SOURCE).as_posix()
        for file in files
        if file.suffix in SUFFIXES or file.name == "py.typed"
    }


def problems(wheel: Path) -> Iterator[str]:
    """What is wrong with the wheel, one sentence each."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    meta = {name.removeprefix(info) for name in names if name.startswith(info)}
    code = {name for name in names if not name.startswith(info)}
    yield from (f"{name} should not be in it" for name in sorted(code - wanted()))
    yield from (f"{name} is missing" for name in sorted(wanted() - code))
    yield from (f"{info}{name} should not be in it" for name in sorted(meta - METADATA))
    yield from (f"{info}{name} is missing" for name in sorted({"licenses/LICENSE"} - meta))
    if not any(name.endswith(".gguf") for name in code):
        yield "the embedded model is missing"
    if "breeze/py.typed" not in code:
        yield "py.typed is missing"
    if wheel.stat().st_size > LARGEST:
        yield f"it has {wheel.stat().st_size} bytes, more than {LARGEST}"


def main(folder: str) -> int:
    (wheel,) = Path(folder).glob("*.whl")
    found = list(problems(wheel))
    for problem in found:
        print(f"{wheel.name}: {problem}", file=sys.stderr)
    if not found:
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, contents as they should be")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
