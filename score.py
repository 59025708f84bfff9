"""`tf-ssae score`, without installing: see `python score.py --help`."""

import sys

from tf_ssae.cli.score import VERB

sys.exit(VERB.main(sys.argv[1:]))
