"""What a run of messages knows: where its tables are, how far it is, what it needs to go on."""

from __future__ import annotations

import numpy as np

from gammagym.world import WORK
from gammagym.world.sizes import FILLS_AT_ONCE

# Where a run stands.
RUN = np.dtype(
    [
        ("messages_at", "i8"),
        ("messages_count", "i8"),
        ("details_at", "i8"),  # as many as messages, or none
        ("details_count", "i8"),
        ("reports_at", "i8"),
        ("reports_count", "i8"),
        ("touches_at", "i8"),  # as many as messages, or none
        ("touches_count", "i8"),
        ("touches_written", "i8"),
        ("buckets_at", "i8"),
        ("buckets_count", "i8"),
        ("position", "i8"),  # messages read
        ("written", "i8"),  # reports written
        ("last_sequence", "i8"),
        ("sequence", "i8"),  # of the message being carried out
        ("phase", "i8"),
        ("broken", "i8"),  # code of what a debug build has found wrong, or 0
        ("work", WORK),
    ]
)

READING, MATCHING, LOOKING, TRIGGERING, CANCELING = 220, 221, 222, 223, 224

# What a run needs to go on.
DONE, NEED_REPORTS, NEED_ORDERS, NEED_LEVELS, NEED_TERMS, NEED_MEMBERS = range(200, 206)
NEED_UPDATES = 206

# A step writes at most two reports for each fill, and a few about the order itself; of updates no
# more than that.
STEP_REPORTS = 2 * FILLS_AT_ONCE + 4
