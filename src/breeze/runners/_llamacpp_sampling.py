"""How llama.cpp picks the next token, as far as a caller may say."""

from __future__ import annotations

from breeze.contracts.fields import integer, number
from breeze.contracts.parameters import Parameters
from breeze.runners._local_fields import longest_answer, sampling, temperature, top_k, top_p


class SamplingParameters(Parameters):
    """Each of them counts where a request does not say."""

    max_tokens: int | None = longest_answer()
    temperature: float | None = temperature()
    top_p: float | None = top_p()
    top_k: int | None = top_k()
    min_p: float | None = sampling(
        number, "Leave out tokens below this share of the likeliest", low=0, high=1, step=0.01
    )
    repeat_penalty: float | None = sampling(
        number, "Above 1 makes recently used tokens less likely", low=0.1, high=2, step=0.05
    )
    seed: int | None = sampling(
        integer, "Same seed, same answer; empty: another one each time", low=0, high=4_294_967_294
    )
