"""The default vault: a directory of age files, whose format is docs/reference/vault-format.md."""
