"""The ground: what every other room stands on, and the only one that reads the environment and the clock."""
