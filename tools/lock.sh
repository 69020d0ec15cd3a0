#!/usr/bin/env bash
# Writes constraints.txt: the newest versions of all extras that setup.cfg allows together, from a fresh environment.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"${PYTHON:-python3.11}" -m venv "$scratch/venv"
pip=("$scratch/venv/bin/python" -m pip --disable-pip-version-check --no-input -qq)
"${pip[@]}" install --upgrade pip setuptools
"${pip[@]}" install --no-build-isolation --editable '.[dev]'
"${pip[@]}" check
{
    echo '# Every package of every extra, exactly. Written by `make lock`; do not edit.'
    "${pip[@]}" freeze --all --exclude-editable
} >"$scratch/constraints.txt"
mv "$scratch/constraints.txt" constraints.txt
