#!/usr/bin/env python3
"""Runs Triton's Python client, as it comes from PyPI, against `adze serve`.

    tritonclient_test.py ADZE

Exit code 77 without the packages.
"""
import asyncio
import json
import pathlib
import sys
import tempfile
import unittest
import urllib.request

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper
    import tritonclient.http as client
    import tritonclient.http.aio as aio
    from tritonclient.utils import InferenceServerException, np_to_triton_dtype
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

from served import served

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TYPES = {
    "BOOL": np.bool_, "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64, "UINT8": np.uint8,
    "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64, "FP16": np.float16, "FP32": np.float32,
    "FP64": np.float64,
}


def through_model():
    """y_TYPE = x_TYPE for every type, and a sum."""
    inputs, outputs, nodes = [], [], []
    for name, dtype in TYPES.items():
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        inputs.append(helper.make_tensor_value_info("x_" + name, kind, ["N", "K"]))
        outputs.append(helper.make_tensor_value_info("y_" + name, kind, ["N", "K"]))
        nodes.append(helper.make_node("Identity", ["x_" + name], ["y_" + name]))
    outputs.append(helper.make_tensor_value_info("twice", TensorProto.FLOAT, ["N", "K"]))
    nodes.append(helper.make_node("Add", ["x_FP32", "x_FP32"], ["twice"]))
    graph = helper.make_graph(nodes, "through", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def values(dtype, shape, seed=0):
    random = np.random.default_rng(seed)
    if dtype == np.bool_:
        return random.integers(0, 2, shape).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        info = np.iinfo(dtype)
        return random.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    return random.standard_normal(shape).astype(dtype)


def infer_input(name, array, binary=True):
    made = client.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array, binary_data=binary)
    return made


class TritonClient(unittest.TestCase):
    def setUp(self):
        self.triton = client.InferenceServerClient(ADDRESS, concurrency=4)
        self.addCleanup(self.triton.close)
        self.digits = values(np.float32, (32, 1, 8, 8), seed=1)

    def test_health(self):
        self.assertTrue(self.triton.is_server_live())
        self.assertTrue(self.triton.is_server_ready())
        self.assertTrue(self.triton.is_model_ready("digits"))
        self.assertTrue(self.triton.is_model_ready("digits", "1"))
        self.assertFalse(self.triton.is_model_ready("nope"))
        self.assertFalse(self.triton.is_model_ready("digits", "7"))

    def test_metadata_and_configuration(self):
        server = self.triton.get_server_metadata()
        self.assertEqual(server["name"], "adze")
        self.assertIn("binary_tensor_data", server["extensions"])
        self.assertIn("model_configuration", server["extensions"])
        metadata = self.triton.get_model_metadata("digits")
        self.assertEqual(metadata["inputs"], [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}])
        config = self.triton.get_model_config("digits", "1")
        self.assertEqual(config["max_batch_size"], 64)
        # Where a batch may be, the metadata has one dimension more.
        self.assertEqual(config["input"][0]["dims"], metadata["inputs"][0]["shape"][1:])

    def test_binary_and_json_give_the_same(self):
        images = self.digits[:8]
        binary = self.triton.infer("digits", [infer_input("image", images)])
        asked = [client.InferRequestedOutput("scores", binary_data=False)]
        text = self.triton.infer("digits", [infer_input("image", images, binary=False)], outputs=asked)
        self.assertNotIn("parameters", text.get_output("scores"))
        self.assertIn("binary_data_size", binary.get_output("scores")["parameters"])
        np.testing.assert_array_equal(binary.as_numpy("scores"), text.as_numpy("scores"))
        self.assertEqual(binary.as_numpy("scores").shape, (8, 10))

    def test_every_type_and_several_outputs(self):
        for binary in (True, False):
            arrays = {name: values(dtype, (3, 4)) for name, dtype in TYPES.items()}
            # The client sends FP16 in binary alone.
            inputs = [infer_input("x_" + name, a, binary or name == "FP16") for name, a in arrays.items()]
            outputs = [client.InferRequestedOutput("y_" + name, binary_data=binary) for name in arrays]
            outputs.append(client.InferRequestedOutput("twice", binary_data=not binary))
            result = self.triton.infer("through", inputs, outputs=outputs, request_id="\u00fc7", priority=1,
                                       timeout=400_000, parameters={"note": "x"})
            self.assertEqual(result.get_response()["id"], "\u00fc7")
            for name, array in arrays.items():
                np.testing.assert_array_equal(result.as_numpy("y_" + name), array, err_msg=name)
                self.assertEqual(result.as_numpy("y_" + name).dtype, array.dtype)
            np.testing.assert_array_equal(result.as_numpy("twice"), arrays["FP32"] * 2)

    def test_compression(self):
        arrays = {name: values(dtype, (1, 5000)) for name, dtype in TYPES.items()}
        arrays["FP32"] = np.tile(np.float32([0, 1, 2, 3]), 1250).reshape(1, 5000)
        inputs = [infer_input("x_" + name, array) for name, array in arrays.items()]
        for algorithm in ("gzip", "deflate"):
            for request, response in ((algorithm, None), (None, algorithm), (algorithm, algorithm)):
                result = self.triton.infer("through", inputs, request_compression_algorithm=request,
                                           response_compression_algorithm=response)
                for name, array in arrays.items():
                    np.testing.assert_array_equal(result.as_numpy("y_" + name), array, err_msg=name)

    def test_asynchronous(self):
        pending = [self.triton.async_infer("digits", [infer_input("image", self.digits[i:i + 1])]) for i in range(32)]
        rows = np.concatenate([p.get_result().as_numpy("scores") for p in pending])
        together = self.triton.infer("digits", [infer_input("image", self.digits[:32])]).as_numpy("scores")
        np.testing.assert_array_equal(rows, together)

    def test_asyncio_client(self):
        async def run():
            async with aio.InferenceServerClient(ADDRESS) as triton:
                self.assertTrue(await triton.is_server_ready())
                results = await asyncio.gather(*(
                    triton.infer("digits", [infer_input("image", self.digits[i:i + 1])], request_compression_algorithm=how,
                                 response_compression_algorithm=how)
                    for i, how in enumerate([None, "gzip", "deflate"] * 4)))
                return np.concatenate([r.as_numpy("scores") for r in results])
        together = self.triton.infer("digits", [infer_input("image", self.digits[:12])]).as_numpy("scores")
        np.testing.assert_array_equal(asyncio.run(run()), together)

    def test_errors_carry_our_text(self):
        image = infer_input("image", self.digits[:1])
        flat = infer_input("image", self.digits[:1].reshape(1, 64))
        wide = infer_input("image", np.zeros((4097, 1, 8, 8), np.float32))
        whole = infer_input("image", np.zeros((1, 1, 8, 8), np.int32))
        cases = [
            ("404", 'there is no model "nope"', lambda: self.triton.infer("nope", [image])),
            ("404", 'the model "digits" has no version 9', lambda: self.triton.infer("digits", [image], model_version="9")),
            ("404", "there is no", lambda: self.triton.get_model_metadata("nope")),
            ("404", "there is no", lambda: self.triton.get_model_config("nope")),
            ("400", 'input "image" is missing', lambda: self.triton.infer("digits", [])),
            ("400", "shape [1,64] doesn't fit [-1,1,8,8]", lambda: self.triton.infer("digits", [flat])),
            ("400", "at most 4096 rows, not 4097", lambda: self.triton.infer("digits", [wide])),
            ("400", "datatype is INT32, expected FP32", lambda: self.triton.infer("digits", [whole])),
            ("400", 'the model has no output "x"',
             lambda: self.triton.infer("digits", [image], outputs=[client.InferRequestedOutput("x")])),
            ("400", '"classification" is not supported',
             lambda: self.triton.infer("digits", [image], outputs=[client.InferRequestedOutput("scores", class_count=3)])),
            ("400", '"sequence_id" is not supported', lambda: self.triton.infer("digits", [image], sequence_id=7)),
        ]
        for status, text, call in cases:
            with self.assertRaises(InferenceServerException, msg=text) as caught:
                call()
            self.assertIn(text, caught.exception.message())
            self.assertEqual(caught.exception.status(), status, text)

    def test_calls_of_perf_analyzer(self):
        """In its order, read as it reads them."""
        def read(path, body=None, headers={}):
            request = urllib.request.Request(f"http://{ADDRESS}{path}", body, headers)
            with urllib.request.urlopen(request) as response:
                self.assertEqual(response.status, 200)
                return response.read()
        read("/v2/health/live")
        metadata = json.loads(read("/v2/models/digits/versions/1"))
        self.assertTrue(all(isinstance(v, str) for v in metadata["versions"]))
        config = json.loads(read("/v2/models/digits/versions/1/config"))
        self.assertGreater(int(config["max_batch_size"]), 0)
        for port in config["input"]:
            self.assertIn("name", port)
            self.assertFalse(port["optional"] or port["is_shape_tensor"])
        self.assertFalse(config["model_transaction_policy"]["decoupled"])
        self.assertIsInstance(json.loads(read("/v2"))["extensions"], list)
        # The C++ client announces the JSON's length always.
        body = json.dumps({"id": "0", "inputs": [{"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32",
                                                  "data": [0] * 64}], "outputs": [{"name": "scores"}]}).encode()
        headers = {"Inference-Header-Content-Length": str(len(body)), "Content-Type": "application/json"}
        self.assertEqual(json.loads(read("/v2/models/digits/infer", body, headers))["id"], "0")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(through_model(), folder + "/through.onnx")
        with served(sys.argv[1], str(SOURCE / "examples/digits/digits.onnx"), folder + "/through.onnx",
                    "--deadline-ms", "30000") as ADDRESS:
            result = unittest.main(argv=sys.argv[:1], exit=False).result
    sys.exit(not result.wasSuccessful())
