"""The tests of the contract, one module for each family of clauses."""
