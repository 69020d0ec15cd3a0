"""The cmdb driver: an inventory that a CMDB owns, mirrored in another driver's store.

:mod:`~craton.backends.cmdb.driver` has the driver, :mod:`~craton.backends.cmdb.syncing` what one
sync does, :mod:`~craton.backends.cmdb.ownership` who owns what of an entity. docs/cmdb.rst tells
what all of it promises.
"""
