"""What is taken as a document, what is left of it, and every refusal with its own words."""

from __future__ import annotations

import io
import os
import signal
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from PIL import Image, ImageChops
from pytest_django import Settings

from customers.documents import checking, decoding
from customers.documents.checking import check, said
from customers.documents.reasons import NotTaken, Reason
from tests.customers import files
from tests.customers.files import CANARY

SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)
HTML = b"\xef\xbb\xbf \n<!DOCTYPE html><html><body onload=alert(1)></body></html>"
SCRIPT = b"<script>alert(document.cookie)</script>"
GIF = b"GIF89a/*" + b"\x00" * 20 + b"*/=1;alert(1)"
PNG, JPEG, WEBP = (files.picture(kind) for kind in ("PNG", "JPEG", "WEBP"))
HIDDEN_ZIP = files.packed(virus=b"boo")
ENCRYPTED = files.pdf(
    extra="<< /Filter /Standard /V 1 /R 2 /O <" + "41" * 32 + "> /U <" + "42" * 32 + "> /P -4 >>",
    trailer="/Encrypt 4 0 R /ID [<41424344> <41424344>]",
)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


REFUSED: list[tuple[str, bytes, str, Reason]] = [
    ("nothing", b"", "a.png", Reason.EMPTY),
    ("svg", SVG, "a.svg", Reason.SVG),
    ("svg called png", SVG, "a.png", Reason.SVG),
    ("svg in utf-16", SVG.decode().encode("utf-16"), "a.png", Reason.SVG),
    ("html", HTML, "a.jpg", Reason.HTML),
    ("script", SCRIPT, "a.png", Reason.HTML),
    ("xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>', "a.png", Reason.XML),
    ("exe", b"MZ\x90\x00" + b"\x00" * 100, "a.jpg", Reason.EXECUTABLE),
    ("elf", b"\x7fELF" + b"\x00" * 100, "a.png", Reason.EXECUTABLE),
    ("lnk", b"L\x00\x00\x00\x01\x14\x02\x00" + b"\x00" * 50, "a.pdf", Reason.EXECUTABLE),
    ("shell", b"#!/bin/sh\nrm -rf /\n", "a.png", Reason.EXECUTABLE),
    ("php", b"<?php system($_GET['c']); ?>", "a.php.png", Reason.EXECUTABLE),
    ("eicar", rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*", "a.png",
     Reason.OTHER),
    ("docm", files.packed(word=b"macro"), "a.png", Reason.ARCHIVE),
    ("zip", files.packed(a=b"1"), "a.zip", Reason.ARCHIVE),
    ("zip bomb", files.packed(a=b"0" * 20_000_000), "a.png", Reason.ARCHIVE),
    ("zip slip", files.packed(**{"../../etc/passwd": b"1"}), "a.pdf", Reason.ARCHIVE),
    ("gzip", b"\x1f\x8b\x08" + b"\x00" * 30, "a.png", Reason.ARCHIVE),
    ("old office", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 30, "a.png", Reason.ARCHIVE),
    ("gif with script", GIF, "a.png", Reason.OTHER_PICTURE),
    ("bmp", files.picture("BMP"), "a.bmp", Reason.OTHER_PICTURE),
    ("tiff", files.picture("TIFF"), "a.png", Reason.OTHER_PICTURE),
    ("jpeg 2000", b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00" * 30, "a.jpg", Reason.OTHER_PICTURE),
    ("fits", b"SIMPLE  =                    T" + b" " * 80, "a.png", Reason.OTHER_PICTURE),
    ("eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "a.png", Reason.OTHER_PICTURE),
    ("psd", b"8BPS\x00\x01" + b"\x00" * 30, "a.png", Reason.OTHER_PICTURE),
    ("heic", b"\x00\x00\x00\x18ftypheic" + b"\x00" * 30, "a.heic", Reason.OTHER_PICTURE),
    ("text", b"Dear Sir or Madam", "a.png", Reason.OTHER),
    ("jpeg called png", JPEG, "a.png", Reason.WRONG_EXTENSION),
    ("png called pdf", PNG, "passport.pdf", Reason.WRONG_EXTENSION),
    ("png called exe", PNG, "a.png.exe", Reason.WRONG_EXTENSION),
    ("pdf called jpg", files.pdf(), "a.jpg", Reason.WRONG_EXTENSION),
    ("png and html", PNG + b"<html><body>boo", "a.png", Reason.POLYGLOT),
    ("jpeg and zip", JPEG + HIDDEN_ZIP, "a.jpg", Reason.POLYGLOT),
    ("webp and php", WEBP + b"<?php boo", "a.webp", Reason.POLYGLOT),
    ("pdf and html", files.pdf(catalog="/A (<script >)"), "a.pdf", Reason.POLYGLOT),
    ("pdf and zip", files.pdf() + HIDDEN_ZIP, "a.pdf", Reason.POLYGLOT),
    ("pdf and more", files.pdf() + b"boo" * 500, "a.pdf", Reason.POLYGLOT),
    ("81 megapixels", files.bomb(width=9_000, height=9_000), "a.png", Reason.TOO_MANY_PIXELS),
    ("400 megapixels", files.bomb(width=20_000, height=20_000), "a.png", Reason.TOO_MANY_PIXELS),
    ("as wide as can be", files.bomb(width=2**31 - 1, height=2**31 - 1), "a.png",
     Reason.TOO_MANY_PIXELS),
    ("moving png", files.animated("PNG"), "a.png", Reason.ANIMATED),
    ("moving webp", files.animated("WEBP"), "a.webp", Reason.ANIMATED),
    ("half a png", PNG[: len(PNG) // 2], "a.png", Reason.CORRUPTED),
    ("half a jpeg", JPEG[: len(JPEG) // 2], "a.jpg", Reason.CORRUPTED),
    ("half a webp", WEBP[: len(WEBP) // 2], "a.webp", Reason.CORRUPTED),
    ("a png that lies", files.bomb(width=4_000, height=4_000), "a.png", Reason.CORRUPTED),
    ("a png of nothing", b"\x89PNG\r\n\x1a\n", "a.png", Reason.CORRUPTED),
    ("a pdf of nothing", b"%PDF-1.7\n", "a.pdf", Reason.CORRUPTED),
    ("encrypted pdf", ENCRYPTED, "a.pdf", Reason.ENCRYPTED_PDF),
    ("pdf with script", files.pdf(catalog="/OpenAction << /S /JavaScript /JS (1) >>"), "a.pdf",
     Reason.SCRIPTED_PDF),
    ("pdf with a spelled script", files.pdf(catalog="/OpenAction << /S /J#61vaScript >>"), "a.pdf",
     Reason.SCRIPTED_PDF),
    ("pdf with a packed script", files.hidden_script(), "a.pdf", Reason.SCRIPTED_PDF),
    ("pdf that starts programs", files.pdf(catalog="/OpenAction << /S /Launch /F (c) >>"), "a.pdf",
     Reason.SCRIPTED_PDF),
    ("pdf with files", files.pdf(catalog="/Names << /EmbeddedFiles << /Names [] >> >>"), "a.pdf",
     Reason.SCRIPTED_PDF),
    ("pdf of 21 pages", files.pdf(pages=21), "a.pdf", Reason.TOO_MANY_PAGES),
    ("pdf of no page", files.pdf(pages=0), "a.pdf", Reason.CORRUPTED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_is_refused_for_what_it_is(content: bytes, name: str, reason: Reason) -> None:
    started = time.monotonic()

    with pytest.raises(NotTaken) as refusal:
        check(content, name=name)

    assert refusal.value.reason == reason
    assert time.monotonic() - started < decoding.DEADLINE


SCRIPT = "/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"


def twice(content: bytes) -> bytes:
    return zlib.compress(zlib.compress(content))


def in_hex(content: bytes) -> bytes:
    return zlib.compress(content).hex().encode() + b">"


def scrambled(content: bytes) -> bytes:
    """Each byte as its difference from the one above it, as PNG's predictors have it."""
    pairs = zip(content, b"\0" + content, strict=False)
    return zlib.compress(b"".join(bytes([2, (one - above) % 256]) for one, above in pairs))


def cut(content: bytes) -> bytes:
    return zlib.compress(content)[:-9]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"said": "/Type /Obj#53tm"},
        {"said": "/Type /#4fbj#53tm"},
        {"said": "/Type /ObjStm /X (" + "a" * 3_000 + ")"},
        {"said": "/Type /ObjStm /X (endobj >> stream\n)"},
        {"filters": "/Filter [/ASCIIHexDecode /FlateDecode]", "pack": in_hex},
        {"filters": "/Filter [/FlateDecode /FlateDecode]", "pack": twice},
        {"filters": "/Filter /FlateDecode /DecodeParms << /Predictor 15 >>", "pack": scrambled},
    ],
)
def test_a_script_is_found_however_it_is_packed(told: dict[str, Any]) -> None:
    with pytest.raises(NotTaken) as refusal:
        check(files.packed_catalog(SCRIPT, **told), name="a.pdf")

    assert refusal.value.reason == Reason.SCRIPTED_PDF


@pytest.mark.parametrize(
    "told",
    [{"said": "/X /ObjStm"}, {"said": ""}, {"filters": "/Filter 9 0 R"}, {"pack": cut}],
)
def test_nor_is_it_taken_where_only_other_readers_would_find_it(told: dict[str, Any]) -> None:
    with pytest.raises(NotTaken):
        check(files.packed_catalog(SCRIPT, **told), name="a.pdf")


def test_every_refusal_has_words_of_its_own() -> None:
    sentences = {str(said(reason)) for reason in Reason}

    assert len(sentences) == len(Reason)
    assert {reason for *_, reason in REFUSED} >= set(Reason) - {Reason.TOO_LARGE, Reason.TOO_HEAVY}


@pytest.mark.parametrize("over", [0, 1])
def test_the_limit_is_exact(settings: Settings, over: int) -> None:
    settings.DOCUMENT_MAX_BYTES = len(PNG) - over

    if over:
        with pytest.raises(NotTaken, match="too_large"):
            check(PNG, name="a.png")
    else:
        assert check(PNG, name="a.png").made.content


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (PNG, "a.png", "image/png"),
        (PNG, "a.PNG", "image/png"),
        (PNG, "", "image/png"),
        (JPEG, "photo.jpeg", "image/jpeg"),
        (WEBP, "a.webp", "image/jpeg"),
        (files.pdf(pages=3), "a.pdf", "application/pdf"),
        (files.packed_catalog(), "a.pdf", "application/pdf"),
        (files.packed_catalog(filters="/Filter [/FlateDecode]"), "a.pdf", "application/pdf"),
    ],
)
def test_is_taken(content: bytes, name: str, media_type: str) -> None:
    made = check(content, name=name).made

    assert made.media_type == media_type
    assert made.pages == (3 if content == files.pdf(pages=3) else 1)
    assert made.content == content or opened(made.content).size == (320, 200)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passport.png",
        "..\\..\\passport.png",
        "pass\x00port.png",
        "\u202egnp.exe.png",
        'a"; filename=b.exe; .png',
        "a\r\nSet-Cookie: b=c.png",
        "x" * 300 + ".png",
        ".png",
        "a.php.png",
        "passport",
        "con.png",
        "🛂.png",
    ],
)
def test_a_strange_name_changes_nothing(name: str) -> None:
    assert check(PNG, name=name).made.media_type == "image/png"


@pytest.mark.parametrize(
    "content", [files.with_exif(), files.with_text()], ids=["jpeg with a place", "png with words"]
)
def test_nothing_but_the_picture_is_left(content: bytes) -> None:
    assert CANARY in content

    made = check(content).made.content

    left = opened(made)
    assert CANARY not in made
    assert not left.getexif()
    assert not set(left.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}


def test_is_turned_as_the_camera_said() -> None:
    made = opened(check(files.with_exif(orientation=6)).made.content)

    assert made.size == (200, 320)
    assert made.getpixel((190, 10)) > (200, 200, 200)  # the light corner went to the right


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_any_kind_of_colour_becomes_a_plain_one(mode: str) -> None:
    drawn = Image.new(mode, (60, 40))
    kind = "JPEG" if mode == "CMYK" else "PNG"

    made = opened(check(files.saved(drawn, kind)).made.content)

    assert made.mode in ("RGB", "L")


def test_what_is_transparent_lies_on_white() -> None:
    made = opened(check(files.saved(Image.new("RGBA", (60, 40)), "PNG")).made.content)

    assert made.getpixel((5, 5)) == (255, 255, 255)


def test_noise_does_not_grow() -> None:
    noise = Image.frombytes("RGB", (2500, 1800), os.urandom(2500 * 1800 * 3))

    made = check(files.saved(noise, "JPEG", quality=60)).made
    as_png = decoding.remake(files.saved(noise, "PNG"), media_type="image/png")

    assert len(made.content) < 10_000_000
    assert (as_png.media_type, len(as_png.content) < 10_000_000) == ("image/jpeg", True)


def test_a_large_photo_is_made_smaller() -> None:
    made = check(files.picture("JPEG", width=6000, height=4500)).made

    assert (made.width, made.height) == (4000, 3000)


class TestTheChild:
    def test_dies_of_its_limits_and_nobody_else_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(decoding, "DEADLINE", 0.0)

        with pytest.raises(NotTaken) as refusal:
            check(PNG)

        assert refusal.value.reason == Reason.TOO_HEAVY

    def test_may_do_nothing_but_decode(self) -> None:
        """Its limits, tried out in a process that set them as the child does."""
        reader, writer = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(reader)
            os._exit(_try_the_limits(writer))
        os.close(writer)
        with os.fdopen(reader) as told:
            found = told.read()
        os.waitpid(pid, 0)

        assert found == "no file, no memory"

    def test_is_told_no_secret(self) -> None:
        assert not {name for name in decoding._ENVIRONMENT if "KEY" in name or "URL" in name}

    def test_starts_without_django(self) -> None:
        import subprocess
        import sys

        asked = (
            "import sys, customers.documents.child as child;"
            "print([name for name in sys.modules if name.startswith(('django', 'upstreams'))])"
        )
        told = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True)
        assert told.stdout.strip() == b"[]"

    def test_waits_for_its_turn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(decoding, "ROOM_SECONDS", 0.0)
        for _ in range(decoding.AT_ONCE):
            decoding._room.acquire()
        try:
            with pytest.raises(decoding.NoRoom):
                check(PNG)
        finally:
            for _ in range(decoding.AT_ONCE):
                decoding._room.release()


class TestShowing:
    MARK = "Rene Reviewer   reviewer@lightdesk.test   2026-02-18 10:30 UTC"

    @pytest.mark.parametrize(
        ("content", "media_type"),
        [(PNG, "image/png"), (JPEG, "image/jpeg"), (files.pdf(), "application/pdf")],
    )
    def test_the_name_of_who_looks_is_drawn_all_over_it(
        self, content: bytes, media_type: str
    ) -> None:
        seen = [
            opened(decoding.picture_of(content, media_type=media_type, page=1, mark=mark))
            for mark in (" ", self.MARK, "Somebody Else")
        ]

        plain, marked, other = (picture.convert("L") for picture in seen)
        assert seen[0].format == "JPEG"
        assert _share_that_differs(plain, marked) > 0.01
        assert _share_that_differs(marked, other) > 0.01
        wide, high = plain.size
        for corner in (
            (0, 0, wide // 2, high // 2),
            (wide // 2, high // 2, wide, high),
        ):
            assert _share_that_differs(plain.crop(corner), marked.crop(corner)) > 0

    def test_each_page_of_a_pdf(self) -> None:
        content = files.pdf(pages=2)

        for page in (1, 2):
            shown = decoding.picture_of(content, media_type=checking.PDF, page=page, mark="x")
            assert max(opened(shown).size) == 2000


def test_memory_stays_flat_whatever_the_picture_says() -> None:
    content = files.bomb(width=20_000, height=20_000)
    tracemalloc.start()
    try:
        with pytest.raises(NotTaken):
            check(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8_000_000


def _share_that_differs(one: Image.Image, other: Image.Image) -> float:
    differs = ImageChops.difference(one, other).point(lambda level: 255 if level > 12 else 0)
    return float(sum(differs.histogram()[128:]) / (differs.width * differs.height))


def _try_the_limits(writer: int) -> int:
    from customers.documents import child

    signal.alarm(20)
    found: list[str] = []
    child.limit()
    for what, attempt in (("file", _open_a_file), ("memory", _take_memory)):
        try:
            attempt()
        except (OSError, MemoryError):
            found.append(f"no {what}")
    os.write(writer, ", ".join(found).encode())
    return 0


def _open_a_file() -> Any:
    return open("/etc/passwd", "rb").read(1)  # noqa: SIM115


def _take_memory() -> int:
    return len(bytearray(1_200_000_000))
