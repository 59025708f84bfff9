"""From a Config to a finished run folder. It knows no export."""
