"""Credentials in files as the tools keep them: found, taken out in place, backed up."""
