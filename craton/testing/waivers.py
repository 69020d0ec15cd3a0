"""A file of waivers: which clauses a driver does not keep, and why.

::

    [waivers]
    ERROR-2 = the vendor's library cannot be told to give up sooner
"""

from __future__ import annotations

import configparser
from pathlib import Path

from craton.errors import ConfigurationError
from craton.testing.clauses import check_known


def read_waivers(path: Path) -> dict[str, str]:
    """Return the reasons by the name of their clause.

    Raises:
        ConfigurationError: The file cannot be read, or a waiver has no reason.
        UnknownClause: It names a clause that the contract does not have.
    """
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
        waivers = dict(parser["waivers"])
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ConfigurationError(f"{path}: no file of waivers: {error}") from error
    except KeyError as error:
        raise ConfigurationError(f"{path}: has no section [waivers]") from error
    check_known(waivers)
    for clause, reason in waivers.items():
        if not reason.strip():
            raise ConfigurationError(f"{path}: the waiver of {clause} needs a reason behind the =")
    return waivers
