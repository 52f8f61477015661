"""Draw ``public/icon-*.png`` after ``public/icon.svg``, for phones that want pictures: ``python web/icons.py``."""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw

PUBLIC = Path(__file__).parent / "public"
SIZES = (192, 512)
FINE = 4
"""Drawn so many times larger, then made smaller, for smooth edges."""


def draw(size: int) -> Image.Image:
    """Return the icon: a ring that closes, on the colour of the navigation; full to the edge, for masks."""
    scale = size * FINE / 64
    image = Image.new("RGB", (size * FINE, size * FINE), "#0d3b4f")
    pen = ImageDraw.Draw(image)

    def box(radius: float, centre: float = 32) -> tuple[float, float, float, float]:
        return ((centre - radius) * scale, (centre - radius) * scale, (centre + radius) * scale, (centre + radius) * scale)

    pen.arc(box(17), start=10, end=332, fill="#4fd1b5", width=round(5.4 * scale))
    for angle in (10,):
        x, y = 32 + 14.3 * math.cos(math.radians(angle)), 32 + 14.3 * math.sin(math.radians(angle))
        pen.ellipse([(x - 2.7) * scale, (y - 2.7) * scale, (x + 2.7) * scale, (y + 2.7) * scale], fill="#4fd1b5")
    pen.polygon([(part[0] * scale, part[1] * scale) for part in ((49.4, 16.6), (47.9, 26.9), (38.4, 22.6))], fill="#4fd1b5")
    pen.ellipse(box(5.4), fill="#ffffff")
    return image.resize((size, size), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    for wanted in SIZES:
        draw(wanted).save(PUBLIC / f"icon-{wanted}.png", optimize=True)
