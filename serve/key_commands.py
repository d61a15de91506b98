"""`plume serve key …`: makes, rotates, changes, removes and lists clients' keys. A running server follows at once."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from plume.command import say
from plume.errors import InputError
from serve import key_use, keys
from serve.config import ConfigFile, Overrides, ServeConfig
from serve.state import State

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Keys of clients; a key is shown once. A running server follows every change at once.",
)
_HOURS = {"h": 1, "d": 24}
_LONGEST = timedelta(days=3660)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Who holds the key.")]
Expires = Annotated[
    str | None, typer.Option(metavar="DATE|DAYS", help="Last day of the key (2027-03-31), or how long: 90d, 12h, 90.")
]
PerMinute = Annotated[
    int | None, typer.Option(min=0, max=keys.MOST, help="Requests for drafts a minute, at most; 0: no limit.")
]
AtOnce = Annotated[int | None, typer.Option(min=0, max=keys.MOST, help="Of them at a time, at most; 0: no limit.")]
LIMITS = "Without a limit of its own, a client has the config's client_per_minute and client_at_once."


def _state(config: ConfigFile, overrides: Overrides) -> State:
    return State.of_server(ServeConfig.load_for(("state", "database"), config, overrides or ()))


@app.command("add", epilog=LIMITS)
def add_key(
    name: Name,
    overrides: Overrides = None,
    config: ConfigFile = None,
    role: Annotated[str, typer.Option(help="client, or metrics for Prometheus.")] = "client",
    expires: Expires = None,
    per_minute: PerMinute = None,
    at_once: AtOnce = None,
) -> None:
    """Make a key, in place of any that NAME had, and show it: it is kept nowhere."""
    terms = {"expires": until(expires), "per_minute": per_minute, "at_once": at_once}
    say(keys.add(_state(config, overrides), name, role, **terms))


@app.command("rotate")
def rotate_key(
    name: Name,
    overrides: Overrides = None,
    config: ConfigFile = None,
    overlap: Annotated[
        str, typer.Option(metavar="HOURS|DAYS", help="How long the old key opens beside the new one: 24h, 7d.")
    ] = "24h",
    expires: Expires = None,
) -> None:
    """Make a new key for NAME and show it; the old one goes on until the overlap ends. Both are one client.

    Role, limits and last day stay, unless --expires names another one.
    """
    say(keys.rotate(_state(config, overrides), name, duration(overlap, "--overlap"), until(expires)))


@app.command("change", epilog=LIMITS)
def change_key(
    name: Name,
    overrides: Overrides = None,
    config: ConfigFile = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DATE|DAYS|never", help="Last day of the key, how long, or never.")
    ] = None,
    per_minute: PerMinute = None,
    at_once: AtOnce = None,
) -> None:
    """Give the key of NAME another last day or other limits; the key stays."""
    terms: dict[str, Any] = {"per_minute": per_minute, "at_once": at_once}
    terms = {term: value for term, value in terms.items() if value is not None}
    if expires is not None:
        terms["expires"] = None if expires == "never" else until(expires)
    if not terms:
        raise InputError(f"key of {name!r}: say what changes: --expires, --per-minute or --at-once")
    keys.change(_state(config, overrides), name, **terms)
    say(f"{name}: changed; the key stays")


@app.command("remove")
def remove_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key.")],
    overrides: Overrides = None,
    config: ConfigFile = None,
) -> None:
    """Shut a key's holder out, at once; a former key that still opens goes, too."""
    keys.remove(_state(config, overrides), name)
    say(f"{name}: has no key any more")


@app.command("list")
def list_keys(overrides: Overrides = None, config: ConfigFile = None) -> None:
    """Who holds a key: role, when it was made and last used, until when it opens, its limits.

    A row `former` is a key that a rotation replaced and that still opens. Keys themselves are kept nowhere.
    """
    state = _state(config, overrides)
    entries = keys.known(state)
    if not entries:
        say(f"{state.keys}: nobody has a key; make one with: plume serve key add NAME")
        return
    used = key_use.read(state)
    wide = max(4, *map(len, entries))
    row = f"{{:<{wide}}}  {{:<7}}  {{:<16}}  {{:<16}}  {{:<16}}  {{:>10}}  {{:>7}}".format
    say(row("NAME", "ROLE", "CREATED", "LAST USED", "EXPIRES", "PER MINUTE", "AT ONCE"))
    for name, entry in sorted(entries.items()):
        limits = [{None: "default", 0: "none"}.get(each, each) for each in (entry.per_minute, entry.at_once)]
        say(row(name, entry.role, entry.made or "-", _used(used, entry), _expiry(entry.expires), *limits))
        for one in entry.former or ():
            if one.until > keys.now():
                say(row(name, "former", one.made or "-", _used(used, one), _expiry(one.until), "", "").rstrip())


def _used(used: dict[str, float], key: keys.Entry | keys.Former) -> str:
    return _moment(datetime.fromtimestamp(used[key.sha256]).astimezone()) if key.sha256 in used else "-"


def _expiry(at: datetime | None) -> str:
    if at is None:
        return "never"
    return "expired" if at <= keys.now() else _moment(at)


def _moment(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def until(text: str | None) -> datetime | None:
    """Read until when a key opens: the end of a day, or so long from now; None: for ever. Raises InputError."""
    if text is None:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        try:
            at = (datetime.fromisoformat(text) + timedelta(days=1)).astimezone()
        except (ValueError, OverflowError):
            raise InputError(f"--expires {text}: is no day of the calendar") from None
    else:
        at = keys.now() + duration(f"{text}d" if text.isdecimal() else text, "--expires", "a day such as 2027-03-31, ")
    if not keys.now() < at <= keys.now() + _LONGEST:
        raise InputError(f"--expires {text}: a day from today on is wanted, within ten years")
    return at


def duration(text: str, option: str, other: str = "") -> timedelta:
    """Read hours or days. Raises InputError."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([hd])", text)
    found = match and timedelta(hours=int(match[1]) * _HOURS[match[2]])
    if not found or found > _LONGEST:
        raise InputError(f"{option} {text!r}: {other}hours (24h) or days (90d) are wanted, ten years at most")
    return found
