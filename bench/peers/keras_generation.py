#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keras on the CPU, generation one step at a time: embedding, LSTMCells, dense, tf.random.categorical. The
loop over the steps is part of the graph, as it is compiled by TensorFlow and by XLA; a call a step
takes longer. The value is the time of one step."""
import peer
import keras_peer
from keras_peer import keras, tf

STEPS = 32  # a sample


class Generator:
    """Token and states in variables, which a run of all steps reads and overwrites."""

    def __init__(self, shape, batch, jit):
        width, vocabulary = shape["hidden"], shape["vocabulary"]
        self.embedding = keras.layers.Embedding(vocabulary, width)
        self.cells = [keras.layers.LSTMCell(width) for _ in range(shape["layers"])]
        self.dense = keras.layers.Dense(vocabulary)
        for layer in (self.embedding, *self.cells, self.dense):
            layer.build((None,) if layer is self.embedding else (None, width))
        self.token = tf.Variable(tf.zeros([batch], tf.int32))
        self.states = [[tf.Variable(tf.zeros([batch, width])) for _ in range(2)] for _ in self.cells]
        self.run = tf.function(self.steps, jit_compile=jit, autograph=False)

    def step(self, count, token, states):
        x, after = self.embedding(token), []
        for cell, state in zip(self.cells, states):
            x, state = cell(x, state)
            after.append(state)
        drawn = tf.random.categorical(self.dense(x) / peer.TEMPERATURE, 1, dtype=tf.int32)
        return count + 1, drawn[:, 0], after

    def steps(self):
        values = tf.nest.map_structure(tf.convert_to_tensor, [self.token, self.states])
        loop = tf.while_loop(lambda count, *_: count < STEPS, self.step, [tf.constant(0), *values],
                             parallel_iterations=1)
        tf.nest.map_structure(lambda variable, value: variable.assign(value),
                              [self.token, self.states], list(loop[1:]))


def sample(session, shape, batch, jit):
    generator = Generator(shape, batch, jit)

    def run():
        generator.run()
        return generator.token.numpy()

    seconds = session.sample(lambda: peer.seconds_of(run) / STEPS)
    tokens = run()
    if tokens.min() < 0 or tokens.max() >= shape["vocabulary"]:
        raise ValueError(f"a token is outside 0..{shape['vocabulary'] - 1}")
    return seconds, {"version": keras_peer.VERSION}


def main():
    args, session = keras_peer.start(__doc__)
    if session.precision not in (None, "fp32"):
        return
    for name, shape in session.models.items():
        for batch in session.batches:
            for way, jit in (("graph", False), ("XLA", True)):
                session.case("generate", keras_peer.case_of(args, name, way, B=batch),
                             lambda: sample(session, shape, batch, jit))


if __name__ == "__main__":
    main()
