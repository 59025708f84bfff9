"""The sub-networks of the detectors, figure 4.1 of the thesis, as functions that build Keras models."""

IMAGE_SIZE = 32

# Every kernel of the thesis' networks starts from N(0, 0.01), section 4.4.
KERNEL_STDDEV = 0.01

LEAK = 0.2
