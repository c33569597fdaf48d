"""Kit mappings as text, in sampler formats: SFZ, DecentSampler, Hydrogen.

Mappings name samples next to them, so that the folder can be moved or shared as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as xml

from bridge.domain.kit import Kit

HYDROGEN_SPACE = "http://www.hydrogen-music.org/drumkit"
TONE_RELEASE_S = 0.3
SPECIAL_IN_SFZ = str.maketrans(dict.fromkeys("<>=$#*/", " "))  # some readers parse comments too


def sfz(kit: Kit) -> str:
    """SFZ version 1: drums play to their end, tones while the key is held."""
    lines = [f"// {_comment(kit.name)}", f"// {_comment(kit.info)}"]
    for zone in kit.zones:
        lines += ["", f"// {_comment(zone.title)}", "<region>", f"sample={zone.file}"]
        if zone.tone:
            lines += [f"lokey={zone.low}", f"hikey={zone.high}", f"pitch_keycenter={zone.key}", "loop_mode=no_loop"]
            lines += [f"ampeg_release={TONE_RELEASE_S}"]
        else:
            lines += [f"key={zone.key}", "loop_mode=one_shot"]
        if zone.choke:
            lines += [f"group={zone.choke}", f"off_by={zone.choke}"]
    return "\n".join(lines) + "\n"


def decent_sampler(kit: Kit) -> str:
    """A .dspreset with a group per sound. The format has no one-shots, so a drum's release is as long as the drum."""
    root = xml.Element("DecentSampler", {"minVersion": "1.0.11"})  # the first version that mutes voices by tags
    groups = xml.SubElement(root, "groups")
    for zone in kit.zones:
        release_s = TONE_RELEASE_S if zone.tone else zone.seconds
        group = {
            "name": _printable(zone.title),
            "attack": "0",
            "decay": "0",
            "sustain": "1",
            "release": f"{release_s:.4g}",
        }
        if zone.choke:
            tag = f"choke{zone.choke}"
            group |= {"tags": tag, "silencedByTags": tag, "silencingMode": "fast"}
        sample = {"path": zone.file, "rootNote": zone.key, "loNote": zone.low, "hiNote": zone.high}
        xml.SubElement(
            xml.SubElement(groups, "group", group), "sample", {name: str(value) for name, value in sample.items()}
        )
    return _document(root)


def hydrogen(kit: Kit) -> str:
    """The drumkit.xml of Hydrogen 1.2. Its instruments have no root key: a tone plays at its own pitch only."""
    root = xml.Element("drumkit_info", {"xmlns": HYDROGEN_SPACE})
    _fill(
        root,
        name=_printable(kit.name),
        author="Clipbridge",
        info=_printable(kit.info),
        license="undefined license",
        image="",
        imageLicense="undefined license",
    )
    component = xml.SubElement(xml.SubElement(root, "componentList"), "drumkitComponent")
    _fill(component, id=0, name="Main", volume=1)
    instruments = xml.SubElement(root, "instrumentList")
    for number, zone in enumerate(kit.zones):
        instrument = xml.SubElement(instruments, "instrument")
        _fill(
            instrument, id=number, name=_printable(zone.title), volume=1, isMuted="false", isSoloed="false", pan=0,
            pitchOffset=0, randomPitchFactor=0, gain=1, applyVelocity="true", filterActive="false", filterCutoff=1,
            filterResonance=0, Attack=0, Decay=0, Sustain=1, Release=1000, muteGroup=zone.choke or -1, midiOutChannel=-1,
            midiOutNote=zone.key, isStopNote="false", sampleSelectionAlgo="VELOCITY", isHihat=-1, lower_cc=0, higher_cc=127,
            FX1Level=0, FX2Level=0, FX3Level=0, FX4Level=0,
        )  # fmt: skip
        part = xml.SubElement(instrument, "instrumentComponent")
        _fill(part, component_id=0, gain=1)
        _fill(xml.SubElement(part, "layer"), filename=zone.file, min=0, max=1, gain=1, pitch=0)
    return _document(root)


# Format → (file name, function that writes the text). Hydrogen requires the name drumkit.xml.
FORMATS: dict[str, tuple[str, Callable[[Kit], str]]] = {
    "sfz": ("{slug}.sfz", sfz),
    "decentsampler": ("{slug}.dspreset", decent_sampler),
    "hydrogen": ("drumkit.xml", hydrogen),
}


def _fill(element: xml.Element, **values: object) -> None:
    for name, value in values.items():
        xml.SubElement(element, name).text = str(value)


def _document(root: xml.Element) -> str:
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _printable(text: str) -> str:
    """`text` without characters that XML forbids even when escaped, and without those that reverse text direction."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "sound"


def _comment(text: str) -> str:
    return " ".join(_printable(text).translate(SPECIAL_IN_SFZ).split())
