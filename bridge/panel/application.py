"""The panel as a program: QApplication, settings, the window, the link to the daemon."""

from __future__ import annotations

import signal

from PySide6.QtCore import QSettings
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from bridge import config
from bridge.panel import qt_platform
from bridge.panel.look import Look
from bridge.panel.window import Window
from bridge.system import portable


def run(chosen: config.Config, with_daemon: bool) -> int:
    """Show the window until it is closed. Raises NoWindow if there is no screen."""
    qt_platform.check()
    application = QApplication(["clipbridge"])
    application.setApplicationName("Clipbridge")
    application.setDesktopFileName("clipbridge")
    settings = saved_settings()
    look = Look(application, settings)
    window = Window(settings, look, chosen)
    signal.signal(signal.SIGINT, lambda *_: window.close())  # seen at the link's next tick

    def begin() -> None:
        window.on_screen.disconnect(begin)
        from bridge.system import shortcuts

        window.begin(with_daemon)
        application.setWindowIcon(QIcon(str(shortcuts.icon("clipbridge.svg"))))

    window.on_screen.connect(begin)
    window.show()
    return application.exec()


def saved_settings() -> QSettings:
    """What the panel remembers: an INI file in the configuration folder."""
    return QSettings(str(portable.config_folder() / "panel.ini"), QSettings.Format.IniFormat)
