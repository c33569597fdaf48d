from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QRect, QSettings
from PySide6.QtWidgets import QApplication, QWidget

from bridge.panel.place import DEFAULT_SIZE, on_screen, restore, save

SCREENS = [QRect(0, 0, 1920, 1080), QRect(1920, 0, 1280, 720)]


@pytest.mark.parametrize("place", [QRect(10, 10, 380, 520), QRect(1900, 700, 380, 520), QRect(-300, 500, 380, 520)])
def test_a_window_whose_top_can_be_reached_stays(place: QRect) -> None:
    assert on_screen(place, SCREENS) == place


@pytest.mark.parametrize("place", [QRect(5000, 10, 380, 520), QRect(0, -500, 380, 520), QRect(-370, 500, 380, 520)])
def test_a_window_off_every_screen_comes_to_the_middle_of_the_first(place: QRect) -> None:
    corrected = on_screen(place, SCREENS)
    assert corrected.size() == place.size() and SCREENS[0].contains(corrected)


def test_a_window_larger_than_the_screen_becomes_smaller() -> None:
    assert on_screen(QRect(9000, 9000, 5000, 5000), SCREENS).size() == SCREENS[0].size()


def test_a_window_comes_back_where_it_was(application: QApplication, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "panel.ini"), QSettings.Format.IniFormat)
    first, second, new = QWidget(), QWidget(), QWidget()
    first.setGeometry(120, 90, 400, 300)
    first.show()
    save(first, settings)
    restore(second, settings)
    assert second.geometry() == first.geometry()
    settings.setValue("window/geometry", "broken")
    restore(new, settings)
    assert (new.width(), new.height()) == DEFAULT_SIZE


def test_colours_follow_the_system_unless_one_is_chosen(application: QApplication, tmp_path: Path) -> None:
    from bridge.panel.look import COLOURS, DARK, LIGHT, SYSTEM, Look

    settings = QSettings(str(tmp_path / "panel.ini"), QSettings.Format.IniFormat)
    look = Look(application, settings)
    look.follow_system()
    assert look.choice == SYSTEM and look.scheme == DARK  # the platform of these tests states none
    for choice in (LIGHT, DARK):
        look.choose(choice)
        assert application.palette().window().color().name() == COLOURS[choice].window
        assert Look(application, settings).choice == choice
