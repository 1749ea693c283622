import json
from pathlib import Path

import pytest
from binmodel.artifact import ArtifactError, shipped

from model_code import inference
from tests.unit.model_code.sample_images import grey_image, jpeg, light_predictor

needs_model = pytest.mark.skipif(not (shipped() / "model.json").exists(), reason="the shipped model is not there yet")


def test_one_image_passes_through_the_four_functions() -> None:
    request = inference.input_fn(bytearray(jpeg(grey_image(4))), "image/jpeg")
    body, kind = inference.output_fn(inference.predict_fn(request, light_predictor()), "application/json")

    assert kind == "application/json"
    assert json.loads(body)["count"] == 4


def test_a_manifest_gives_json_lines_even_for_invalid_lines() -> None:
    request = inference.input_fn("nonsense\n{}\n", "application/jsonlines; charset=utf-8")
    body, kind = inference.output_fn(inference.predict_fn(request, light_predictor()), "*/*")

    assert kind == "application/jsonlines"
    assert [json.loads(line)["error"]["code"] for line in body.splitlines()] == ["bad_manifest_line"] * 2


def test_a_manifest_of_one_line_gives_the_accepted_type() -> None:
    lines = inference.predict_fn(inference.input_fn(b"{}", "application/jsonlines"), light_predictor())

    assert inference.output_fn(lines, "application/jsonlines")[0].endswith("}\n")


def test_other_content_types_are_rejected() -> None:
    with pytest.raises(ValueError, match="text/csv"):
        inference.input_fn("1,2", "text/csv")


@needs_model
def test_the_model_is_loaded_from_the_given_folder() -> None:
    assert inference.model_fn(str(shipped())).model.startswith("resnet50@")


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        inference.model_fn(str(tmp_path))
