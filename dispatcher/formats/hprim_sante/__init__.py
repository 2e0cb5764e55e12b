"""HPRIM Santé 2.x result files into reports."""
