"""Differences between operating systems, and what every process needs: folders, children, logs, file watching."""
