"""A configuration of Craton for a Nautobot, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oslo_config import cfg

from craton import config, loader
from craton.cmdb import CmdbAdapter
from craton.driver import InventoryDriver


@dataclass
class Deployment:
    """A directory with a configuration file, a token file, and the state of a driver.

    Attributes:
        directory: Where all of it is.
        endpoint: Where the Nautobot is.
        token: Its API token.
        ca_file: Who vouches for it.
        options: Further options of the group ``[nautobot]``.
        mirror: Options of the group ``[cmdb]``.
        more: Further lines of the configuration.
    """

    directory: Path
    endpoint: str
    token: str
    ca_file: Path | None
    options: dict[str, object]
    mirror: dict[str, object]
    more: str = ""

    @property
    def token_file(self) -> Path:
        return self.directory / "token"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    def write_token(self, token: str) -> None:
        """Put a token into the file."""
        self.token_file.write_text(f"{token}\n")
        self.token_file.chmod(0o600)

    def settings(self) -> cfg.ConfigOpts:
        """Write the configuration, and read it."""
        if not self.token_file.exists():
            self.write_token(self.token)
        trusted = {"ca_file": self.ca_file} if self.ca_file else {}
        file = self.directory / "craton.conf"
        file.write_text(
            f"[DEFAULT]\nstate_path = {self.state}\n[inventory]\ndriver = cmdb\n"
            f"[cmdb]\nadapter = nautobot\n{_lines(self.mirror)}"
            f"[nautobot]\nendpoint = {self.endpoint}\ntoken_file = {self.token_file}\n"
            f"{_lines({**trusted, **self.options})}{self.more}"
        )
        return config.settings(files=[str(file)])

    def adapter(self) -> CmdbAdapter:
        """Make an adapter; it is not open yet."""
        return loader.load_adapter(self.settings(), "nautobot")

    def driver(self) -> InventoryDriver:
        """Make a driver; it is not open yet."""
        return loader.load(self.settings())


def _lines(options: dict[str, object]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in options.items())
