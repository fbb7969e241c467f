"""How far from normal? Detectors, calibration, combination and flags; the only package that imports PyOD."""
