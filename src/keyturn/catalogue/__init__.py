"""The catalogue: plugin files, and finding the one that a command needs."""
