"""Authenticators: ways in which a person agrees. One file each, and what it stands on beside it."""
