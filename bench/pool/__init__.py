"""Measurements of the search in the pool: how well it answers, and how fast it is among many CVs."""
