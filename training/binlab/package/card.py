"""The model card: what a person needs to know before trusting a count."""

from __future__ import annotations

import math
from typing import Any

from binlab.evaluate.certify import LEVEL

_CARD = """\
# {name}: how many items are in a warehouse bin

A ResNet-50 that looks at one photo of a bin and gives the probability of each count from {first} to {last}{beyond}.
Input: {size} x {size} pixels, the photo squashed to a square. `network.int8.onnx` is the network that serves;
`model.json` describes it and has every figure below.

## Figures

On {test_images} test photos, which training and calibration never saw. Photos that list the same contents, look the
same, or are neighbours without a record were kept in one split. Except for plain accuracy, figures are balanced: every
count has the same weight, although some counts have more photos.

| | int8 (shipped) | float32 |
|---|--:|--:|
{figures}

The count is the most probable of all outputs{or_out_of_range}.{note}

Guessing gives {chance:.0%}. Some records are wrong and items hide each other, so 100% is out of reach.

| recorded count | photos | correct | within one | mean prediction |
|--:|--:|--:|--:|--:|
{classes}

Input size, int8 variant, temperature ({temperature:.3f}) and the values in the next section were chosen on
{validation_images} validation photos. There, the int8 model has a balanced accuracy of {validation_accuracy:.3f}.
Conversion to int8 costs {lost:.2f} points of balanced accuracy on the test photos.

## Confidence

**Intervals.** Each count comes with an interval of consecutive counts that contains the true count {coverage:.0%} of
the time: on the test photos {covered:.1%}, with {width:.2f} counts on average. The interval grows from the most
probable count towards the more probable neighbour until it holds more than {mass:.3f} of the probability.

The guarantee (split conformal prediction): take photos for which every count is equally likely, and which within each
count are exchangeable with the validation photos, as if drawn from the same place in any order. For at least
{coverage:.0%} of them, the interval contains the count. The guarantee covers all such photos together, not one bin, one
count, one site, or bins out of range. It does not hold for another camera, kind of bin, or range of goods than in the
validation photos: calibrate again there.

**Abstention.** {abstention}
{volume}{certified}
**Out of range.** {outside}

| | photos | correct | mean confidence | confidence over 50% | in the interval | counts in it |
|---|--:|--:|--:|--:|--:|--:|
{out_of_range}

## Made from

* Data: {data_name}. {train_images} photos for training, {validation_images} for validation, {test_images} for testing.
  SHA-256 of photos, counts and split: `{data_hash}`.
* Starting weights: `{start}`.
* Recipe: `training/train.py` with these flags, one run after the other (each `--start`s from the one before), then
  `training/package.py`.
{recipe}
* int8: static, weights per channel, activation ranges measured ({method}) on {quantization_images} training photos;
  kept in float: {kept}.

## Do not use for

{not_outside}
* **Other photos.** It learned from one camera set-up and one kind of bin: fabric pods with items behind elastic bands.
* **Places where some counts are far more common than others**, without a correction. Its probabilities assume that
  every count is equally likely. If you know your own frequencies, multiply by them and divide by the sum.
* **Decisions without a person** where a wrong count is expensive. The thresholds of verdicts send uncertain bins to a
  person.

## Licence

{licence}. See `LICENSE` in this folder.
"""

_CLASS = "| {count} | {images} | {correct:.1%} | {within_one:.1%} | {mean_prediction:.2f} |"
_ROWS = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "balanced_within_one": "within one of the record",
    "balanced_rmse_count": "RMSE of the count",
    "balanced_rmse_expected": "RMSE of the expected value",
    "balanced_ece": "calibration error (ECE)",
    "balanced_log_loss": "log loss",
    "most_confident_20": "accuracy of the most confident 20%",
}
_TRUSTED = """\
At most {risk:.0%} of the counts with a confidence of {confidence:.2f} or more are wrong.
This holds with {level:.0%} certainty over the choice of validation photos, for photos exchangeable with them as they
came, including bins out of range (a count given for such a bin is wrong). Use it to act on counts alone. Verdicts on
orders have their own thresholds."""
_NOT_TRUSTED = """\
There is no confidence above which at most {risk:.0%} of the counts are wrong with {level:.0%} certainty. The
validation photos do not justify acting on a count alone."""
_OUTSIDE = """\
Empty bins and bins with more than {last} items have outputs of their own. If one of them is the most probable, the
result is 0 or "more than {last}", and the interval may extend to them. Their probabilities, `empty` and
`over_range`, assume that such bins are as frequent as in the data. It never gives the exact number of items
above {last}. On {number} test photos of such bins, with the confidence in one count from {first} to {last}:"""
_NOT_KNOWN = """\
The model has no output for empty bins or bins with more than {last} items. It gives a count from {first} to {last} for
them, sometimes with confidence, and no interval can contain the true count. On {number} test photos of such bins:"""
_UNSURE_OUTSIDE = """\
* **Empty bins, or more than {last} items, without checking `empty`, `over_range` and the interval.**
  {recognised}"""
_NOT_OUTSIDE = """\
* **Empty bins, or more than {last} items.** The model has no such output: it gives a count from {first} to {last},
  sometimes with confidence."""
_VOLUME = """
**Volume.** The model also estimates the volume of all items in the bin. On the {known:,} test photos whose records give
the sides of every item, it explains {r2:.0%} of the variance of log litres. The interval, about {low:.2f} to {high:.2f}
times the estimate, holds {held:.1%} of the recorded volumes ({coverage:.0%} intended, on average over photos like the
{images:,} validation photos that it was calibrated on). The recorded volume is that of the packages; soft goods fold to
less. Where an order gives the volume of an item, its verdict weighs both. Method: {method}.
"""
_CERTIFIED = """
**Verdicts.** A `MatchRisk` of the table settles that share of order lines without a person, and with {level:.0%}
certainty over the choice of validation photos at most the stated share of these is wrong, if orders are wrong as often
as in the first column (by 1, 2 and 3: 70%, 20%, 10%) and photos are exchangeable with the validation photos. It is
about verdicts from counts, without volumes.

| orders wrong | wrong among settled at most | `MatchRisk` | settled | upper {level:.0%} limit |
|--:|--:|--:|--:|--:|
{rows}
"""
_CERTIFIED_ROW = "| {discrepancy_rate:.0%} | {alpha:.0%} | {match_risk:g} | {settled:.1%} | {bound:.2%} |"
_NOT_CERTIFIED = "| {discrepancy_rate:.0%} | {alpha:.0%} | none | | |"
_OUT_OF_RANGE = (
    "| {name} | {images} | {correct:.0%} | {mean_confidence:.0%} | {confidence_over_half:.0%} | {coverage:.0%} "
    "| {mean_width:.1f} |"
)


def _recognised(outside: dict[str, dict[str, Any]], last: int) -> str:
    """How many bins out of range the model recognises, in a sentence."""
    names = {"empty": "empty bins", "over_range": f"bins with more than {last} items"}
    shares = [f"{row['correct']:.0%} of {row['images']} {names[kind]}" for kind, row in outside.items()]
    return (
        f"It recognised {' and '.join(shares)} in the test photos." if shares else "The test photos had none of them."
    )


def _volume(model: dict[str, Any]) -> str:
    """What the card says of the volume; nothing for a model without it."""
    volume = model.get("volume")
    if not volume:
        return ""
    test = model["metrics"]["volume"]["test"]
    ends = {end: math.exp(volume[end] * volume["log_sd"]) for end in ("low", "high")}
    return _VOLUME.format(**{**volume, **ends}, known=test["images"], r2=test["r2"], held=test["coverage"])


def _certified(rows: list[dict[str, Any]]) -> str:
    """What the card says of certified verdicts; nothing for a model that was packaged without."""
    if not rows:
        return ""
    lines = [(_NOT_CERTIFIED if row["match_risk"] is None else _CERTIFIED_ROW).format(**row) for row in rows]
    return _CERTIFIED.format(level=LEVEL, rows="\n".join(lines))


def _recipe(runs: list[str], averaged: int, teacher: list[str] | None = None) -> str:
    lines = [f"  {number}. `{flags}`" for number, flags in enumerate(runs, start=1)]
    if averaged > 1:
        lines.append(f"\n  The weights are the mean of those after the last {averaged} runs.")
    if teacher:
        lines.append("\n  Recipe of the teacher:")
        lines += [f"  {number}. `{flags}`" for number, flags in enumerate(teacher, start=1)]
    return "\n".join(lines)


def model_card(model: dict[str, Any]) -> str:
    """The card of an artifact, from its model.json."""
    classes, metrics, data = model["classes"], model["metrics"], model["data"]
    int8, reference = metrics["int8"]["test"], metrics["float"]["test"]
    conformal, abstain, quantization = model["conformal"], model["abstain"], model["quantization"]
    knows, outside = tuple(model["outputs"]) != tuple(classes), int8["out_of_range"]
    span = {"first": classes[0], "last": classes[-1], "number": sum(each["images"] for each in outside.values())}
    names = {"empty": "empty bins", "over_range": f"more than {classes[-1]} items"}
    return _CARD.format(
        name=f"{model['architecture']}@{model['version']}",
        **span,
        beyond=", of an empty bin, and of more items" if knows else "",
        or_out_of_range=f', 0 and "more than {classes[-1]}" among them: in range, those are wrong' if knows else "",
        note=f" {metrics['note']}" if "note" in metrics else "",
        lost=100 * metrics["lost_by_int8"]["test"],
        coverage=conformal["coverage"],
        mass=conformal["mass"],
        covered=int8["conformal"]["coverage"],
        width=int8["conformal"]["mean_width"],
        abstention=(_NOT_TRUSTED if abstain["confidence"] is None else _TRUSTED).format(**abstain),
        volume=_volume(model),
        certified=_certified(metrics.get("certified", [])),
        outside=(_OUTSIDE if knows else _NOT_KNOWN).format(**span),
        out_of_range="\n".join(_OUT_OF_RANGE.format(name=names[kind], **row) for kind, row in outside.items()),
        not_outside=(_UNSURE_OUTSIDE if knows else _NOT_OUTSIDE).format(
            **span, recognised=_recognised(outside, classes[-1])
        ),
        chance=1 / len(classes),
        size=model["input_size"],
        temperature=model["temperature"],
        figures="\n".join(f"| {name} | {int8[key]:.3f} | {reference[key]:.3f} |" for key, name in _ROWS.items()),
        classes="\n".join(_CLASS.format(count=count, **row) for count, row in int8["per_class"].items()),
        validation_accuracy=metrics["int8"]["validation"]["balanced_accuracy"],
        data_name=data["name"],
        data_hash=data["sha256"],
        **{f"{split}_images": f"{data[split]:,}" for split in ("train", "validation", "test")},
        start=model["starting_weights"],
        recipe=_recipe(**model["recipe"]),
        method=quantization["method"],
        quantization_images=quantization["images"],
        kept=quantization["float_layers"],
        licence=model["licence"],
    )
