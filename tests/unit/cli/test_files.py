from pathlib import Path

from bincli.files import files_under, natural_key


def test_numbers_in_names_are_compared_as_numbers():
    names = ["b/1.jpg", "a10.jpg", "a9.jpg", "a09.jpg", "10/x.jpg", "9/x.jpg", "é.jpg", "².jpg"]

    ordered = [str(path) for path in sorted(map(Path, names), key=natural_key)]

    assert ordered.index("9/x.jpg") < ordered.index("10/x.jpg")
    assert ordered.index("a9.jpg") < ordered.index("a10.jpg")
    assert ordered.index("a09.jpg") < ordered.index("a10.jpg")


def test_hidden_files_and_folders_are_not_seen(tmp_path):
    for name in ("seen.jpg", ".hidden.jpg", ".git/object", "shelf/.DS_Store", "shelf/seen.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert [str(path.relative_to(tmp_path)) for path in files_under(tmp_path)] == ["seen.jpg", "shelf/seen.txt"]
