"""A run, or several side by side, as one HTML page that opens from the disk."""
