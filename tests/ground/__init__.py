"""Tests of the room `ground`."""
