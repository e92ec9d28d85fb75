"""Drawing invented documents and faces: real-looking, and plainly marked SPECIMEN."""

import random
from datetime import date
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from sandbox.lux.papers import Paper

PAPER = (1240, 870)
CARD = (1200, 760)
TINTS = ((198, 222, 214), (214, 220, 240), (238, 222, 206), (226, 214, 236), (216, 232, 200))
INKS = ((18, 70, 62), (30, 44, 110), (120, 52, 24), (84, 36, 104), (44, 82, 20))
SKINS = ((246, 214, 186), (232, 190, 156), (206, 156, 118), (164, 112, 78), (112, 74, 52))
HAIRS = ((34, 26, 22), (66, 44, 28), (120, 78, 44), (178, 140, 82), (150, 150, 150))
SHIRTS = ((60, 84, 132), (150, 60, 60), (70, 110, 80), (90, 90, 96), (190, 170, 120))

Colour = tuple[int, int, int]


def picture(paper: Paper, name: str) -> bytes:
    """One picture of a document as a JPEG; `name` is what the provider calls it."""
    if name == "selfie":
        drawn = _selfie(paper)
    elif name == "document_back":
        drawn = _back(paper)
    else:
        drawn = _front(paper)
    out = BytesIO()
    drawn.save(out, "JPEG", quality=88)
    return out.getvalue()


def _front(paper: Paper) -> Image.Image:
    is_passport = paper.kind == "passport"
    tint, ink = _colours(paper)
    drawn, draw = _sheet(PAPER if is_passport else CARD, tint, ink, paper.number)
    wide, high = drawn.size
    titles = {"passport": "PASSPORT", "national_id": "IDENTITY CARD"}
    draw.rectangle((0, 0, wide, 84), fill=ink)
    _text(draw, (40, 22), paper.country[1], 36, (255, 255, 255))
    title = titles.get(paper.kind, "DRIVING LICENCE")
    _text(draw, (wide - 40, 22), title, 36, (255, 255, 255), anchor="ra")
    drawn.paste(face(paper.face, (330, 420)), (44, 118))
    draw.rectangle((44, 118, 374, 538), outline=ink, width=3)
    y = 116
    for label, value in _fields(paper):
        _text(draw, (412, y), label, 19, ink)
        _text(draw, (412, y + 22), value, 31, (24, 24, 28))
        y += 71
    _signature(draw, paper, (60, 590))
    if is_passport:
        _machine(draw, paper, drawn.size, size=38)
    return _finish(drawn)


def _back(paper: Paper) -> Image.Image:
    tint, ink = _colours(paper)
    drawn, draw = _sheet(CARD, tint, ink, f"{paper.number} back")
    wide, high = drawn.size
    draw.rectangle((0, 40, wide, 130), fill=(38, 38, 42))
    if paper.kind == "drivers_license":
        rows = [("9", "CATEGORIES", "B  B1  AM"), ("10", "FROM", _day(paper.issued))]
        rows += [("11", "UNTIL", _day(paper.expires)), ("12", "RESTRICTIONS", "01.06")]
        for number, (code, label, value) in enumerate(rows):
            y = 180 + number * 92
            draw.rectangle((44, y, wide - 44, y + 78), outline=ink, width=2)
            _text(draw, (62, y + 22), f"{code}.  {label}", 26, ink)
            _text(draw, (520, y + 18), value, 32, (24, 24, 28))
        return _finish(drawn)
    _text(draw, (44, 170), "ADDRESS", 19, ink)
    _text(draw, (44, 194), f"{paper.address}, {paper.place}", 30, (24, 24, 28))
    _text(draw, (44, 262), "AUTHORITY", 19, ink)
    _text(draw, (44, 286), f"CIVIL REGISTRY OF {paper.country[1]}", 30, (24, 24, 28))
    bars = random.Random(paper.number)
    x = 44
    while x < 520:
        width = bars.choice((3, 3, 5, 8))
        draw.rectangle((x, 360, x + width, 440), fill=(24, 24, 28))
        x += width + bars.choice((4, 6, 9))
    _machine(draw, paper, drawn.size, size=44)
    return _finish(drawn)


def _fields(paper: Paper) -> list[tuple[str, str]]:
    born, expires = _day(paper.born), _day(paper.expires)
    return [
        ("SURNAME", paper.last),
        ("GIVEN NAMES", paper.first),
        ("NATIONALITY", paper.country[2]),
        ("DATE OF BIRTH", f"{born}        SEX  {paper.sex}"),
        ("DOCUMENT NUMBER", paper.number),
        ("DATE OF ISSUE / OF EXPIRY", f"{_day(paper.issued)}  /  {expires}"),
        ("PLACE", paper.place),
    ]


def _selfie(paper: Paper) -> Image.Image:
    """The person in front of a wall, a little askew, as phones take them."""
    dice = random.Random(f"selfie of {paper.selfie}")
    wall = dice.choice(((206, 212, 214), (222, 214, 200), (190, 204, 190), (214, 200, 206)))
    drawn = Image.new("RGB", (900, 1100), wall)
    draw = ImageDraw.Draw(drawn)
    for x in range(0, 900, 150):
        draw.line((x + dice.randrange(-8, 8), 0, x, 1100), fill=_darker(wall, 10), width=4)
    person = face(paper.selfie, (760, 960), backdrop=wall)
    drawn.paste(person, (70, 140))
    turned = drawn.rotate(dice.uniform(-3, 3), fillcolor=wall, resample=Image.Resampling.BICUBIC)
    return _finish(turned.filter(ImageFilter.GaussianBlur(1.1)))


def face(seed: str, size: tuple[int, int], backdrop: Colour = (224, 228, 232)) -> Image.Image:
    """A drawn face, the same for the same seed. Twice as large first, so that edges are smooth."""
    dice = random.Random(seed)
    skin, hair, shirt = dice.choice(SKINS), dice.choice(HAIRS), dice.choice(SHIRTS)
    jaw, brow, mouth = dice.uniform(0.9, 1.1), dice.uniform(-6, 6), dice.uniform(0.7, 1.3)
    is_long, has_beard, has_glasses = dice.random() < 0.5, dice.random() < 0.3, dice.random() < 0.3
    drawn = Image.new("RGB", (660, 840), backdrop)
    draw = ImageDraw.Draw(drawn)
    if is_long:
        draw.rounded_rectangle((135, 150, 525, 650), 150, fill=hair)
    draw.ellipse((40, 640, 620, 1080), fill=shirt)
    draw.rounded_rectangle((270, 520, 390, 720), 40, fill=_darker(skin, 18))
    wide = 165 * jaw
    draw.ellipse((330 - wide - 22, 350, 330 - wide + 30, 450), fill=_darker(skin, 10))
    draw.ellipse((330 + wide - 30, 350, 330 + wide + 22, 450), fill=_darker(skin, 10))
    draw.ellipse((330 - wide, 170, 330 + wide, 620), fill=skin)
    if has_beard:
        draw.chord((330 - wide, 240, 330 + wide, 622), 20, 160, fill=_darker(hair, -12))
    draw.chord((330 - wide - 14, 130, 330 + wide + 14, 470), 185, 355, fill=hair)
    for side in (-1, 1):
        x = 330 + side * 72
        draw.ellipse((x - 34, 372, x + 34, 410), fill=(250, 250, 250))
        draw.ellipse((x - 15, 374, x + 15, 408), fill=_darker(hair, -20))
        draw.ellipse((x - 6, 384, x + 6, 398), fill=(10, 10, 12))
        draw.line((x - 40, 346 + side * brow, x + 40, 346 - side * brow), fill=hair, width=11)
        if has_glasses:
            draw.ellipse((x - 54, 346, x + 54, 440), outline=(40, 40, 44), width=7)
    if has_glasses:
        draw.line((312, 390, 348, 390), fill=(40, 40, 44), width=7)
    draw.line((330, 400, 314, 476, 340, 480), fill=_darker(skin, 40), width=7, joint="curve")
    half = 56 * mouth
    draw.chord((330 - half, 505, 330 + half, 560), 10, 170, fill=(176, 82, 82))
    return drawn.resize(size, Image.Resampling.LANCZOS)


def _sheet(
    size: tuple[int, int], tint: Colour, ink: Colour, seed: str
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Tinted paper with fine waves, as security printers make it."""
    drawn = Image.new("RGB", size, tint)
    draw = ImageDraw.Draw(drawn)
    dice = random.Random(seed)
    line = tuple((3 * one + other) // 4 for one, other in zip(tint, ink, strict=True))
    for offset in range(-200, size[1] + 200, 26):
        sway = dice.randrange(20, 44)
        points = [
            (x, offset + (sway if (x // 80) % 2 else -sway) * (1 if offset % 52 else -1))
            for x in range(-80, size[0] + 160, 80)
        ]
        draw.line(points, fill=line, width=2, joint="curve")
    return drawn, draw


def _machine(draw: ImageDraw.ImageDraw, paper: Paper, sheet: tuple[int, int], *, size: int) -> None:
    """The lines for machines, along the lower edge."""
    wide, high = sheet
    lines, step = paper.machine_lines, size + 16
    top = high - step * len(lines) - 24
    draw.rectangle((0, top - 16, wide, high), fill=(246, 246, 242))
    for number, line in enumerate(lines):
        _spaced(draw, (40, top + number * step), line, size, width=wide - 80)


def _spaced(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], line: str, size: int, *, width: int
) -> None:
    """Characters in equal steps, as machines want them."""
    step = width / len(line)
    for place, char in enumerate(line):
        spot = (round(at[0] + (place + 0.5) * step), at[1])
        _text(draw, spot, char, size, (20, 20, 24), anchor="ma")


def _signature(draw: ImageDraw.ImageDraw, paper: Paper, at: tuple[int, int]) -> None:
    dice = random.Random(f"{paper.first} {paper.last}")
    points = [(at[0] + step * 14, at[1] + dice.randrange(-26, 26) + step) for step in range(18)]
    draw.line(points, fill=(26, 34, 96), width=4, joint="curve")


def _finish(drawn: Image.Image) -> Image.Image:
    """SPECIMEN across it: nobody is to take it for what it looks like."""
    font = ImageFont.load_default(drawn.width // 8)
    layer = Image.new("RGBA", drawn.size)
    ImageDraw.Draw(layer).text(
        (drawn.width // 2, drawn.height // 2),
        "SPECIMEN",
        font=font,
        fill=(190, 30, 30, 62),
        anchor="mm",
    )
    turned = layer.rotate(18, resample=Image.Resampling.BICUBIC)
    drawn.paste(turned, (0, 0), turned)
    return drawn


def _text(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    size: int,
    colour: Colour,
    anchor: str = "la",
) -> None:
    draw.text(at, text, font=ImageFont.load_default(size), fill=colour, anchor=anchor)


def _colours(paper: Paper) -> tuple[Colour, Colour]:
    number = sum(map(ord, paper.country[0])) % len(TINTS)
    return TINTS[number], INKS[number]


def _darker(colour: Colour, by: int) -> Colour:
    red, green, blue = (min(255, max(0, part - by)) for part in colour)
    return red, green, blue


def _day(day: date) -> str:
    return f"{day:%d %b %Y}".upper()
