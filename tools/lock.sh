#!/usr/bin/env bash
# Writes constraints.txt: the newest versions of all extras that setup.cfg allows together.
# They are chosen by the oldest Python that Craton supports, Debian 12's 3.11.2, since a newer one
# takes releases that this one refuses and leaves out backports that it needs.
#   PYTHON  another interpreter
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python=${PYTHON:-/usr/bin/python3.11}
if ! "$python" -c 'import sys; sys.exit(sys.version_info[:3] > (3, 11, 2))'; then
    echo "lock: needs Python 3.11.2; $python is not (set PYTHON to name another)" >&2
    exit 1
fi

"$python" -m venv "$scratch/venv"
pip=("$scratch/venv/bin/python" -m pip --disable-pip-version-check --no-input -qq)
"${pip[@]}" install --upgrade pip setuptools
"${pip[@]}" install --no-build-isolation --editable '.[dev]'
"${pip[@]}" check
{
    echo '# Every package of every extra, exactly. Written by `make lock`; do not edit.'
    "${pip[@]}" freeze --all --exclude-editable
} >"$scratch/constraints.txt"
cat "$scratch/constraints.txt" >constraints.txt
