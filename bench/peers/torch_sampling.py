#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One token a row from logits [B, V] at temperature 0.9: PyTorch, and FlashInfer where it is
installed. Caches are flushed before each sample."""
import peer
import torch_peer
from torch_peer import torch

TORCH_DRAWS = [("plain", "multinomial", torch_peer.draw_multinomial),
               ("plain", "exponential race", torch_peer.draw_race),
               ("top_k", "topk and exponential race", torch_peer.draw_top_k),
               ("top_p", "sort and exponential race", torch_peer.draw_top_p)]


def flashinfer_draws():
    try:
        from flashinfer import sampling
    except ImportError as missing:
        peer.emit({"bench": "peer", "case": {"backend": "flashinfer"}, "value": None,
                   "status": f"not present: flashinfer cannot be imported ({missing})"})
        return []
    probs = torch_peer.probabilities
    return [("plain", "sampling_from_probs", lambda x: sampling.sampling_from_probs(probs(x))),
            ("top_k", "top_k_sampling_from_probs",
             lambda x: sampling.top_k_sampling_from_probs(probs(x), peer.TOP_K)),
            ("top_p", "top_p_sampling_from_probs",
             lambda x: sampling.top_p_sampling_from_probs(probs(x), peer.TOP_P))]


def run(session, device, vocabulary, batch, draw, flush):
    logits = torch.rand(batch, vocabulary, device=device) * 8 - 4
    stopwatch = torch_peer.Stopwatch(device)
    tokens = draw(logits)
    tokens = tokens[0] if isinstance(tokens, tuple) else tokens
    if int(tokens.min()) < 0 or int(tokens.max()) >= vocabulary:
        raise ValueError(f"a token is outside 0..{vocabulary - 1}")
    return session.sample(lambda: stopwatch(lambda: draw(logits), before=flush))


def main():
    args = peer.options(__doc__)
    device = torch_peer.device_of(args)
    session = peer.Session(args)
    torch.manual_seed(1)
    scratch = torch_peer.cache_filler(args, device)
    draws = [("pytorch", *draw) for draw in TORCH_DRAWS]
    if device.type == "cuda":
        draws = [("flashinfer", *draw) for draw in flashinfer_draws()] + draws
    vocabularies = [32] if args.tiny else peer.VOCABULARIES + [32768]
    for batch in [8] if args.tiny else [16384, 65536, 4096]:
        for vocabulary in vocabularies:
            if batch * vocabulary > 1 << 27:
                continue
            for backend, filter_name, way, draw in draws:
                case = {"backend": backend, "precision": "fp32", "V": vocabulary, "B": batch,
                        "filter": filter_name, "way": way}
                session.case("sample_tokens", case, lambda: run(session, device, vocabulary, batch,
                                                                draw, scratch.zero_))


if __name__ == "__main__":
    main()
