#!/bin/sh
# Trains, exports and evaluates the embedded model. THREADS=2 is faster on an idle machine.
set -eu
cd "$(dirname "$0")/.."
here=tiny_model
package=../src/breeze/models/embedded
python=$here/build/venv/bin/python
# Keeps freed blocks inside the process: half of the time goes to page faults otherwise.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456
[ -x "$python" ] || { python3 -m venv $here/build/venv && "$python" -m pip install --quiet -r $here/requirements.txt; }
mkdir -p "$package"
"$python" -m tiny_model.corpus 2000 $here/build/sample.jsonl
"$python" -m tiny_model.train $here/build --threads "${THREADS:-1}"
"$python" -m tiny_model.export $here/build/hf "$package/breeze-tiny-q8_0.gguf"
"$python" -m tiny_model.evaluate "$package/breeze-tiny-q8_0.gguf" $here/build/hf \
  --card "$package/breeze-tiny.json" --document ../docs/embedded-model.md
