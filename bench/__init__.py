"""Measurements that take files or time of their own; nothing of the Facility needs them to run."""
