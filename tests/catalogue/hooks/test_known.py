"""Every name that a plugin's file may give as `provision.hook` has its code, and no code is unused."""

from typing import get_args

from keyturn.catalogue import loader
from keyturn.catalogue.hooks import HOOKS
from keyturn.sdk.provision_schema import Hook


def test_each_name_has_its_code_and_is_used() -> None:
    named = set(get_args(Hook))
    assert named == {"aws", *HOOKS}
    used: set[str | None] = set()
    for name in loader.names():
        plugin = loader.load(name)
        used |= {plugin.provision_for(each.runs).hook for each in plugin.executables}
    assert used == {None, *named}
