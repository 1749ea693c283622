import io
import os
import zipfile

from binlocal.packaging import package_code, zip_folder


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_each_code_folder_is_uploaded_once_and_replaced_in_the_template(tmp_path):
    write(tmp_path, {"functions/a": "a", "others/b": "b"})
    template = {
        "Globals": {"Function": {"CodeUri": "functions/"}},
        "Resources": {
            "First": {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "a.h"}},
            "Second": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "others"}},
            "Third": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "others"}},
            "Remote": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": {"Bucket": "b", "Key": "k"}}},
            "Bucket": {"Type": "AWS::S3::Bucket"},
        },
    }
    uploads = []

    def upload(name, archive):
        uploads.append(archive)
        return {"Bucket": "deployment", "Key": name}

    packaged = package_code(template, tmp_path, upload)

    assert len(uploads) == 2
    resources = packaged["Resources"]
    assert packaged["Globals"]["Function"]["CodeUri"]["Bucket"] == "deployment"
    assert resources["Second"]["Properties"]["CodeUri"] == resources["Third"]["Properties"]["CodeUri"]
    assert resources["Remote"]["Properties"]["CodeUri"] == {"Bucket": "b", "Key": "k"}
    assert template["Globals"]["Function"]["CodeUri"] == "functions/", "the template itself is not changed"


def test_the_archive_contains_the_files_without_caches(tmp_path):
    write(tmp_path, {"bintally/handlers/intake": "code", "bintally/__pycache__/x": "bytes"})

    with zipfile.ZipFile(io.BytesIO(zip_folder(tmp_path))) as archive:
        assert archive.namelist() == ["bintally/handlers/intake"]
        assert archive.read("bintally/handlers/intake") == b"code"


def test_the_same_files_give_the_same_archive(tmp_path):
    write(tmp_path, {"a": "a"})
    first = zip_folder(tmp_path)
    os.utime(tmp_path / "a", (1, 1))

    assert zip_folder(tmp_path) == first
