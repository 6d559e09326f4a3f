"""What the parameters of several local runners have in common."""

from __future__ import annotations

from typing import Any

from breeze.contracts.fields import integer, number, path, switch, text


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


def silence(about: str, category: str = "Listening") -> Any:
    """How long nobody must speak before what was said is taken for whole."""
    return integer(
        600,
        about,
        low=100,
        high=5000,
        step=100,
        unit="ms",
        title="Silence",
        category=category,
        per_request=True,
    )


def system_message() -> Any:
    """What a conversation begins with that does not say so itself."""
    return text(
        "",
        "System message for conversations that have none",
        category="Prompt",
        max_length=20_000,
        per_request=True,
    )


def continuation() -> Any:
    """Whether an answer that was begun is gone on with."""
    return switch(
        True,
        "Continue an assistant message that ends the conversation, instead of answering it",
        category="Model",
        requires_reload=True,
    )


def prompt_batch(usual: int, *, step: int, **facts: Any) -> Any:
    """Between two of these a stop is heard while a prompt is read."""
    return integer(
        usual,
        "Prompt tokens worked on in one go; a stop takes effect between two",
        category="Performance",
        low=step,
        high=2048,
        step=step,
        unit="tokens",
        **facts,
    )


def sampling(make: Any, description: str, **facts: Any) -> Any:
    """A field that a caller may override; left out, the model's own recommendation counts."""
    return make(None, description, category="Sampling", per_request=True, **facts)


def temperature() -> Any:
    """Of what is drawn."""
    return sampling(
        number, "Randomness; 0 always takes the likeliest token", low=0, high=2, step=0.05
    )


def top_p() -> Any:
    """The share of the likeliest tokens."""
    return sampling(
        number, "Draw from the likeliest tokens that make up this share", low=0, high=1, step=0.01
    )


def top_k() -> Any:
    """The number of the likeliest tokens."""
    return sampling(integer, "Draw from this many tokens; 0 from all", low=0, high=1_000_000)


def longest_answer() -> Any:
    """Where an answer stops."""
    return sampling(
        integer, "Most tokens of an answer; empty: to the end of the context", low=1, high=1_048_576
    )
