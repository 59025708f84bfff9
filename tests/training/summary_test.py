"""A run's metrics in words."""

from tf_ssae.training.summary import table

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
