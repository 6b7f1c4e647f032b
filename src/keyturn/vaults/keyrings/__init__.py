"""Vaults in the desktop's keyring: the Secret Service of Linux, the Keychain of macOS; in helpers only."""
