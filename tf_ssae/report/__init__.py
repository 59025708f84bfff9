"""A `Report` to one self-contained HTML page, about a training run or about images scored with a
trained detector. It knows no detector: arrays, texts and numbers come in, a page comes out.
"""

from tf_ssae.report.content import Card, Photo, Report
from tf_ssae.report.page import write

__all__ = ["Card", "Photo", "Report", "write"]
