"""The label on a device's box: a QR code that leads to its water point, as a drawing and as a picture."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath

import segno

_QUIET = 4  # modules of white around it, as ISO/IEC 18004 asks for
_PIXELS = 12  # a module, in the picture: 3 cm at 300 dpi for a short link


def label_text(device: str, water_point: str | None, public_url: str) -> str:
    """What the code says: a link to the page of the water point, else the device's id.

    Args:
        device: its id.
        water_point: where it stands; None when it stands nowhere.
        public_url: where people find the pages; "" where they cannot.
    """
    if not public_url or water_point is None:
        return device
    return f"{public_url.rstrip('/')}/ka/water-points/{water_point}?device={device}"


def label_files(device: str, text: str) -> Mapping[PurePosixPath, bytes]:
    """The code as SVG and PNG; a quarter of it may be scratched off (error correction Q)."""
    code = segno.make(text, error="q", micro=False)
    drawing, picture = io.BytesIO(), io.BytesIO()
    code.save(drawing, kind="svg", border=_QUIET, scale=_PIXELS, title=device)
    code.save(picture, kind="png", border=_QUIET, scale=_PIXELS)
    name = f"label-{device}"
    return {
        PurePosixPath(f"{name}.svg"): drawing.getvalue(),
        PurePosixPath(f"{name}.png"): picture.getvalue(),
    }
