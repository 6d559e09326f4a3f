"""What the parameters of several local runners have in common."""

from __future__ import annotations

from typing import Any

from breeze.contracts.fields import integer, path


def model_folder(what: str) -> Any:
    """The model that is served when nobody names one; `what` lies in its folder."""
    return path(
        None,
        f"Folder of a model ({what}); it becomes the default",
        title="Model folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )


def models_folder() -> Any:
    """Further models."""
    return path(
        None,
        "Folder of such folders, each served under its name",
        title="Models folder",
        category="Model",
        directory=True,
        requires_reload=True,
    )


def thread_count() -> Any:
    """How much of the processor one model may take."""
    return integer(
        1,
        "Threads for the arithmetic; more help only when that many cores are idle",
        category="Performance",
        low=1,
        high=256,
        requires_reload=True,
    )


def longest_sound() -> Any:
    """Where hearing a request stops."""
    return integer(
        7200,
        "Longest sound of a request",
        low=1,
        high=86_400,
        step=60,
        unit="s",
        title="Longest sound",
        category="Limits",
    )


def sampling(make: Any, description: str, **facts: Any) -> Any:
    """A field that a caller may override; left out, the model's own recommendation counts."""
    return make(None, description, category="Sampling", per_request=True, **facts)
