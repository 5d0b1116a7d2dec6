"""Masks: pictures that say where another one may change, as the grey PNG that travels inside a call."""

import base64
import io

from scenario_mcp.media import pictures
from scenario_mcp.media.sources import BadSource

LARGEST = 2_000_000  # bytes of the PNG; the whole request must stay below the gateway's 6 MB
SURE = 0.9  # the share of pixels that must be nearly black or nearly white
NEARLY = 32  # of 255


class Mask:
    """A mask as a data URL; `clear` if it is mostly black and white."""

    def __init__(self, content: bytes) -> None:
        """Convert a picture. Raises `BadSource`."""
        try:
            if pictures.inspect(content).width is None:
                raise BadSource("is a HEIC, which cannot be a mask. Give it as PNG.")
            with pictures.opened(content, most_pixels=pictures.MOST_DECODED) as picture:
                flat = pictures.eight_bits(picture).convert("L")
                if picture.has_transparency_data:
                    # What is transparent is not painted, so it keeps the image, as black does.
                    seen = picture if "A" in picture.getbands() else picture.convert("RGBA")
                    hidden = seen.getchannel("A").point(lambda alpha: 255 - alpha)
                    flat.paste(0, mask=hidden)
        except BadSource:
            raise
        except pictures.BadPicture as bad:
            raise BadSource(f"{bad}") from None
        except Exception:  # Pillow's parsers raise anything from SyntaxError to struct.error on bad bytes
            raise BadSource("is a picture that is broken or cut off. Send it whole.") from None
        out = io.BytesIO()
        flat.save(out, "PNG", optimize=True)
        if out.tell() > LARGEST:
            raise BadSource("is a mask too detailed to send. Give it in pure black and white, or smaller.")
        counts = flat.histogram()
        self.clear = sum(counts[:NEARLY]) + sum(counts[-NEARLY:]) >= SURE * sum(counts)
        self.url = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
