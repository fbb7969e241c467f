"""The compiled inner loops of the learners, and nothing else: LLVM intrinsics, flat argument lists, no annotations.

numba infers the types. Integer rows go in, vectors change in place, and no Python runs in between. `tests/twins.py` has
the same steps in plain NumPy, as the oracle that these are tested against; read those first. Functions called once per
pair of tokens are inlined.

`lanes`: 16 float32 numbers as one value · `rows`: arithmetic on rows · `reading`: tokens of a sequence ·
`negative_sampling`: draws, steps and loss · `skipgram`, `cbow`, `glove`: one pass through the data ·
`copies`: merge copies trained side by side.
"""
