"""`tf-ssae export`, without installing: see `python export.py --help`."""

import sys

from tf_ssae.cli.export import VERB

sys.exit(VERB.main(sys.argv[1:]))
