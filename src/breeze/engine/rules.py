"""What each kind of failure leads to: is the same runner asked again, is another, is it ill."""

from __future__ import annotations

from typing import Literal, NamedTuple

from breeze.contracts.errors import (
    AuthenticationError,
    BlockedError,
    CancelledError,
    CapabilityError,
    DeadlineError,
    DownloadError,
    HardwareError,
    InputError,
    MemoryLimitError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    RecognitionError,
    RunnerError,
    SynthesisError,
    TooLargeError,
    UnavailableError,
    VersionError,
)

CONTEXT = "context_length_exceeded"
"""The detail of an InputError that a runner with a larger window may mend."""
SILENT = ("silent", "stalled")
"""Details of failures after which the same route is not taken again."""
PERMISSION = "permission"
"""The detail of an AuthenticationError that says nothing of the key as such."""


class Rule(NamedTuple):
    """`again`: the same runner may be asked once more, if the error is retryable. `other`: the next
    may be. `health`: what its circuit makes of it, which is nothing, a failure, or a closed door.
    """

    again: bool
    other: bool
    health: Literal["", "failure", "barred"] = ""


_ILL = Rule(True, True, "failure")
_NOT_THIS = Rule(False, True)
_WAIT = Rule(True, True)
_FINAL = Rule(False, False)

RULES: dict[type[RunnerError], Rule] = {
    ProcessingError: _ILL,
    RecognitionError: _WAIT,
    SynthesisError: _WAIT,
    DeadlineError: _ILL,
    CancelledError: _FINAL,
    InputError: Rule(True, False),  # retryable only when a server says so, such as of a conflict
    AuthenticationError: Rule(False, True, "barred"),
    QuotaError: _NOT_THIS,
    NotFoundError: _NOT_THIS,
    CapabilityError: _NOT_THIS,
    VersionError: _NOT_THIS,
    TooLargeError: _FINAL,
    RateLimitError: _WAIT,
    DownloadError: _ILL,
    UnavailableError: _ILL,
    NotLoadedError: _ILL,
    HardwareError: Rule(False, True, "failure"),
    MemoryLimitError: Rule(False, True, "failure"),
    OverloadedError: _ILL,
    BlockedError: _FINAL,
}
"""The rule of each kind."""
OURS = (OverloadedError, MemoryLimitError)
"""What the pool says before the runner is asked: its queue is full, or others fill the memory."""
ASKED_WRONG = (InputError, TooLargeError, NotFoundError, CapabilityError)
"""What a stand-in says of a request that was meant for another."""


def rule_of(error: RunnerError, *, content_policy: Literal["report", "next"] = "report") -> Rule:
    """What `error` leads to."""
    rule = next((RULES[kind] for kind in type(error).__mro__ if kind in RULES), _ILL)
    if isinstance(error, BlockedError) and content_policy == "next":
        return _NOT_THIS
    if error.detail == CONTEXT:
        return _NOT_THIS
    if error.detail in SILENT:
        return rule._replace(again=False)
    if rule.health == "barred" and _is_permission(error):
        return _NOT_THIS
    if error.relayed:
        rule = rule._replace(health="")
    return rule if error.retryable else rule._replace(again=False)


def _is_permission(error: RunnerError) -> bool:
    """A key that is known, and may not do just this, may do other things."""
    return error.detail == PERMISSION or error.data.get("upstream_status") == 403
