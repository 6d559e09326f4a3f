#!/bin/sh
# Makes .venv and installs this project into it: `tools/setup.sh demo` or `tools/setup.sh dev`.
# Needs Python 3.11 or newer, and nothing else.
set -eu
extra=$1
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

# A name may be on the PATH without being a Python that runs, so each is asked for its version.
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed, and none was found."
    say "Debian, Ubuntu: sudo apt install python3 python3-venv    macOS: brew install python@3.13"
    say "If it is not on the PATH: make PYTHON=/where/it/is/python3"
    return 1
}

has_pip() { .venv/bin/python -m pip --version >/dev/null 2>&1; }

make_venv() {
    "$1" -m venv --clear .venv >&2 && has_pip && return
    rm -rf .venv
    return 1
}

# Debian keeps the venv module's parts in a package of its own.
add_debian_venv() {
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "Python's venv module does not work here. Debian, Ubuntu: sudo apt install $package"
        return 1
    fi
    say "installing $package"
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null
}

if ! { [ -x .venv/bin/python ] && is_new_enough .venv/bin/python && has_pip; }; then
    python=$(find_python)
    say "making .venv with $("$python" --version)"
    make_venv "$python" || { add_debian_venv "$python" && make_venv "$python"; } || exit 1
fi
say "installing breeze-engine[$extra] into .venv; once, a few minutes at most"
.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
    --editable ".[$extra]"
touch ".venv/.$extra"
[ "$extra" != dev ] || touch .venv/.demo # dev holds everything that the demo needs
