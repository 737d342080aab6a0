#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""JAX: generation as one jitted lax.scan over the steps, and the LSTM layers forward and backward
as a scan over the sequence."""
import os
import time

import peer

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
STEPS = 64


def load(args):
    if args.device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    try:
        import jax
    except ImportError as missing:
        peer.give_up("jax", f"jax cannot be imported ({missing})")
    try:
        platform = jax.devices()[0].platform
    except RuntimeError as error:
        peer.give_up("jax", f"jax has no device ({error})")
    if args.device == "cuda" and platform == "cpu":
        peer.give_up("jax", "this build of jax sees no GPU")
    return jax


class Scan:
    def __init__(self, jax, model, precision):
        self.jax, self.jnp, self.model = jax, jax.numpy, model
        self.kind = self.jnp.bfloat16 if precision == "bf16" else self.jnp.float32
        keys = iter(jax.random.split(jax.random.key(1), 64))
        width, scale = model["hidden"], model["hidden"] ** -0.5

        def uniform(*shape):
            return jax.random.uniform(next(keys), shape, self.kind, -scale, scale)

        self.weights = {
            "embedding": uniform(model["vocabulary"], width),
            "layers": [{"w": uniform(width, 4 * width), "u": uniform(width, 4 * width),
                        "b": uniform(4 * width)} for _ in range(model["layers"])],
            "output": uniform(width, model["vocabulary"]),
        }

    def cell(self, layer, x, state):
        jax, jnp = self.jax, self.jnp
        h, c = state
        gates = jnp.dot(x, layer["w"]) + jnp.dot(h, layer["u"]) + layer["b"]
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return h, (h, c)

    def zeros(self, batch):
        zero = self.jnp.zeros((batch, self.model["hidden"]), self.kind)
        return tuple((zero, zero) for _ in range(self.model["layers"]))

    def generate(self, batch):
        jax, jnp = self.jax, self.jnp

        def run(weights, key):
            def step(carry, _):
                token, states, key = carry
                x = weights["embedding"][token]
                after = []
                for layer, state in zip(weights["layers"], states):
                    x, state = self.cell(layer, x, state)
                    after.append(state)
                logits = jnp.dot(x, weights["output"]).astype(jnp.float32) / peer.TEMPERATURE
                key, own = jax.random.split(key)
                token = jax.random.categorical(own, logits, axis=-1).astype(jnp.int32)
                return (token, tuple(after), key), token

            start = (jnp.zeros((batch,), jnp.int32), self.zeros(batch), key)
            return jax.lax.scan(step, start, None, length=STEPS)[1]

        function = jax.jit(run)
        return lambda: function(self.weights, jax.random.key(7)).block_until_ready()

    def forward_backward(self, batch, steps):
        jax, jnp = self.jax, self.jnp
        x = jnp.ones((steps, batch, self.model["hidden"]), self.kind) * 0.1

        def loss(layers, x):
            for layer, zero in zip(layers, self.zeros(batch)):
                x = jax.lax.scan(lambda s, v, layer=layer: self.cell(layer, v, s)[::-1], zero, x)[1]
            return jnp.sum(x.astype(jnp.float32)) * 1e-3

        function = jax.jit(jax.grad(loss, argnums=(0, 1)))
        return lambda: jax.block_until_ready(function(self.weights["layers"], x))


def timed(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def main():
    args = peer.options(__doc__)
    jax = load(args)
    session = peer.Session(args)
    for precision in ("bf16", "tf32", "fp32"):
        level = "highest" if precision == "fp32" else "default"
        with jax.default_matmul_precision(level):
            for name, model in session.models.items():
                base = {"backend": "jax scan", "precision": precision, "model": name}
                for batch in session.batches[:4]:
                    def generate():
                        function = Scan(jax, model, precision).generate(batch)
                        return session.sample(lambda: timed(function) / STEPS)
                    session.case("generate", {**base, "B": batch}, generate)
                for batch, steps in session.shapes[:2]:
                    def layers():
                        function = Scan(jax, model, precision).forward_backward(batch, steps)
                        return session.sample(lambda: timed(function))
                    session.case("recurrent_forward_backward", {**base, "B": batch, "T": steps},
                                 layers)


if __name__ == "__main__":
    main()
