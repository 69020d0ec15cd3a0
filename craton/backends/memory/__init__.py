"""The reference driver: dicts in this process, the shortest correct reading of the contract."""
