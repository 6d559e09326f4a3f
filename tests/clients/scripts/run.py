"""Runs every example of some of the scripts beside it: `python run.py FILE SCRIPT…`.

FILE gets what each returned, or how it failed, as JSON.
"""

import asyncio
import importlib
import inspect
import json
import sys
import traceback
from pathlib import Path
from typing import Any


def outcome(example: Any) -> dict[str, Any]:
    """What an example returns. It may be a coroutine function."""
    try:
        is_async = inspect.iscoroutinefunction(example)
        returned = asyncio.run(example()) if is_async else example()
        return {"returned": json.loads(json.dumps(returned))}
    except Exception:  # one that fails is told with the others
        return {"failed": traceback.format_exc()}


def main(file: str, *scripts: str) -> None:
    outcomes = {}
    for script in scripts:
        module = importlib.import_module(script)
        for name, example in inspect.getmembers(module, inspect.isfunction):
            if example.__module__ == script and not name.startswith("_"):
                outcomes[f"{script}.{name}"] = outcome(example)
    Path(file).write_text(json.dumps(outcomes, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
