"""The files of a new runner's package."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from breeze.contracts.capability import Capability
from breeze.surfaces.cli.new_runner.texts import PYPROJECT, README, TEST
from breeze.version import __version__


@dataclass(frozen=True)
class Names:
    """What a runner's name makes of the names around it."""

    runner: str

    @property
    def module(self) -> str:
        """The package that is imported."""
        return f"breeze_{self.runner}"

    @property
    def distribution(self) -> str:
        """The package that is installed, and its folder."""
        return self.module.replace("_", "-")

    @property
    def stem(self) -> str:
        """How its classes begin."""
        return "".join(part.capitalize() for part in self.runner.split("_"))


def write_package(folder: Path, names: Names, capability: Capability) -> list[Path]:
    """Writes the package into `folder`, which is made. The files, in the order to read them."""
    words = {"name": names.runner, "module": names.module, "distribution": names.distribution}
    words |= {"cls": f"{names.stem}Runner", "capability": capability, "breeze": __version__}
    inside = f"src/{names.module}"
    contents = {
        "README.md": README.format(**words),
        "pyproject.toml": PYPROJECT.format(**words),
        f"{inside}/__init__.py": f'"""The runner `{names.runner}` for Breeze."""\n',
        f"{inside}/runner.py": example(capability, names),
        f"{inside}/py.typed": "",
        f"tests/test_{names.runner}.py": TEST.format(**words),
    }
    paths = [folder / name for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return paths


def example(capability: Capability, names: Names) -> str:
    """The working runner for `capability`, under the new names."""
    name = f"{capability.lower()}.py"
    text = files(__package__).joinpath("examples", name).read_text(encoding="utf-8")
    for ours, theirs in (
        ("my_runner", names.runner),
        ("MyRunner", f"{names.stem}Runner"),
        ("MyParameters", f"{names.stem}Parameters"),
        ("My Company", names.stem),
    ):
        text = text.replace(ours, theirs)
    return text
