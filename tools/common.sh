# What the scripts here share: messages, the interpreter, Debian packages, one at a time.
# Sourced; the name of the script that does so goes before its messages.

say() { echo "$(basename "$0" .sh): $*" >&2; }
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

# Two makes at once take turns; the second finds the work done.
take_turns() {
    if command -v flock >/dev/null; then
        exec 9>"$1"
        flock 9
    fi
}
