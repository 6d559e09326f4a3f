"""Who should answer: a pure function from facts to an ordered list, with every reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from hashlib import blake2b

import msgspec

from breeze.contracts.capability import Capability, RunnerKind, Strategy
from breeze.contracts.errors import CapabilityError, NotFoundError
from breeze.contracts.request import AUTO
from breeze.contracts.service import Choice as Choice
from breeze.contracts.service import Decision as Decision
from breeze.contracts.service import Rejected as Rejected


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What selection needs to know of one instance for one capability.

    `automatic`: may be chosen without being named. `unavailable`: why it cannot work here.
    `listed`: the configuration names it for the capability. `saved` and `default`: it is the saved
    selection, the configured default. `fits`: what the
    model that it would use can do; empty when that is not known. `likeness`: how well it is of the
    type that the wish names.
    """

    name: str
    runner: str
    kind: RunnerKind
    priority: int
    capabilities: tuple[Capability, ...]
    enabled: bool = True
    automatic: bool = True
    listed: bool = False
    unavailable: str | None = None
    models: tuple[str, ...] = ()
    model: str = ""
    fits: tuple[Capability, ...] = ()
    saved: bool = False
    default: bool = False
    likeness: int = 0

    @property
    def mock(self) -> bool:
        return self.kind is RunnerKind.MOCK


class Wish(msgspec.Struct, frozen=True):
    """What the request says about who should answer. `preferred`: the router's configuration;
    `type`: a type of runners, such as ONNX, instead of a runner."""

    capability: Capability
    runner: str = ""
    model: str = AUTO
    strict: bool = False
    preferred: str = ""
    type: str = ""


STRICT = "the request is strict about another runner"
_Rank = Callable[[Candidate], tuple[int, ...]]
_REMOTE, _MOCK = RunnerKind.CLOUD, RunnerKind.MOCK
_RANKS: dict[Strategy, _Rank] = {
    Strategy.LOCAL_FIRST: lambda c: (c.kind is _REMOTE,),
    Strategy.REMOTE_FIRST: lambda c: (c.kind is not _REMOTE,),
    Strategy.REMOTE_ONLY: lambda c: (),
    Strategy.MOCK_FIRST: lambda c: (c.kind is not _MOCK,),
    Strategy.HARDWARE_FIRST: lambda c: (c.kind is not RunnerKind.HARDWARE,),
    Strategy.PRIORITY_BASED: lambda c: (),
}


def decide(
    wish: Wish,
    candidates: Iterable[Candidate],
    strategy: Strategy = Strategy.LOCAL_FIRST,
    *,
    fallback_to_mock: bool = True,
) -> Decision:
    """The order in which to try, which is empty when nobody can be (see `nobody.py`).

    Raises E404 when the request names somebody unknown, E405 when it names somebody unable.
    """
    known = sorted(candidates, key=lambda c: (*_RANKS[strategy](c), c.priority, c.name))
    named, model, how = _named(wish, known)
    mocks = strategy is Strategy.MOCK_FIRST or (
        fallback_to_mock and not any(_is_real(c, wish.capability) for c in known)
    )
    order: list[Choice] = []
    rejected = [Rejected(wish.type, _no_such(wish))] if wish.type and not named else []
    for candidate in _in_order(known, named, wish):
        is_named = candidate in named
        why_not = _objection(candidate, wish, strategy, named=is_named, mocks=mocks)
        if why_not is None and not (is_named and model):
            why_not = _unfit(candidate, wish.capability)
        if not is_named and _is_shut_out(candidate, wish, named):
            why_not = STRICT
        if why_not is not None:
            rejected.append(Rejected(candidate.name, why_not))
            continue
        asked = model if is_named and model else candidate.model
        why = how if is_named else _reason(candidate, wish, strategy)
        order.append(Choice(candidate.name, asked, why, is_named))
    if order and not _is_mock(order[0].name, known):  # a mock never stands in for a real runner
        order = [choice for choice in order if not _is_mock(choice.name, known)]
    return Decision(_id(order, rejected), wish.capability, strategy, tuple(order), tuple(rejected))


def _named(wish: Wish, known: Sequence[Candidate]) -> tuple[list[Candidate], str, str]:
    """The candidates that the request names, the model it asks of them, and how it named them."""
    if wish.runner:
        found = _by_name(wish.runner, known)
        if not found:
            raise _unknown("runner", wish.runner, [c.name for c in known])
        model = "" if wish.model in (AUTO, "", wish.runner) else _bare(wish.model, found)
        return _fit(found, wish), model, "named by the request"
    if wish.type:
        found = _of_type(known, wish)
        model = "" if wish.model == AUTO or not found else _bare(wish.model, found)
        return found, model, f"of the type {wish.type}, which the request names"
    if wish.model in (AUTO, ""):
        return [], "", ""
    if found := [c for c in known if c.name == wish.model]:
        return _fit(found, wish), "", "named as the model"
    head, _, tail = wish.model.partition("/")
    if tail and (found := [c for c in known if c.name == head]):
        return _fit(found, wish), tail, "named in the model"
    found = [c for c in known if wish.model in (*c.models, c.model) and not c.mock]
    if not found:
        served = [name for c in known for name in (c.name, *c.models)]
        raise _unknown("model", wish.model, served)
    return found, wish.model, f"serves {wish.model}"


def _by_name(name: str, known: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in known if c.name == name] or [c for c in known if c.runner == name]


def _of_type(known: Sequence[Candidate], wish: Wish) -> list[Candidate]:
    """Those most like the type, of all who can work here; perhaps nobody."""
    can = [c for c in known if c.likeness and c.enabled and c.unavailable is None]
    able = [c for c in can if wish.capability in c.capabilities]
    best = max((c.likeness for c in able), default=0)
    return [c for c in able if c.likeness == best]


def _no_such(wish: Wish) -> str:
    otherwise = "the request is strict" if wish.strict else "another one answers"
    return f"no runner of this type can do {wish.capability} here: {otherwise}"


def _bare(model: str, found: Sequence[Candidate]) -> str:
    """`instance/model` without the instance, when it repeats the one that was named."""
    head, _, tail = model.partition("/")
    return tail if tail and any(c.name == head for c in found) else model


def _fit(found: list[Candidate], wish: Wish) -> list[Candidate]:
    if not any(wish.capability in c.capabilities for c in found):
        can = ", ".join(found[0].capabilities) or "nothing here"
        raise CapabilityError(
            f"{found[0].name} cannot do {wish.capability}; it does {can}.",
            field="runner" if wish.runner else "model",
        )
    return found


def _in_order(
    known: Sequence[Candidate], named: Sequence[Candidate], wish: Wish
) -> Iterator[Candidate]:
    """Named, then preferred by the router, saved, configured default, then by strategy."""

    def rank(candidate: Candidate) -> int:
        preferred = wish.preferred and wish.preferred in (candidate.name, candidate.runner)
        wins = (candidate in named, preferred, candidate.saved, candidate.default)
        return next((place for place, won in enumerate(wins) if won), len(wins))

    yield from sorted(known, key=rank)  # sorting is stable: the strategy's order stays inside


def _may(candidate: Candidate, capability: Capability) -> bool:
    return candidate.enabled and candidate.automatic and capability in candidate.capabilities


def _is_real(candidate: Candidate, capability: Capability) -> bool:
    """A mock must not take its place, even if it cannot work now.

    Nobody has asked for a vendor that has no key and that nobody has named.
    """
    named = candidate.listed or candidate.saved or candidate.default
    vendor = candidate.kind is _REMOTE and candidate.unavailable is not None and not named
    return _may(candidate, capability) and not candidate.mock and not vendor


def _objection(
    candidate: Candidate, wish: Wish, strategy: Strategy, *, named: bool, mocks: bool
) -> str | None:
    if wish.capability not in candidate.capabilities:
        return f"cannot do {wish.capability}"
    if not candidate.enabled:
        return "disabled in the configuration"
    chosen = named or candidate.saved or candidate.default
    if not (chosen or candidate.automatic):
        return f"not configured for {wish.capability}"
    if candidate.mock and not (chosen or mocks):
        return "a mock answers only under MOCK_FIRST, or when no real runner is configured"
    if strategy is Strategy.REMOTE_ONLY and candidate.kind is not _REMOTE and not chosen:
        return "REMOTE_ONLY leaves local runners out"
    return candidate.unavailable


def _is_shut_out(candidate: Candidate, wish: Wish, named: Sequence[Candidate]) -> bool:
    """Whether a strict request leaves it out, who could do the work, for somebody else."""
    if not wish.strict or wish.capability not in candidate.capabilities:
        return False
    return bool(named) or bool(wish.type and not (candidate.likeness and candidate.unavailable))


def _unfit(candidate: Candidate, capability: Capability) -> str | None:
    if candidate.fits and capability not in candidate.fits:
        return f"its model {candidate.model} cannot do {capability}"
    return None


def _reason(candidate: Candidate, wish: Wish, strategy: Strategy) -> str:
    if wish.preferred and wish.preferred in (candidate.name, candidate.runner):
        return "chosen in the client's configuration"
    if candidate.saved:
        return "saved selection"
    if candidate.default:
        return "configured default"
    return f"{strategy}: {candidate.kind}, priority {candidate.priority}"


def _is_mock(name: str, known: Iterable[Candidate]) -> bool:
    return any(c.mock for c in known if c.name == name)


def _unknown(field: str, name: str, known: Sequence[str]) -> NotFoundError:
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Run: breeze models"
    return NotFoundError(f"No {field} is called {name!r}. {hint}", field=field)


def _id(order: Sequence[Choice], rejected: Sequence[Rejected]) -> str:
    return blake2b(msgspec.json.encode([order, rejected]), digest_size=8).hexdigest()
