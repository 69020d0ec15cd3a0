"""Craton: a fleet inventory for Ansible, on the store of your choice."""

__version__ = "0.1.0"
