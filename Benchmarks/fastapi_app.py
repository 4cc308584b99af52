"""cleanlab as a web service, which segscore is compared with."""

import io

import numpy as np
from cleanlab.segmentation.rank import get_label_quality_scores
from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/score")
async def score(request: Request, method: str = "softmin"):
    with np.load(io.BytesIO(await request.body())) as file:
        labels, pred_probs = file["labels"], file["pred_probs"]
    scores, _ = get_label_quality_scores(labels, pred_probs, method=method, n_jobs=1, verbose=False)
    return {"image_scores": scores.tolist()}
