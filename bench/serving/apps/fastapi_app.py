"""FastAPI with ONNX Runtime, as its users write it: uvicorn fastapi_app:app --port PORT"""
import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
app = FastAPI()


class Features(BaseModel):
    features: list[float]


@app.post("/predict")
def predict(body: Features):
    scores = session.run(None, {name: np.asarray([body.features], np.float32)})[0]
    return {"score": float(scores.reshape(-1)[0])}
