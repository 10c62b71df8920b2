"""All benchmarks in turn: `python -m benchmarks`. Nothing here passes or fails."""

import sys

from benchmarks import edge, path, store

for part in (path, store, edge):
    print(f"\n{part.__name__}: {(part.__doc__ or '').splitlines()[0]}")
    sys.argv = [part.__name__]
    part.main()
