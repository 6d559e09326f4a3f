#!/bin/sh
# Makes an environment for each peer that bench/gateway.py can measure, from its package index.
# usage: bench/peers.sh DIR [NAME...]      afterwards: bench/gateway.py --peers DIR
set -eu
[ $# -gt 0 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
folder=$1
shift
[ $# -gt 0 ] || set -- tensorzero litellm sglang-router vllm-router
mkdir -p "$folder"
for name; do
    case $name in
    litellm) package='litellm[proxy]' ;;
    tensorzero | sglang-router | vllm-router) package=$name ;;
    *) echo "unknown peer: $name" >&2; exit 2 ;;
    esac
    "${PYTHON:-python3}" -m venv "$folder/$name"
    "$folder/$name/bin/pip" install --quiet --disable-pip-version-check "$package"
    echo "$name: $("$folder/$name/bin/pip" list 2>/dev/null | grep -i "^$name ")"
done
