"""The part of the launcher that finds the executable: put into launcher_template.py, whose names it uses.

What it may import and how it is written is the same as there.
"""

# The second line of every shim, whichever Keyturn wrote it (shells/shims.py).
SHIM = b"\n# Keyturn's shim of "
# What a command found beside a shim carries: the pid that became it, how often in a row it was called so, a
# sum of its words, and the paths tried for them.
TRIED = b"KEYTURN_SHIM"
TRIES = 3


def tried_for(name, arguments):
    """How often in a row this command was called from within itself, counting now, and the paths to pass by.

    What is found on PATH may be another tool's shim (pyenv, asdf) that looks for the same command on PATH
    again, and so comes back here: with the same words, as the same process or a child. It has its credentials
    then, and the next path is what it looks for. Any other process is asked for anew, for it may be a shell
    that the command started; but not for ever.
    """
    mark = posix.environ.get(TRIED, b"").split(b" ", 3)
    is_one = len(mark) == 4 and mark[0].isdigit() and mark[1].isdigit()
    if not is_one or mark[2] != b"%d" % checksum(name, arguments):
        return 1, []
    count = int(mark[1])
    if int(mark[0]) in (posix.getpid(), posix.getppid()) or count >= TRIES:
        return count, mark[3].split(b":")
    return count + 1, []


def checksum(name, arguments):
    """Tells other words from these; it need not stand against anybody's intent."""
    return int.from_bytes(b"\0".join([name.rpartition(b"/")[2], *arguments]), "big") % 0x1FFFFFFFFFFFFFFF


def find(name, search, tried):
    """The executable that a shell would find, without shims, relative parts of PATH and what was `tried`.

    Also whether there is a shim of that name on PATH, before or behind it.
    """
    if b"/" in name and not is_shim(name):
        candidates = [name]
    else:
        # By its own path, a shim means what it stands for.
        name = name.rpartition(b"/")[2]
        candidates = [part + b"/" + name for part in search.split(b":") if part[:1] == b"/"]
    found, is_shimmed, refused = b"", False, False
    for candidate in candidates:
        try:
            mode = posix.stat(candidate).st_mode
        except OSError:
            continue
        if mode & 0o170000 == 0o100000:
            if not posix.access(candidate, posix.X_OK):
                refused = True
            elif is_shim(candidate):
                is_shimmed = True
            elif not found and candidate not in tried:
                found = candidate
        elif b"/" in name:
            refused = True
    shown = name.decode("utf-8", "replace")
    if found:
        return found, is_shimmed
    if refused:
        fail(126, shown + ": permission denied")
    last = tried[-1].decode("utf-8", "replace") if tried else ""
    known = " but as " + last + ", which looks for it on PATH itself" if tried else ""
    return fail(127, shown + ": command not found" + known)


def is_shim(path):
    """Whether it is a shim of this Keyturn or of another one, also by a link or as a copy."""
    if path.rpartition(b"/")[0].rstrip(b"/") == SHIMS:
        return True
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
        head = posix.read(descriptor, 512)
        posix.close(descriptor)
    except OSError:
        return False
    return SHIM in head
