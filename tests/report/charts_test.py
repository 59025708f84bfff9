import numpy as np

from tf_ssae.report import charts

# The deciding score gives one false alarm and finds one of two anomalies; the other is perfect.
TRUTH = np.array([False, False, True, True])
SCORES = {"a_ws": np.array([0.1, 0.7, 0.4, 0.9]), "a_rec": np.array([1.0, 2.0, 3.0, 4.0])}


def test_histogram_keeps_far_scores_in_its_last_bar():
    normals = np.linspace(0, 1, 1000)
    chart = charts.histogram(
        {("normals", "normal"): normals, ("odd", "anomalous"): np.full(5, 1e9)}, 1.0, "a_rec"
    )
    assert chart.note == "The last bar includes 5 scores above 8."
    assert chart.threshold[1] == "threshold 1"
    assert "1e+09" not in str(chart.x_ticks) and chart.x_ticks[-1] == ("294", "8")


def test_histogram_bars_are_square_roots_of_each_groups_shares():
    # Two of two scores in the last bar, one of four in the first: 1 is drawn twice as high as 1/4.
    chart = charts.histogram(
        {("a", "normal"): np.array([0.0, 1, 1, 1]), ("b", "scored"): np.array([1.0, 1])}, None, ""
    )
    (_, first), (_, second) = chart.paths
    assert chart.threshold is None and chart.legend == [("normal", "a"), ("scored", "b")]
    # Of 170 units of height, 5% are left free above the highest bar.
    assert second.endswith("V8.1H294V170") and first.startswith("M0 170V89H5.9V170")


def test_histogram_of_nothing():
    assert charts.histogram({("none", "normal"): np.array([])}, 1.0, "") is None


def test_curves_mark_the_threshold_that_decides():
    width, height = charts.Chart.WIDTH, charts.Chart.HEIGHT
    chart = charts.precision_recall(TRUTH, SCORES, 0.5)
    # Of the two above it one is an anomaly: precision and recall are a half.
    assert chart.dot == (f"{width / 2:g}", f"{height * (1 - 0.5 / 1.02):.1f}")
    chart = charts.roc(TRUTH, SCORES, 0.5)
    assert chart.dot == (f"{width / 2:g}", f"{height * (1 - 0.5 / 1.02):.1f}")
    # No image is above it, so precision is not defined.
    assert charts.precision_recall(TRUTH, SCORES, 2.0).dot is None


def test_legends_hold_the_metrics_of_every_score():
    chart = charts.precision_recall(TRUTH, SCORES, 0.5)
    # a_ws: (1/1 + 2/3) / 2.
    assert chart.legend == [
        ("curve0", "a_ws, average precision 0.833"),
        ("curve1", "a_rec, average precision 1.000"),
        ("chance", "chance, 0.500"),
    ]
    assert [style for style, _ in chart.paths] == ["curve0", "curve1", "chance"]
    # a_ws ranks three of the four pairs of a normal and an anomalous image right.
    chart = charts.roc(TRUTH, SCORES, 0.5)
    assert chart.legend[0] == ("curve0", "a_ws, AUROC 0.750")
    # a_rec: up to a detection rate of 1 without a false alarm, then to the right.
    assert chart.paths[1][1].split("L")[-2:] == ["0 3.3", "294 3.3"]


def test_sixth_score_has_the_last_style_too():
    scores = {f"a{i}": SCORES["a_ws"] for i in range(6)}
    styles = [style for style, _ in charts.roc(TRUTH, scores, 0.5).paths]
    assert styles == ["curve0", "curve1", "curve2", "curve3", "curve4", "curve4", "chance"]


def test_history_ends_in_a_dot():
    curve = np.array([1.0, 2, 3]), np.array([3.0, 2, 1])
    chart = charts.over_epochs({"training": curve}, "loss")
    assert chart.paths == [("curve0", "M0 7.7L147 85L294 162.3")] and chart.dot == ("294", "162.3")
    assert [text for _, text in chart.x_ticks] == ["1", "2", "3"] and chart.legend == ()


def test_training_and_held_out_images_share_the_axes_of_one_chart():
    curves = {
        "training": (np.array([1.0, 2, 3]), np.array([2.0, 2, 1])),
        # Not measured in every epoch.
        "held out": (np.array([1.0, 3]), np.array([2.0, 3])),
    }
    chart = charts.over_epochs(curves, "loss")
    assert chart.paths == [("curve0", "M0 85L147 85L294 162.3"), ("curve1", "M0 85L294 7.7")]
    assert chart.legend == [("curve0", "training"), ("curve1", "held out")]
    assert chart.dot == ("294", "162.3")
