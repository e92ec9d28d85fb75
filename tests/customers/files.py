"""Files that people upload: documents, and what only looks like them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image, PngImagePlugin

CANARY = b"CANARY-7f3d-nobody-may-read-this"


@cache
def picture(
    kind: str = "PNG", *, width: int = 320, height: int = 200, colour: str = "teal"
) -> bytes:
    """A picture of one colour with a lighter corner, so that turning it shows."""
    drawn = Image.new("RGB", (width, height), colour)
    drawn.paste("white", (0, 0, width // 4, height // 4))
    return saved(drawn, kind)


def saved(drawn: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    drawn.save(out, kind, **options)
    return out.getvalue()


def with_exif(*, orientation: int = 1) -> bytes:
    """A JPEG that says where it was taken, by whom, and which side is up."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = CANARY.decode()
    exif.get_ifd(0x8825).update({1: "S", 2: (34.0, 54.0, 11.0), 3: "W", 4: (56.0, 9.0, 52.0)})
    drawn = Image.open(io.BytesIO(picture("JPEG")))
    return saved(drawn, "JPEG", exif=exif, comment=CANARY)


def with_text() -> bytes:
    """A PNG with words in its chunks."""
    words = PngImagePlugin.PngInfo()
    words.add_text("Author", CANARY.decode())
    return saved(Image.open(io.BytesIO(picture())), "PNG", pnginfo=words)


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "green")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def bomb(*, width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it is so large."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\x00" * 100_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def pdf(*, pages: int = 1, catalog: str = "", extra: str = "", trailer: str = "") -> bytes:
    """A small PDF; `catalog`, `extra` objects and `trailer` are written as they are given."""
    kids = " ".join(f"{3 + number} 0 R" for number in range(pages))
    objects = [
        f"1 0 obj\n<< /Type /Catalog /Pages 2 0 R {catalog} >>\nendobj",
        f"2 0 obj\n<< /Type /Pages /Kids [{kids}] /Count {pages} >>\nendobj",
    ]
    objects += [
        f"{3 + number} 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] >>\nendobj"
        for number in range(pages)
    ]
    if extra:
        objects.append(f"{3 + pages} 0 obj\n{extra}\nendobj")
    out, offsets = b"%PDF-1.5\n", []
    for one in objects:
        offsets.append(len(out))
        out += one.encode("latin-1") + b"\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    start = len(out)
    size = len(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}".encode()
    out += (
        f"trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    )
    return out


def hidden_script() -> bytes:
    """A PDF whose script stands in a packed object stream."""
    return packed_catalog("/OpenAction << /S /JavaScript /JS (app.alert(1)) >>")


def packed_catalog(
    catalog: str = "",
    *,
    said: str = "/Type /ObjStm",
    filters: str = "/Filter /FlateDecode",
    pack: Callable[[bytes], bytes] = zlib.compress,
) -> bytes:
    """A PDF whose catalog stands in an object stream, as most programs write it today.

    `said` and `filters` are written into that stream's dictionary, `pack` packs it.
    """
    one = f"<< /Type /Catalog /Pages 2 0 R {catalog} >> "
    two = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    head = f"1 0 2 {len(one)} "
    folded = pack((head + one + two).encode())
    told = f"/N 2 /First {len(head)} /Length {len(folded)}"
    parts = [
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] >>\nendobj\n",
        f"4 0 obj\n<< {said} {told} {filters} >>\nstream\n".encode()
        + folded
        + b"\nendstream\nendobj\n",
    ]
    out, rows = b"%PDF-1.5\n", [(0, 0, 65535), (2, 4, 0), (2, 4, 1)]
    for part in parts:
        rows.append((1, len(out), 0))
        out += part
    start = len(out)
    rows.append((1, start, 0))
    table = b"".join(struct.pack(">BIH", *row) for row in rows)
    out += (
        f"5 0 obj\n<< /Type /XRef /Size 6 /W [1 4 2] /Root 1 0 R /Length {len(table)} >>".encode()
    )
    return (
        out + b"\nstream\n" + table + f"\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n".encode()
    )
