"""Clipbridge in Ableton Live: name a track, a scene or a clip `cb: deep warm kick 2 bars`, and the clip appears."""


def create_instance(c_instance):
    """Live calls this when Clipbridge is chosen as a control surface."""
    from .surface import Clipbridge

    return Clipbridge(c_instance)
