"""mosec with ONNX Runtime, which batches: python mosec_app.py --port PORT"""
import os

import numpy as np
import onnxruntime
from mosec import Server, ValidationError, Worker


class Predict(Worker):
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self._name = self._session.get_inputs()[0].name

    def forward(self, data):
        try:
            rows = np.asarray([body["features"] for body in data], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise ValidationError(str(error)) from error
        return [{"score": float(row.reshape(-1)[0])} for row in self._session.run(None, {self._name: rows})[0]]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Predict, num=1, max_batch_size=64, max_wait_time=1, route="/predict")
    server.run()
