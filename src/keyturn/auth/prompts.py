"""What PAM asks, in words that fit here."""

from __future__ import annotations


def named(prompt: str, user: str) -> str:
    """PAM's bare “Password:” says which one is meant: the account that is to be used has another."""
    if prompt.strip().rstrip(":").lower() in ("password", "passwort", "mot de passe", "contraseña"):
        return f"login password of {user}: "
    return prompt
