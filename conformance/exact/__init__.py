"""Expected values that owe nothing to refexec: integer and fraction arithmetic, written from the specification.

``formats`` holds the number formats, ``reals`` the functions of real numbers, ``values`` tensors of exact numbers, ``families`` the operators.
A test demands that nothing here imports refexec.
"""
