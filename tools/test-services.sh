#!/usr/bin/env bash
# Gets ready the servers that Craton's tests start: the Debian packages that are missing, and
# Nautobot with an environment and a migrated database of its own, because its pins are not Craton's.
# Says nothing and changes nothing when all that is there. Started by make, from anywhere.
#   PYTHON  the interpreter to use, as for bootstrap.sh, which comes first
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv-nautobot
stamp=$venv/.craton-stamp
pins=tools/nautobot/constraints.txt

. tools/common.sh

# PostgreSQL keeps its server where only its own scripts look.
has_postgres() { command -v psql && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1

missing=()
has_postgres || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}"
    # Nor shall they start with the machine.
    ! command -v systemctl >/dev/null || systemctl --quiet disable "${missing[@]}" >/dev/null 2>&1
fi

python=$(find_python)
base="$("$python" -c 'import sys; print(sys.version_info[:3], sys.base_prefix)') $PWD"
wanted() {
    echo "$base"
    cat "$pins" tools/test-services.sh | sha256sum
}
up_to_date() { [ -f "$stamp" ] && [ "$(wanted)" = "$(cat "$stamp")" ]; }

if ! up_to_date; then
    take_turns "$venv.lock"
    if ! up_to_date; then
        say "setting up $venv with Nautobot (half a GiB, a minute on a fast line)"
        "$python" -m venv --clear "$venv"
        pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input -qq)
        "${pip[@]}" install --constraint "$pins" pip
        "${pip[@]}" install --constraint "$pins" nautobot
        "${pip[@]}" check
        wanted >"$stamp"
    fi
fi

exec .venv/bin/python -m tests.services.nautobot
