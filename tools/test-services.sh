#!/usr/bin/env bash
# Gets ready the servers that Craton's tests start: the Debian packages that are missing, and
# environments of their own for Nautobot (with a migrated database) and for Keystone, Barbican and
# Swift, because their pins are not Craton's.
# Says nothing and changes nothing when all that is there. Started by make, from anywhere.
#   PYTHON  the interpreter to use, as for bootstrap.sh, which comes first
set -euo pipefail
cd "$(dirname "$0")/.."

. tools/common.sh

# PostgreSQL keeps its server where only its own scripts look.
has_postgres() { command -v psql && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1

missing=()
has_postgres || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
[ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server)
if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}"
    # Nor shall they start with the machine.
    ! command -v systemctl >/dev/null ||
        systemctl --quiet disable "${missing[@]/mariadb-server/mariadb}" >/dev/null 2>&1
fi

# What makes several MariaDBs a cluster: none of it is a service.
cluster=()
[ -e /usr/lib/galera/libgalera_smm.so ] || cluster+=(galera-4)
command -v mariadb-backup >/dev/null || cluster+=(mariadb-backup)
command -v socat >/dev/null || cluster+=(socat)
[ ${#cluster[@]} -eq 0 ] || install_packages "${cluster[@]}"

# What tells the tests how keys and certificates should be described.
command -v ssh-keygen >/dev/null || install_packages openssh-client
command -v openssl >/dev/null || install_packages openssl

# The browser in which the web view is tested, and letters for it to show.
command -v chromium >/dev/null || install_packages chromium fonts-dejavu-core

# Where Ansible connects to with a key from a bundle.
[ -x /usr/sbin/sshd ] || install_packages openssh-server

python=$(find_python)
base="$("$python" -c 'import sys; print(sys.version_info[:3], sys.base_prefix)') $PWD"

# make_environment DIRECTORY PINS REMARK PACKAGE...
make_environment() {
    local venv=$1 pins=$2 remark=$3 wanted pip
    shift 3
    wanted=$(echo "$base"; echo "$*"; sha256sum <"$pins")
    up_to_date() { [ "$wanted" = "$(cat "$venv/.craton-stamp" 2>/dev/null)" ]; }
    up_to_date && return
    (
        take_turns "$venv.lock"
        up_to_date && exit
        say "setting up $venv with $* ($remark)"
        "$python" -m venv --clear "$venv"
        pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input -qq)
        "${pip[@]}" install --constraint "$pins" pip
        "${pip[@]}" install --constraint "$pins" "$@"
        "${pip[@]}" check
        echo "$wanted" >"$venv/.craton-stamp"
    )
}

make_environment .venv-openstack tools/openstack/constraints.txt \
    "half a minute on a fast line" keystone barbican swift waitress
make_environment .venv-nautobot tools/nautobot/constraints.txt \
    "half a GiB, a minute on a fast line" nautobot

exec .venv/bin/python -m tests.services.nautobot
