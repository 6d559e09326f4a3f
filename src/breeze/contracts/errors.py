"""Every way in which a request can fail. One tree; the code, status and retry rule are class facts.

RunnerError
├── ProcessingError      E101  the run failed; detail: streaming, cut, stalled, malformed
├── RecognitionError     E102  speech could not be recognised
├── SynthesisError       E103  speech could not be made
├── DeadlineError        E301  the time given is over
├── CancelledError       E302  somebody asked to stop
├── InputError           E400  the request is wrong; `field` says where
├── AuthenticationError  E401  key missing, refused, or without permission
├── QuotaError           E402  paid quota used up
├── NotFoundError        E404  no such runner or model
├── CapabilityError      E405  the runner cannot do this kind of work
├── VersionError         E406  contract version not supported
├── TooLargeError        E413  input beyond a stated limit
├── RateLimitError       E429  too many requests; `retry_after` says when
├── DownloadError        E500  a model could not be fetched
├── UnavailableError     E501  resource or network not available
├── NotLoadedError       E502  the model is not loaded, or could not be
├── HardwareError        E503  the machine lacks what the runner needs
├── MemoryLimitError     E504  not enough memory
├── OverloadedError      E505  the queue is full
└── BlockedError         G100  the guardian refused
"""

from __future__ import annotations

from typing import Any, ClassVar

from breeze.contracts.values import Attempt as Attempt
from breeze.contracts.values import ErrorInfo as ErrorInfo


class RunnerError(Exception):
    """Base of all failures. `message` is for a person and names what to do.

    `retryable`: the same request may succeed later. `retry_after`: seconds to wait, when known.
    `delivered`: events that reached the caller before the failure. `data`: figures a program
    may want, such as `{"limit": 1024, "asked": 1300}`.
    """

    code: ClassVar[str] = "E101"
    status: ClassVar[int] = 500
    retryable_by_default: ClassVar[bool] = False
    relayed: bool = False
    """Whether a runner behind the one that was asked failed, which says nothing of that one."""

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        detail: str = "",
        retryable: bool | None = None,
        retry_after: float | None = None,
        runner: str = "",
        model: str = "",
        delivered: int = 0,
        attempts: tuple[Attempt, ...] = (),
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.detail = detail
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.retry_after = retry_after
        self.runner = runner
        self.model = model
        self.delivered = delivered
        self.attempts = attempts
        self.data = data or {}

    @property
    def cause(self) -> BaseException | None:
        """What raised this, when something else did (set by `raise … from …`)."""
        return self.__cause__

    def info(self) -> ErrorInfo:
        """This error as data."""
        return ErrorInfo(
            self.code, self.message, self.status, self.retryable, self.field, self.detail,
            self.retry_after, self.runner, self.model, self.delivered, self.attempts, self.data,
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.code} {self.message}"


class ProcessingError(RunnerError):
    """E101. `detail` says how: streaming, cut, stalled, malformed."""

    code = "E101"
    retryable_by_default = True


class RecognitionError(RunnerError):
    """E102."""

    code = "E102"


class SynthesisError(RunnerError):
    """E103."""

    code = "E103"


class DeadlineError(RunnerError):
    """E301. The request's own time is over; the same request with more time may succeed."""

    code = "E301"
    status = 504
    retryable_by_default = True


class CancelledError(RunnerError):
    """E302. Not to be confused with asyncio's: this one is an answer, that one a signal."""

    code = "E302"
    status = 499


class InputError(RunnerError):
    """E400. `field` is the path of the offending field, such as `messages[0].content`."""

    code = "E400"
    status = 400


class AuthenticationError(RunnerError):
    """E401."""

    code = "E401"
    status = 401


class QuotaError(RunnerError):
    """E402."""

    code = "E402"
    status = 402


class NotFoundError(RunnerError):
    """E404."""

    code = "E404"
    status = 404


class CapabilityError(RunnerError):
    """E405."""

    code = "E405"
    status = 400


class VersionError(RunnerError):
    """E406."""

    code = "E406"
    status = 400


class TooLargeError(RunnerError):
    """E413."""

    code = "E413"
    status = 413


class RateLimitError(RunnerError):
    """E429."""

    code = "E429"
    status = 429
    retryable_by_default = True


class DownloadError(RunnerError):
    """E500."""

    code = "E500"
    status = 502
    retryable_by_default = True


class UnavailableError(RunnerError):
    """E501."""

    code = "E501"
    status = 503
    retryable_by_default = True


class NotLoadedError(RunnerError):
    """E502."""

    code = "E502"
    status = 503
    retryable_by_default = True


class HardwareError(RunnerError):
    """E503."""

    code = "E503"
    status = 503


class MemoryLimitError(RunnerError):
    """E504."""

    code = "E504"
    status = 503


class OverloadedError(RunnerError):
    """E505."""

    code = "E505"
    status = 503
    retryable_by_default = True


class BlockedError(RunnerError):
    """G100. The message is the guardian's own text; it never repeats what was refused."""

    code = "G100"
    status = 403


CODES: dict[str, type[RunnerError]] = {
    kind.code: kind
    for kind in (
        ProcessingError, RecognitionError, SynthesisError, DeadlineError, CancelledError,
        InputError, AuthenticationError, QuotaError, NotFoundError, CapabilityError,
        VersionError, TooLargeError, RateLimitError, DownloadError, UnavailableError,
        NotLoadedError, HardwareError, MemoryLimitError, OverloadedError, BlockedError,
    )
}  # fmt: skip
"""The closed set: every code and its class."""


def from_info(info: ErrorInfo) -> RunnerError:
    """The exception that `info` was made from. An unknown code becomes a ProcessingError."""
    return CODES.get(info.code, ProcessingError)(
        info.message,
        field=info.field,
        detail=info.detail,
        retryable=info.retryable,
        retry_after=info.retry_after,
        runner=info.runner,
        model=info.model,
        delivered=info.delivered,
        attempts=info.attempts,
        data=dict(info.data),
    )
