"""Files named as people and programs name them: dragged, quoted, escaped, half remembered; and what is never read."""

import os
import unicodedata
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client as McpClient

from scenario_mcp.media import finding
from scenario_mcp.media.files import Allowed
from scenario_mcp.sandbox.world import World
from scenario_mcp.scenario.client import Client
from scenario_mcp.tools.catalog import TOOLSETS
from scenario_mcp.tools.services import services_over
from support.agents import TOOL, agent_of, text_of
from support.network import SandboxNetwork
from support.paths import HOSTILE, build_home
from support.pictures import png
from support.servers import Machine
from support.worlds import SANDBOX_CREDENTIALS

pytestmark = pytest.mark.anyio

WANTED = png("teal", (24, 24))


@pytest.fixture
def pictures() -> Path:
    """The working folder, in a home that may be read."""
    folder = Path.home() / "Pictures"
    folder.mkdir()
    os.chdir(folder)
    return folder


def write(path: Path | str, content: bytes = WANTED) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


async def refusal(agent: McpClient, text: str) -> str:
    """Upload what must be refused, and give the sentence about it."""
    result = await agent.call_tool("upload-asset", {"file": text})
    assert result.is_error, text
    return text_of(result).partition("- file: ")[2]


NO_URLS = [
    "file://[x/hero.png",
    "file://[::1",
    "file://x]/hero.png",
    "file://a\u2100b/hero.png",
    "FILE://server/[share]/hero.png",
    "file://me@server:99999/hero.png",
    "file://%5B/hero.png",
]


@pytest.mark.parametrize("field", ["image", "imageId", "ipAdapterImages", "ipAdapterImage", "ipAdapterImageId", "mask"])
async def test_a_file_url_that_cannot_be_taken_apart_is_refused_in_every_picture_argument(
    agent: McpClient, network: SandboxNetwork, field: str
) -> None:
    for url in NO_URLS:
        value = [url] if field.endswith("s") else url
        result = await agent.call_tool(TOOL, {"modelId": "model_sandbox-ink", "prompt": "p", field: value})

        assert result.is_error, url
        assert "is a file URL of another machine" in text_of(result), url
    assert network.sent == []


async def test_a_file_url_that_cannot_be_taken_apart_is_refused_by_every_other_tool_too(
    network: SandboxNetwork, world: World
) -> None:
    async with agent_of(Machine(network, toolsets=tuple(TOOLSETS)).server()) as agent:
        tools = {tool.name: tool for tool in (await agent.list_tools()).tools}
        takes: dict[str, dict[str, Any]] = {
            name: {"image": NO_URLS[0]} for name, tool in tools.items() if "image" in tool.input_schema["properties"]
        }
        assert len(takes) > 20
        for url in NO_URLS:
            takes["upload-asset"] = {"file": url}
            parameters = {"prompt": "p", "referenceImages": [url]}
            takes["run-model"] = {"modelId": "model_bfl-flux-2-dev", "parameters": parameters}
            for name, arguments in takes.items():
                assert "is a file URL of another machine" in text_of(await agent.call_tool(name, arguments)), name
            assert "No asset could be shown" in text_of(await agent.call_tool("show-assets", {"assetIds": [url]}))
    assert world.ledger == []


async def test_a_url_that_holds_odd_characters_names_the_file_with_them(
    agent: McpClient, pictures: Path, world: World
) -> None:
    for name in ("a#1.png", "b?.png", "c[1].png", "d e.png", "100%.png", "f;g.png"):
        write(name)
        plain, escaped = f"file://{pictures}/{name}", f"file://LocalHost{quote(f'{pictures}/{name}')}"
        for url in (escaped,) if "%" in name else (plain, escaped):
            assert not (await agent.call_tool("upload-asset", {"file": url})).is_error, url


LOOK_THE_SAME = {
    "caf\u00e9.png": decomposed("caf\u00e9.png"),
    decomposed("B\u00fccher/M\u00e4dchen.png"): "B\u00fccher/M\u00e4dchen.png",
    "B\u00fccher/Gr\u00fc\u00dfe.png": decomposed("B\u00fccher/Gr\u00fc\u00dfe.png"),
    "\ud55c\uad6d/\uc0ac\uc9c4.png": decomposed("\ud55c\uad6d/\uc0ac\uc9c4.png"),
    "\u212bngstr\u00f6m.png": "\u00c5ngstr\u00f6m.png",
    "Screenshot at 10.30.12 AM.png": "Screenshot at 10.30.12\u202fAM.png",
    "prix\u00a0fixe.png": "prix fixe.png",
    "two  blanks.png": "two blanks.png",
    "ends in a blank.png": "ends in a blank.png ",
    " begins with one.png": "begins with one.png",
    "soft.png": "so\u00adft.png",
}


@pytest.mark.parametrize("named", LOOK_THE_SAME)
async def test_a_file_is_found_by_a_name_that_looks_the_same(
    agent: McpClient, pictures: Path, world: World, named: str
) -> None:
    write(LOOK_THE_SAME[named])

    for text in (named, f"{pictures}/{named}", f"~/Pictures/{named}"):
        result = await agent.call_tool("upload-asset", {"file": text})

        assert not result.is_error, text_of(result)
    assert [asset.content for asset in world.assets.values()] == [WANTED]


async def test_a_name_in_two_folders_that_look_the_same_is_found_in_the_one_that_has_it(
    agent: McpClient, pictures: Path
) -> None:
    (pictures / "\u00e9t\u00e9").mkdir()
    write(pictures / decomposed("\u00e9t\u00e9") / "mer.png")

    assert not (await agent.call_tool("upload-asset", {"file": "~/Pictures/\u00e9t\u00e9/mer.png"})).is_error


async def test_of_two_files_that_look_the_same_neither_is_guessed(
    agent: McpClient, network: SandboxNetwork, pictures: Path
) -> None:
    write("mer\u00a0bleue.png")
    write("mer bleue.png ")

    assert "fits more than one file" in await refusal(agent, "mer bleue.png")
    assert network.sent == []
    write("mer bleue.png")
    assert not (await agent.call_tool("upload-asset", {"file": "mer bleue.png"})).is_error  # as it stands


async def test_nothing_is_guessed_in_a_folder_that_was_not_seen_whole(
    agent: McpClient, network: SandboxNetwork, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        write(decomposed(f"caf\u00e9-{number}.png"))
    monkeypatch.setattr(finding, "MOST_LOOKED_AT", 5)

    assert "not found" in await refusal(agent, "~/Pictures/caf\u00e9-7.png")
    assert network.sent == []
    assert not (await agent.call_tool("upload-asset", {"file": decomposed("caf\u00e9-7.png")})).is_error


DRAGGED: dict[str, list[str]] = {
    "my picture.jpg": [
        r"my\ picture.jpg",
        r"~/Pictures/my\ picture.jpg ",
        '"~/Pictures/my picture.jpg"',
        "'my picture.jpg'",
        "`my picture.jpg`",
        "\u201cmy picture.jpg\u201d",
        "<~/Pictures/my picture.jpg>",
        "@my picture.jpg",
        '@"~/Pictures/my picture.jpg"',
        "'@my picture.jpg'",
        "my%20picture.jpg",
        "@~/Pictures/my%20picture.jpg",
        "$HOME/Pictures/my picture.jpg",
        "${HOME}/Pictures/my picture.jpg",
        '"$HOME/Pictures/my picture.jpg"',
        r"$HOME/Pictures/my\ picture.jpg",
        "%USERPROFILE%\\Pictures\\my picture.jpg",
        "~\\Pictures\\my picture.jpg",
        "file://LOCALHOST{here}/my%20picture.jpg",
        "file://Localhost{here}/my picture.jpg",
        "file://127.0.0.1{here}/my%20picture.jpg",
        "file:{here}/my%20picture.jpg",
        "file:///~/Pictures/my%20picture.jpg",
        "file://~/Pictures/my%20picture.jpg",
        "'file://{here}/my%20picture.jpg'\n",
        "\u202a{here}/my picture.jpg",
        " {here}/my picture.jpg\r\n",
        "{here}\\my picture.jpg",
    ],
    "Mira:2.png": ["Mira:2.png", "'Mira:2.png'"],
    "ab:c/d.png": ["ab:c/d.png", r"ab:c\d.png"],
    "it's (1) & co [2].png": [
        "'it'\\''s (1) & co [2].png'",
        r"it\'s\ \(1\)\ \&\ co\ \[2\].png",
        '"it\'s (1) & co [2].png"',
        "it%27s%20(1)%20%26%20co%20%5B2%5D.png",
    ],
    "deep/in/hero.png": ["deep\\in\\hero.png", ".\\deep\\in\\hero.png", "deep%2Fin%2Fhero.png", "@deep/in/hero.png"],
    "ends in a blank.png ": ["ends in a blank.png ", "'ends in a blank.png '"],
    "'quoted'.png": ["'quoted'.png"],
    "100%25.png": ["100%25.png"],
    "@home.png": ["@home.png"],
}


@pytest.mark.parametrize("name", DRAGGED)
async def test_a_path_is_read_as_programs_write_it_into_a_chat(
    agent: McpClient, pictures: Path, world: World, name: str
) -> None:
    write(name)
    write("other.png", png("red"))
    for text in DRAGGED[name]:
        result = await agent.call_tool("upload-asset", {"file": text.replace("{here}", str(pictures))})

        assert not result.is_error, (text, text_of(result))
    assert [asset.content for asset in world.assets.values()] == [WANTED]


async def test_a_path_counts_as_it_stands_before_any_other_reading(
    agent: McpClient, pictures: Path, world: World
) -> None:
    for name in ("100%25.png", "@hero.png", "'hero.png'", r"my\ hero.png"):
        write(name)
    for name in ("100%.png", "hero.png", "my hero.png"):
        write(name, png("red"))
    for name in ("100%25.png", "@hero.png", "'hero.png'", r"my\ hero.png"):
        assert not (await agent.call_tool("upload-asset", {"file": name})).is_error

    assert [asset.content for asset in world.assets.values()] == [WANTED]


async def test_of_two_readings_that_both_fit_neither_is_guessed(agent: McpClient, pictures: Path) -> None:
    write("a b.png")
    write("@a b.png")

    assert "fits more than one file" in await refusal(agent, "@a%20b.png")


UNREAD = {
    '"~/Pictures/none.png"': "looks like a path in quotes",
    r"my\ none.png": "escaped for a shell",
    "@none.png": "looks like a mention",
    "none%20at%20all.png": "escaped for a URL",
    "C:\\Users\\me\\Pictures\\none.png": "looks like a path of Windows",
    "'C:/Users/me/none.png'": "looks like a path in quotes",
    "none\\at\\all.png": "looks like a path of Windows",
    "$PICTURES/none.png": "looks like a path with a variable; none is looked up",
    "%APPDATA%\\none.png": "looks like a path",
    "$HOME/Pictures/none.png": "write ~ for the home folder",
}


@pytest.mark.parametrize("text", UNREAD)
async def test_a_path_that_leads_nowhere_is_told_what_it_looks_like(
    agent: McpClient, network: SandboxNetwork, pictures: Path, text: str
) -> None:
    said = await refusal(agent, text)

    assert "It looks like" in said
    assert UNREAD[text] in said
    assert network.sent == []


DRESSES: dict[str, Callable[[str], str]] = {
    "quotes": lambda path: f'"{path}"',
    "a mention": lambda path: f"@{path}",
    "a shell": lambda path: f"{path.replace('.', chr(92) + '.')} ",
    "a URL": lambda path: quote(path, safe="/~").replace(".", "%2e"),
    "a file URL": lambda path: f"file://{quote(path)}",
    "a variable": lambda path: path.replace("~", "$HOME", 1),
    "Windows": lambda path: path.replace("/", "\\"),
    "a blank": lambda path: f"{path} ",
}
HIDDEN = [  # with what is there, and what is not
    ("~/../elsewhere/{}.png", "real"),
    ("{home}/../elsewhere/{}.png", "real"),
    ("{home}x/../elsewhere/{}.png", "real"),
    ("~/outdir/{}.png", "real"),
    ("~/.ssh/{}.png", "hero"),
    ("~/pictures/../.ssh/{}.png", "hero"),
    ("/etc/{}", "passwd"),
]


@pytest.fixture
async def trapped(network: SandboxNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[McpClient]:
    """An agent on a home full of traps, who stands in a folder of it."""
    home = build_home(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "pictures")
    client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)
    async with agent_of(services_over(client, 45, allowed=Allowed((home,), home=home))) as agent:
        yield agent


@pytest.mark.parametrize("dress", DRESSES)
async def test_what_is_outside_or_hidden_stays_so_in_every_dress(
    trapped: McpClient, network: SandboxNetwork, tmp_path: Path, dress: str
) -> None:
    home = str(tmp_path / "home")
    for text, _ in HOSTILE:
        await refusal(trapped, DRESSES[dress](text.replace("{home}", home)))
    for text, there in HIDDEN:
        paths = [text.replace("{home}", home).format(name) for name in (there, "nothing")]
        said = [(await refusal(trapped, DRESSES[dress](path))).partition("Near to it")[0] for path in paths]
        assert said[0].replace(there, "nothing") == said[1], text
    assert network.sent == []


async def test_a_name_that_looks_like_one_that_leads_out_or_is_hidden_finds_nothing(
    trapped: McpClient, network: SandboxNetwork, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / decomposed("caf\u00e9")).symlink_to(tmp_path / "elsewhere")
    (home / decomposed("\u00e9t\u00e9.png")).symlink_to(tmp_path / "elsewhere" / "real.png")
    for text in ("~/caf\u00e9/real.png", "~/\u00e9t\u00e9.png", "~/out.png ", "~/outdir /real.png", "~/ .hidden.png"):
        said = await refusal(trapped, text)
        assert "elsewhere" not in said, text
        assert '"out.png"' not in said, text
        assert "not found" in said, text
    for text in ("~/.ssh /hero.png", "~/\u200b.ssh/hero.png", "~/.ssh\u00a0/hero.png"):
        assert "hero.png was" not in await refusal(trapped, text)
    assert network.sent == []


async def test_a_link_within_the_folders_is_followed_by_a_name_that_looks_the_same(
    agent: McpClient, pictures: Path
) -> None:
    write(Path.home() / "disk" / "mer.png")
    (pictures / decomposed("\u00e9t\u00e9")).symlink_to(Path.home() / "disk")

    assert not (await agent.call_tool("upload-asset", {"file": "\u00e9t\u00e9/mer.png"})).is_error


PRESENT = (
    *("Mira portrait.jpg", "ink.png", "hero.png", "sky-mask.png", "IMG_1234 (1).HEIC", "final_dragon_v3.webp"),
    *("notes.txt", ".mira.png", "\u732b\u306e\u5199\u771f.png", "Screenshot 12.30\u202fAM.png"),
)
NEAR = {
    "mira.png": ["Mira portrait.jpg"],
    "Mira.jpeg": ["Mira portrait.jpg"],
    "portrait of mira.png": ["Mira portrait.jpg"],
    "img_1234.png": ["IMG_1234 (1).HEIC"],
    "dragon.png": ["final_dragon_v3.webp"],
    "hreo.png": ["hero.png"],
    "hero.jpg": ["hero.png"],
    "HERO": ["hero.png"],
    "sky.tiff": ["sky-mask.png"],
    "mask.png": ["sky-mask.png"],
    "\u732b.png": ["\u732b\u306e\u5199\u771f.png"],
    "screenshot.png": ["Screenshot 12.30 AM.png"],
    "notes.png": [],
    "zebra.png": [],
}


async def test_pictures_whose_names_share_a_word_are_near(agent: McpClient, pictures: Path) -> None:
    for name in PRESENT:
        write(name)
    for name, near in NEAR.items():
        said = await refusal(agent, f"~/Pictures/{name}")

        assert f"{name}" in said
        named = said.partition("Near to it: ")[2].rstrip(".\n")
        assert named == ", ".join(f'"{each}"' for each in near), name


async def test_what_is_near_can_be_given_as_it_is_told(agent: McpClient, pictures: Path) -> None:
    write("Screenshot 12.30\u202fAM.png")
    said = await refusal(agent, "~/Pictures/screenshot.png")

    told = said.partition('Near to it: "')[2].partition('"')[0]
    assert not (await agent.call_tool("upload-asset", {"file": f"~/Pictures/{told}"})).is_error


async def test_a_folder_that_is_not_there_is_named_with_folders_near_to_it(agent: McpClient, pictures: Path) -> None:
    write("Dragons 2026/hero.png")

    assert 'There is no folder "Picures". Near to it: "Pictures".' in await refusal(agent, "~/Picures/hero.png")
    assert 'no folder "dragons". Near to it: "Dragons 2026".' in await refusal(agent, "~/Pictures/dragons/a/hero.png")


async def test_the_pictures_of_a_folder_are_listed(agent: McpClient, pictures: Path) -> None:
    for name in PRESENT:
        write(name)
    (pictures / "below").mkdir()
    for text in ("~/Pictures", "~/Pictures/", str(pictures), '"~/Pictures"', "."):
        said = await refusal(agent, text) if text != "." else await refusal(agent, "./")
        assert "is the folder" in said
        assert 'Pictures in it: "IMG_1234 (1).HEIC", "Mira portrait.jpg"' in said
        assert "notes.txt" not in said
        assert ".mira.png" not in said
    for number in range(30):
        write(f"z{number:02}.png")
    assert "and 28 more" in await refusal(agent, "~/Pictures")
    assert 'It holds no pictures. Folders in it: "Pictures".' in await refusal(agent, "~")
    assert "It holds no pictures." in await refusal(agent, "~/Pictures/below")


@pytest.mark.parametrize(("platform", "private"), [("darwin", "Library"), ("win32", "AppData")])
async def test_what_programs_keep_in_the_home_folder_is_not_named(
    network: SandboxNetwork, platform: str, private: str
) -> None:
    for folder in (private, "Libraries"):
        (Path.home() / folder).mkdir()
    client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)
    allowed = Allowed((Path.home(),), home=Path.home(), platform=platform)
    async with agent_of(services_over(client, 45, allowed=allowed)) as agent:
        assert 'Folders in it: "Libraries".' in await refusal(agent, "~")
        assert private not in (await refusal(agent, f"~/{private[:-1]}/hero.png")).partition("Near to it")[2]


async def test_a_path_that_leaves_by_a_link_is_told_where_it_leads(
    network: SandboxNetwork, tmp_path: Path, pictures: Path
) -> None:
    disk = tmp_path / "disk"
    write(disk / "Pictures" / "mira.png")
    pictures.rmdir()
    pictures.symlink_to(disk / "Pictures")
    (Path.home() / "again").symlink_to("Pictures")
    client = Client(network.base_url, SANDBOX_CREDENTIALS, transport=network)
    shelf = pictures / "Scenario"
    async with agent_of(services_over(client, 45, allowed=Allowed((Path.home(), shelf), home=Path.home()))) as agent:
        said = {await refusal(agent, f"~/Pictures/{name}.png") for name in ("mira", "nothing", "deep/nothing")}
        again = await refusal(agent, "~/again/mira.png")
        write(shelf / "kept.png")
        kept = await agent.call_tool("upload-asset", {"file": "~/Pictures/Scenario/kept.png"})
        hint = await refusal(agent, "~/Pictures/Scenario/kpet.png")

    assert len(said) == 1  # whether or not anything is there
    for each in (*said, again):
        assert f'On its way "{pictures}" is a link to "{disk / "Pictures"}".' in each
        assert "name its folder in SCENARIO_INPUT_DIRS" in each
    assert not kept.is_error
    assert 'Near to it: "kept.png"' in hint


async def test_a_link_tells_no_more_than_what_stands_in_the_folders(trapped: McpClient, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "elsewhere" / "further").symlink_to(tmp_path / "secret place")
    for text in ("~/outdir/further/x.png", "~/outdir/nothing/x.png", "~/outdir", "~/outdir/real.png"):
        said = await refusal(trapped, text)
        assert f'"{home}/outdir" is a link to "{tmp_path}/elsewhere".' in said
        assert "secret" not in said
    (home / ".ssh" / "way").symlink_to(tmp_path / "elsewhere")
    for text in (
        "~/.ssh/way/real.png",
        "~/.ssh/hero.png",
        "~/loop.png",
        "~/loop.png/hero.png",
        "~/pictures/../outdir/real.png",
    ):
        assert "is a link" not in await refusal(trapped, text)
