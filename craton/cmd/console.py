"""What the commands have in common: arguments, configuration, logging, and how they fail."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg
from oslo_log import log

from craton import __version__, config
from craton.errors import ConfigurationError, CratonError


def parser(program: str, description: str) -> ArgumentParser:
    """Make a parser with the options that every command has."""
    arguments = ArgumentParser(prog=program, description=description)
    arguments.add_argument("--version", action="version", version=__version__)
    arguments.add_argument(
        "--config-file",
        metavar="FILE",
        action="append",
        default=[],
        help="a configuration file, instead of craton.conf in the usual places; may be repeated",
    )
    return arguments


def settings(arguments: Namespace, **overrides: Any) -> cfg.ConfigOpts:
    """Read the configuration that the arguments name, and let it set up logging.

    Args:
        arguments: What a :func:`parser` returned.
        overrides: Values that win over the files; those that are ``None`` are left out.

    Raises:
        ConfigurationError: As for :func:`craton.config.settings`.
    """
    files = [f"--config-file={file}" for file in arguments.config_file]
    given = {name: value for name, value in overrides.items() if value is not None}
    conf = config.settings(files, None, **given)
    log.setup(conf, "craton", fix_eventlet=False)
    return conf


def state_directory(conf: cfg.ConfigOpts) -> Path:
    """Return ``state_path``, made if it is missing, readable by its owner alone.

    Raises:
        ConfigurationError: It cannot be made, or is no directory.
    """
    path = Path(conf.state_path)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the state directory {path} cannot be made: {error.strerror}; set state_path"
        ) from error
    return path


def run(
    program: str, command: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None
) -> int:
    """Run a command; an error of Craton's own is one line, and exit code 1."""
    try:
        return command(argv)
    except CratonError as error:
        print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
