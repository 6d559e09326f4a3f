"""Words for the blanks of statements, known or made up."""

from __future__ import annotations

from random import Random

from tiny_model.dialogue import code, coin
from tiny_model.facts import relations, words

RELATIONS = relations()
"""Statements with the questions that each one answers."""


class Words:
    """Draws words for the blanks; for evaluation only words that no training text has."""

    def __init__(self, rng: Random, unseen: bool = False) -> None:
        self.rng, self.unseen = rng, unseen

    def made_up(self, share: float, section: str, unseen: str = "unseen_words") -> str:
        """A word of a list, or with chance `share` a made-up one."""
        if self.rng.random() < share:
            return coin(self.rng, self.unseen)
        return self.rng.choice(words("words", unseen if self.unseen else section))

    def blank(self, key: str) -> str:
        """A word for one blank of a relation."""
        rng = self.rng
        if key == "x":
            thing = self.made_up(0.35, "objects")
            bare = rng.random() < 0.25
            return thing if bare else f"{rng.choice(words('words', 'adjectives'))} {thing}"
        if key in "nm":
            name = self.made_up(0.5, "names", "unseen_names")
            return name[0].upper() + name[1:]
        if key == "c":
            city = self.made_up(0.5, "cities", "unseen_names")
            return city[0].upper() + city[1:]
        if key == "v":
            return code(rng) if rng.random() < 0.5 else self.made_up(0.7, "objects")
        if key == "k":
            return str(
                rng.choice((rng.randint(1, 24), rng.randint(10, 99), rng.randint(100, 2030)))
            )
        if key == "d":
            return rng.choice(words("words", "days"))
        sections = {"p": "places", "f": "foods", "o": "colours"}
        return self.made_up(0.25 if key != "o" else 0.1, sections[key])

    def facts(self, count: int) -> list[tuple[str, str]]:
        """`count` statements, each with a question that only it answers."""
        found: dict[str, tuple[str, str]] = {}
        pool = self.rng.sample(RELATIONS, self.rng.randint(1, 3))
        while len(found) < count:
            statement, asked = self.rng.choice(pool if self.rng.random() < 0.8 else RELATIONS)
            blanks = {key: self.blank(key) for key in "xnmvpckdfo" if f"{{{key}}}" in statement}
            question = self.rng.choice(asked).format(**blanks)
            found.setdefault(asked[0].format(**blanks), (statement.format(**blanks), question))
        return list(found.values())
