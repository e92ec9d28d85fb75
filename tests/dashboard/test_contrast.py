"""Colours are named in one file; what is written in them can be read, light and dark."""

import re
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings

CSS = Path(settings.BASE_DIR) / "static" / "css"
GROUNDS = ["paper", "desk", "panel", "raised", "pressed"]
TONES = ["good", "warn", "bad", "wait", "accent"]

# What is written on what: at least 4.5 to 1 (WCAG 2.2, 1.4.3).
WORDS = [
    *product(["ink", "quiet"], GROUNDS),
    *product(TONES, ["panel", "raised", "paper"]),
    *((tone, f"{tone}-soft") for tone in TONES),
    *(("ink", f"{tone}-soft") for tone in TONES),
    ("quiet", "accent-soft"),
    ("quiet", "warn-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("on-bad", "bad"),
]
# The borders of inputs and the focus ring: at least 3 to 1 (1.4.11).
EDGES = [*product(["line-strong", "accent"], ["panel", "paper", "raised"])]


def colours(theme: str) -> dict[str, str]:
    """Return the value of every colour role in one theme."""
    pairs = re.findall(
        r"--([\w-]+):\s*light-dark\((#\w+),\s*(#\w+)\)", (CSS / "tokens.css").read_text()
    )
    return {name: light if theme == "light" else dark for name, light, dark in pairs}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
class TestContrast:
    @pytest.mark.parametrize(("words", "ground"), WORDS)
    def test_lets_words_be_read(self, words: str, ground: str, theme: str) -> None:
        role = colours(theme)

        assert ratio(role[words], role[ground]) >= 4.5

    @pytest.mark.parametrize(("edge", "ground"), EDGES)
    def test_lets_edges_be_seen(self, edge: str, ground: str, theme: str) -> None:
        role = colours(theme)

        assert ratio(role[edge], role[ground]) >= 3


class TestStylesheets:
    @pytest.mark.parametrize("name", ["frame.css", "components.css"])
    def test_name_no_colour_outside_the_tokens(self, name: str) -> None:
        source = (CSS / name).read_text()

        assert re.findall(r":[^;{}]*(#[0-9a-f]{3,8}\b|rgba?\(|hsla?\()", source) == []

    @pytest.mark.parametrize("name", ["frame.css", "components.css"])
    def test_use_no_token_that_is_not_there(self, name: str) -> None:
        known = set(re.findall(r"(--[\w-]+):", (CSS / "tokens.css").read_text()))

        assert set(re.findall(r"var\((--[\w-]+)\)", (CSS / name).read_text())) <= known

    def test_load_nothing_from_elsewhere(self) -> None:
        for sheet in CSS.glob("*.css"):
            assert "url(" not in sheet.read_text()
            assert "@import" not in sheet.read_text()
