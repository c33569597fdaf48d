"""The starter: a small checkpoint that we train ourselves on sounds that we synthesise, and everything to make it again."""
