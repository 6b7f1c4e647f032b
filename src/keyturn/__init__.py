"""Keyturn: authenticate any CLI with a turn of the key."""

__version__ = "0.1.0"
