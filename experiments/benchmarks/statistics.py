"""What the statistics promise, tried out: false positives, coverage, power, looking while data come in (`simulations.py`).

python experiments/benchmarks/statistics.py [--runs 20000]

This file has the name of a module of the standard library, and Python looks into the folder of a script first. Whoever imports
`statistics` from here wants that one, and gets it.
"""

import sys
import sysconfig
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

if __name__ == "__main__":
    from simulations import main

    main()
else:
    spec = spec_from_file_location("statistics", Path(sysconfig.get_path("stdlib")) / "statistics.py")
    assert spec
    assert spec.loader
    sys.modules["statistics"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["statistics"])
