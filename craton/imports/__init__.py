"""Ansible inventories into regions: what ``ansible-inventory --list --export`` prints, entered.

``document`` reads the text, ``values`` opens variables, ``plan`` compares with what is stored, and
``importer`` makes the changes, all or none.
"""

from craton.imports.importer import import_inventory
from craton.imports.report import ImportReport

__all__ = ["ImportReport", "import_inventory"]
