"""Which score decides, above what, and what that promises."""

from tf_ssae.calibration.calibration import Calibration as Calibration
from tf_ssae.calibration.description import Description as Description
from tf_ssae.calibration.guarantee import Guarantee as Guarantee
