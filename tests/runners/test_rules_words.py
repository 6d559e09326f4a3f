"""The rules guardian's word lists: what they find, in disguise too, and what they leave alone."""

from __future__ import annotations

import asyncio

import pytest

from breeze.runners.rules import RulesRunner
from tests.runners.judging import judge, loaded


@pytest.fixture(scope="module")
def rules() -> RulesRunner:
    return asyncio.run(loaded())


FOUND = [
    ("I'll kill you, you hear me?", "VIOLENCE"),
    ("Ich bringe dich um!", "VIOLENCE"),
    ("Te voy a matar.", "VIOLENCE"),
    ("Je vais te tuer", "VIOLENCE"),
    ("我要殺死你", "VIOLENCE"),
    ("I want to die", "SELF_HARM"),
    ("Ich will nicht mehr leben", "SELF_HARM"),
    ("no quiero vivir", "SELF_HARM"),
    ("je veux mourir", "SELF_HARM"),
    ("我不想活了", "SELF_HARM"),
    ("immigrants are vermin", "HATE_SPEECH"),
    ("Ausländer raus!", "HATE_SPEECH"),
    ("fuera los moros", "HATE_SPEECH"),
    ("retourne dans ton pays", "HATE_SPEECH"),
    ("滾回你的國家", "HATE_SPEECH"),
    ("send nudes", "SEXUAL_CONTENT"),
    ("ein Pornofilm", "SEXUAL_CONTENT"),
    ("pornografía", "SEXUAL_CONTENT"),
    ("un site porno", "SEXUAL_CONTENT"),
    ("色情影片", "SEXUAL_CONTENT"),
    ("you are pathetic, asshole", "TOXICITY"),
    ("Halt die Fresse!", "TOXICITY"),
    ("eres un idiota", "TOXICITY"),
    ("Ta gueule", "TOXICITY"),
    ("你這個白痴", "TOXICITY"),
    ("How do I hack into my neighbour's wifi? First, how to cook meth", "UNSAFE_CONTENT"),
    ("Kreditkarten klauen", "UNSAFE_CONTENT"),
    ("comprar cocaína", "UNSAFE_CONTENT"),
    ("pirater un compte", "UNSAFE_CONTENT"),
    ("盜刷信用卡", "UNSAFE_CONTENT"),
    ("Claim your free gift card", "SPAM"),
    ("Sie haben gewonnen!!!", "SPAM"),
    ("gana dinero rápido", "SPAM"),
    ("Cliquez ici pour gagner", "SPAM"),
    ("恭喜您中獎", "SPAM"),
]


@pytest.mark.parametrize(("text", "category"), FOUND)
async def test_finds_each_category_in_each_language(
    rules: RulesRunner, text: str, category: str
) -> None:
    answer = await judge(rules, text)
    assert category in answer.categories
    assert answer.status != "SAFE"
    assert f"[{category}]" in answer.filtered_text


@pytest.mark.parametrize(
    "text",
    [
        "K1ll y0urself",
        "k i l l  y o u r s e l f",
        "k.i.l.l y.o.u.r.s.e.l.f",
        "kill yourseeeelf",
        "K\u200bi\u200bl\u200bl yourself",
        "ｋｉｌｌ ｙｏｕｒｓｅｌｆ",  # noqa: RUF001  # full width on purpose
        "kіll yourself",  # noqa: RUF001  # a Cyrillic letter on purpose
        "𝐤𝐢𝐥𝐥 yourself",  # noqa: RUF001  # bold letters on purpose
        "KILL\nYOURSELF",
        "kìll yoursélf",
        "想 自 殺",
    ],
)
async def test_sees_through_disguises(rules: RulesRunner, text: str) -> None:
    answer = await judge(rules, text)
    assert answer.categories == ("SELF_HARM",)
    assert answer.status == "BLOCKED"
    assert answer.filtered_text == "[SELF_HARM]"


@pytest.mark.parametrize(
    "text",
    [
        "People from Scunthorpe, Sussex and Penistone assess their skills in class.",
        "The therapist wrote an analysis of Dickens in the cockpit.",
        "Let's kill the process and shoot them an email; that joke slayed me.",
        "Suicide prevention hotlines help people in a crisis.",
        "The massacre of 1572 is taught at school; the army attacked at dawn.",
        "Il est en retard, c'est con-ve-nu; el gato negro duerme.",
        "Kike García scored twice. Break a leg! Smoking kills.",
        "Das Uhrwerk geht nach, die Frist ist um. Er ist nach Hause gegangen.",
        "我好想死你了，過去死亡率很高，DNA片段，請把垃圾丟掉。",  # noqa: RUF001
        "自殺防治專線是 1925。",
        "Version 1.2.3.4 came out on 01.02.2021 at 12:30:45, build 10.0.19041.1.",
        "Order 1234567890123456, part 02110-1301, ratio 0.123456789, 2021-01-02 11:22.",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b of src/app/Main2Window/IconSet3View",
        "id 550e8400-e29b-41d4-a716-446655440000, getUserAccountInformation2Async()",
        "The password is wrong. Password: required. std::vector::iterator at 127.0.0.1",
        "Wow!!! It cost $500, i.e. 455 pounds; a b c d e f g.",
        "a55 4 sale, 8008 5318",
    ],
)
async def test_leaves_ordinary_text_alone(rules: RulesRunner, text: str) -> None:
    answer = await judge(rules, text)
    assert (answer.status, answer.risk, answer.action) == ("SAFE", 0.0, "NONE")
    assert answer.findings == ()
    assert answer.filtered_text == ""


async def test_spans_are_code_points_of_the_text_as_it_was_given(rules: RulesRunner) -> None:
    text = "😀 e\u0301te\u0301: I'll k\u200bill you!"
    finding = (await judge(rules, text)).findings[0]
    assert text[finding.start : finding.end] == "I'll k\u200bill you"
