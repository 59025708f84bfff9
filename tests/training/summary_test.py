"""A run's metrics in words."""

from tf_ssae.training.summary import in_short, table

DECISION = {"score": "a", "threshold": 2.5, "false_alarm_rate": 1 / 3, "detection_rate": 1.0}


def test_rates_in_words():
    said = table({"decision": DECISION})
    assert "33.3% of the normal test images and 100.0% of the anomalous ones" in said
    only = {name: value for name, value in DECISION.items() if name != "detection_rate"}
    assert "33.3% of the normal test images." in table({"decision": only})


def test_a_collapse_is_reported():
    health = {"reconstruction_spread": 0.05, "warnings": ["The generator collapsed."]}
    said = table({"decision": DECISION, "health": health})
    assert "differ 0.05 times as much" in said and "WARNING: The generator collapsed." in said


def test_the_last_lines_are_the_numbers_that_matter():
    metrics = {
        "share": 0.6,
        "test_images": 200,
        "decision": {"false_alarm_rate": 1 / 80, "detection_rate": 0.75},
        "synthetic_defects": {"found": 67, "images": 99},
    }
    assert in_short(metrics) == (
        "In short: 90 of 120 defects found; 1 false alarm on 80 normal test images; 67 of 99"
        " synthetic defects found."
    )
    of_good_ones = {"share": 0.0, "test_images": 50, "decision": {"false_alarm_rate": 0.04}}
    assert in_short(of_good_ones) == (
        "In short: no defect was tested; 2 false alarms on 50 normal test images."
    )
