"""AWS: which profile, whose keys, and what the command gets."""
