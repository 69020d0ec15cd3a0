"""``craton-server``: everything in one service, with a store of its own, for one machine."""

from __future__ import annotations

import dataclasses
import fcntl
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from oslo_config import cfg

from craton import loader, sample
from craton.caller import ANYBODY, acting_as
from craton.capabilities import Capability
from craton.cmd import console, service
from craton.driver import InventoryDriver
from craton.errors import Unavailable
from craton.models import Region
from craton.query import Query
from craton.secrets import load_secret_store

PROGRAM = "craton-server"


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends it; return the exit code."""
    return console.run(PROGRAM, _command, argv)


def _command(argv: Sequence[str] | None) -> int:
    parser = console.parser(PROGRAM, "Serve a fleet from this machine; nothing else is needed.")
    parser.add_argument(
        "--state-path", metavar="DIR", type=Path, help="where the embedded database is kept"
    )
    parser.add_argument("--port", type=int, help="the port to listen on; 0 takes a free one")
    parser.add_argument(
        "--sample", action="store_true", help="load a sample fleet, unless it was loaded before"
    )
    arguments = parser.parse_args(argv)
    conf = _settings(arguments)
    _upgrade(conf)

    def prepare(driver: InventoryDriver, url: str) -> None:
        if arguments.sample:
            with acting_as(dataclasses.replace(ANYBODY, user_id=PROGRAM)):
                sample.load(driver)
        print("\n".join([_greeting(driver, url), *_about_runs(conf, url)]), flush=True)

    return service.serve(conf, service.listen(conf), prepare, carries_out=True)


def _settings(arguments: Namespace) -> cfg.ConfigOpts:
    state_path = arguments.state_path and str(arguments.state_path.absolute())
    conf = console.settings(
        arguments, state_path=state_path, api__port=arguments.port, api__workers=1
    )
    if arguments.sample and conf.runs.playbook_path is None:
        conf.set_override("playbook_path", str(sample.playbooks()), "runs")
    return conf


def _upgrade(conf: cfg.ConfigOpts) -> None:
    """Bring the store to the newest schema, and make keys; servers that start at once wait."""
    state = console.state_directory(conf)
    with (state / "upgrade.lock").open("w") as lock, closing(loader.load(conf)) as driver:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if Capability.MIGRATIONS in driver.capabilities:
            driver.migrations().upgrade()
        load_secret_store(conf).prepare()


def _greeting(driver: InventoryDriver, url: str) -> str:
    """Say where the service is and what to try; it fits the regions that there are."""
    lines = [f"Craton serves {url}"]
    try:
        regions = driver.find(Region, Query(limit=1)).items
    except Unavailable as error:
        # A mirror that was never filled yet; the service fills it.
        return f"{lines[0]}\n{error}"
    if regions:
        bundle = f"{url}/v1/inventory/{regions[0].id}.tgz?target=ansible"
        lines += [
            f"Download the region {regions[0].name!r} as an Ansible inventory, and read it:",
            f"  mkdir -p fleet && curl -fsS '{bundle}' | tar xz -C fleet",
            f"  {_ansible_inventory()} -i fleet/hosts --list",
        ]
    else:
        lines += [
            "There is no region yet. Begin with a tenant, or start with --sample:",
            f"  curl -fsS {url}/v1/tenants -H 'Content-Type: application/json' "
            '-d \'{"name": "acme"}\'',
        ]
    return "\n".join(lines)


def _about_runs(conf: cfg.ConfigOpts, url: str) -> list[str]:
    """Say where to watch runs, and what the service lacks for them."""
    lines = [f"Look at it, and start and watch runs, in a browser: {url}/ui/"]
    if conf.runs.playbook_path is None:
        lines.append("It runs no playbooks: set [runs] playbook_path to their directory.")
    if not conf.runs.redis_url:
        lines.append(
            "Runs are in memory, and forgotten when it ends: set [runs] redis_url to keep them."
        )
    return lines


def _ansible_inventory() -> str:
    """Return a command that works here: Ansible may stand beside this program only."""
    name = "ansible-inventory"
    beside = Path(sys.executable).with_name(name)
    if shutil.which(name) is not None or not beside.exists():
        return name
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)
