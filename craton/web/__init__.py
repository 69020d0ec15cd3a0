"""The web view: files that a browser reads, and which the API serves at ``/ui/``."""
