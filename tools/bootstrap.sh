#!/usr/bin/env bash
# Makes .venv what setup.cfg and constraints.txt ask for: every extra, Craton itself editable.
# Says nothing and changes nothing when it is that already. Started by make, from anywhere.
#   PYTHON  the interpreter to use (default: python3.11, else python3)
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.craton-stamp
example=./examples/craton-driver-directory

say() { echo "bootstrap: $*" >&2; }
die() { say "$*"; exit 1; }

# The first interpreter that runs and is new enough. (A version manager's shim may exist and not run.)
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "Craton needs Python 3.11 or newer; tried: ${PYTHON:-python3.11, python3} (set PYTHON to name another)"
}

# Installs Debian packages; whatever service they bring does not start by itself.
install_packages() {
    local policy=/usr/sbin/policy-rc.d log
    command -v apt-get >/dev/null || die "missing: $*; install what your system calls it"
    [ "$(id -u)" = 0 ] ||
        die "missing Debian packages; run: sudo apt-get install --no-install-recommends $*"
    say "installing Debian packages: $*"
    log=$(mktemp)
    if [ ! -e "$policy" ]; then
        trap "rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update && apt-get install --yes --no-install-recommends "$@"; } \
        </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        die "apt-get failed; the whole log is $log"
    fi
    rm -f "$log"
}

python=$(find_python)
# What the environment is tied to: this interpreter and this place.
base="$("$python" -c 'import sys; print(sys.version_info[:3], sys.base_prefix)') $PWD"

wanted() {
    echo "$base"
    cat setup.cfg pyproject.toml constraints.txt tools/bootstrap.sh "$example/setup.cfg" | sha256sum
}

up_to_date() { [ -f "$stamp" ] && [ "$(wanted)" = "$(cat "$stamp")" ]; }

up_to_date && exit

# Two makes at once take turns; the second finds the work done.
if command -v flock >/dev/null; then
    exec 9>.venv.lock
    flock 9
    up_to_date && exit
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    install_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi

# The example keeps its files in a git repository.
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
# The example of a driver is tested as it is installed; what it needs is there already.
"${pip[@]}" install --no-build-isolation --no-deps --editable "$example"
"${pip[@]}" check
wanted >"$stamp"
