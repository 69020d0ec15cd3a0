"""What runs inside of Craton's own ``ansible-playbook``."""
