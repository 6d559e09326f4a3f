#!/bin/sh
# Remakes the recordings in this folder. Needs flite (apt-get install flite) and PyAV.
# usage: make.sh [PYTHON]
set -eu
cd "$(dirname "$0")"
python=${1:-python3}
wav=$(mktemp)
trap 'rm -f "$wav"' EXIT
number=0
while read -r sentence; do
  number=$((number + 1))
  flite -voice rms -t "$sentence" -o "$wav"
  "$python" - "$wav" "$(printf '%02d.opus' "$number")" <<'PYTHON'
import sys

import av

with av.open(sys.argv[1]) as spoken, av.open(sys.argv[2], "w", format="ogg") as packed:
    stream = packed.add_stream("libopus", rate=16_000, layout="mono")
    stream.bit_rate = 32_000
    for frame in spoken.decode(audio=0):
        packed.mux(stream.encode(frame))
    packed.mux(stream.encode(None))
PYTHON
done < sentences.txt
