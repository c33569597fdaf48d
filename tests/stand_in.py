"""`clipbridge` with the stand-in engine, for daemons whose clips may sound like anything: `python -m tests.stand_in run`.

It starts in a fraction of the time, because nothing imports torch.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":  # children import this module too
    from bridge import cli, daemon

    daemon.ENGINE = "tests.fake_engine:serve"
    daemon.COURSE = "tests.learn.stand_in_course:open_course"
    sys.exit(cli.main())
