"""What runs in Nautobot's own environment: its configuration, its application, two scripts."""
