"""A CMDB that exports its machines as CSV or JSON, read by Craton."""
