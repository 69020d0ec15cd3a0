"""Words that processes of one batch pass to each other through Ansible's output."""

from __future__ import annotations

from typing import Final

#: Printed behind a failure after which Ansible is done with the host.
FINAL: Final = "craton: this failure is final"
