"""anomembed as components: a scikit-learn transformer and a PyOD detector."""

from anomembed.estimators.detector import AnomembedDetector as AnomembedDetector
from anomembed.estimators.embedder import RecordEmbedder as RecordEmbedder
