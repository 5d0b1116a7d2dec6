"""The types of what fields hold: strict where money is at stake, and for pictures where in the body they travel."""

from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

SAID = "said"  # the type of validation errors whose message is our own sentence
LONGEST_ID = 200  # characters; real ids have about 30


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError(SAID, "must not be empty: give one, or leave it out where none is needed")
    return text


def _short(text: str) -> str:
    if len(text) > LONGEST_ID:
        raise PydanticCustomError(SAID, "is too long to be an id")
    return text


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _seed_digits(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit()):
        raise PydanticCustomError(SAID, 'must be a whole number >= 0, for example "42"')
    return text


Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, AfterValidator(_not_blank)]
Id = Annotated[Text, BeforeValidator(_stripped), AfterValidator(_short)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Colour = Annotated[list[Annotated[Whole, Field(ge=0, le=255)]], Field(min_length=3, max_length=3)]  # red, green, blue
Point = Annotated[list[Number], Field(min_length=3, max_length=3)]  # label, x, y
SeedText = Annotated[str, BeforeValidator(_seed_digits)]


class Travel(NamedTuple):
    """The body fields in which a picture travels: as an asset's id, and as a data URL; None is the argument's own.

    Without `inline` it always becomes an asset first. A mask travels as a data URL, whatever its form; `mask` is the
    colour of what may change. `unsure` if Scenario says that it may ignore one that is given by its id.
    """

    as_asset_id: str | None = None
    as_data_url: str | None = None
    inline: bool = True
    mask: Literal["white", "black"] | None = None
    unsure: bool = False


Picture = Annotated[Text, Travel()]
StoredPicture = Annotated[Text, Travel(inline=False)]  # Scenario takes nothing but the id of an asset here
ControlPicture = Annotated[Text, Travel("controlImageId", "controlImage")]
FillMask = Annotated[Text, Travel("maskId", "mask", mask="white")]
EditMask = Annotated[Text, Travel("mask", "mask", mask="black")]
MaskPicture = Annotated[Text, Travel("maskId", "mask", mask="white", unsure=True)]
Reference = Annotated[Text, Travel("ipAdapterImageIds", "ipAdapterImages")]

Ratio = Literal["16:9", "1:1", "21:9", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "9:21"]
Scheduler = Literal[
    "DDIMScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
]
