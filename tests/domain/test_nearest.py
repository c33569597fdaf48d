from bridge.domain.nearest import nearest, not_one_of, unknown


def test_the_nearest_name_is_suggested_whatever_its_case_and_marks() -> None:
    assert nearest("@SEDE", ["seed", "steps"]) == "seed" and nearest("zzz", ["seed", "steps"]) == ""


def test_a_name_that_is_like_none_gets_all_of_them_listed() -> None:
    assert unknown("key", "sede", ["seed", "steps"]) == "There is no key 'sede'; did you mean seed?"
    assert unknown("key", "zzz", ["seed", "steps"]) == "There is no key 'zzz'; there are: seed, steps."


def test_a_very_long_name_is_cut() -> None:
    assert len(unknown("key", "x" * 10_000, [f"key{number}" for number in range(1_000)])) < 500


def test_a_value_that_is_none_of_a_few_is_guessed_beside_all_of_them() -> None:
    assert not_one_of("bits", "42", [16, 24, 32]) == "bits must be one of 16, 24, 32, not '42'."
    assert (
        not_one_of("format", "WVA", ["wav", "flac"]) == "format must be one of wav, flac, not 'WVA'; did you mean wav?"
    )
    assert not_one_of("compute", "gpu", ["cuda", "cpu"]) == "compute must be one of cuda, cpu, not 'gpu'."
    assert not_one_of("sink", "", ["folder"]) == "sink must be one of folder, not ''."
    assert len(not_one_of("sink", "x" * 10_000, ["folder"])) < 120
