"""What a few plugins' files cannot say: named code of a few lines, one file each. It is pure, and opens
nothing."""

from __future__ import annotations

from collections.abc import Mapping

from keyturn.catalogue.hooks import github, npm
from keyturn.sdk.parts import Provide

HOOKS: Mapping[str, Provide] = {"github": github.provide, "npm": npm.provide}
"""By the name that a plugin's file gives as `provision.hook`; all but "aws", which has a room of its own."""
