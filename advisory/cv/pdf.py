"""PDF to lines: text by page in reading order with letter size and gaps, and the XML files attached to it."""

import ctypes
import math
import re
from typing import Any

import pypdfium2
from pypdfium2 import raw

from advisory.cv.reading import TEXT_LENGTH, Line, Rejected
from advisory.cv.safety import MAX_PART

MAX_PAGES = 20
MAX_ATTACHMENTS = 20
WORD = re.compile(r"\S+")
SOFT_HYPHEN = re.compile(r"[\u00ad\ufffe\x02]")
NEW_LINE = 0.55
GAP = 1.9
# Bold letters weigh about twice as much as plain ones in the same file.
LIGHTER, HEAD_WORDS = 1.3, 14
# Letters nearer than this part of their height are of one word.
TOUCH = 0.12
# Spaces wider than this part of the letters' height part columns or buttons; letters are hardly wider than this.
APART, WIDEST = 0.9, 0.55
# Points by which letters of one line may stand higher or lower; how many times larger letters open a line of their own.
STEADY, MUCH = 0.5, 1.5


def read_pdf(data: bytes) -> tuple[list[Line], list[bytes]]:
    """Return (lines, attached XML files) of a PDF of at most 20 pages; raises `Rejected` with a sentence."""
    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Rejected("The PDF is protected by a password. Save it without one and send it again.") from error
        raise Rejected("The PDF is damaged and cannot be opened. Save it again and send the new copy.") from error
    if pages > MAX_PAGES:
        raise Rejected(f"The PDF has {pages} pages; a CV may have at most {MAX_PAGES}.")
    attached = _attachments(document)
    lines: list[Line] = []
    try:
        for number in range(pages):
            lines += _lines(document[number].get_textpage(), f"page {number + 1}")
            if sum(len(line.text) for line in lines) > TEXT_LENGTH:
                break
    except pypdfium2.PdfiumError as error:
        raise Rejected(
            f"Page {number + 1} of the PDF is damaged. Save the file again and send the new copy."
        ) from error
    return _sized(lines), attached


def _attachments(document: pypdfium2.PdfDocument) -> list[bytes]:
    found = []
    for number in range(min(document.count_attachments(), MAX_ATTACHMENTS)):
        try:
            attachment = document.get_attachment(number)
            content = bytes(attachment.get_data()) if attachment.get_name().lower().endswith(".xml") else b""
        except pypdfium2.PdfiumError:
            continue
        if 0 < len(content) <= MAX_PART:
            found.append(content)
    return found


def _lines(page: pypdfium2.PdfTextPage, place: str) -> list[Line]:
    """Cut a page's text into lines where the baseline moves: the library's own breaks miss some, for instance lists."""
    text = page.get_text_range()
    same = len(text) == page.count_chars()
    hyphens = SOFT_HYPHEN.search(text) is not None
    # Asked for each word: without the detours of attribute look-ups this costs a fifth less.
    handle, origin, weight = page.raw, raw.FPDFText_GetCharOrigin, raw.FPDFText_GetFontWeight
    x, y = ctypes.c_double(), ctypes.c_double()
    lines: list[Line] = []
    words: list[str] = []
    base, size, gap, heavy, bold, left, end, before = None, 1.0, False, 0, 0, 0.0, 0, 0.0
    for match in WORD.finditer(text):
        at = match.start() if same else raw.FPDFText_GetCharIndexFromTextIndex(handle, match.start())
        origin(handle, at, x, y)
        off = abs(y.value - base) if base is not None else math.inf
        moved = off > NEW_LINE * size
        if not moved and off > STEADY:
            # Beside large letters, such as a name, small lines of another column stand at many heights.
            own = _scaled(handle, at, raw.FPDFText_GetFontSize(handle, at) or 1.0)
            moved = off > NEW_LINE * own or own * MUCH < size
        if moved:
            if words:
                lines.append(Line(" ".join(words), place, size, gap, bold, left))
            height = raw.FPDFText_GetFontSize(handle, at) or 1.0
            height = _scaled(handle, at, height)
            gap = base is not None and off > GAP * max(height, 1.0)
            words, base, size, bold, left = [], y.value, height, 0, x.value
            heavy = weight(handle, at)
        elif not bold and len(words) < HEAD_WORDS and weight(handle, at) * LIGHTER < heavy:
            bold = len(words) - words.count(" ")
        if not moved and text[match.start() - 1] == "\n" and x.value - _right(handle, end - 1) < TOUCH * size:
            words[-1] += match[0]
        else:
            # The quick guess first: asking where a letter ends costs as much as all else.
            far = not moved and x.value - before > (len(words[-1]) + 2) * WIDEST * size
            if far and x.value - _right(handle, end - 1) > APART * size:
                words.append(" ")
            words.append(SOFT_HYPHEN.sub("", match[0]) if hyphens else match[0])
        end, before = at + len(match[0]), x.value
    if words:
        lines.append(Line(" ".join(words), place, size, gap, bold, left))
    return lines


def _right(page: Any, at: int) -> float:
    """Return where a letter ends: the library breaks some lines between letters that touch."""
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(page, at, box)
    return float(box.right)


def _scaled(page: Any, at: int, size: float) -> float:
    """Return the size on the page: many writers set size 1 and enlarge by the text matrix."""
    matrix = raw.FS_MATRIX()
    if raw.FPDFText_GetMatrix(page, at, matrix):
        return size * (abs(matrix.d) or abs(matrix.b) or 1.0)
    return size


def _sized(lines: list[Line]) -> list[Line]:
    """Turn letter sizes in points into sizes relative to the text's commonest one."""
    letters: dict[float, int] = {}
    for line in lines:
        letters[round(line.size, 1)] = letters.get(round(line.size, 1), 0) + len(line.text)
    body = max(letters, key=letters.__getitem__, default=1.0) or 1.0
    return [Line(line.text, line.place, line.size / body, line.gap, line.bold, line.left) for line in lines]
