"""From a Config to a finished run folder; knows no export."""
