"""What stands around a new runner: its build file, its test, its first page."""

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "0.1.0"
description = "The runner {name} for Breeze."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["breeze-engine>={breeze}"]

[project.optional-dependencies]
dev = ["mypy>=1.15", "pytest>=8.3", "ruff>=0.9"]

# This line is all that Breeze needs to find the runner.
[project.entry-points."breeze.runners"]
{name} = "{module}.runner:{cls}"

[tool.hatch.build]
dev-mode-dirs = ["src"]

[tool.hatch.build.targets.wheel]
packages = ["src/{module}"]

[tool.ruff]
line-length = 100
src = ["src"]

[tool.ruff.lint]
select = ["E", "F", "W", "I", "B", "UP"]

[tool.mypy]
strict = true
mypy_path = "src"
files = ["src", "tests"]

[tool.pytest.ini_options]
testpaths = ["tests"]
"""

TEST = """\
\"\"\"`{name}` keeps every rule, and Breeze finds it.\"\"\"

import asyncio

from breeze.engine.registry import Registry
from breeze.testing.conformance import check_runner

from {module}.runner import {cls}


def test_it_keeps_every_rule() -> None:
    report = asyncio.run(check_runner({cls}))
    assert report.ok, report.render()


def test_breeze_finds_it() -> None:
    assert Registry().load("{name}") is {cls}
"""

README = """\
# {distribution}

The runner `{name}` ({capability}) for Breeze. `src/{module}/runner.py` is all there is: it works
as it is; put your own model in its place and keep the test green.

```sh
pip install -e '.[dev]'
breeze runners {capability}        # it is there
breeze check {name}                # it keeps every rule
breeze explain {capability}        # when it is asked, and when another one is
pytest && mypy && ruff check .
```

What to change, from top to bottom of the file:

1. `Parameters`: what can be set. The settings page, the command line, the environment variables
   and the documentation follow from it.
2. `@runner(...)`: its facts, such as `needs` (modules that it imports) and `concurrency`.
3. `load` and `unload`: get the model and give it back. Both may be called twice.
4. The method that does the work, an async generator of events: `Usage` once, `Finish` at the end.
   Blocking code belongs in `breeze.contracts.threads.from_thread`.
"""
