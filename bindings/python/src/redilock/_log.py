"""The package's logger, `redilock`: what goes wrong behind the program's back. It is silent until
the program configures logging.
"""

import logging

logger = logging.getLogger("redilock")
logger.addHandler(logging.NullHandler())
