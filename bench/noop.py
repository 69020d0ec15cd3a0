"""A connection of Ansible that reaches nothing and finds everything well, for ``bench.runs``."""

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
    name: noop
    short_description: Does nothing
    description:
        - Takes every command and does nothing, so that what remains is Ansible itself.
    author: The Craton developers
    options: {}
"""


class Connection(ConnectionBase):
    """Says of every command that it went well."""

    transport = "noop"
    has_pipelining = True

    def _connect(self):
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        return 0, b"", b""

    def put_file(self, in_path, out_path):
        return

    def fetch_file(self, in_path, out_path):
        return

    def close(self):
        return
