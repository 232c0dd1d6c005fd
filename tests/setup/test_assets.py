"""Assets are the pinned ones, are all there, and make no browser ask another host."""

import hashlib
import tarfile
from pathlib import Path

import pytest

from config import assets
from config.assets import AssetError, Package, unpack, without_outside


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.css", b"body { background: url(https://elsewhere.example/a.png) }"),
        ("a.css", b"body { background: url('//elsewhere.example/a.png') }"),
        ("a.css", b"@import 'other.css';"),
        ("a.svg", b'<svg><use xlink:href="https://elsewhere.example/a.svg#b"/></svg>'),
        ("a.svg", b"<svg><image href='//elsewhere.example/a.png'/></svg>"),
        ("a.svg", b"<svg><script>alert(1)</script></svg>"),
        ("a.svg", b'<svg><rect fill="url(http://elsewhere.example/a)"/></svg>'),
    ],
)
def test_what_reaches_outside_is_refused(path: str, content: bytes) -> None:
    with pytest.raises(AssetError, match="reaches outside"):
        without_outside(path, content)


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("a.css", b"a{b:url(data:image/gif;base64,AA)}", b"a{b:url(data:image/gif;base64,AA)}"),
        ("a.css", b"/* @import of old */a{}", b"a{}"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><!-- https://a.example --><use href="#b"/></svg>', None),
        ("LICENSE", b"see https://elsewhere.example", b"see https://elsewhere.example"),
    ],
)
def test_what_stays_inside_is_kept(path: str, content: bytes, expected: bytes | None) -> None:
    expected = expected or content.replace(b"<!-- https://a.example -->", b"")
    assert without_outside(path, content) == expected


def test_every_asset_is_there_and_a_second_run_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # without npm a fetch could not even begin
    assert assets.fetch() is False
    for package in assets.PACKAGES:
        for path in package.files.values():
            assert (assets.ASSETS / path).stat().st_size > 0


def test_only_the_pinned_archive_is_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    (tmp_path / "styles.css").write_text("a{}")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "styles.css", "package/styles.css")
    pinned = Package("ours", "1", hashlib.sha512(archive.read_bytes()).hexdigest(), {"styles.css": "static/a.css"})
    assert list(unpack(pinned, archive)) == [("static/a.css", b"a{}")]
    archive.write_bytes(archive.read_bytes() + b"\0")
    with pytest.raises(AssetError, match="ours 1 is not the file that was pinned"):
        list(unpack(pinned, archive))
