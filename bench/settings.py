"""What is written about settings, from where they are stated (`service/config.py`): `make docs`.

`config.cfg.example` has every setting with its default; `docs/settings.md` every setting in tables; the README the ten
that a first user needs. `docs/limits.md` has every limit, from `service/verification/limits.py`.
"""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

from service.config import KEYS, PREFIX, SECTIONS, Settings, written
from service.verification.limits import TABLE

ROOT = Path(__file__).parents[1]
WIDTH = 118
FIRST = (
    "SENDER",
    "API_KEY",
    "FROM_NUMBER",
    "COUNTRY_CODE",
    "ALLOWED_REGIONS",
    "TOKEN_LENGTH",
    "BRAND",
    "PUBLIC_URL",
    "REDIS_URL",
    "SECRET_KEY",
)
BEGIN, END = "<!-- settings: made by `make docs` -->\n", "<!-- end of settings -->"
LIMITS_BEGIN, LIMITS_END = "<!-- limits: made by `make docs` -->\n", "<!-- end of limits -->"


def example() -> str:
    """Return `config.cfg.example`."""
    return "\n".join(_example()) + "\n"


def _example() -> Iterator[str]:
    yield from _comment(
        "Textproof's settings. Copy this file to config.cfg; as it stands, it starts the demo. It is made from "
        "service/config.py by `make docs`."
    )
    yield "#"
    yield from _comment(
        "The file is Python: text in quotes, True or False, lists in [ ]. Each setting can also be given in the "
        f"environment as {PREFIX}<NAME>, which wins over this file; lists have commas there. A secret can be read from "
        f"a file: {PREFIX}API_KEY_FILE=/run/secrets/api_key."
    )
    for section, note in SECTIONS.items():
        yield f"\n# ---- {section} ".ljust(WIDTH, "-")
        yield from _comment(note)
        for key in _of(section):
            facts, default = KEYS[key].metadata, written(KEYS[key].default)
            yield ""
            yield from _comment(facts["sentence"])
            yield from _comment(f"{_sized(facts['kind'].says)}. {_like(key)}".strip())
            if key == "SENDER":
                yield 'SENDER = "demo"'
            elif facts["shown"]:
                yield f"# {key}: {facts['shown']}"
            else:
                yield f"{key} = {default}"


def table() -> str:
    """Return `docs/settings.md`."""
    return "\n".join(_table()) + "\n"


def _table() -> Iterator[str]:
    yield "# Settings\n"
    yield "Made from `service/config.py` by `make docs`.\n"
    yield (
        "They come from `config.cfg` (or the file that `TEXTPROOF_CONFIG` names), which is Python, and from the "
        f"environment as `{PREFIX}<NAME>`, which wins;\nlists have commas there. A secret can be read from a file: "
        f"`{PREFIX}API_KEY_FILE=/run/secrets/api_key`. What is wrong is said at once, all of it, before anything "
        "starts.\n`textproof settings` prints what is in force and where each value came from."
    )
    for section, note in SECTIONS.items():
        yield f"\n## {section}\n"
        if note:
            yield f"{note}\n"
        yield from _rows(_of(section))


def summary() -> str:
    """Return the README's table: of each setting the first sentence."""
    rows = ["| setting | default | what it is for |", "|---|---|---|"]
    for key in FIRST:
        sentence = KEYS[key].metadata["sentence"].partition(". ")[0].removesuffix(".")
        rows.append(f"| `{key}` | `{written(KEYS[key].default)}` | {sentence}. {_like(key, '`')}".rstrip() + " |")
    return "\n".join(rows) + "\n"


def _rows(keys: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
    yield "| setting | may be | default | what it is for |"
    yield "|---|---|---|---|"
    for key in keys:
        facts = KEYS[key].metadata
        default = facts["shown"] or f"`{written(KEYS[key].default)}`"
        words = f"{facts['sentence']} {_like(key, '`')}".strip()
        yield f"| `{key}` | {facts['kind'].says} | {default} | {words} |"


def _of(section: str) -> Iterator[str]:
    return (key for key in KEYS if KEYS[key].metadata["section"] == section)


def _like(key: str, quote: str = "") -> str:
    like = KEYS[key].metadata["example"]
    return f"Like {quote}{like}{quote}." if like else ""


def _sized(words: str) -> str:
    return words[:1].upper() + words[1:]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def limits() -> str:
    """Return the table of all limits."""
    rows = [
        "| limit | setting, as shipped | protects | spent by | refused then | way out |",
        "|---|---|---|---|---|---|",
    ]
    for row in TABLE:
        default = KEYS[row.setting].metadata["shown"] or written(KEYS[row.setting].default)
        watched = f"; `{row.observe}` in `OBSERVE`" if row.observe else ""
        name = f"`{row.setting}` = `{default}`{watched}"
        facts = (f"`{row.limit}`", name, row.protects, row.spent_by, row.refuses, row.way_out)
        rows.append(f"| {' | '.join(facts)} |")
    return "\n".join(rows) + "\n"


def put(text: str, begin: str, table: str, end: str) -> str:
    """Return a page with the table between its marks as it must be."""
    before, _, rest = text.partition(begin)
    return f"{before}{begin}{table}{end}{rest.partition(end)[2]}"


FILES: dict[str, Callable[[str], str]] = {
    "config.cfg.example": lambda _: example(),
    "docs/settings.md": lambda _: table(),
    "README.md": lambda text: put(text, BEGIN, summary(), END),
    "docs/limits.md": lambda text: put(text, LIMITS_BEGIN, limits(), LIMITS_END),
}
"""Each file, and what makes it out of what it was."""


def main() -> None:
    """Write them all."""
    for name, make in FILES.items():
        path = ROOT / name
        path.write_text(make(path.read_text() if path.exists() else ""))
    Settings.load({"TEXTPROOF_CONFIG": str(ROOT / "config.cfg.example")})


if __name__ == "__main__":
    main()
