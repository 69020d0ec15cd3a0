"""The drivers that come with Craton. Each imports its own vendor's library and no other."""
