"""One server of OpenAI's protocol and how it is asked: what every kind of work has in common."""

from __future__ import annotations

from typing import NamedTuple

from breeze.contracts.errors import ProcessingError
from breeze.runners._http import JSON, HttpClient
from breeze.runners._http_answer import Answer
from breeze.runners._http_errors import refusal, reported
from breeze.runners._http_json import decoded
from breeze.runners._openai_parameters import OpenAIParameters
from breeze.runners._openai_says import SAYS


class Server(NamedTuple):
    """A connection pool, the parameters of the request at hand, what must never be shown."""

    http: HttpClient
    parameters: OpenAIParameters
    secrets: tuple[str, ...]

    async def ask(
        self, path: str, body: bytes, field: str, content_type: str = JSON, *, whole: bool = False
    ) -> Answer:
        """The answer of a server that agrees. Raises the error of one that does not.

        `field`: what to name when it does not say what is wrong.
        """
        answer = await self.http.post(path, body, content_type, whole=whole)
        if answer.status != 200:
            raise await refusal(answer, secrets=self.secrets, field=field, says=SAYS)
        return answer

    def found(self, answer: Answer, data: bytes, field: str) -> dict[str, object]:
        """The object in `data`. Raises the error in it, ProcessingError when it is none."""
        said = decoded(data, answer.where)
        if not isinstance(said, dict):
            raise self.malformed(answer, "an object was expected")
        if said.get("error"):
            raise reported(said["error"], answer, secrets=self.secrets, field=field, says=SAYS)
        return said

    def malformed(self, answer: Answer, why: str) -> ProcessingError:
        """What came is not what was asked for."""
        return ProcessingError(
            f"{answer.where} sent another answer than was asked for: {why}. Check base_url, and "
            "whether the server does this kind of work.",
            detail="malformed",
            retryable=False,
        )

    def cut(self, answer: Answer) -> ProcessingError:
        """It ended before its end."""
        return ProcessingError(
            f"{answer.where} ended its answer too early. Send the request again.", detail="cut"
        )


def kind_of(answer: Answer) -> str:
    """Its content type, without parameters, in lower case."""
    return answer.header("content-type").partition(";")[0].strip().lower()
