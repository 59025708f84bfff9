"""Self-supervised auto-encoder for image anomaly detection (W. Kim, POSTECH 2019), on Keras 3 and
TensorFlow.
"""

from tf_ssae import _startup  # noqa: F401  (before TensorFlow: it decides what that prints)
from tf_ssae._version import __version__  # noqa: F401
