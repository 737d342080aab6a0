# SPDX-License-Identifier: Apache-2.0
"""The comparisons that a check has to show, as factors. A comparison whose sides were not both
measured is there all the same, with no factor."""
import dataclasses
from typing import Optional

NEVER = "not yet measured on a GPU"
VOCABULARIES = (128, 256, 388, 512, 1024)
LARGE_BATCHES = (16384, 65536)
PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
LAYERS = {"S": (2, 256), "M": (3, 512), "L": (2, 1024)}  # of bench/shapes.h: how many, H


@dataclasses.dataclass
class Comparison:
    claim: str
    case: str
    ours: Optional[float] = None
    theirs: Optional[float] = None
    factor: Optional[float] = None
    required: str = ""  # empty: told, whatever it is
    met: Optional[bool] = None
    unit: str = "us"
    note: str = ""


def matches(row, bench, case):
    return (row.get("bench") == bench and row.get("status") == "ok" and row.get("value") is not None
            and all(row["case"].get(key) == value for key, value in case.items()))


def fastest(rows, bench, **case):
    """The row with the smallest value, or None."""
    found = [row for row in rows if matches(row, bench, case)]
    return min(found, key=lambda row: row["value"], default=None)


def value_of(row):
    return None if row is None else row["value"]


def ratio(above, below):
    return None if above is None or below is None or below <= 0 else above / below


def copy_bandwidth(rows):
    """GB/s of the largest device-to-device copy, read and written."""
    found = [row for row in rows if matches(row, "copy", {})]
    return max((row["value"] for row in found), default=None)


def sampler_against_floor(rows):
    """The floor is what must be read and written over the copy bandwidth, or the data sheet's."""
    bandwidth = copy_bandwidth(rows)
    for vocabulary in VOCABULARIES:
        for batch in LARGE_BATCHES:
            ours = fastest(rows, "sample_tokens", backend="cuda", precision="fp32", V=vocabulary,
                           B=batch, filter="plain")
            floor, note = None, ""
            if ours is not None and bandwidth and ours.get("bytes"):
                floor, note = ours["bytes"] / bandwidth / 1e3, "floor by the measured copy bandwidth"
            elif ours is not None:
                floor, note = ours.get("floor_us"), "floor by the data sheet's bandwidth"
            factor = ratio(value_of(ours), floor)
            yield Comparison("the sampler over its memory floor", f"V {vocabulary}, B {batch}",
                             value_of(ours), floor, factor, "at most 2",
                             None if factor is None else factor <= 2.0, note=note)


def sampler_against_peers(rows):
    for vocabulary in VOCABULARIES:
        for batch in LARGE_BATCHES:
            case = {"precision": "fp32", "V": vocabulary, "B": batch, "filter": "plain"}
            ours = fastest(rows, "sample_tokens", backend="cuda", **case)
            peers = [fastest(rows, "sample_tokens", backend=name, **case)
                     for name in ("flashinfer", "pytorch")]
            best = min((row for row in peers if row), key=lambda row: row["value"], default=None)
            factor = ratio(value_of(best), value_of(ours))
            note = "" if best is None else f"{best['case']['backend']} {best['case'].get('way', '')}"
            yield Comparison("FlashInfer or PyTorch over the sampler", f"V {vocabulary}, B {batch}",
                             value_of(ours), value_of(best), factor, "more than 1",
                             None if factor is None else factor > 1.0, note=note)


def layers_against_pytorch(rows):
    for precision in PRECISIONS:
        for model in ("S", "M", "L"):
            for batch, steps in ((64, 256), (256, 256)):
                case = {"precision": precision, "model": model, "B": batch, "T": steps}
                ours = fastest(rows, "recurrent_forward_backward", backend="cudnn", **case)
                theirs = fastest(rows, "recurrent_forward_backward", backend="pytorch eager", **case)
                factor = ratio(value_of(theirs), value_of(ours))
                yield Comparison("PyTorch nn.LSTM over cudnn, forward and backward",
                                 f"{model}, {precision}, B {batch}, T {steps}", value_of(ours),
                                 value_of(theirs), factor, "at least 1",
                                 None if factor is None else factor >= 1.0)


def layers_against_cudnn(rows):
    """cuDNN called with the whole stack at once, by the faster of its algorithms."""
    for model, (layers, hidden) in LAYERS.items():
        for batch, steps in ((64, 256), (256, 256)):
            ours = fastest(rows, "recurrent_forward_backward", backend="cudnn", precision="fp32",
                           model=model, B=batch, T=steps)
            theirs = fastest(rows, "cudnn", cell="lstm", precision="fp32", layers=layers, H=hidden,
                             B=batch, T=steps, **{"pass": "forward and backward"})
            note = "" if theirs is None else theirs["case"].get("algorithm", "")
            yield Comparison("cuDNN called directly over cudnn, forward and backward",
                             f"{model}, fp32, B {batch}, T {steps}", value_of(ours), value_of(theirs),
                             ratio(value_of(theirs), value_of(ours)), note=note)


def step_against_pytorch(rows):
    """Our value is a whole call of many steps; its row says what a step takes."""
    for precision in PRECISIONS[:3]:
        for batch in (1, 32, 256, 1024):
            case = {"precision": precision, "model": "S", "B": batch}
            row = fastest(rows, "generate", backend="cuda", **case)
            ours = None if row is None else row.get("us_per_step")
            best = fastest(rows, "generate", backend="pytorch graph", **case)
            factor = ratio(value_of(best), ours)
            note = "" if best is None else f"{best['case'].get('layers')}, {best['case'].get('draw')}"
            yield Comparison("PyTorch's captured step over ours", f"S, {precision}, B {batch}", ours,
                             value_of(best), factor, "at least 3",
                             None if factor is None else factor >= 3.0, note=note)


def training_against_cpu(rows):
    cuda = value_of(fastest(rows, "jsb_training", backend="cuda"))
    cpu = value_of(fastest(rows, "jsb_training", backend="cpu"))
    difference = None if cuda is None or cpu is None else cuda - cpu
    yield Comparison("validation NLL on JSB, cuda less cpu", "S: LSTM 2x256", cuda, cpu, difference,
                     "within 0.001", None if difference is None else abs(difference) <= 1e-3,
                     unit="nats a frame")


def compare(rows):
    """All comparisons, in the order of the table."""
    found = []
    for make in (sampler_against_floor, sampler_against_peers, layers_against_pytorch,
                 layers_against_cudnn, step_against_pytorch, training_against_cpu):
        found += make(rows)
    return found
