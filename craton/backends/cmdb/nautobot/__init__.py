"""The adapter of Nautobot: what a Nautobot knows of a fleet, in Craton's words.

:mod:`~craton.backends.cmdb.nautobot.adapter` has the adapter. What becomes of what stands in
:mod:`~craton.backends.cmdb.nautobot.mapping`, how a change is found in
:mod:`~craton.backends.cmdb.nautobot.sketch`. docs/nautobot.rst tells it to those who run it.
"""
