"""What an operator and a caller can set on the runner for MediaTek NPUs."""

from __future__ import annotations

from collections.abc import Iterator

from breeze.contracts.fields import Choice, choice, integer, number
from breeze.contracts.parameters import ValidationResult
from breeze.runners._executorch_parameters import ProgramParameters

_BACKENDS = (
    Choice("auto", "By the program", "The NPU where the program is lowered for it"),
    Choice("npu", "NPU", "Refuse programs that are not lowered for the NPU"),
    Choice("portable", "Processor", "Try a program for the processor out, on any machine"),
)
_HOT, _MANY = 1.5, 80


class MtkApuParameters(ProgramParameters):
    """The same as for other programs, and the ranges that this hardware's applications know."""

    backend: str = choice(
        "auto",
        _BACKENDS,
        "What must be there before a program is loaded",
        category="Performance",
        requires_reload=True,
    )
    max_tokens: int = integer(
        256,
        "Most tokens of an answer",
        category="Sampling",
        low=1,
        high=4096,
        unit="tokens",
        per_request=True,
    )
    top_k: int = integer(
        40,
        "Draw from this many tokens; the runtime draws by temperature alone and says so",
        category="Sampling",
        low=1,
        high=100,
        per_request=True,
        informational=True,
    )
    repetition_penalty: float = number(
        1.1,
        "Above 1 makes used tokens less likely; the runtime knows no such thing and says so",
        category="Sampling",
        low=0.1,
        high=2,
        step=0.1,
        per_request=True,
        informational=True,
    )

    def cross_check(self) -> Iterator[ValidationResult]:
        yield from super().cross_check()
        if self.temperature > _HOT and self.top_k > _MANY:
            yield ValidationResult(
                "temperature",
                "invalid",
                f"above {_HOT} needs top_k of {_MANY} at most: lower one of them",
            )
        elif self.temperature > _HOT:
            yield ValidationResult(
                "temperature", "warning", f"above {_HOT} makes texts that hardly hold together"
            )
