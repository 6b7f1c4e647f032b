"""What a shell runs: the generated launcher and `plugins.sh`."""
