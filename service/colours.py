"""Colour arithmetic: contrast, mixing, lightening.

WCAG 2.2, definitions of relative luminance and contrast ratio. A colour is written `#rrggbb`.
"""

from itertools import count


def contrast(one: str, other: str) -> float:
    """Return how far two colours are apart, 1 to 21; text needs 4.5 (WCAG 2.2, 1.4.3), or 7 (1.4.6)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Return a colour between two: `one` for a share of 0, `other` for 1."""
    parts = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def lightened(colour: str, *, until: float, on: str) -> str:
    """Return a colour as it is, or mixed with as much white as it takes to be read on `on`."""
    shades = (mix(colour, "#ffffff", step / 20) for step in count())
    return next(shade for shade in shades if shade == "#ffffff" or contrast(shade, on) >= until)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's own border


def _parts(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))
