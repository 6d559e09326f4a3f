"""Names: of instances, of API keys, and of the environment variables that set parameters."""

from __future__ import annotations

import re
from functools import lru_cache

_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


def check_instance(name: str) -> str:
    """`name`, when an instance may have it. Raises ValueError."""
    if not _INSTANCE.fullmatch(name):
        raise ValueError(f"{name!r} is no name: use letters, digits, '_', '.' and '-'")
    if name == "auto":
        raise ValueError("'auto' means that Breeze selects; choose another name")
    return name


def check_key(name: str) -> str:
    """`name`, when an API key may have it. Raises ValueError."""
    if not _KEY.fullmatch(name):
        raise ValueError(
            f"{name[:70]!r} is no name of a key: use at most 64 letters, digits, '_', '.', '@', '-'"
        )
    return name


def environment_prefix(instance: str) -> str:
    """How the environment variables of an instance begin: `my-llm` gives `BREEZE_MY_LLM_`."""
    return f"BREEZE_{_shouted(instance)}_"


def environment_name(instance: str, parameter: str) -> str:
    """The variable that sets a parameter of an instance."""
    return environment_prefix(instance) + _shouted(parameter)


@lru_cache(4096)
def _shouted(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
