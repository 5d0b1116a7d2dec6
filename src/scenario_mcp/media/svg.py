"""Whether an SVG only draws: by a list of what may stand in it, since a browser runs what else it finds there."""

import re
from collections.abc import Callable
from typing import BinaryIO
from xml.parsers import expat

from scenario_mcp import wording

MOST_BYTES = 10_000_000  # that are looked through
MOST_ELEMENTS, DEEPEST = 500_000, 200
_CHUNK = 256_000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SVG, _XLINK, _XML = (
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/XML/1998/namespace",
)
# The elements and attributes of SVG 1.1 and 2 that draw: https://www.w3.org/TR/SVG2/eltindex.html, attindex.html and
# propidx.html. Left out are those that run, move, embed or lead elsewhere: script, a, animate, set, foreignObject...
_ELEMENTS = _words(
    "svg g defs symbol use title desc style switch path rect circle ellipse line polyline polygon text tspan textPath"
    " image clipPath mask pattern marker linearGradient radialGradient stop filter feBlend feColorMatrix"
    " feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight feDropShadow"
    " feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight"
    " feSpecularLighting feSpotLight feTile feTurbulence"
)
_ATTRIBUTES = _words(
    "id class style version baseProfile width height viewBox preserveAspectRatio transform x y x1 x2 y1 y2 cx cy r rx"
    " ry fx fy fr d points pathLength dx dy rotate textLength lengthAdjust startOffset method spacing side path offset"
    " gradientUnits gradientTransform spreadMethod patternUnits patternContentUnits patternTransform clipPathUnits"
    " maskUnits maskContentUnits markerUnits markerWidth markerHeight orient refX refY filterUnits primitiveUnits in"
    " in2 result mode type values tableValues slope intercept amplitude exponent operator k1 k2 k3 k4 order"
    " kernelMatrix divisor bias targetX targetY edgeMode preserveAlpha surfaceScale diffuseConstant specularConstant"
    " specularExponent kernelUnitLength scale xChannelSelector yChannelSelector azimuth elevation z pointsAtX"
    " pointsAtY pointsAtZ limitingConeAngle stdDeviation radius baseFrequency numOctaves seed stitchTiles role lang"
    " tabindex media enable-background alignment-baseline baseline-shift clip clip-path clip-rule color"
    " color-interpolation color-interpolation-filters color-rendering cursor direction display dominant-baseline fill"
    " fill-opacity fill-rule filter flood-color flood-opacity font-family font-size font-size-adjust font-stretch"
    " font-style font-variant font-weight image-rendering isolation letter-spacing lighting-color marker-end"
    " marker-mid marker-start mask mask-type mix-blend-mode opacity overflow paint-order pointer-events"
    " shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin"
    " stroke-miterlimit stroke-opacity stroke-width text-anchor text-decoration text-overflow text-rendering"
    " transform-origin unicode-bidi vector-effect visibility white-space word-spacing writing-mode"
)
_QUIET = re.compile(r"(?:data|aria)-[a-z0-9-]+")  # attributes that only carry words
# What may be called in a style or a transformation; a url only within the document. What else is called may load.
_CALLS = _words(
    "url matrix translate translatex translatey scale scalex scaley rotate skewx skewy rgb rgba hsl hsla calc var"
    " blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia not nth-child"
)
_NAME = re.compile(r"[\w-]*$")
_LONGEST_NAME = 40
_URL = re.compile(r"url\s*+\(\s*+(?!['\"]?#)")
_INLINE_PICTURE = re.compile(r"\s*data:image/(?:png|jpe?g|gif|webp|avif);base64,[A-Za-z0-9+/=\s]*")


class NoSvg(ValueError):
    """A content that does not even begin to be an SVG."""


class _Odd(Exception):
    """What was found that does more than draw."""


def risk(file: BinaryIO, size: int) -> str | None:
    """Say what in a file may do more than draw; None if nothing does. Raises `NoSvg`."""
    file.seek(0)
    content = file.read(MOST_BYTES)
    if b"<svg" not in content and b":svg" not in content:
        raise NoSvg
    if size > MOST_BYTES:
        return f"more than {MOST_BYTES // 1_000_000} MB, which is too much to look through"
    try:
        _Reader().read(content)
    except _Odd as odd:
        return f"{odd}"
    except (expat.ExpatError, ValueError):
        return "what is no sound XML"
    return None


class _Reader:
    """Reads one document, and stops at the first thing that is not on the lists."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._count = 0
        self._style: list[str] = []

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate("utf-8", " ")  # told the encoding, since browsers and expat know different ones
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._refused("a document type")  # and with it every entity of its own
        parser.ProcessingInstructionHandler = self._refused("a processing instruction")
        parser.StartElementHandler = self._begins
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._says
        for start in range(0, len(content), _CHUNK):  # one after the other, since nothing else runs within one
            parser.Parse(content[start : start + _CHUNK], False)
        parser.Parse(b"", True)

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "us-ascii"):
            raise _Odd("another encoding than UTF-8")

    def _refused(self, what: str) -> Callable[..., None]:
        def refuse(*_: object) -> None:
            raise _Odd(what)

        return refuse

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._count += 1
        if space != _SVG or local not in _ELEMENTS or (not self._path and local != "svg"):
            raise _Odd(f"the element {wording.word(local, 40) or 'of an odd name'}")
        if self._count > MOST_ELEMENTS or len(self._path) >= DEEPEST:
            raise _Odd("more elements than can be looked through")
        self._path.append(local)
        for attribute, value in attributes.items():
            self._holds(local, attribute, value)

    def _holds(self, element: str, attribute: str, value: str) -> None:
        space, _, local = attribute.rpartition(" ")
        if local == "href" and space in ("", _XLINK):
            if not value.startswith("#") and not (element == "image" and _INLINE_PICTURE.fullmatch(value)):
                raise _Odd("an address outside of it")
        elif (space == _XML and local in ("space", "lang")) or (space == _XLINK and local == "title"):
            pass
        elif space or not (local in _ATTRIBUTES or _QUIET.fullmatch(local)):
            raise _Odd(f"the attribute {wording.word(local, 40) or 'of an odd name'}")
        elif local in ("style", "filter", "mask", "cursor", "clip-path", "fill", "stroke") or "(" in value:
            _check_style(value)

    def _says(self, words: str) -> None:
        if self._path and self._path[-1] == "style":
            self._style.append(words)

    def _ends(self, name: str) -> None:
        if self._path.pop() == "style":
            _check_style("".join(self._style))
            self._style.clear()


def _check_style(text: str) -> None:
    """Refuse what loads or hides in a style: escapes, rules that import, calls that are not known, far addresses."""
    plain = text.lower()
    calls = {_NAME.findall(before.rstrip()[-_LONGEST_NAME:])[0] for before in plain.split("(")[:-1]}
    if set(plain) & set("\\@<") or "javascript:" in plain or not calls <= {"", *_CALLS}:
        raise _Odd("a style that may load something")
    if _URL.search(plain):
        raise _Odd("an address outside of it")
