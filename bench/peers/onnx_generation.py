#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the CPU, generation one step at a time: embedding, LSTM operators, product, softmax
and draw in one graph, in fp32 and as its quantize_dynamic makes it of that, weights in int8
(DynamicQuantizeLSTM, MatMulInteger). The value is the time of one step."""
import pathlib
import tempfile

import peer

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic
except ImportError as missing:
    peer.give_up("onnxruntime", f"it cannot be imported ({missing})")

STEPS = 32  # a sample


def make_graph(shape, batch):
    """The step as a model: inputs token [B] and h, c of every layer; outputs their next values."""
    random = np.random.default_rng(1)
    hidden, vocabulary = shape["hidden"], shape["vocabulary"]
    weights, nodes = [], []

    def weight(name, *size):
        values = random.uniform(-0.05, 0.05, size).astype(np.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def node(kind, inputs, outputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def constant(name, values):
        weights.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    x = node("Gather", [weight("embedding", vocabulary, hidden), "token"], ["embedded"])
    x = node("Unsqueeze", [x, constant("first", [0])], ["sequence"])
    floats = lambda name, *size: helper.make_tensor_value_info(name, TensorProto.FLOAT, size)
    ids = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, [batch])
    inputs, outputs = [ids("token")], [ids("next_token")]
    for layer in range(shape["layers"]):
        own = [weight(f"w{layer}", 1, 4 * hidden, hidden), weight(f"r{layer}", 1, 4 * hidden, hidden),
               weight(f"b{layer}", 1, 8 * hidden)]
        state = [f"h{layer}", f"c{layer}"]
        after = ["next_" + name for name in state]
        node("LSTM", [x, *own, "", *state], [f"y{layer}", *after], hidden_size=hidden)
        inputs += [floats(name, 1, batch, hidden) for name in state]
        outputs += [floats(name, 1, batch, hidden) for name in after]
        x = node("Squeeze", [f"y{layer}", constant(f"squeezed{layer}", [1])], [f"x{layer}"])
    x = node("Squeeze", [x, constant("time", [0])], ["last"])
    x = node("Gemm", [x, weight("dense", hidden, vocabulary), weight("bias", vocabulary)], ["logits"])
    weights.append(numpy_helper.from_array(np.array(peer.TEMPERATURE, np.float32), "temperature"))
    x = node("Div", [x, "temperature"], ["tempered"])
    x = node("Multinomial", [x], ["drawn"], dtype=TensorProto.INT64, sample_size=1)
    node("Squeeze", [x, constant("column", [1])], ["next_token"])
    graph = helper.make_graph(nodes, "step", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def quantized(model):
    with tempfile.TemporaryDirectory() as folder:
        wide, narrow = pathlib.Path(folder) / "wide.onnx", pathlib.Path(folder) / "narrow.onnx"
        onnx.save(model, wide)
        quantize_dynamic(wide, narrow, weight_type=QuantType.QInt8)
        return onnx.load(narrow)


class Generator:
    """The step with its state in memory that the runtime reads and writes in turns."""

    def __init__(self, shape, batch, threads, precision):
        model = make_graph(shape, batch)
        if precision == "int8":
            model = quantized(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, ["CPUExecutionProvider"])
        size = (1, batch, shape["hidden"])
        names = [name for layer in range(shape["layers"]) for name in (f"h{layer}", f"c{layer}")]
        arrays = {name: np.zeros(size, np.float32) for name in names}
        arrays["token"] = np.zeros(batch, np.int64)
        memory = [{name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in arrays.items()}
                  for _ in range(2)]
        self.bindings = []
        for before, after in (memory, memory[::-1]):
            binding = self.session.io_binding()
            for name in arrays:
                binding.bind_ortvalue_input(name, before[name])
                binding.bind_ortvalue_output("next_" + name, after[name])
            self.bindings.append(binding)
        self.tokens = memory[0]["token"]

    def run(self, steps):
        for step in range(steps):
            self.session.run_with_iobinding(self.bindings[step % 2])


def sample(session, shape, case):
    generator = Generator(shape, case["B"], case["threads"], case["precision"])
    seconds = session.sample(lambda: peer.seconds_of(lambda: generator.run(STEPS)) / STEPS)
    tokens = generator.tokens.numpy()
    if tokens.min() < 0 or tokens.max() >= shape["vocabulary"]:
        raise ValueError(f"a token is outside 0..{shape['vocabulary'] - 1}")
    return seconds


def main():
    args = peer.options(__doc__)
    session = peer.Session(args)
    for name, shape in session.models.items():
        for batch in session.batches:
            for precision in ("fp32", "int8"):
                if session.precision in (None, precision):
                    case = {"backend": "onnxruntime", "precision": precision, "model": name,
                            "B": batch, "threads": args.threads}
                    session.case("generate", case, lambda: sample(session, shape, case))


if __name__ == "__main__":
    main()
