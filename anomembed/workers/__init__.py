"""Do the same work on many parts at once, in threads or on a cluster; results come in the order of the parts.

The work is a function of one part alone, so what comes out does not depend on who does it, nor on how often: what a
lost worker had is done again by another. `compiled` and `lanes` make machine code of its loops.
"""

from anomembed.workers.opening import open_workers
from anomembed.workers.ordered import in_order
from anomembed.workers.pool import LostError, Pool

__all__ = ["LostError", "Pool", "in_order", "open_workers"]
