"""Bodies that show what the API takes, for readers of the OpenAPI document and for its tests."""

from __future__ import annotations

from typing import Final

#: A body by the name of what it is.
BODIES: Final[dict[str, object]] = {
    "Tenant": {"name": "acme", "customer": "ACME", "variables": {"ntp_servers": ["192.0.2.123"]}},
    "Region": {"name": "north", "description": "The halls in the north."},
    "Group": {"name": "web", "priority": 10, "variables": {"http_port": 80}},
    "Host": {"name": "web1", "ip_address": "192.0.2.1", "ssh_port": 22, "variables": {"rack": 7}},
    "Reference": {"name": "site", "url": "https://example.org/site.yml"},
    "Secret": {"name": "tls", "format": "pem", "variable": "tls_key_file"},
    "Variables": {"http_port": 80, "motd": "Welcome", "dns": {"servers": ["192.0.2.53"]}},
    "Batch": {
        "changes": [
            {"op": "create", "kind": "group", "value": {"name": "db"}},
            {"op": "create", "kind": "host", "value": {"name": "db1", "groups": ["db"]}},
        ]
    },
    "Run": {"playbook": "site.yml", "filters": {"group": ["web"]}, "check": True},
    "Inventory": {
        "all": {"children": ["web", "ungrouped"], "vars": {"ntp": "192.0.2.123"}},
        "web": {"hosts": ["web1"], "vars": {"http_port": 80}},
        "_meta": {"hostvars": {"web1": {"ansible_host": "192.0.2.1"}}},
    },
}
