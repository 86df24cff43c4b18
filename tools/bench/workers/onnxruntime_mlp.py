"""ONNX Runtime as a contender, inference only: the model is written here, inputs and outputs bound."""
import time

import pipe

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def model(layers, features, batch):
    """Dense layers, relu between them."""
    nodes, weights, value = [], [], "x"
    for i, (kernel, bias) in enumerate(layers):
        weights += [numpy_helper.from_array(kernel, f"w{i}"), numpy_helper.from_array(bias, f"b{i}")]
        out = "y" if i + 1 == len(layers) else f"h{i}"
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [out]))
        value = out
        if out != "y":
            nodes.append(helper.make_node("Relu", [out], [out + "r"]))
            value = out + "r"
    units = layers[-1][1].shape[0]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, features])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, units])], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


class OnnxRuntime(pipe.Contender):
    version = onnxruntime.__version__

    def build(self, kind, batch, *_):
        if kind == "train":
            raise NotImplementedError("inference only")
        read = lambda name, *shape: np.array(  # noqa: E731
            pipe.read_floats(self.options.data, name), np.float32).reshape(shape)
        if kind == "predict":
            layers = [(read("w1", 784, -1), read("b1", -1)), (read("w2", -1, 10), read("b2", 10))]
            rows = read("rows", -1, 784)
        else:
            layers = [(np.ones((1, 1), np.float32), np.ones(1, np.float32))]
            rows = np.ones((batch, 1), np.float32)
        start = time.perf_counter()
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = self.options.threads
        settings.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            model(layers, rows.shape[1], batch), settings, providers=["CPUExecutionProvider"])
        bindings = []
        for i in range(0, len(rows) - batch + 1, batch):
            binding = session.io_binding()
            binding.bind_cpu_input("x", np.ascontiguousarray(rows[i:i + batch]))
            binding.bind_output("y", "cpu")
            bindings.append(binding._iobinding)
        run, at = session._sess.run_with_iobinding, [0]

        def step():
            at[0] = at[0] + 1 if at[0] + 1 < len(bindings) else 0
            run(bindings[at[0] - 1], None)

        step()
        return step, {"chosen": "bound inputs, called from Python", "failed": {}, "candidates": {},
                      "prepare_seconds": time.perf_counter() - start}


if __name__ == "__main__":
    pipe.serve(OnnxRuntime)
