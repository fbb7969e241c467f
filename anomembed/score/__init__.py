"""How far from normal? Detectors, calibration, combination, flags and reasons; the only importer of PyOD."""
