"""Vaults in the store of pass or gopass: files encrypted by GnuPG, read and written in helpers only."""
