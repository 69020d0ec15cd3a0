"""What any driver may need besides its store, as drivers around a driver.

A wrapper keeps the contract as its inner driver does, so wrappers go around each other in any
order, and no driver knows of them.
"""

from craton.backends.wrappers.faults import Fault, OnCall, Plan, Seeded
from craton.backends.wrappers.faulty import FaultyDriver
from craton.backends.wrappers.logged import LoggedDriver, can_log, with_change_log
from craton.backends.wrappers.operations import Operation
from craton.backends.wrappers.readonly import ReadOnlyDriver
from craton.backends.wrappers.retrying import Patience, RetryingDriver
from craton.backends.wrappers.timed import Observer, TimedDriver

__all__ = [
    "Fault",
    "FaultyDriver",
    "LoggedDriver",
    "Observer",
    "OnCall",
    "Operation",
    "Patience",
    "Plan",
    "ReadOnlyDriver",
    "RetryingDriver",
    "Seeded",
    "TimedDriver",
    "can_log",
    "with_change_log",
]
