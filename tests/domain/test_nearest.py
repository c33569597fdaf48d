from bridge.domain.nearest import nearest, unknown


def test_the_nearest_name_is_suggested_whatever_its_case_and_marks() -> None:
    assert nearest("@SEDE", ["seed", "steps"]) == "seed" and nearest("zzz", ["seed", "steps"]) == ""


def test_a_name_that_is_like_none_gets_all_of_them_listed() -> None:
    assert unknown("key", "sede", ["seed", "steps"]) == "There is no key 'sede'; did you mean seed?"
    assert unknown("key", "zzz", ["seed", "steps"]) == "There is no key 'zzz'; there are: seed, steps."


def test_a_very_long_name_is_cut() -> None:
    assert len(unknown("key", "x" * 10_000, [f"key{number}" for number in range(1_000)])) < 500
