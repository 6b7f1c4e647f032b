"""Vaults in 1Password, through its own command-line program `op`, in helpers only."""
