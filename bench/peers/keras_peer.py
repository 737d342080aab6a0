# SPDX-License-Identifier: Apache-2.0
"""Keras on TensorFlow as the peer scripts use it, on a CPU alone."""
import os

import peer

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="2", CUDA_VISIBLE_DEVICES="-1")
try:
    import tensorflow as tf
    import keras
except ImportError as missing:
    peer.give_up("keras", f"it cannot be imported ({missing})")

VERSION = f"{keras.__version__}, TensorFlow {tf.__version__}"


def start(description):
    """Options and session, with the threads that were asked for."""
    args = peer.options(description)
    if args.device != "cpu":
        peer.give_up("keras", "its scripts measure --device cpu alone")
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    keras.utils.set_random_seed(1)
    return args, peer.Session(args)


def case_of(args, model, way, **extents):
    return {"backend": "keras", "precision": "fp32", "model": model, **extents, "way": way,
            "threads": args.threads}
