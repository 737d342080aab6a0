# SPDX-License-Identifier: Apache-2.0
"""PyTorch as the peer scripts use it: precisions, timing by events, captured graphs."""
import peer

try:
    import torch
except ImportError as missing:
    peer.give_up("pytorch", f"torch cannot be imported ({missing})")

TYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def device_of(args):
    if args.device == "cuda" and not torch.cuda.is_available():
        peer.give_up("pytorch", "this build of torch sees no GPU")
    if args.device == "cpu":
        torch.set_num_threads(args.threads)
    return torch.device(args.device)


def set_precision(precision):
    """cuDNN runs bf16 without tensor cores where TF32 is off, so only fp32 turns it off."""
    allow = precision != "fp32"
    torch.backends.cudnn.allow_tf32 = allow
    torch.backends.cuda.matmul.allow_tf32 = allow


def precisions(device):
    """fp16 is left out on CPUs, which lack most of its operations."""
    return [p for p in TYPES if device.type == "cuda" or p in ("fp32", "bf16")]


def cache_filler(args, device):
    """More memory than the caches hold: overwritten, they have nothing else."""
    return torch.zeros((1 if args.tiny else 256) << 20, dtype=torch.uint8, device=device)


class Stopwatch:
    """Seconds of a call, by events on a GPU."""

    def __init__(self, device):
        self.cuda = device.type == "cuda"

    def __call__(self, function, before=None):
        if before is not None:
            before()
        if not self.cuda:
            return peer.seconds_of(function)
        start = torch.cuda.Event(enable_timing=True)
        stop = torch.cuda.Event(enable_timing=True)
        start.record()
        function()
        stop.record()
        stop.synchronize()
        return 1e-3 * start.elapsed_time(stop)


def captured(function, device):
    """`function` as a CUDA graph that is replayed; on a CPU the function itself."""
    side = torch.cuda.Stream() if device.type == "cuda" else None
    if side is None:
        return function
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    return graph.replay


def probabilities(logits):
    return torch.softmax(logits.float() / peer.TEMPERATURE, -1)


def exponential_race(probs):
    """argmax(p / Exp(1)): one draw a row without a sum over the row."""
    return torch.argmax(probs / torch.empty_like(probs).exponential_(1.0), -1)


def draw_multinomial(logits):
    return torch.multinomial(probabilities(logits), 1).squeeze(1)


def draw_race(logits):
    return exponential_race(probabilities(logits))


def draw_top_k(logits):
    values, index = torch.topk(logits, min(peer.TOP_K, logits.shape[-1]), -1)
    return index.gather(1, exponential_race(probabilities(values)).unsqueeze(1)).squeeze(1)


def draw_top_p(logits):
    probs, index = torch.sort(probabilities(logits), -1, descending=True)
    probs = probs.masked_fill(torch.cumsum(probs, -1) - probs > peer.TOP_P, 0.0)
    return index.gather(1, exponential_race(probs).unsqueeze(1)).squeeze(1)
