"""`clipbridge` with the stand-in engine, for daemons and boxes whose clips may sound like anything: `python -m tests.stand_in run`, or
`serve`.

It starts in a fraction of the time, because nothing imports torch.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":  # children import this module too
    from bridge import cli, daemon
    from bridge.cluster import serving

    # An engine on another machine is not replaced.
    if "--engine" not in sys.argv:
        daemon.ENGINE = serving.TARGET = "tests.fake_engine:serve"
    daemon.COURSES = dict.fromkeys(daemon.COURSES, "tests.learn.stand_in_course:open_course")
    sys.exit(cli.main())
