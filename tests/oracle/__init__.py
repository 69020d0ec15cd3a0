"""Ansible as the judge of bundles: random regions, and what ansible-inventory says of them."""
