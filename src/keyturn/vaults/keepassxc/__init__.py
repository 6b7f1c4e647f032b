"""Vaults in KeePassXC databases (KDBX 4), read and written through pykeepass, in helpers only."""
