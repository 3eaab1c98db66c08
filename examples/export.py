"""Writing a checked ONNX file from nodes and weights."""

import onnx
from onnx import TensorProto, helper, numpy_helper


def save(path, *, doc, nodes, weights, inputs, outputs):
    """inputs and outputs map names to shapes; the symbol "N" is the batch."""
    ports = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ports.items()]
        for ports in (inputs, outputs)
    ]
    graph = helper.make_graph(
        nodes,
        path.stem,
        *ports,
        initializer=[numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="adze examples", doc_string=doc
    )
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    print(f"wrote {path} ({path.stat().st_size} bytes)")
