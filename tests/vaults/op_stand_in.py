"""A stand-in for 1Password's `op`, which is closed and cannot be had: its commands, flags, JSON and refusals.

Made from developer.1password.com/docs/cli (reference, item-template-json, sign-in-manually, service-accounts)
and from what people report of its errors. What no page says is listed in docs/explanation/other-vaults.md. It
is installed as a program called `op`; its service lies in one JSON file beside it, with a log of its calls.
"""

import contextlib
import fcntl
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

MOMENT = "2026-01-02T03:04:05Z"
# Flags that take a value, by command; any other flag is unknown.
GLOBAL = {"--format", "--account", "--session", "--vault"}
COMMANDS: dict[tuple[str, ...], tuple[set[str], set[str]]] = {
    ("signin",): (set(), {"--force", "-f", "--raw"}),
    ("whoami",): (set(), set()),
    ("account", "list"): (set(), set()),
    ("vault", "list"): (set(), set()),
    ("vault", "create"): (set(), set()),
    ("item", "list"): ({"--tags", "--categories"}, {"--include-archive"}),
    ("item", "get"): ({"--fields"}, {"--include-archive", "--otp", "--reveal"}),
    ("item", "create"): ({"--template", "--category", "--title"}, set()),
    ("item", "edit"): ({"--template", "--title"}, set()),
    ("item", "delete"): (set(), {"--archive"}),
    ("item", "move"): ({"--current-vault", "--destination-vault"}, set()),
}


def fail(text: str) -> None:
    sys.stderr.write(f"[ERROR] 2026/01/02 03:04:05 {text}\n")
    sys.exit(1)


@contextlib.contextmanager
def service(path: str) -> Iterator[dict[str, Any]]:
    """All that 1Password holds; kept if the command got to its end."""
    with open(path, "r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        found = json.load(stream)
        yield found
        stream.seek(0)
        stream.truncate()
        json.dump(found, stream)


def new_id() -> str:
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(26))


def parse(words: list[str]) -> tuple[tuple[str, ...], list[str], dict[str, str]]:
    """The command, its arguments and flags. Refuses what the real one does not know."""
    command = next((words[:n] for n in (2, 1) if tuple(words[:n]) in COMMANDS), None)
    if command is None:
        fail(f'unknown command "{" ".join(words[:2])}" for "op"')
    assert command is not None
    valued, plain = COMMANDS[tuple(command)]
    arguments, flags, rest = [], {}, list(words[len(command) :])
    while rest:
        word = rest.pop(0)
        name, has_value, value = word.partition("=")
        if word == "-" or not word.startswith("-"):
            arguments.append(word)
        elif name in valued | GLOBAL:
            if not has_value and not rest:
                fail(f"flag needs an argument: {name}")
            flags[name] = value if has_value else rest.pop(0)
        elif name in plain:
            flags[name] = "true"
        else:
            fail(f"unknown flag: {name}")
    return tuple(command), arguments, flags


def check_access(found: dict[str, Any], flags: dict[str, str]) -> None:
    """As the first of: service account, Connect, session, the desktop app."""
    token = os.environ.get("OP_SERVICE_ACCOUNT_TOKEN")
    if token is not None:
        if token != found["service_token"]:
            fail("Signin credentials are not compatible with the provided user auth from server (401)")
        return
    if os.environ.get("OP_CONNECT_HOST"):
        if os.environ.get("OP_CONNECT_TOKEN") != found["connect_token"]:
            fail("(401) invalid token")
        return
    if found["app"] == "unlocked":
        return
    if found["app"] == "dismissed":
        fail("authorization prompt dismissed, please try again")
    account = flags.get("--account") or found["accounts"][0]["shorthand"] if found["accounts"] else ""
    if not account:
        fail("no accounts configured for use with 1Password CLI.")
    names = {each["shorthand"]: each["user_uuid"] for each in found["accounts"]}
    if account not in names:
        fail(f"found no accounts for filter {json.dumps(account)}")
    session = os.environ.get(f"OP_SESSION_{names[account]}")
    if session is None:
        fail(f"could not find session token for account {account}")
    if session not in found["sessions"]:
        fail("account is not signed in")


def listed(item: dict[str, Any]) -> dict[str, Any]:
    kept = (
        "id",
        "title",
        "tags",
        "version",
        "vault",
        "category",
        "created_at",
        "updated_at",
        "urls",
        "state",
    )
    return {key: item[key] for key in kept if item.get(key)}


def items(found: dict[str, Any], flags: dict[str, str]) -> list[dict[str, Any]]:
    return [
        item for item in found["items"] if item.get("state") != "ARCHIVED" or "--include-archive" in flags
    ]


def vault(found: dict[str, Any], wanted: str) -> dict[str, Any]:
    for each in found["vaults"]:
        if wanted in (each["id"], each["name"]):
            return {"id": each["id"], "name": each["name"]}
    fail(f'"{wanted}" isn\'t a vault in this account. Specify the vault with its ID or name.')
    raise AssertionError


def one(found: dict[str, Any], flags: dict[str, str], wanted: str) -> dict[str, Any]:
    there = items(found, flags)
    if "--vault" in flags:
        there = [item for item in there if item["vault"]["id"] == vault(found, flags["--vault"])["id"]]
    same = [item for item in there if item["id"] == wanted] or [
        item for item in there if item["title"] == wanted
    ]
    if not same:
        fail(f'"{wanted}" isn\'t an item. Specify the item with its UUID, name, or domain.')
    if len(same) > 1:
        fail(f'More than one item matches "{wanted}". Try again and specify the item by its ID')
    return same[0]


def received(flags: dict[str, str], arguments: list[str]) -> dict[str, Any]:
    """The template that stands at standard input."""
    for each in arguments:
        if "=" in each:
            fail("assignment statements are not what these tests want to see")
    content = sys.stdin.read()
    if "--template" in flags or not content:
        fail("cannot create an item from template and stdin at the same time")
    try:
        return dict(json.loads(content))
    except ValueError:
        fail("invalid JSON in piped input")
        raise


def fields_of(given: list[dict[str, Any]], item: dict[str, Any]) -> list[dict[str, Any]]:
    names = {section["id"]: section.get("label", "") for section in item.get("sections", [])}
    done = []
    for each in given:
        if each.get("type") not in ("STRING", "CONCEALED", "OTP", "URL", "EMAIL", "DATE", "SSHKEY", "PHONE"):
            fail(f"invalid field type {each.get('type')}")
        field = dict(each)
        field["id"] = each.get("id") or new_id()
        if "section" in each:
            if each["section"]["id"] not in names:
                fail("field refers to a section that is not there")
            field["section"] = {"id": each["section"]["id"], "label": names[each["section"]["id"]]}
        field["reference"] = f"op://{item['vault']['name']}/{item['title']}/{each.get('label', '')}"
        if each.get("type") == "OTP":
            field["totp"] = "123456"
        done.append(field)
    return done


def sign_in(found: dict[str, Any], flags: dict[str, str]) -> str:
    account = flags.get("--account") or (found["accounts"][0]["shorthand"] if found["accounts"] else "")
    chosen = next((each for each in found["accounts"] if each["shorthand"] == account), None)
    if chosen is None:
        fail("no accounts configured for use with 1Password CLI.")
        raise AssertionError
    if sys.stdin.readline().rstrip("\n") != found["password"]:
        fail("(401) Unauthorized: wrong password")
    token = secrets.token_urlsafe(32)
    found["sessions"].append(token)
    if "--raw" in flags:
        return token
    comment = "# This command is meant to be used with your shell's eval function."
    return f'export OP_SESSION_{chosen["user_uuid"]}="{token}"\n{comment}'


def run(found: dict[str, Any], command: tuple[str, ...], arguments: list[str], flags: dict[str, str]) -> Any:
    if command == ("account", "list"):
        return found["accounts"]
    if command == ("signin",):
        return sign_in(found, flags)
    check_access(found, flags)
    if command == ("vault", "list"):
        return found["vaults"]
    if command == ("vault", "create"):
        made = {"id": new_id(), "name": arguments[0], "content_version": 1}
        found["vaults"].append(made)
        return made
    if command == ("item", "list"):
        return [listed(item) for item in items(found, flags)]
    if command == ("item", "get"):
        return one(found, flags, arguments[0])
    if command == ("item", "create"):
        if arguments != ["-"]:
            fail("provide a category or a template")
        given = received(flags, [])
        item = {"id": new_id(), "version": 1, "created_at": MOMENT, "updated_at": MOMENT, **given}
        item |= {"id": new_id(), "vault": vault(found, flags.get("--vault") or found["vaults"][0]["id"])}
        item["fields"] = [
            *fields_of(given.get("fields", []), item),
            {"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain"},
        ]
        found["items"].append(item)
        return item
    if command == ("item", "edit"):
        item = one(found, flags, arguments[0])
        given = received(flags, arguments[1:])
        item |= {key: given[key] for key in ("title", "tags", "urls", "sections") if key in given}
        item["fields"] = fields_of(given.get("fields", []), item)
        item["version"] += 1
        item["updated_at"] = f"2026-01-02T03:04:{item['version'] % 60:02}Z"
        return item
    if command == ("item", "move"):
        item = one(found, {"--vault": flags["--current-vault"]}, arguments[0])
        item["id"], item["vault"] = new_id(), vault(found, flags["--destination-vault"])
        return item
    item = one(found, {**flags, "--include-archive": "true"}, arguments[0])
    if "--archive" in flags:
        item["state"] = "ARCHIVED"
    else:
        found["items"].remove(item)
    return ""


def main(path: str, words: list[str]) -> None:
    if words == ["--version"]:
        with service(path) as found:
            print(found["version"])
        return
    command, arguments, flags = parse(words)
    with service(path) as found:
        found["calls"].append({"words": words, "variables": sorted(os.environ), "has_tty": os.isatty(0)})
        fault = found["faults"].pop(" ".join(command), "")
    if fault == "hang":
        time.sleep(600)
    if fault == "garbage":
        print("<html>no JSON")
        return
    if fault == "die":
        os.kill(os.getpid(), 9)
    if fault == "ask":
        with open("/dev/tty", "r+", encoding="utf-8") as terminal:
            terminal.write("Enter the password for ada@example.com: ")
            terminal.readline()
    if fault.startswith("["):
        sys.stderr.write(fault)
        sys.exit(1)
    with service(path) as found:
        printed = run(found, command, arguments, flags)
    if fault == "die after":
        os.kill(os.getpid(), 9)
    if isinstance(printed, str):
        print(printed)
    elif flags.get("--format", os.environ.get("OP_FORMAT")) == "json":
        print(json.dumps(printed))
    else:
        print("human-readable text that nobody should parse")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
