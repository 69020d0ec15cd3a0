#!/usr/bin/env bash
# Makes .venv what setup.cfg and constraints.txt ask for: every extra, Craton itself editable.
# Says nothing and changes nothing when it is that already. Started by make, from anywhere.
#   PYTHON  the interpreter to use (default: python3.11, else python3)
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.craton-stamp
examples=(./examples/craton-driver-directory ./examples/craton-cmdb-files)

. tools/common.sh

python=$(find_python)
# What the environment is tied to: this interpreter and this place.
base="$("$python" -c 'import sys; print(sys.version_info[:3], sys.base_prefix)') $PWD"

wanted() {
    echo "$base"
    cat setup.cfg pyproject.toml constraints.txt tools/common.sh tools/bootstrap.sh "${examples[@]/%//setup.cfg}" | sha256sum
}

up_to_date() { [ -f "$stamp" ] && [ "$(wanted)" = "$(cat "$stamp")" ]; }

up_to_date && exit

take_turns .venv.lock
up_to_date && exit

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    install_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi

# The example of a driver keeps its files in a git repository.
command -v git >/dev/null || install_packages git

say "setting up $venv (a minute on a fast line)"
if [ "$(head -n 1 "$stamp" 2>/dev/null)" != "$base" ]; then
    "$python" -m venv --clear "$venv"
fi
rm -f "$stamp"
# Everything is pinned, the build tools too: they come first, then build without isolation.
pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input -qq)
"${pip[@]}" install --constraint constraints.txt pip setuptools
"${pip[@]}" install --constraint constraints.txt --no-build-isolation --editable '.[dev]'
# The examples are tested as they are installed; what they need is there already.
for example in "${examples[@]}"; do
    "${pip[@]}" install --no-build-isolation --no-deps --editable "$example"
done
"${pip[@]}" check
wanted >"$stamp"
