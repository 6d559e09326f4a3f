"""The official client's other face: the same with await, and much at the same time."""

import asyncio
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

CAPITAL: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is the capital of Norway?"}
]


async def chat() -> Any:
    async with AsyncOpenAI() as client:
        whole = await client.chat.completions.create(
            model="llamacpp", messages=CAPITAL, temperature=0
        )
        stream = await client.chat.completions.create(
            model="llamacpp", messages=CAPITAL, temperature=0, stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        return [whole.choices[0].message.content, "".join(pieces)]


async def texts() -> Any:
    async with AsyncOpenAI() as client:
        completion = await client.completions.create(
            model="llamacpp", prompt="What is the capital of Norway?", temperature=0
        )
        vectors = await client.embeddings.create(model="hashing", input="a lighthouse")
        judged = await client.moderations.create(input="I will kill you")
        drawn = await client.images.generate(model="mock_image", prompt="a sea", size="64x64")
        names = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("llamacpp/breeze-tiny")
        return {
            "completion": completion.choices[0].text,
            "vector": len(vectors.data[0].embedding),
            "flagged": judged.results[0].flagged,
            "pictures": len(drawn.data or []),
            "listed": one.id in names,
        }


async def sound() -> Any:
    async with AsyncOpenAI() as client:
        file = Path("children.opus")
        heard = await client.audio.transcriptions.create(model="pocketsphinx", file=file)
        stream = await client.audio.transcriptions.create(
            model="pocketsphinx", file=file, stream=True
        )
        kinds = [event.type async for event in stream]
        async with client.audio.speech.with_streaming_response.create(
            model="espeak", voice="en-us", input="Good morning.", response_format="pcm"
        ) as answer:
            size = sum([len(piece) async for piece in answer.iter_bytes()])
        return {"heard": heard.text, "kinds": kinds, "seconds": size / 48_000}


async def at_the_same_time() -> Any:
    async with AsyncOpenAI() as client:

        async def ask(country: str) -> str | None:
            answer = await client.chat.completions.create(
                model="llamacpp",
                messages=[{"role": "user", "content": f"What is the capital of {country}?"}],
                temperature=0,
            )
            return answer.choices[0].message.content

        return await asyncio.gather(*map(ask, ("Norway", "France", "Japan", "Egypt") * 4))
