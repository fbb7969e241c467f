"""anomembed as components: a scikit-learn transformer and PyOD detectors."""

from anomembed.estimators.detector import AnomembedDetector as AnomembedDetector
from anomembed.estimators.embedder import RecordEmbedder as RecordEmbedder
from anomembed.estimators.nearest import NearestDetector as NearestDetector
