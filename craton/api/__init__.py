"""The REST API: HTTP in, entities out. It knows the contract and no driver."""
