"""A home folder full of traps, and what an agent may be talked into naming in it."""

import os
import struct
import zlib
from pathlib import Path

from support.pictures import png

OUTSIDE = "is a path outside the folders that files may come from"
A_FOLDER = "no regular file. Give the path of one picture."


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG of a few bytes that says to be huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def build_home(parent: Path) -> Path:
    home = parent / "home"
    for folder in ("pictures/deep", ".ssh", "Library", "AppData", "pictures/Library"):
        (home / folder).mkdir(parents=True)
    (parent / "elsewhere").mkdir()
    for place in (
        *("hero.png", "pictures/hero.png", "pictures/deep/ink wash.png", ".ssh/hero.png", ".hidden.png"),
        *("Library/hero.png", "AppData/hero.png", "pictures/Library/hero.png", "../elsewhere/real.png"),
    ):
        (home / place).write_bytes(png())
    (home / "key.png").write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    (home / "vector.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (home / "vector.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (home / "script.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n")
    (home / "bits.png").write_text("#define im_width 1\n#define im_height 1\nstatic char im_bits[] = {0};\n")
    (home / "polyglot.png").write_bytes(b"#!/bin/sh\n" + png())
    (home / "bomb.png").write_bytes(bomb())
    (home / "cut.png").write_bytes(png(size=(64, 64))[:60])
    (home / "empty.png").touch()
    (home / "out.png").symlink_to(parent / "elsewhere/real.png")
    (home / "in.png").symlink_to(home / "pictures/hero.png")
    (home / "to-hidden.png").symlink_to(home / ".ssh/hero.png")
    (home / "outdir").symlink_to(parent / "elsewhere")
    (home / "loop.png").symlink_to(home / "loop.png")
    (home / "dangling.png").symlink_to(parent / "elsewhere/nothing.png")
    os.mkfifo(home / "fifo.png")
    return home


HOSTILE: list[tuple[str, str]] = [
    ("~/../elsewhere/real.png", OUTSIDE),
    ("../../elsewhere/real.png", OUTSIDE),
    ("{home}/../elsewhere/real.png", OUTSIDE),
    ("~/pictures/../../elsewhere/nothing.png", OUTSIDE),
    ("/etc/passwd", OUTSIDE),
    ("/etc/hostname.png", OUTSIDE),
    ("/", OUTSIDE),
    ("~", A_FOLDER),
    ("{home}", A_FOLDER),
    ("../", A_FOLDER),
    ("../..", OUTSIDE),
    ("~root/hero.png", OUTSIDE),
    ("~nobody-at-all/hero.png", OUTSIDE),
    ("/dev/zero", OUTSIDE),
    ("/dev/stdin", OUTSIDE),
    ("/proc/self/environ", OUTSIDE),
    ("/proc/self/root/etc/passwd", OUTSIDE),
    ("~/out.png", OUTSIDE),
    ("~/outdir/real.png", OUTSIDE),
    ("~/outdir/nothing.png", OUTSIDE),
    ("~/dangling.png", OUTSIDE),
    ("~/loop.png", OUTSIDE),
    ("~/loop.png/hero.png", OUTSIDE),
    ("~/.ssh/hero.png", OUTSIDE),
    ("~/.ssh/nothing.png", OUTSIDE),
    ("~/.hidden.png", OUTSIDE),
    ("~/.nothing.png", OUTSIDE),
    ("~/to-hidden.png", OUTSIDE),
    ("~/pictures/../.ssh/hero.png", OUTSIDE),
    ("{home}x/hero.png", OUTSIDE),
    ("a" * 4_000 + ".png", "cannot be read (File name too long)"),
    ("a" * 5_000 + ".png", "is longer than paths are"),
    ("~/" + "a/" * 300 + "hero.png", "is longer than paths are"),
    ("~/" + "a/" * 500_000 + "hero.png", "is longer than paths are"),
    ("~/key.png", 'is the file "key.png", which is not a picture of a kind'),
    ("~/vector.svg", 'is the file "vector.svg", which is not a picture'),
    ("~/vector.png", 'is the file "vector.png", which is not a picture'),
    ("~/script.png", 'is the file "script.png", which is not a picture'),
    ("~/bits.png", 'is the file "bits.png", which is not a picture'),
    ("~/empty.png", 'is the file "empty.png", which is not a picture'),
    ("~/cut.png", 'is the file "cut.png", which is not a picture, or a broken one'),
    ("~/bomb.png", "which has 50000 x 50000 pixels; at most 100 million"),
    ("~/polyglot.png", 'is the file "polyglot.png", which is not a picture'),
    ("~/pictures", 'home/pictures", no regular file'),
    ("~/pictures/deep/", A_FOLDER),
    ("~/fifo.png", "no regular file"),
    ("~/pictures/hreo.png", 'was not found. Near to it: "hero.png"'),
    ("deep/nothing.png", "was not found"),
    ("~/hero.png/more.png", "was not found"),
    ("~/nowhere/hero.png", "was not found"),
]
