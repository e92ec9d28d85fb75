"""Decoding pictures and making them anew. Runs in the child process alone; imports no Django."""

from __future__ import annotations

from io import BytesIO
from typing import Final

# Every plugin and codec is loaded now: the child may open no file once it has read its orders.
from PIL import (
    Image,
    ImageDraw,
    ImageFont,
    ImageOps,
    JpegImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from customers.documents.reasons import NotTaken, Reason

Image.preinit()
Image.MAX_IMAGE_PIXELS = None  # `_open` counts them itself, before anything is decoded

LONGEST_EDGE: Final = 4000  # of what is kept: enough to read the smallest print of a card
SHOWN_EDGE: Final = 2000
MOST_KEPT_AS_PNG: Final = 8_000_000  # bytes; noise is kept as JPEG
FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_GREY: Final = frozenset({"1", "L", "LA", "I", "I;16", "F"})
_TILE_ANGLE: Final = 24


def remake(content: bytes, media_type: str, *, most_pixels: int) -> tuple[dict[str, object], bytes]:
    """Decode a picture and write it anew: only what can be seen of it is left.

    Returns its facts and its bytes. Raises NotTaken.
    """
    with _open(content, media_type, most_pixels=most_pixels) as picture:
        if picture.format != "MPO" and getattr(picture, "is_animated", False):
            raise NotTaken(Reason.ANIMATED)  # MPO: what phones call a JPEG with a preview behind it
        picture.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    flat = _flat(upright)
    flat.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS)
    made, made_type = _written(flat, media_type)
    return {"media_type": made_type, "width": flat.width, "height": flat.height, "pages": 1}, made


def read(content: bytes, media_type: str, *, most_pixels: int) -> Image.Image:
    """A picture of ours, ready to be shown. Raises NotTaken."""
    with _open(content, media_type, most_pixels=most_pixels) as picture:
        picture.draft("RGB", (SHOWN_EDGE, SHOWN_EDGE))
        picture.load()
        return _flat(picture)


def shown(picture: Image.Image, *, mark: str) -> bytes:
    """The picture as a JPEG with `mark` all over it."""
    picture.thumbnail((SHOWN_EDGE, SHOWN_EDGE), Image.Resampling.LANCZOS)
    seen = picture.convert("RGB")
    _draw_mark(seen, mark)
    out = BytesIO()
    seen.save(out, "JPEG", quality=85)
    return out.getvalue()


def _open(content: bytes, media_type: str, *, most_pixels: int) -> Image.Image:
    """The picture, its header read and nothing decoded. Raises NotTaken."""
    picture = Image.open(BytesIO(content), formats=(FORMATS[media_type],))
    if picture.width * picture.height > most_pixels:
        raise NotTaken(Reason.TOO_MANY_PIXELS)
    return picture


def _flat(picture: Image.Image) -> Image.Image:
    """The picture in plain colours: what is transparent lies on white."""
    if picture.mode in _GREY and "transparency" not in picture.info and picture.mode != "LA":
        grey = picture if picture.mode != "I;16" else picture.point(lambda level: level / 256)
        return grey.convert("L")
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        white = Image.new("RGB", seen.size, "white")
        white.paste(seen, mask=seen.getchannel("A"))
        return white
    return picture.convert("RGB")


def _written(picture: Image.Image, media_type: str) -> tuple[bytes, str]:
    """A new file from the pixels alone, and its type: PNG stays PNG where that is not too much."""
    bare = Image.new(picture.mode, picture.size)  # carries nothing over: no EXIF, no colour profile
    bare.paste(picture)
    out = BytesIO()
    if media_type == "image/png":
        bare.save(out, "PNG")
        if out.tell() <= MOST_KEPT_AS_PNG:
            return out.getvalue(), "image/png"
        out = BytesIO()
    bare.save(out, "JPEG", quality=90)
    return out.getvalue(), "image/jpeg"


def _draw_mark(picture: Image.Image, mark: str) -> None:
    """Lay the words over the whole picture, translucent and readable on dark and on light."""
    size = max(12, picture.width // 34)
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(mark)
    tile = Image.new("RGBA", (int(right - left) + size * 3, int(bottom - top) + size * 2))
    draw = ImageDraw.Draw(tile)
    draw.text((size - left, size - top + 1), mark, font=font, fill=(255, 255, 255, 100))
    draw.text((size - left, size - top), mark, font=font, fill=(20, 20, 30, 86))
    tile = tile.rotate(_TILE_ANGLE, expand=True, resample=Image.Resampling.BICUBIC)
    step_x, step_y = max(tile.width * 3 // 4, 1), max(tile.height * 2 // 3, 1)
    for row, y in enumerate(range(-tile.height // 2, picture.height, step_y)):
        for x in range(-tile.width // 2 - (row % 2) * step_x // 2, picture.width, step_x):
            picture.paste(tile, (x, y), tile)
