"""Read the recipe in an audio file, with errors as sentences."""

from __future__ import annotations

from pathlib import Path

from bridge.domain.recipe import Recipe, read
from bridge.errors import BadRecipe
from bridge.files.tags import recipe_in
from bridge.system.spelling import on_disk


def recipe_from_file(file: Path) -> Recipe:
    """The recipe in an audio file. Raises BadRecipe with a sentence that names the file."""
    try:
        file = on_disk(file)
        if file.is_dir():
            raise BadRecipe("it is a folder")
        if not file.is_file():  # reading a pipe could block forever
            raise BadRecipe(f"there is no such file in {file.parent.as_posix()}")
        return read(recipe_in(file))
    except OSError as error:
        raise BadRecipe(f"{file.name} cannot be recalled: it cannot be read ({error.strerror or error}).") from error
    except (BadRecipe, ValueError) as error:
        raise BadRecipe(f"{file.name} cannot be recalled: {error}.") from error
