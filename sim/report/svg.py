"""A drawing as SVG text: from matplotlib's file to an element of our page, and from that to a file of its own."""

import re
from xml.sax.saxutils import escape


def clean(svg: str, key: str, title: str, description: str, ink: str) -> str:
    """The bare svg element: unique ids, a title and a description, two decimals, `ink` (#rrggbb) as currentColor.

    key: what its ids begin with, unlike any other's on the page.
    """
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'\bid="', f'id="{key}-', svg)
    svg = re.sub(r"url\(#", f"url(#{key}-", svg)
    svg = re.sub(r'href="#', f'href="#{key}-', svg)
    svg = svg.replace(ink, "currentColor").replace("'DejaVu Sans'", "system-ui, 'Segoe UI', Roboto, sans-serif")
    svg = re.sub(
        r'( (?:d|x|y|x1|x2|y1|y2|transform|width|height|points)=")([^"]*)"',
        lambda match: match[1] + re.sub(r"-?\d+\.\d{3,}", _two_decimals, match[2]) + '"',
        svg,
    )
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height|version)="[^"]*"', "", head)
    labels = f' role="img" aria-labelledby="{key}-title {key}-desc"'
    return (
        f'{head}{labels}>\n<title id="{key}-title">{escape(title)}</title>\n'
        f'<desc id="{key}-desc">{escape(description)}</desc>{rest}\n'
    )


def standing_alone(svg: str) -> str:
    """The same as a file of its own: it brings ink and paper for light and dark."""
    paper = (
        "<style>:root{color:#1b1f24;background:#fff}"
        "@media(prefers-color-scheme:dark){:root{color:#e6e8ea;background:#15181c}}</style>"
    )
    head, rest = svg.split(">", 1)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}>{paper}{rest}'


def _two_decimals(match: "re.Match[str]") -> str:
    text = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
