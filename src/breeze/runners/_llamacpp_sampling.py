"""How llama.cpp picks the next token, as far as a caller may say."""

from __future__ import annotations

from typing import Any

from breeze.contracts.fields import integer, number
from breeze.contracts.parameters import Parameters


def _sampling(make: Any, description: str, **facts: Any) -> Any:
    """A field that a caller may override; left out, the model's own recommendation counts."""
    return make(None, description, category="Sampling", per_request=True, **facts)


class SamplingParameters(Parameters):
    """Each of them counts where a request does not say."""

    max_tokens: int | None = _sampling(
        integer, "Most tokens of an answer; empty: to the end of the context", low=1, high=1_048_576
    )
    temperature: float | None = _sampling(
        number, "Randomness; 0 always takes the likeliest token", low=0, high=2, step=0.05
    )
    top_p: float | None = _sampling(
        number, "Draw from the likeliest tokens that make up this share", low=0, high=1, step=0.01
    )
    top_k: int | None = _sampling(
        integer, "Draw from this many tokens; 0 from all", low=0, high=1_000_000
    )
    min_p: float | None = _sampling(
        number, "Leave out tokens below this share of the likeliest", low=0, high=1, step=0.01
    )
    repeat_penalty: float | None = _sampling(
        number, "Above 1 makes recently used tokens less likely", low=0.1, high=2, step=0.05
    )
    seed: int | None = _sampling(
        integer, "Same seed, same answer; empty: another one each time", low=0, high=4_294_967_294
    )
