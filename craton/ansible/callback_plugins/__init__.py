"""Callback plugins for Ansible; each is one file that can be copied alone."""
