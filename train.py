"""`tf-ssae train`, without installing: see `python train.py --help`."""

import sys

from tf_ssae.cli.train import VERB

sys.exit(VERB.main(sys.argv[1:]))
