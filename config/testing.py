"""A pytest plugin, named in pyproject.toml: tests run on the embedded servers unless the environment names others.

It is a plugin, and acts when it is imported, because pytest-django reads the settings before any conftest.py is loaded.
Workers of xdist inherit the addresses from the process that holds the servers.
"""

import atexit
import os

from config import embedded

os.environ.setdefault("SECRET_KEY", "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz")
os.environ.setdefault("EXTRA_APPS", "tests.errands")
os.environ.setdefault("TIME_ZONE", "UTC")
os.environ.setdefault("LOG_LEVEL", "WARNING")
atexit.register(embedded.stop, embedded.use())
