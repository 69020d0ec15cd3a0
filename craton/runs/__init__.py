"""Playbooks over the inventory: what a run is, where it is kept, and how it is carried out.

::

    models    runs, rows of hosts, events: frozen values
    store     the contract of what keeps them; ``memory`` and ``redis`` are the two that do
    batch     the contract of what carries out some hosts of a run; ``ansible`` does, under
              ``supervised`` and ``supervisor``, the two sides of a process for each batch
"""
