"""docs/performance.md, made of results.json alone: a test compares the two."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.targets import judged

Section = Mapping[str, Any]
Results = Mapping[str, Section]


def prose(text: str) -> str:
    """One line."""
    return " ".join(text.split())


INTRODUCTION = prose("""
    `make bench` measures these figures and writes this page from `benchmarks/results.json`; a test compares the two.
    It takes under 30 minutes. `make bench BENCH="--only inference"` measures one section, and
    `make bench BENCH="--images DIR"` uses your photos; without any, it draws bins.""")
METHOD = prose("""
    Every speed is a ratio to a named baseline of the same run. The ways take turns, and a cell has the median of the
    repeats, with the least and the greatest in brackets. Absolute figures hold for this machine at that time; ratios
    travel better.""")
TITLES = {
    "inference": "Inference",
    "http": "Over HTTP",
    "end_to_end": "From upload to verdict",
    "aws": "Requests, write units, dollars",
    "cold_start": "Cold start",
}


EXACT = ("aws",)  # sections without a speed


def page(results: Results) -> str:
    """The whole page."""
    blocks = ["# Performance", INTRODUCTION, METHOD, "## Targets", targets(results), "## Machine", *machines(results)]
    for name, section in results.items():
        blocks += [f"## {TITLES[name]}", about(name, section["measured"]), *BODIES[name](section)]
    return "\n\n".join(blocks) + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], words: Collection[int] = (0,)) -> str:
    """The columns at the places `words` to the left, the others to the right."""
    marks = ["---" if place in words else "--:" for place in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, marks, *rows))


def plot(name: str, words: str) -> str:
    return f"![{words}](performance/{name}.png)"


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def within(spread: Mapping[str, float], unit: str = "") -> str:
    """`6.1x (5.9 to 6.4)`."""
    return f"{number(spread['median'])}{unit} ({number(spread['min'])} to {number(spread['max'])})"


def targets(results: Results) -> str:
    rows = []
    for target, value in judged(results):
        goal = f"{'at least' if target.least else 'at most'} {target.goal:g}{target.unit}"
        if value is None:
            rows.append([target.name, goal, "not measured", ""])
        else:
            words = "reached" if target.reached(value) else f"not reached: {target.hindrance}"
            rows.append([target.name, goal, f"{number(value)}{target.unit}", words])
    return table(["figure", "target", "measured", ""], rows, (0, 3))


def machines(results: Results) -> Iterator[str]:
    """Each machine in a sentence, with its sections unless they are all."""
    found: dict[str, list[str]] = {}
    for name, section in results.items():
        found.setdefault(machine_words(section["measured"]), []).append(TITLES[name])
    for words, sections in found.items():
        yield words if len(found) == 1 else f"{', '.join(sections)}: {words}"


def machine_words(measured: Section) -> str:
    machine = measured["machine"]
    flags = ", ".join(machine["flags"]) or "none of the flags that matter here"
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return prose(f"""{machine["processor"]} ({machine["family"]}; {flags}), {machine["cores"]} cores,
        {machine["memory_gib"]} GiB, {machine["system"]}, Python {machine["python"]}; {versions}. {measured["note"]}""")


def about(name: str, measured: Section) -> str:
    """When a section was measured, and on what."""
    quick = " **A quick run: not to be quoted.**" if measured["quick"] else ""
    if name in EXACT:
        return f"Counted on {measured['date']}: without repeats, because nothing here depends on the machine.{quick}"
    repeats = f"{measured['repeats']} repeats, {measured['seconds']} s"
    return f"Measured on {measured['date']} with {measured['photos']}: {repeats}.{quick}"


def rates(rows: Sequence[Section], head: str) -> str:
    """Rows of `measure.compared`."""
    baseline = next(row["name"] for row in rows if row["baseline"])
    cells = [
        [row["name"], within(row["value"]), "baseline" if row["baseline"] else within(row["ratio"], "x")]
        for row in rows
    ]
    return table([head, rows[0]["unit"], f"against {baseline}"], cells)


def inference(section: Section) -> Iterator[str]:
    yield plot("inference", "Photos a second of each engine")
    yield prose(f"""From JPEG files to counts, {section["photos"]} photos, all cores. The baseline counts as public
        samples do: torchvision's transforms for ImageNet, one photo at a time.""")
    yield rates(section["from_jpeg"], "way")
    yield "From pixels that are ready, so only the network is compared:"
    yield rates(section["from_pixels"], "engine")
    yield table(
        ["ours against", "ratio in the same repeat"],
        [[name, within(ratio, "x")] for name, ratio in section["ours_against"].items()],
    )
    sizes = ", ".join(f"{size} ({name})" for name, size in section["batch"].items())
    yield prose(f"""torch has the fastest of three batch sizes: {sizes}. Its weights are random, which changes no
        speed. ONNX Runtime's float32 is the shipped network with its int8 taken out, run as ours is. OpenVINO is no
        dependency of this project; here: {section["openvino"]}.""")
    yield from accuracy(section["accuracy"])


def accuracy(found: Section) -> Iterator[str]:
    yield prose(f"""What int8 costs, on {found["photos"]:,} {found["of"]}: the int8 file and the same network computed
        in float32 give the same count for {found["agreement"]:.1%}.""")
    rows = []
    if found["correct"]:
        rows.append(["exactly right, on these photos", *percentages(found["correct"], "int8", "float32")])
    if "float" in found["recorded"]:
        words = "balanced, on the test photos, recorded when the model was packaged"
        rows.append([words, *percentages(found["recorded"], "int8", "float")])
    if rows:
        yield table(["accuracy", "int8", "float32"], rows)


def percentages(shares: Mapping[str, float], *names: str) -> list[str]:
    return [f"{shares[name]:.1%}" for name in names]


def http(section: Section) -> Iterator[str]:
    yield plot("http", "Photos a second over HTTP by size of the manifest")
    yield prose("""`serve.py` in a process of its own, one request at a time. It reads JPEGs from a plain file server on
        the same cores, which stands for S3. The baseline is the model alone on pixels that are ready.""")
    yield rates(section["rows"], "way")


def end_to_end(section: Section) -> Iterator[str]:
    yield plot("end_to_end", "Processor time by process, and latencies")
    yield prose("""The whole stack on the same cores: from the first upload until every order line has a verdict. The
        baseline is the model server alone, a manifest of 500 over HTTP.""")
    yield rates(section["rows"], "way")
    yield prose("""Seconds from the upload of a photo to the verdict on its order line, all repeats together. A verdict
        has the time at which its function began, so these lack the time of one write.""")
    parts = ("p50", "p95", "p99")
    yield table(
        ["rate", "photos", *parts],
        [[row["name"], f"{row['photos']:,}", *(number(row[part]) for part in parts)] for row in section["latency"]],
    )
    yield prose("""Seconds of processor time for 1,000 photos. On AWS only the functions and the model server are ours
        to pay for; the emulator, the local SageMaker and this program (uploads, polling, the queues' pollers) stand
        for AWS and its users.""")
    kinds = list(section["memory_mib"])
    memory = section["memory_mib"]
    yield table(
        ["process", *(row["name"] for row in section["cpu"]), "memory at most, MiB"],
        [[kind, *(within(row["seconds"][kind]) for row in section["cpu"]), number(memory[kind])] for kind in kinds],
    )


def aws(section: Section) -> Iterator[str]:
    yield plot("aws", "Dollars for a million images by rhythm and mode")
    yield prose(f"""For an image in mode `async`. Ours: {section["number"]} images in one job. One by one: the same
        code with a job and a request for each image, as the public samples send them. Requests and units of
        the functions are counted at the SDK against a simulated AWS; the rest follows from the design.""")
    rows = [[row["name"], row["how"], number(row["ours"]), number(row["one_by_one"])] for row in section["operations"]]
    for name, words in TOTALS.items():
        sums = (number(section["totals"][way][name]) for way in ("ours", "one_by_one"))
        rows.append([f"**{words}**", "", *(f"**{each}**" for each in sums)])
    yield table(["for one image", "how known", "ours", "one by one"], rows, (0, 1))
    yield prose(f"""US dollars for a million images, with idle time and alarms, one order line for each image, without
        people's time and the desk. Prices: {section["prices"]} Speed on AWS, start and idle times are assumptions,
        listed by `bintally cost --json`.""")
    modes = list(section["dollars"][0]["modes"])
    yield table(
        ["rhythm", *modes],
        [[row["name"], *(number(row["modes"][mode]) for mode in modes)] for row in section["dollars"]],
    )
    yield section["flood_words"]


TOTALS = {
    "requests": "requests, without the upload",
    "write_units": "DynamoDB write units, with those of indexes",
}


def cold_start(section: Section) -> Iterator[str]:
    yield plot("cold_start", "Milliseconds of a cold start by function")
    yield prose("""A fresh interpreter with the function's own variables, against a local stack: not Lambda, which adds
        its own start. Cold is the import, and what the first event takes more than the second. The baseline is a
        handler with nothing but boto3 that makes the same clients, and one cheap request with each.""")
    yield table(
        ["function", "import, ms", "first event, ms", "second, ms", "cold, ms", "bare, cold, ms", "ratio", "clients"],
        [cold_row(row) for row in section["functions"]],
        (0, 7),
    )
    size = section["zip"]
    if "mb" in size:
        yield prose(f"""The zip file has {number(size["code_kb"])} kB of our own code and is {number(size["mb"])} MB
            with its dependencies, {number(size["ratio"])}x the {number(size["bare_mb"])} MB of boto3 alone.""")


def cold_row(row: Section) -> list[str]:
    times = [number(row["ms"][part]) for part in ("import", "first", "second")]
    cold = [within(row["cold_ms"]), within(row["bare_cold_ms"]), within(row["cold_ratio"], "x")]
    return [row["name"], *times, *cold, ", ".join(row["services"])]


BODIES: Mapping[str, Callable[[Section], Iterator[str]]] = {
    "inference": inference,
    "http": http,
    "end_to_end": end_to_end,
    "aws": aws,
    "cold_start": cold_start,
}
