"""The MongoDB driver: pymongo, on a replica set or on a cluster that is sharded by region."""
