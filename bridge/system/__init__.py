"""What differs between systems, and what every process needs: folders, children, logs, watching."""
