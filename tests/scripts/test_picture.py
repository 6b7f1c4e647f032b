"""The README's picture is what a run shows now."""

from xml.etree import ElementTree

from scripts import picture


def test_the_picture_is_up_to_date() -> None:
    assert picture.draw() == picture.PICTURE.read_text(), "run: make picture"


def test_what_is_drawn_is_what_was_shown() -> None:
    screens = [("caption & <title>", ["$ echo '<a>'", "<a>", "password of account “x”:"])]
    drawn = ElementTree.fromstring(picture.render(screens))
    shown = ["".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert shown == ["caption & <title>", "$ echo '<a>'", "<a>", "password of account “x”: █"]
    assert picture.render(screens) == picture.render(screens)
