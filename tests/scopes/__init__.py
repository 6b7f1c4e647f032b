"""Tests of the room `scopes`."""
