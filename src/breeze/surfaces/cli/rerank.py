"""`breeze rerank`: order texts by how well they answer a query."""

from __future__ import annotations

import click
import msgspec

from breeze.contracts.capability import Capability
from breeze.contracts.ranking import Ranking, rank
from breeze.surfaces.cli._exit import DONE
from breeze.surfaces.cli._options import Work, text_of, work_options
from breeze.surfaces.cli._run import opened, run
from breeze.surfaces.cli._stop import interruptible
from breeze.surfaces.cli._table import show_lines
from breeze.surfaces.cli._terminal import note, write

_METHODS = {"model": "scores of {}", "cosine": "cosine of vectors by {}"}


@click.command("rerank")
@click.argument("query")
@click.argument("texts", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the N best.")
@work_options
def command(query: str, texts: tuple[str, ...], top: int | None, work: Work) -> int:
    """Order TEXTS by how well they answer QUERY, the best first.

    A single - as TEXTS reads standard input, one text a line. Without --model, a model that ranks
    is chosen where there is one; any other makes vectors, and their cosine is the score.
    """
    if texts == ("-",):
        texts = tuple(line for line in text_of("-").splitlines() if line.strip())
    ranking = run(_ranked(work, query, texts), json=work.json)
    best = ranking.ranked[:top]
    if work.json:
        show_lines([msgspec.to_builtins(one) | {"text": texts[one.index]} for one in best])
        return DONE
    for one in best:
        write(f"{one.score:+.4f}  {texts[one.index]}\n")
    who = f"{ranking.runner}/{ranking.model}" if ranking.model else ranking.runner
    note(_METHODS[ranking.method].format(who))
    for done in ranking.adjustments:
        note(f"{done.field}: {done.why}")
    return DONE


async def _ranked(work: Work, query: str, texts: tuple[str, ...]) -> Ranking:
    with interruptible():
        if not work.url:
            async with opened(work, Capability.EMBEDDING) as engine:
                return await rank(engine, query, texts, **work.route)
        from breeze.surfaces.cli._service import client_of

        async with client_of(work) as client:
            return await rank(client, query, texts, **work.route)
