"""Index of the records of this app."""
