"""Looking into PDFs and rendering their pages. Runs in the child process alone; no Django."""

from __future__ import annotations

import re
from typing import Final

import pypdfium2
from PIL import Image

from customers.documents.objects import unescaped, unfolded
from customers.documents.pictures import SHOWN_EDGE
from customers.documents.reasons import NotTaken, Reason

PROBED_EDGE: Final = 300  # pixels: every page is drawn this small once, to see whether it can be
_NO_SECURITY: Final = -1
_XFA: Final = (2, 3)  # FORMTYPE_XFA_FULL, FORMTYPE_XFA_FOREGROUND
# What a page of paper never needs: it runs, it sends, or it carries another file.
_ACTIVE: Final = re.compile(
    rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData)(?![A-Za-z0-9])"
)


def look_through(content: bytes, *, most_pages: int) -> dict[str, object]:
    """The facts of a PDF that shows pages and does nothing else. Raises NotTaken."""
    if _ACTIVE.search(unescaped(content)):
        raise NotTaken(Reason.SCRIPTED_PDF)
    document = _open(content)
    raw = pypdfium2.raw
    if raw.FPDF_GetSecurityHandlerRevision(document) != _NO_SECURITY:
        raise NotTaken(Reason.ENCRYPTED_PDF)
    if any(_ACTIVE.search(unescaped(part)) for part in unfolded(content)):
        raise NotTaken(Reason.SCRIPTED_PDF)
    active = raw.FPDFDoc_GetJavaScriptActionCount(document) or raw.FPDFDoc_GetAttachmentCount(
        document
    )
    if active or document.get_formtype() in _XFA:
        raise NotTaken(Reason.SCRIPTED_PDF)
    pages = len(document)
    if pages > most_pages:
        raise NotTaken(Reason.TOO_MANY_PAGES)
    if pages == 0:
        raise NotTaken(Reason.CORRUPTED)
    for number in range(1, pages + 1):
        _drawn(document, number, PROBED_EDGE)
    return {"media_type": "application/pdf", "width": None, "height": None, "pages": pages}


def page(content: bytes, number: int) -> Image.Image:
    """One page as a picture, counted from 1."""
    return _drawn(_open(content), number, SHOWN_EDGE)


def _open(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as problem:
        if "password" in str(problem).lower() or "security" in str(problem).lower():
            raise NotTaken(Reason.ENCRYPTED_PDF) from None
        raise


def _drawn(document: pypdfium2.PdfDocument, number: int, edge: int) -> Image.Image:
    """The page as wide or high as `edge`, whatever size it says it has."""
    paper = document[number - 1]
    longest = max(*paper.get_size(), 1.0)
    picture: Image.Image = paper.render(scale=edge / longest).to_pil()
    return picture.convert("RGB")
