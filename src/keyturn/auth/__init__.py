"""Authenticators: ways in which a person agrees. One file each; for now the account's password."""
