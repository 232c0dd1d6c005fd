"""What pages, steps and files cost, on a synthetic Facility in a database of its own. `make bench`."""
