"""Tests of the room `agent`."""
