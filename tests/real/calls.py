"""Runs with a server's own client: makes the calls that our runner makes too."""

import importlib
import json
import sys

_, url, told = sys.argv
facts = json.loads(told)
try:
    make = importlib.import_module("ogx_client").OgxClient
except ImportError:
    make = importlib.import_module("llama_stack_client").LlamaStackClient
client = make(base_url=url)
model, words = facts["model"], facts["words"]
asked = [{"role": "user", "content": facts["question"]}]

client.chat.completions.create(model=model, messages=asked, temperature=0.7, max_tokens=4096)
streamed = client.chat.completions.create(
    model=model, messages=asked, temperature=0.7, max_tokens=4096, stream=True,
    stream_options={"include_usage": True},
)  # fmt: skip
list(streamed)
client.embeddings.create(model=words, input=["a", "sea"], encoding_format="base64")
file = client.files.create(file=("pets.txt", facts["text"].encode()), purpose="assistants")
more = {"extra_body": facts["store"]} if facts["store"] else {}
store = client.vector_stores.create(name="kb", **more)
client.vector_stores.files.create(vector_store_id=store.id, file_id=file.id)
newer = {
    "tool_choice": {"type": "file_search"}, "include": ["file_search_call.results"],
    "max_output_tokens": 4096,
}  # fmt: skip
for stream in (False, True):
    answer = client.responses.create(
        model=model, input=[{"type": "message", **asked[0]}], temperature=0.7, store=False,
        max_infer_iters=10, stream=stream, **(newer if facts["newer"] else {}),
        tools=[{"type": "file_search", "vector_store_ids": [store.id], "max_num_results": 5}],
    )  # fmt: skip
    if stream:
        list(answer)
client.vector_stores.delete(store.id)
client.files.delete(file.id)
