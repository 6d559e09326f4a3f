"""Documents are short, their links lead somewhere, and the tools that prove them notice faults."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert [to for to in LINK.findall(text) if not (document.parent / to).exists()] == []


def test_every_document_can_be_reached_from_the_first_page() -> None:
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        document = ahead.pop()
        seen.add(document.resolve())
        linked = [document.parent / to for to in LINK.findall(document.read_text("utf-8"))]
        ahead += [
            to for to in linked if to.exists() and to.suffix == ".md" and to.resolve() not in seen
        ]
    assert {document.resolve() for document in DOCUMENTS} <= seen


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def run_document(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    document = tmp_path / "page.md"
    document.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "docs_run.py", document],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


GOOD = [
    "```console\n$ echo one; echo two; echo three\none\n...\nthree\n```",
    "```console\n$ x=5\n$ echo $x\n5\n```",
    "```console\n$ cat <<END\n> a line\n> END\na line\n```",
    '```json\n// names.json\n{}\n```\n```console\n$ grep -c "{}" names.json\n1\n```',
    "```console\n$ touch left\n```\ntext\n```console\n$ ls\nleft\n```",
    "```console\n$ sleep 1000 &\n$ echo done\ndone\n```",
    "```console\n$ sleep 1000 & echo $! > pid\n```\ntext\n```console\n$ kill -0 $(cat pid)\n```",
    "```text\n$ false\n```",
]
BAD = [
    ("```console\n$ false\n```", "exit 1"),
    ("```console\n$ echo one\ntwo\n```", "shows no line 'two'"),
    ("```console\n$ echo one; echo two\ntwo\none\n```", "shows no line 'one'"),
    ("```console\n$ exit 0\n$ echo never\n```", "ended early"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_document_whose_commands_work_passes(tmp_path: Path, text: str) -> None:
    done = run_document(tmp_path, text)
    assert done.returncode == 0, done.stderr


def test_what_a_document_leaves_running_ends_with_it(tmp_path: Path) -> None:
    server = 'trap "touch ended; exit" TERM; touch begun; sleep 1000 & wait'
    begin = f"$ cd {tmp_path}\n$ bash -c '{server}' &\n$ until [ -e begun ]; do sleep 0.01; done"
    run_document(
        tmp_path, f"```console\n{begin}\n```\n```console\n$ [ ! -e {tmp_path}/ended ]\n```"
    )
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize(("text", "complaint"), BAD)
def test_a_document_that_is_wrong_fails(tmp_path: Path, text: str, complaint: str) -> None:
    done = run_document(tmp_path, text)
    assert done.returncode == 1
    assert complaint in done.stderr
