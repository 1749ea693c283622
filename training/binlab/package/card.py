"""The model card: what a person has to know before they trust a count."""

from __future__ import annotations

from typing import Any

_CARD = """\
# {name}: how many items are in a warehouse bin

A ResNet-50 that looks at one photograph of a bin and says how probable each count from {first} to {last} is{beyond}.
Input {size} x {size} pixels, the photograph squashed to a square. `network.int8.onnx` is what serves; `model.json` says
what it expects and holds every figure below.

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

Size, quantisation, the temperature of {temperature:.3f} that logits are divided by, and what the next section tells of
were chosen on {validation_photographs} validation photographs, where the int8 model has a balanced accuracy of
{validation_accuracy:.3f}. As int8 it loses {lost:.2f} points of balanced accuracy on the test photographs.

## How sure it is

**Intervals.** With its count the model gives an interval of consecutive counts, which holds the true one {coverage:.0%}
of the time: on the test photographs {covered:.1%}, with {width:.2f} counts on average. It grows from the most probable
count towards the more probable neighbour until it holds more than {mass:.3f} of the probability.

What is guaranteed: of photographs of which each class is as likely as the next, and which within each class are
exchangeable with the validation photographs (as if drawn from the same place, in any order), at least {coverage:.0%}
have their count in their interval. This is split conformal prediction. The guarantee is for all such photographs
together; it says nothing of one bin, one count, one site, or of bins out of range. Another camera, kind of bin or range
of goods than the validation photographs show voids it: fit it anew there.

**Abstention.** {abstention}

**Out of range.** {outside}

| | photographs | mean confidence | more sure than not of one count | in the interval | counts in it |
|---|--:|--:|--:|--:|--:|
{out_of_range}

## Made from

* Data: {data_name}. {train_photographs} photographs to train, {validation_photographs} to validate,
  {test_photographs} to test. SHA-256 of the photographs, counts and split: `{data_hash}`.
* Starting weights: `{start}`.
* Recipe: `training/train.py` with these flags, one run after the other (`--start` hands one's result to the next), then
  `training/package.py`.
{recipe}
* int8: static, weights for each channel, activations calibrated ({method}) on {calibration} training photographs;
  left in float: {kept}.

## Not for

{not_outside}
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
    "most_certain_20": "accuracy of the most certain 20%",
}
_TRUSTED = """\
At most {risk:.0%} of the counts are wrong that are given with a confidence of {confidence:.2f} or more.
That holds with {level:.0%} certainty over the draw of the validation photographs, for photographs that are exchangeable
with them as they came, bins out of range among them (a count given for such a bin is wrong). It is for those who want
to act on counts alone; the verdicts on orders have thresholds of their own."""
_NOT_TRUSTED = """\
From no confidence on are at most {risk:.0%} of the counts wrong, with {level:.0%} certainty: the validation
photographs do not show that a count alone may be acted on."""
_OUTSIDE = """\
An empty bin has an output of its own, and so has one with more than {last} items. Their probabilities, `empty`
and `fuller`, are taken off the confidence in a count, and the interval may reach to them. They are those of a stream in
which such bins are as frequent as in the data. How it does on {number} test photographs of them:"""
_NOT_KNOWN = """\
The model knows neither an empty bin nor one with more than {last} items. It names a count from {first} to {last} for
them, sometimes with confidence, and no interval can hold the truth. On {number} test photographs of them:"""
_UNSURE_OUTSIDE = """\
* **Empty bins, or more than {last} items, without a look at `empty`, `fuller` and the interval.** The count itself is
  always one of {first} to {last}."""
_NOT_OUTSIDE = """\
* **Empty bins, or more than {last} items.** The model knows no such count: it names one of {first} to {last}, sometimes
  with confidence."""
_OUT_OF_RANGE = (
    "| {name} | {photographs} | {mean_confidence:.0%} | {more_sure_than_not:.0%} | {coverage:.0%} | {mean_width:.1f} |"
)


def _recipe(runs: list[str], averaged: int, teacher: list[str] | None = None) -> str:
    lines = [f"  {number}. `{flags}`" for number, flags in enumerate(runs, start=1)]
    if averaged > 1:
        lines.append(f"\n  The weights are the mean of those after the last {averaged} runs.")
    if teacher:
        lines.append("\n  Its teacher was made so:")
        lines += [f"  {number}. `{flags}`" for number, flags in enumerate(teacher, start=1)]
    return "\n".join(lines)


def model_card(model: dict[str, Any]) -> str:
    """The card of an artifact, from the contents of its `model.json`."""
    classes, metrics, data = model["classes"], model["metrics"], model["data"]
    int8, reference = metrics["int8"]["test"], metrics["float"]["test"]
    conformal, abstain = model["conformal"], model["abstain"]
    knows, outside = tuple(model["outputs"]) != tuple(classes), int8["out_of_range"]
    span = {"first": classes[0], "last": classes[-1], "number": sum(each["photographs"] for each in outside.values())}
    names = {"empty": "empty bins", "fuller": f"more than {classes[-1]} items"}
    return _CARD.format(
        name=f"{model['architecture']}@{model['version']}",
        **span,
        beyond=", that the bin is empty, and that it holds more" if knows else "",
        lost=100 * metrics["lost_by_int8"]["test"],
        coverage=conformal["coverage"],
        mass=conformal["mass"],
        covered=int8["conformal"]["coverage"],
        width=int8["conformal"]["mean_width"],
        abstention=(_NOT_TRUSTED if abstain["confidence"] is None else _TRUSTED).format(**abstain),
        outside=(_OUTSIDE if knows else _NOT_KNOWN).format(**span),
        out_of_range="\n".join(_OUT_OF_RANGE.format(name=names[kind], **row) for kind, row in outside.items()),
        not_outside=(_UNSURE_OUTSIDE if knows else _NOT_OUTSIDE).format(**span),
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
        kept=model["calibration"]["kept_float"],
        licence=model["licence"],
    )
