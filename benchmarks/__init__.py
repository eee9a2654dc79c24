"""How fast refexec is: ``python -m benchmarks --help``.

A *case* is a computation that a contender is asked for as a small model (case.py, graph.py); a file per family of kernels lists them, and
models/ has whole models. contenders.py says who takes part, timing.py how samples are taken, processes.py how with several threads.
sections.py runs a suite, report.py makes ratios of it, targets.py judges them, results.py writes RESULTS.md. What is no ratio of speeds
stands in overhead.py, cold.py, memory.py and dynamic.py.
"""
