"""What the rules guardian can be told, and the checks that follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from breeze.contracts.fields import Choice, choice, integer, number, switch, text
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners import _rules_personal, _rules_secrets, _rules_spam
from breeze.runners._rules_lists import LANGUAGES, own_entries, phrases, shipped
from breeze.runners._rules_scan import Check, Checks
from breeze.runners._rules_verdict import Strictness
from breeze.runners._rules_words import Lexicon


class RulesParameters(Parameters):
    """What the rules guardian can be told."""

    strictness_level: Strictness = choice(
        "medium",
        [
            Choice("low", "Low", "Risk times 0.8"),
            Choice("medium", "Medium", "Risk as it is"),
            Choice("high", "High", "Risk times 1.2"),
        ],
        "Strictness of requests that ask for none other than medium",
        category="Judgement",
        per_request=True,
    )
    languages: tuple[str, ...] = choice(
        LANGUAGES,
        [
            Choice("en", "English"),
            Choice("zh", "Chinese"),
            Choice("de", "German"),
            Choice("es", "Spanish"),
            Choice("fr", "French"),
        ],
        "Languages whose word lists are used",
        category="Word lists",
        multiple=True,
        requires_reload=True,
    )
    extra_words: str = text(
        "",
        "More words: `category: word or phrase`, one a line or between semicolons. `*` at the end "
        "lets letters follow, `!` before the word marks high risk",
        category="Word lists",
        max_length=100_000,
        requires_reload=True,
    )
    allow: str = text(
        "",
        "Words and phrases that are always fine, one a line or between semicolons",
        category="Word lists",
        max_length=100_000,
        requires_reload=True,
    )
    check_words: bool = switch(True, "Look for listed words", category="Checks")
    check_disguised: bool = switch(
        True, "Look for listed words in disguise (l33t, s p a c e d, repeeeated)", category="Checks"
    )
    check_personal_data: bool = switch(
        True, "Look for addresses, phone, card, account and identity numbers", category="Checks"
    )
    check_secrets: bool = switch(True, "Look for keys, tokens and passwords", category="Checks")
    check_spam: bool = switch(True, "Look for the shapes of spam", category="Checks")
    secret_entropy: float = number(
        4.0,
        "From which randomness a long token counts as a secret; hexadecimal ones from 3/4 of it",
        low=2.0,
        high=6.0,
        step=0.1,
        precision=1,
        unit="bits/character",
        category="Checks",
    )
    max_findings: int = integer(
        200,
        "Findings listed in a verdict; risk and masking always count all of them",
        low=1,
        high=10_000,
        category="Judgement",
    )

    def cross_check(self) -> Iterator[ValidationResult]:
        try:
            own_entries(self.extra_words)
        except ValueError as error:
            yield ValidationResult("extra_words", "invalid", str(error))
        if not any(getattr(self, name) for name in self.facts if name.startswith("check_")):
            yield ValidationResult("check_words", "warning", "all checks are off: all is SAFE")


def lexicon(p: RulesParameters) -> Lexicon:
    """The words to look for, shipped and own. Takes a third of a second."""
    return Lexicon((*own_entries(p.extra_words), *shipped(p.languages)), phrases(p.allow))


def checks(known: Lexicon, p: RulesParameters, categories: frozenset[str]) -> Checks:
    """The checks that are on and can find something in these categories."""
    words = categories != {"PII"}
    secrets = partial(_rules_secrets.find, entropy=p.secret_entropy)
    wanted: dict[str, tuple[bool, Check]] = {
        "words": (p.check_words, known.plain),
        "disguised_words": (p.check_disguised and words, known.disguised),
        "personal_data": (p.check_personal_data and "PII" in categories, _rules_personal.find),
        "secrets": (p.check_secrets and "PII" in categories, secrets),
        "spam_shapes": (p.check_spam and "SPAM" in categories, _rules_spam.find),
    }
    on = {name: check for name, (needed, check) in wanted.items() if needed}
    return Checks(on, known.allowed, categories)
