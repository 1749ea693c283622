"""The model card: what a person has to know before they trust a count."""

from __future__ import annotations

from typing import Any

_CARD = """\
# {name}: how many items are in a warehouse bin

A ResNet-50 that looks at one photograph of a bin and says how probable each count from {first} to {last} is. Input
{size} x {size} pixels, the photograph squashed to a square. `network.int8.onnx` is what serves; `model.json` holds what
it expects and every figure below.

## Figures

On {test_photographs} photographs that training and calibration never saw. Photographs that list the same contents, look
the same, or are neighbours without a record were kept on one side of the split. But for plain accuracy, every count
weighs the same ("balanced"), because the photographs of each are not equally many.

| | int8 (shipped) | float32 |
|---|--:|--:|
{figures}

By chance {chance:.0%} would be right. Records are sometimes wrong, and items hide each other, so nothing reaches 100%.

| recorded count | photographs | right | within one | mean guess |
|--:|--:|--:|--:|--:|
{classes}

Size, quantisation and the temperature of {temperature:.3f} that logits are divided by were chosen on
{validation_photographs} validation photographs, where the int8 model has a balanced accuracy of
{validation_accuracy:.3f}.

## Made from

* Data: {data_name}. {train_photographs} photographs to train, {validation_photographs} to validate,
  {test_photographs} to test. SHA-256 of the photographs, counts and split: `{data_hash}`.
* Starting weights: `{start}`.
* Recipe: `training/train.py` with these flags, one run after the other (`--start` hands one's result to the next), then
  `training/package.py`.
{recipe}
* int8: static, weights for each channel, activations calibrated ({method}) on {calibration} training photographs.

## Not for

* **Empty bins, or more than {last} items.** The model knows no such count: it names one of {first} to {last}, sometimes
  with confidence.
* **Other pictures.** It learnt from one camera set-up and one kind of bin: fabric pods, items behind elastic bands.
* **A stream in which some counts are far more common than others.** Its probabilities are those of a stream in which
  every count is as likely as the next. Where you know your own frequencies, multiply by them and divide by the sum.
* **A decision without a person** where a wrong count costs much: the thresholds of a verdict are there to send such
  bins to somebody.

## Licence

{licence}. See `LICENSE` in this folder.
"""

_CLASS = "| {count} | {photographs} | {right:.1%} | {within_one:.1%} | {mean_guess:.2f} |"
_ROWS = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "balanced_within_one": "within one of the record",
    "balanced_rmse_count": "RMSE of the count",
    "balanced_rmse_expected": "RMSE of the expected value",
    "balanced_ece": "calibration error (ECE)",
    "balanced_log_loss": "log loss",
}


def _recipe(runs: list[str], averaged: int) -> str:
    lines = [f"  {number}. `{flags}`" for number, flags in enumerate(runs, start=1)]
    if averaged > 1:
        lines.append(f"\n  The weights are the mean of those after the last {averaged} runs.")
    return "\n".join(lines)


def model_card(model: dict[str, Any]) -> str:
    """The card of an artifact, from the contents of its `model.json`."""
    classes, metrics, data = model["classes"], model["metrics"], model["data"]
    int8, reference = metrics["int8"]["test"], metrics["float"]["test"]
    return _CARD.format(
        name=f"{model['architecture']}@{model['version']}",
        first=classes[0],
        last=classes[-1],
        chance=1 / len(classes),
        size=model["input_size"],
        temperature=model["temperature"],
        figures="\n".join(f"| {name} | {int8[key]:.3f} | {reference[key]:.3f} |" for key, name in _ROWS.items()),
        classes="\n".join(_CLASS.format(count=count, **row) for count, row in int8["per_class"].items()),
        validation_accuracy=metrics["int8"]["validation"]["balanced_accuracy"],
        data_name=data["name"],
        data_hash=data["sha256"],
        **{f"{side}_photographs": f"{data[side]:,}" for side in ("train", "validation", "test")},
        start=model["starting_weights"],
        recipe=_recipe(**model["recipe"]),
        method=model["calibration"]["method"],
        calibration=model["calibration"]["photographs"],
        licence=model["licence"],
    )
