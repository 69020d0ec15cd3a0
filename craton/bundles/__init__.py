"""From a region to an Ansible inventory: plan → collect → archive.

A plan knows the ETag before anything is made. Collecting reads everything, under the caller's
snapshot, into a temporary file. Archiving needs the store no longer, so however slowly a client
reads, no transaction stays open.
"""

from craton.bundles.plan import BundlePlan, BundleRequest, Target, holds_secrets, plan
from craton.bundles.precedence import (
    Explanation,
    Precedence,
    Source,
    effective_of_tenant,
    explain_tenant,
)
from craton.bundles.spool import Format, Spool

__all__ = [
    "BundlePlan",
    "BundleRequest",
    "Explanation",
    "Format",
    "Precedence",
    "Source",
    "Spool",
    "Target",
    "effective_of_tenant",
    "explain_tenant",
    "holds_secrets",
    "plan",
]
