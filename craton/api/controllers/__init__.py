"""What answers at each path, one module for each part of the API."""
