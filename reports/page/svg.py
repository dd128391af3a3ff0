"""A figure's SVG as a part of a page: looks as attributes, for a strict policy lets no style stand in an element."""

import re
from html import escape

HEADER = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL
)
NAMESPACES = re.compile(r' xmlns(:\w+)?="[^"]*"')
"""HTML knows them."""
STYLE = re.compile(r' style="([^"]*)"')
ROOT = 'stroke-linejoin="round" stroke-linecap="butt"'
"""What the style element of matplotlib's files says."""
NAMES = re.compile(r'(\bid="|\bhref="#|url\(#)')


def inline(svg: str, prefix: str, title: str) -> str:
    """Return the picture as an element of a page.

    Args:
        prefix: of its ids, which may not be those of another picture.
        title: for those who cannot see it.
    """
    text = NAMESPACES.sub("", HEADER.sub("", svg)).replace("xlink:href", "href")
    text = STYLE.sub(lambda found: _attributes(found[1]), text)
    text = NAMES.sub(lambda found: f"{found[1]}{prefix}-", text).strip()
    return text.replace("<svg ", f'<svg {ROOT} role="img" aria-label="{escape(title)}" ', 1)


def _attributes(style: str) -> str:
    pairs = (part.partition(":") for part in style.split(";") if part.strip())
    return "".join(f' {name.strip()}="{value.strip()}"' for name, _, value in pairs)
