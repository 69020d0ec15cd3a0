"""Playbooks over the inventory: what a run is, where it is kept, and how it is carried out.

::

    models    runs, rows of hosts, events: frozen values
    store     the contract of what keeps them; ``memory`` and ``redis`` are the two that do
"""
