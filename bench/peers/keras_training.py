#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keras on the CPU: a training step (embedding, LSTM layers, dense, cross-entropy, Adam with clipping) as
train_on_batch compiles it, with the layers' loop over time and with that unrolled. XLA took longer with
either and is left out."""
import peer
import keras_peer
from keras_peer import keras, tf


def build(shape, batch, steps, unroll):
    width, vocabulary = shape["hidden"], shape["vocabulary"]
    layers = [keras.layers.LSTM(width, return_sequences=True, unroll=unroll)
              for _ in range(shape["layers"])]
    model = keras.Sequential([keras.layers.Input((steps,), batch_size=batch, dtype="int32"),
                              keras.layers.Embedding(vocabulary, width), *layers,
                              keras.layers.Dense(vocabulary)])
    model.compile(optimizer=keras.optimizers.Adam(1e-5, global_clipnorm=1.0),
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    return model


def sample(session, shape, batch, steps, unroll):
    model = build(shape, batch, steps, unroll)
    ids = tf.random.uniform((batch, steps), maxval=shape["vocabulary"], dtype=tf.int32)
    targets = tf.random.uniform((batch, steps), maxval=shape["vocabulary"], dtype=tf.int32)
    losses = [float(model.train_on_batch(ids, targets)) for _ in range(2)]
    seconds = session.sample(lambda: peer.seconds_of(lambda: model.train_on_batch(ids, targets)))
    return seconds, {"losses": losses, "version": keras_peer.VERSION}


def main():
    args, session = keras_peer.start(__doc__)
    if session.precision not in (None, "fp32"):
        return
    for name, shape in session.models.items():
        for batch, steps in session.shapes:
            for way, unroll in (("loop", False), ("unrolled", True)):
                session.case("training_step", keras_peer.case_of(args, name, way, B=batch, T=steps),
                             lambda: sample(session, shape, batch, steps, unroll))


if __name__ == "__main__":
    main()
