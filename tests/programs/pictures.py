"""Pictures with QR codes."""

from pathlib import Path

import zxingcpp
from PIL import Image


def picture(path: Path, *texts: str) -> str:
    """A picture with a QR code for each text, side by side."""
    pictures = []
    for text in texts:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
        pictures.append(Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=4)).convert("L"))
    whole = Image.new("L", (sum(each.width + 40 for each in pictures) or 100, 400), 255)
    at = 20
    for each in pictures:
        whole.paste(each, (at, 20))
        at += each.width + 40
    whole.save(path)
    return path.name
