"""The directory driver for Craton: YAML files in a git working tree."""
