"""What was met in the field, tried on a service of its own: `make field`, or `python -m bench.field [F2 D4 …]`.

Each row is an input that somebody met in public and that failed here once, with more of its kind beside it. A row is a
function below: it takes a `Run`, tries its inputs on a service that the run starts (or shares with other rows), and
yields what it saw. Prints row, input and answer, and ends with 1 when an answer is not right.
"""

import json
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import field_operator  # noqa: F401 - it adds its rows
from bench.field_run import ROWS, Place, Run, Seen, row
from bench.history import fresh_number
from service.verification.message import is_one_segment
from tests.stack.people import words
from tests.support.http import Browser
from tests.support.telnyx import failed, received
from tests.support.telnyx.errors import TelnyxError

WIDTHS = (5, 66)


# -- What people type


def _numbers(place: Place, typed: Mapping[str, str], region: str = "US") -> Iterator[Seen]:
    for number, meant in typed.items():
        well, answer = place.typed(number, region)
        yield Seen(f"phone={number!a} region={region}", answer, well and answer == meant)


def _codes(place: Place, spellings: Mapping[str, Callable[[str], str]]) -> Iterator[Seen]:
    for name, spell in spellings.items():
        person, token = place.waiting()
        answer = person.type(spell(token))
        title = words(answer.text.partition("</title>")[0])
        yield Seen(f"token={spell(token)!a} ({name})", f"{answer.status} {title}", "confirmed" in title)


def _shifted(text: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(one)) if one.isdigit() else one for one in text)


def _wide(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


@row("F3")
def digits(run: Run) -> Iterator[Seen]:
    """Digits of every script are digits."""
    number = fresh_number()
    zeros = "\u0660\u06f0\u0966\uff10\U0001d7ce"
    yield from _numbers(run.place(), {_shifted(number[2:], zero): number for zero in zeros})
    spellings = {f"digits of U+{ord(zero):04X}": lambda token, zero=zero: _shifted(token, zero) for zero in zeros}
    yield from _codes(run.place(), spellings | {"full-width": _wide})


@row("F4")
def marks(run: Run) -> Iterator[Seen]:
    """Nobody sees them, and they mean nothing."""
    number = fresh_number()
    found = ["\u200b", "\t", "\u202a", "\ufe0f", "\u3000", "\u00ad", "\u2060", "\ufeff", "\u2212", "\r\n"]
    yield from _numbers(run.place(), {number[:5] + mark + number[5:] + mark: number for mark in found})
    yield from _codes(run.place(), {ascii(mark): lambda token, mark=mark: mark.join(token) for mark in found})


@row("F6")
def two_readings(run: Run) -> Iterator[Seen]:
    """Where the reading at home cannot be texted, the one with + may be."""
    yield from _numbers(run.place(), {"4915123456789": "+4915123456789", "015123456780": "+4915123456780"}, "DE")
    well, answer = run.place().typed("493012345678", "DE")
    yield Seen("phone='493012345678' region=DE, a landline", answer, not well)


@row("F12")
def no_links(run: Run) -> Iterator[Seen]:
    """Phones make no links of our numbers."""
    for path in ("/", "/nowhere"):
        page = run.place().person().get(path).text
        yield Seen(f"GET {path}", "format-detection", '<meta name="format-detection" content="telephone=no">' in page)


@row("F29")
def wrong_code(run: Run) -> Iterator[Seen]:
    """Whoever reads only `detail` learns that the code was wrong."""
    place = run.place()
    key = next(word for word in place.command("keys", "add", "shop").split() if word.startswith("tp_"))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    api = Browser(place.service.url)
    begun = api.request("POST", "/v1/verifications", json.dumps({"to": fresh_number()}).encode(), headers).json()
    wrong = api.request("POST", f"/v1/verifications/{begun['id']}/check", b'{"token": "00000F"}', headers).json()
    yield Seen("a wrong code to the API", wrong["detail"], "wrong" in wrong["detail"])


@row("D2")
def argentina_and_mexico(run: Run) -> Iterator[Seen]:
    """Argentine mobiles without the 9, Mexican ones with the old 1."""
    yield from _numbers(run.place(), {"+54 11 2345-6789": "+5491123456789", "11 2345 6780": "+5491123456780"}, "AR")
    yield from _numbers(run.place(), {"+521 55 1234 5678": "+525512345678", "55 1234 5670": "+525512345670"}, "MX")


@row("D3")
def links_and_zeros(run: Run) -> Iterator[Seen]:
    """A link to a number means the number; 00 is a + where it is not dialled too."""
    number = fresh_number()
    typed = {f"tel:{number}": number, f"SMS: {number}": number, f"00{number[1:]}": number}
    yield from _numbers(run.place(), typed | {"0049 151 23456781": "+4915123456781"})


# -- What proxies send


@row("F2")
def proxies(run: Run) -> Iterator[Seen]:
    """Two addresses are two callers, in whatever form a proxy writes them."""
    one_each = {"TRUSTED_PROXIES": "1", "LIMITS_MODE": "enforce", "STARTS_PER_ADDRESS": "1/3600"}
    place = run.place(**one_each, OBSERVE="network,prefix,country,everything,conversion,guesses")
    forms = {
        "X-Forwarded-For": ["{}", "{}:50123", '"{}:50123"', "198.51.100.1,\t{} ,", "unknown, {}:_port"],
        "Forwarded": ['for="{}:4711";proto=https', "for=_hidden, For={};by=203.0.113.43"],
    }
    addresses = (f"203.0.113.{last}" for last in range(1, 250))
    for header, values in forms.items():
        for form in values:
            asked = [{header: form.format(next(addresses))} for _ in range(2)]
            statuses = [_start(place, headers) for headers in [*asked, asked[0]]]
            yield Seen(f"{header}: {form}, two callers, one again", str(statuses), statuses == [303, 303, 429])
    six = [{"X-Forwarded-For": f"[2001:db8:{net}::17]:4711"} for net in (1, 2)]
    statuses = [_start(place, headers) for headers in [*six, six[0]]]
    yield Seen("X-Forwarded-For: [v6]:port, two callers, one again", str(statuses), statuses == [303, 303, 429])
    place.lines("")
    for _ in range(3):
        _start(place, {"X-Forwarded-For": "_hidden"})
    told = place.lines("caller_unknown")
    yield Seen("X-Forwarded-For: _hidden, three times", _told(*told), len(told) == 1 and bool(told[0]["do"]))
    alone = run.place()
    alone.lines("")
    _start(alone, {"X-Forwarded-For": "203.0.113.7"})
    told = alone.lines("proxy_not_trusted")
    yield Seen("TRUSTED_PROXIES = 0 behind a proxy", _told(*told), len(told) == 1)


def _start(place: Place, headers: Mapping[str, str]) -> int:
    return place.person(**headers).post("/request", {"phone": fresh_number(), "region": "US"}).status


@row("D4")
def hosts(run: Run) -> Iterator[Seen]:
    """RFC 9112, 3.2."""
    port = run.place().service.port
    heads = ["", "Host: a b\r\n", "Host: a@b\r\n", "Host: a\r\nHost: b\r\n", "Host: [::1\r\n", "Host:\r\n"]
    for head in heads:
        status = _raw(port, f"GET / HTTP/1.1\r\n{head}Connection: close\r\n\r\n")
        yield Seen(f"GET / with {head!r}", status, status.startswith("HTTP/1.1 400"))
    status = _raw(port, "GET / HTTP/1.1\r\nHost: verify.example.com:443\r\nConnection: close\r\n\r\n")
    yield Seen("GET / with a host", status, status.startswith("HTTP/1.1 200"))


def _raw(port: int, request: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(request.encode())
        return wire.makefile("rb").readline().decode().strip()


@row("D7")
def own_name(run: Run) -> Iterator[Seen]:
    """A name in letters of its own language is ASCII in the message."""
    place = run.place(PUBLIC_URL="https://prüfung.example")
    number = fresh_number()
    place.typed(number)
    text = place.telnyx.texts_to(number)[-1]
    last = text.splitlines()[-1]
    yield Seen("PUBLIC_URL = https://prüfung.example", last, last.startswith("@xn--") and is_one_segment(text))


# -- What the carrier sends


@row("F5")
def spam(run: Run) -> Iterator[Seen]:
    """A receipt is sorted by what it means."""
    expected = {"40003": "filter", "40012": "does not exist", "40016": "our fault", "40008": "phone is on"}
    place = run.place()
    for code, said in expected.items():
        person, _ = place.waiting()
        place.lines("")
        message = place.telnyx.messages[-1]
        place.telnyx.webhook(_here(place, message["webhook_url"]), failed(message, code))
        told = person.status()["message"]
        (line,) = place.lines("telnyx_undelivered")
        advised = bool(line.get("do")) is (code in {"40003", "40016"})
        yield Seen(f"a receipt with {code}", f"{told} | {_told(line)}", said in told and advised and bool(line["id"]))


@row("F7")
def refusals(run: Run) -> Iterator[Seen]:
    """What Telnyx says no to was not sent, whatever its code is."""
    tried = {
        "422 with 10006": TelnyxError(422, "10006", "Invalid ID", "The resource ID is invalid."),
        "422 with 10099": TelnyxError(422, "10099", "New", "Of the request."),
        "403 with 49999": TelnyxError(403, "49999", "New", "Of something else."),
        "403 without a code": TelnyxError(403, "", "", ""),
    }
    for name, answer in tried.items():
        place = Place(run.ends, {})
        place.telnyx.answer(answer)
        well, page = place.typed(fresh_number())
        lines = place.lines("telnyx_refused")
        yield Seen(f"Telnyx answers {name}", f"{page} | {_told(*lines)}", not well and bool(lines and lines[0]["do"]))


@row("F15")
def webhooks(run: Run) -> Iterator[Seen]:
    """What is signed and cannot be read is answered, and told no more."""
    small = b'{"data":{"id":"%s","event_type":"message.finalized","payload":{"to":[{"status":"sent"}],"cost":%s}}}'
    bodies = {
        "half a surrogate": small % (rb"\ud800", b"null"),
        "a price of 400 digits": small % (b"e", b'{"amount":' + b"9" * 400 + b"}"),
        "a price of 1e999": small % (b"e", b'{"amount":1e999}'),
        "NaN": small % (b"e", b"NaN"),
        "a name twice": small % (b'e","id":"f', b"null"),
        "60,000 brackets": b"[" * 60_000,
        "a byte order mark": b"\xef\xbb\xbf" + small % (b"e", b"null"),
        "no UTF-8": small % (b"\xff", b"null"),
    }
    for name, body in bodies.items():
        status = run.place().webhook(body)
        yield Seen(f"a signed webhook with {name}", str(status), status == 204)  # noqa: PLR2004 - HTTP's own


@row("F24")
def events(run: Run) -> Iterator[Seen]:
    """What is logged helps to mend it."""
    place = Place(run.ends, {})
    place.telnyx.answer("bad_gateway")
    place.typed(fresh_number())
    (line,) = place.lines("telnyx_uncertain")
    yield Seen("Telnyx answers a plain 502", _told(line), "new to us" not in line["do"] and "code" not in line)


@row("D1")
def stop(run: Run) -> Iterator[Seen]:
    """STOP is of the number, however the carrier spells it."""
    spellings = {"+5215510000001": ("+525510000001", "MX"), "12025550107": ("+12025550107", "US")}
    for theirs, (ours, region) in spellings.items():
        place = run.place()
        place.webhook(json.dumps(received("STOP", sender=theirs, autoresponse="STOP")).encode())
        well, page = place.typed(ours, region)
        yield Seen(f"STOP from {theirs}, then phone={ours}", page, not well and "START" in page)


# -- What is shown and logged


@row("F9")
def counts(run: Run) -> Iterator[Seen]:
    """What a killed worker left half-written hides no other number."""
    folder = Path(tempfile.mkdtemp(prefix="textproof-field-"))
    run.ends.callback(shutil.rmtree, folder, ignore_errors=True)
    place = Place(run.ends, {"PROMETHEUS_MULTIPROC_DIR": str(folder)})
    for name, left in {"counter_99999.db": b"", "histogram_99999.db": b"\xff" * 40}.items():
        (folder / name).write_bytes(left)
        answer = place.person().get("/metrics")
        well = answer.status == 200 and "textproof_alarms_total" in answer.text  # noqa: PLR2004 - HTTP's own
        yield Seen(f"{name} with {left[:4]!r}", str(answer.status), well)


@row("F13")
def masks(run: Run) -> Iterator[Seen]:
    """At least half of a number stays hidden."""
    place = run.place()
    for number, region in {"+6907290": "TK", "+4915123456787": "DE", fresh_number(): "US"}.items():
        place.lines("")
        place.typed(number, region)
        (line,) = place.lines("verification_started")
        hidden = line["to"].count("•")
        yield Seen(f"phone={number}, in the log", line["to"], hidden * 2 >= len(number) - 1)


def _told(*lines: Mapping[str, Any]) -> str:
    parts = ("event", "code", "why", "do")
    return "; ".join(" ".join(str(line[part]) for part in parts if part in line) for line in lines)


def _here(place: Place, url: str) -> str:
    return place.service.url + "/webhooks" + url.partition("/webhooks")[2]


def main(names: list[str]) -> int:
    """Try the rows of these names, or all; return how many were not right."""
    wrong = 0
    with ExitStack() as ends:
        run = Run(ends)
        for name in sorted(names or ROWS, key=lambda one: (one[0] != "F", int(one[1:]))):
            for seen in ROWS[name](run):
                wrong += not seen.well
                mark = "" if seen.well else "WRONG: "
                print(f"{name:{WIDTHS[0]}} {seen.tried:{WIDTHS[1]}} {mark}{seen.answer}", flush=True)
    print(f"{wrong} not right.")
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
