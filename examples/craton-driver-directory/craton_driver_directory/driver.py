"""The directory driver: the hooks of craton.driver, on a repository."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from oslo_config import cfg

from craton.capabilities import EVERY_CAPABILITY, Capabilities, Capability
from craton.driver import Change, InventoryDriver, InventoryReader
from craton.errors import ConfigurationError
from craton.models import INVENTORY_KINDS
from craton_driver_directory import files, places, plan
from craton_driver_directory.changes import Draft
from craton_driver_directory.files import File
from craton_driver_directory.repository import Repository
from craton_driver_directory.state import State, StateReader, assemble

_REGULAR = ("100644", "100755")


class DirectoryDriver(StateReader, InventoryDriver):
    """Keeps an inventory as YAML files in the git working tree at ``[directory] path``.

    Everything is claimed but MIGRATIONS, because the files have no schema that changes by itself,
    and writing records, which are nothing that people review.
    """

    capabilities = Capabilities(
        supported=EVERY_CAPABILITY - {Capability.MIGRATIONS}, writable=frozenset(INVENTORY_KINDS)
    )

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        InventoryDriver.__init__(self, settings)
        StateReader.__init__(self, self._newest)
        options = settings.directory
        if not options.path:
            raise ConfigurationError("set [directory] path to the directory of the inventory")
        self._repository = Repository(
            Path(options.path).expanduser().absolute(), options.branch, options.author
        )
        self._loading = threading.Lock()
        self._state: State | None = None

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        return {
            "directory": [
                cfg.StrOpt(
                    "path",
                    help="The top of the git working tree that holds the inventory; it is made if "
                    "there is none.",
                ),
                cfg.StrOpt(
                    "branch",
                    default="main",
                    regex=r"^\w[\w./-]*$",
                    help="The branch that is the inventory. Other branches are for proposals.",
                ),
                cfg.StrOpt(
                    "author",
                    default="Craton <craton@localhost>",
                    regex=r"^[^<>\n]* <[^<>\n]*>$",
                    help="Who makes the commits, as git writes it.",
                ),
            ]
        }

    def _open(self) -> None:
        try:
            self._repository.open()
        except BaseException:
            self._repository.close()
            raise

    def _close(self) -> None:
        self._repository.close()

    def _ping(self) -> None:
        self._repository.tip()

    @contextmanager
    def _snapshot(self) -> Iterator[InventoryReader]:
        state = self._newest()
        reader = StateReader(lambda: state)
        reader.capabilities = self.capabilities
        yield reader

    def _write(self, changes: Iterator[Change]) -> None:
        with self._repository.alone():
            self._repository.settle()
            before = self._newest()
            before.check()
            draft = Draft(before)
            draft.make(changes)
            made = plan.make(before, draft.entities)
            if made.contents:
                commit = self._repository.write(
                    before.commit, made.contents, made.message, before.files
                )
                with self._loading:
                    self._state = made.state(commit)

    def _newest(self) -> State:
        """Return what the branch holds; what is known already is not read again."""
        commit = self._repository.tip()
        with self._loading:
            if self._state is None or self._state.commit != commit:
                self._state = self._read(commit, self._state.files if self._state else {})
            return self._state

    def _read(self, commit: str, known: Mapping[str, File]) -> State:
        found: dict[str, File] = {}
        for path, mode, blob in self._repository.files(commit, places.ROOT):
            file = known.get(path)
            if mode not in _REGULAR:
                file = File(blob=blob, problem="it is no regular file")
            elif not path.endswith((".yaml", ".yml")):
                continue
            elif file is None or file.blob != blob:
                file = files.read(path, blob, self._repository.read(blob))
            found[path] = file
        return assemble(commit, found)
