"""Small pictures of pages: PNGs of at most 256 colours. The browser counts the colours, we write the file."""

import base64
import struct
import zlib

from playwright.sync_api import Page

# Keeps the 256 commonest colours; every other becomes the nearest of them.
TO_PALETTE = """async (png) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const { data } = canvas.getImageData(0, 0, width, height);
  const colours = new Uint32Array(data.buffer);
  const counts = new Map();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const palette = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 256).map(([colour]) => colour);
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  const known = new Map(palette.map((colour, place) => [colour, place]));
  const nearest = (colour) => {
    const [red, green, blue] = parts(colour);
    let best = 0, least = Infinity;
    palette.forEach((other, place) => {
      const [r, g, b] = parts(other);
      const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
      if (distance < least) [best, least] = [place, distance];
    });
    known.set(colour, best);
    return best;
  };
  const pixels = Uint8Array.from(colours, (colour) => known.get(colour) ?? nearest(colour));
  let text = "";
  for (let start = 0; start < pixels.length; start += 32768) {
    text += String.fromCharCode(...pixels.subarray(start, start + 32768));
  }
  return { width, height, palette: palette.flatMap(parts), pixels: btoa(text) };
}"""


def shrink(page: Page, png: bytes) -> bytes:
    """Return a picture with at most 256 colours; `page` is a blank page that does the counting."""
    image = page.evaluate(TO_PALETTE, base64.b64encode(png).decode())
    width, height = image["width"], image["height"]
    pixels = base64.b64decode(image["pixels"])
    lines = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", bytes(image["palette"])), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
