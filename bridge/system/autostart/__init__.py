"""Start the daemon when its user logs in: by systemd, launchd, the desktop (Linux without systemd) or Windows."""
