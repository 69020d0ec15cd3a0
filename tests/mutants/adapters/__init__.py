"""A CMDB in this process, a sound adapter of it, and adapters with one planted fault each."""
