"""`num_pixel_issues` and `softmin` of seeded cases, held against what cleanlab 2.9 makes of them.

cleanlab gets the values as float64, all in one batch: it would round the means of classes to the type of `pred_probs`,
and bound them from below once a batch. Of equal scores at the cut it takes any; the service takes the first.
"""

import dataclasses

import cleanlab.segmentation.filter
import numpy as np
import pytest
from cleanlab.segmentation.rank import get_label_quality_scores, issues_from_scores

import cleanlab_cases
import reference
from bodies import arrays_of, npz
from cleanlab_cases import COLUMNS, COUNT, TALLY

ANSWERS = {"npz": "application/x-npz", "json": "application/json"}
ROUNDING = 1e-12  # Between sums that are added in another order.


@dataclasses.dataclass(frozen=True)
class Findings:
    """What cleanlab finds."""

    mask: np.ndarray
    num_issues: int
    thresholds: np.ndarray


def cleanlab_findings(labels, pred_probs, downsample, batch_size):
    inspectors = []

    class Inspector(cleanlab.segmentation.filter.LabelInspector):
        def __init__(self, **options):
            super().__init__(**options)
            inspectors.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cleanlab.segmentation.filter, "LabelInspector", Inspector)
        mask = cleanlab.segmentation.filter.find_label_issues(
            labels, pred_probs, downsample=downsample, batch_size=batch_size, n_jobs=1, verbose=False
        )
    (inspector,) = inspectors
    return Findings(mask, int(inspector.get_num_issues()), inspector.get_confident_thresholds())


class Trial:
    """A case, its arrays, and what they should be answered."""

    def __init__(self, number):
        self.case = case = cleanlab_cases.case(number)
        self.chosen = case.chosen
        self.downsample = case.chosen.downsample
        self.arrays = case.arrays
        self.labels = self.arrays["labels"].astype(np.int64)
        self.values = self.arrays["pred_probs"].astype(np.float64)
        # JSON does not tell how many bits its numbers had.
        self.typed = self.values if case.chosen.form == "json" else self.arrays["pred_probs"]
        self.reference = reference.label_issues(self.labels, self.values, self.downsample, case.ignore_label)
        self.pixel_scores = reference.pixel_scores(self.labels, self.typed, case.ignore_label)
        self.cleanlab = None
        if case.ignore_label is None:
            self.cleanlab = cleanlab_findings(self.labels, self.values, self.downsample, self.values.size)

    def tied(self, slack=0.0):
        """The pixels, or the pixels of the blocks, that score as the last candidate does, give or take `slack`."""
        if self.reference.cut is None:
            return np.zeros(self.labels.shape, bool)
        near = self.reference.kept & (np.abs(self.reference.scores - self.reference.cut[0]) <= slack)
        return near.repeat(self.downsample, axis=1).repeat(self.downsample, axis=2)

    @property
    def rounding(self):
        return 0.0 if self.downsample == 1 else ROUNDING

    def score(self, client, method):
        """What the service answers: its arrays, and the response."""
        body, query = self.case.request(method, **self.arrays)
        answer = client.score(body, accept=ANSWERS[self.chosen.answer], **query)
        assert answer.status_code == 200, answer.text
        if self.chosen.answer == "npz":
            return arrays_of(answer), answer
        types = {"image_scores": np.float64, "pixel_scores": self.pixel_scores.dtype}
        members = {name: value for name, value in answer.json().items() if name.endswith(("scores", "issues"))}
        return {name: np.array(value, types.get(name, bool)) for name, value in members.items()}, answer

    def check_pixels(self, found, names):
        """The arrays that do not depend on the method."""
        assert sorted(found) == sorted(names + ["issues"] * (self.chosen.threshold is not None))
        assert found["pixel_scores"].dtype == self.pixel_scores.dtype
        np.testing.assert_array_equal(found["pixel_scores"], self.pixel_scores)
        if self.chosen.threshold is not None:
            scores = self.pixel_scores.astype(np.float64)
            expected = issues_from_scores(found["image_scores"], scores, self.chosen.threshold)
            np.testing.assert_array_equal(found["issues"], expected)


@pytest.fixture(scope="module", params=range(COUNT), ids=lambda number: str(cleanlab_cases.case(number)))
def trial(request):
    return Trial(request.param)


def test_every_value_takes_its_turn():
    cases = [cleanlab_cases.case(number) for number in range(COUNT)]
    for column, values in COLUMNS.items():
        assert {getattr(case.chosen, column) for case in cases} == set(values)
    assert {case.label_type for case in cases} == set(cleanlab_cases.LABEL_TYPES)
    assert sum(case.ignore_label is None for case in cases) >= 220


def test_the_reference_is_cleanlab(trial):
    if trial.cleanlab is None:
        pytest.skip("cleanlab has no label to ignore")
    found, expected = trial.reference, trial.cleanlab
    assert found.num_issues == expected.num_issues
    np.testing.assert_allclose(found.thresholds, expected.thresholds, rtol=ROUNDING)
    differing = found.mask != expected.mask
    assert not (differing & ~trial.tied(trial.rounding)).any()
    if not differing.any():
        image_scores, pixel_scores = get_label_quality_scores(
            trial.labels,
            trial.values,
            method="num_pixel_issues",
            downsample=trial.downsample,
            n_jobs=1,
            verbose=False,
            batch_size=trial.values.size,
        )
        np.testing.assert_allclose(found.image_scores, image_scores, rtol=0, atol=ROUNDING)
        np.testing.assert_array_equal(trial.pixel_scores, pixel_scores)
    count_the_case(trial, differing)


def count_the_case(trial, differing):
    """Counts for the summary, also how cleanlab itself answers in other types and batches."""
    TALLY["cases"] += 1
    TALLY["pixels"] += trial.labels.size
    if trial.reference.cut is not None:
        score, _, taken = trial.reference.cut
        TALLY["ties"] += (trial.reference.scores == score).sum() > taken
    TALLY["other_ties"] += differing.any()
    batch_size = 10_000  # The default.
    if trial.values.size // trial.downsample**2 > batch_size and len(trial.labels) > 1:
        batched = cleanlab_findings(trial.labels, trial.values, trial.downsample, batch_size)
        TALLY["batched"] += 1
        TALLY["batched_otherwise"] += batched.num_issues != trial.cleanlab.num_issues
    narrow = trial.arrays["pred_probs"]
    if narrow.dtype.itemsize == 8:
        return
    native = cleanlab_findings(trial.labels, narrow, trial.downsample, narrow.size)
    kind = narrow.dtype.name
    TALLY[kind] += 1
    if native.num_issues != trial.cleanlab.num_issues:
        TALLY[kind + "_otherwise"] += 1
    elif not (trial.downsample > 1 and trial.chosen.probabilities == "tiny"):
        # Blocks are averaged, added over the classes and divided in the narrow type; tiny ones have no digits there.
        kinds = np.finfo(narrow.dtype)
        relative, absolute = 2 * (narrow.shape[1] + 4) * kinds.eps, 2 * (narrow.shape[1] + 1) * kinds.smallest_subnormal
        score = 0 if trial.reference.cut is None else trial.reference.cut[0]
        slack = 0 if trial.downsample == 1 else float(score * relative + absolute)
        assert not ((trial.reference.mask != native.mask) & ~trial.tied(slack)).any()


def test_label_issues_are_those_of_cleanlab(client, trial):
    found, answer = trial.score(client, "num_pixel_issues")
    trial.check_pixels(found, ["image_scores", "label_issues", "pixel_scores"])
    mask, expected = found["label_issues"], trial.reference
    assert mask.shape == trial.labels.shape and mask.dtype == bool
    differing = mask != expected.mask
    if trial.case.has_exact_blocks:
        assert not differing.any()
    assert not (differing & ~trial.tied(ROUNDING)).any()
    if trial.cleanlab is not None:
        assert not ((mask != trial.cleanlab.mask) & ~trial.tied(trial.rounding)).any()

    kept = np.maximum((trial.labels != trial.case.ignore_label).sum(axis=(1, 2)), 1)
    np.testing.assert_array_equal(found["image_scores"], 1 - mask.sum(axis=(1, 2)) / kept)
    if not differing.any():
        np.testing.assert_allclose(found["image_scores"], expected.image_scores, rtol=0, atol=ROUNDING)
    check_statistics(trial, client.get(f"{answer.headers['Location']}/statistics"))


def check_statistics(trial, answer):
    assert answer.status_code == 200, answer.text
    found, expected = answer.json(), trial.reference
    assert found["downsample"] == trial.downsample
    assert found["num_pixels"] == expected.kept.sum()
    assert found["num_issues"] == expected.num_issues
    assert [row["class"] for row in found["classes"]] == list(range(trial.case.classes))
    assert [row["count"] for row in found["classes"]] == expected.counts.tolist()
    np.testing.assert_allclose([row["sum"] for row in found["classes"]], expected.sums, rtol=ROUNDING)
    thresholds = [row["confident_threshold"] for row in found["classes"]]
    np.testing.assert_allclose(thresholds, expected.thresholds, rtol=ROUNDING)
    if trial.cleanlab is not None:
        assert found["num_issues"] == trial.cleanlab.num_issues
        np.testing.assert_allclose(thresholds, trial.cleanlab.thresholds, rtol=ROUNDING)
    if expected.cut is None:
        assert found["cut"] is None
    elif trial.case.has_exact_blocks:
        assert found["cut"] == dict(zip(("score", "below", "ties"), expected.cut))
    else:
        cut, scores = found["cut"], expected.scores[expected.kept]
        assert abs(cut["score"] - expected.cut[0]) <= ROUNDING
        assert (scores < cut["score"] - ROUNDING).sum() <= cut["below"] <= (scores < cut["score"] + ROUNDING).sum()
        assert cut["below"] + cut["ties"] == expected.num_issues and cut["ties"] > 0


def test_softmin_scores_are_those_of_cleanlab(client, trial):
    found, _ = trial.score(client, "softmin")
    trial.check_pixels(found, ["image_scores", "pixel_scores"])
    if trial.case.ignore_label is None:
        expected, _ = get_label_quality_scores(
            trial.labels, trial.values, temperature=trial.chosen.temperature, verbose=False
        )
    else:
        expected = reference.image_scores(trial.labels, trial.typed, trial.chosen.temperature, trial.case.ignore_label)
    tolerance = reference.tolerance(trial.typed.dtype)
    np.testing.assert_allclose(found["image_scores"], expected, rtol=0, atol=tolerance)


def test_a_block_of_zeros_keeps_them(client):
    """cleanlab divides such a block by the sum of its probabilities, and has NaN for the thresholds of its class."""
    labels = np.array([[[1, 1, 0, 0, 1, 1]] * 2], np.uint8)
    pred_probs = np.array([[[[0, 0, 0.25, 0.25, 0, 0]] * 2, [[0, 0, 0.75, 0.75, 0.5, 0.5]] * 2]])
    expected = reference.label_issues(labels, pred_probs, 2)
    assert expected.num_issues == 1 and expected.cut == (0.0, 0, 1)
    body = npz(labels=labels, pred_probs=pred_probs)
    answer = client.score(body, accept=ANSWERS["npz"], method="num_pixel_issues", downsample=2)
    assert answer.status_code == 200, answer.text
    np.testing.assert_array_equal(arrays_of(answer)["label_issues"], [[[True, True] + [False] * 4] * 2])
    statistics = client.get(f"{answer.headers['Location']}/statistics").json()
    assert statistics["cut"] == {"score": 0, "below": 0, "ties": 1}
    assert [row["confident_threshold"] for row in statistics["classes"]] == [0.25, 0.5]
