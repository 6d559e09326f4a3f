"""`rules`: a guardian of word lists and patterns. It needs nothing, and reads nothing twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, closing
from difflib import get_close_matches
from functools import partial
from itertools import islice

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, Finish, ModerateEvent, Verdict
from breeze.contracts.requests import AUTO, ModerateRequest
from breeze.contracts.runner import ModelInfo, Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage
from breeze.runners._memory import loaded
from breeze.runners._rules_hits import RISK, Hit
from breeze.runners._rules_lists import LANGUAGES
from breeze.runners._rules_parameters import RulesParameters as RulesParameters
from breeze.runners._rules_parameters import checks, lexicon
from breeze.runners._rules_scan import PORTION, Checks, Step
from breeze.runners._rules_verdict import Strictness, Tally, distinct, mask, verdict
from breeze.runners._rules_words import Lexicon

_INLINE = 8192
"""Characters that are judged within a few milliseconds, so that no thread is needed."""


@runner(
    "rules",
    vendor="Breeze",
    kind=RunnerKind.LOCAL,
    default_model="rules-v1",
    concurrency=4,
    ram_gb=0.03,
)
class RulesRunner(Runner[RulesParameters]):
    """Judges text by word lists in five languages and by patterns for personal data and secrets.

    It sees words, not meaning: irony, context and other languages escape it. Verdicts before the
    last one carry no filtered text.
    """

    def __init__(self, parameters: RulesParameters) -> None:
        super().__init__(parameters)
        self._lexicon: Lexicon | None = None

    async def load(self, model: str) -> None:
        self._known(model)
        if self._lexicon is None:
            self._lexicon = await loaded(lambda: lexicon(self.parameters))

    async def unload(self) -> None:
        self._lexicon = None

    async def models(self) -> tuple[ModelInfo, ...]:
        about = "Word lists and patterns"
        model = self.info.default_model
        return (ModelInfo(model, self.info.capabilities, about, languages=LANGUAGES),)

    def _known(self, model: str) -> None:
        if model not in ("", AUTO, self.info.default_model):
            raise NotFoundError(
                f"rules has no model {model!r}: ask for {self.info.default_model} or auto.",
                field="model",
                runner=self.info.name,
            )

    async def moderate(self, request: ModerateRequest) -> AsyncGenerator[ModerateEvent]:
        """Verdicts so far for long texts, then the verdict."""
        self._known(request.model)
        p = self.parameters_for(request)
        if self._lexicon is None:
            raise NotLoadedError(
                "rules is not loaded: call load() before a request.", runner=self.info.name
            )
        wanted = checks(self._lexicon, p, _categories(request))
        for note in _unseen(request):
            yield note
        said, strictness = request.whole_text, _strictness(request, p)
        judge = partial(self._judge, wanted, said, strictness, p.max_findings)
        with self.work.stream():
            async with aclosing(_events(judge, len(said))) as events:
                async for event in events:
                    yield event
        yield Usage(characters=len(said))
        yield Finish(
            metadata={"strictness_level": strictness, "model_name": self.info.default_model}
        )

    def _judge(
        self, wanted: Checks, said: str, strictness: Strictness, most: int
    ) -> Generator[Verdict]:
        """The verdicts on `said`; one only when it is short."""
        hits: dict[Hit, None] = {}
        so_far = Tally()
        where: dict[str, object] = {"total_checks": 0}
        for step in wanted.steps(said):
            self.work.steps += 1
            new = [hit for hit in step.hits if hit not in hits]
            hits.update(dict.fromkeys(new))
            so_far.add(new)
            where = _where(step)
            if step.done < step.total and len(said) > PORTION:
                yield verdict(so_far, strictness, islice(hits, most), metadata=where)
        kept = distinct(hits)
        final = Tally()
        final.add(kept)
        where["detected_issues"] = sorted({hit.rule for hit in kept})
        yield verdict(final, strictness, kept[:most], masked=mask(said, kept), metadata=where)


async def _events(judge: Callable[[], Generator[Verdict]], length: int) -> AsyncGenerator[Verdict]:
    """What `judge` yields; from a thread when the text is long."""
    if length <= _INLINE:
        for event in judge():
            yield event
        return
    async with aclosing(from_thread(partial(_send, judge))) as sent:
        async for event in sent:
            yield event


def _send(judge: Callable[[], Generator[Verdict]], outlet: Outlet[Verdict]) -> None:
    with closing(judge()) as events:
        for event in events:
            if not outlet.send(event):
                return


def _where(step: Step) -> dict[str, object]:
    return {
        "check_type": step.check,
        "analysis_progress": round(100 * step.done / step.total, 1),
        "completed_checks": step.done,
        "total_checks": step.total,
        "text_portion_analyzed": step.analysed,
    }


def _categories(request: ModerateRequest) -> frozenset[str]:
    """Those asked for, or all. Raises InputError for one that is not known."""
    for asked in request.categories:
        if asked.upper() not in RISK:
            near = get_close_matches(asked.upper(), RISK, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(RISK)}."
            raise InputError(f"{asked!r} is not a category; {hint}", field="categories")
    return frozenset(asked.upper() for asked in request.categories) or frozenset(RISK)


def _strictness(request: ModerateRequest, p: RulesParameters) -> Strictness:
    return p.strictness_level if request.strictness == "medium" else request.strictness


def _unseen(request: ModerateRequest) -> Iterator[Adjusted]:
    """What the request holds that is not text."""
    for i, message in enumerate(request.messages):
        for j, part in enumerate(message.parts):
            kind = type(part).__name__.removesuffix("Part").lower()
            if kind != "text":
                why = "only text is judged"
                yield Adjusted(f"messages[{i}].content[{j}]", kind, None, why)
