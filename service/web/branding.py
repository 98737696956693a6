"""Branding: what an operator may change of the pages, a logo, a colour, links, and templates of their own.

None of it loosens the content policy: the logo and the colour are served from here, as part of our own files.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader

from ..colours import lightened, mix

TEMPLATES = Path(__file__).parents[2] / "templates"
ACCENT = "#0b5c54"  # of style.css and icon.svg
PAPER, GROUND = "#161e1c", "#0e1413"  # of style.css, in the dark
LOGO_HEIGHT = 28  # CSS pixels
SIDE = rb"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
VIEW_BOX = re.compile(rb'viewBox="[-0-9.]+[ ,]+[-0-9.]+[ ,]+' + SIDE + rb"[ ,]+" + SIDE + rb'"')
RATIO_MAX = 8  # ours: wider, and a small phone has no room for it


@dataclass(frozen=True, slots=True)
class Branding:
    """Everything but the brand, which messages have too. Empty is ours, or none."""

    logo: str = ""
    """A file, SVG or PNG."""
    accent: str = ""
    support: str = ""
    terms: str = ""
    privacy: str = ""
    templates: str = ""
    """A folder."""

    def loader(self) -> BaseLoader:
        """Return what finds templates: the operator's first, then ours, which are always there as `textproof/…`."""
        ours = FileSystemLoader(TEMPLATES)
        own = [FileSystemLoader(self.templates)] if self.templates else []
        return ChoiceLoader([*own, ours, PrefixLoader({"textproof": ours})])

    @property
    def logo_name(self) -> str:
        """What the logo is called among our static files."""
        return f"logo{Path(self.logo).suffix.lower()}" if self.logo else "icon.svg"

    @property
    def logo_width(self) -> int:
        """How wide the logo is beside the brand, in CSS pixels: said in the page, so that nothing moves."""
        width, height = _size(Path(self.logo)) if self.logo else (1, 1)
        return round(LOGO_HEIGHT * min(width / height, RATIO_MAX))

    def styles(self) -> str:
        """Return what comes after our sheet."""
        if not self.accent:
            return ""
        dark = lightened(self.accent, until=7, on=mix(PAPER, self.accent, 0.2))
        return (
            f":root {{ --accent: {self.accent}; --strong: {mix(self.accent, '#000000', 0.25)}; "
            f"--tint: {mix('#ffffff', self.accent, 0.08)}; }}\n"
            "@media (prefers-color-scheme: dark) { :root { "
            f"--accent: {dark}; --strong: {mix(dark, '#ffffff', 0.4)}; --on-accent: {GROUND}; "
            f"--tint: {mix(PAPER, self.accent, 0.2)}; }} }}\n"
        )


def _size(picture: Path) -> tuple[float, float]:
    """Return the width and the height of an SVG or PNG; a square where it does not say."""
    content = picture.read_bytes()
    if content.startswith(b"\x89PNG"):
        width, height = struct.unpack(">II", content[16:24])
    else:
        found = VIEW_BOX.search(content)
        width, height = (float(found[1]), float(found[2])) if found else (1, 1)
    return (width, height) if width and height else (1, 1)
