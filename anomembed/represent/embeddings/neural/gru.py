"""GRU: a gated recurrent unit reads a sequence and predicts the next event [1]_.

.. [1] Cho, van Merrienboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio: Learning phrase representations using RNN
   encoder-decoder for statistical machine translation. EMNLP 2014.
"""

from typing import Any

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.neural import HIDDEN
from anomembed.represent.embeddings.neural.next_event import Parts, fit_next_event


def make_gru(torch: Any, n_inputs: int, width: int, n_classes: int) -> Any:  # noqa: ANN401
    """Make the network, as `fit_next_event` takes it."""

    class GRU(torch.nn.Module):  # type: ignore[misc]  # the base is Any to mypy
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(n_inputs, width)
            self.gru = torch.nn.GRU(width, HIDDEN, batch_first=True)
            self.output = torch.nn.Linear(HIDDEN, n_classes)

        def forward(self, inputs: Any) -> Any:  # noqa: ANN401
            return self.output(self.gru(self.embedding(inputs))[0])

        def parts(self) -> Parts:
            """Return the weights as a `NextEvent` has them."""
            gru = self.gru
            inputs = self.embedding.weight @ gru.weight_ih_l0.T + gru.bias_ih_l0
            return {
                "inputs": inputs[:, None],
                "recurrent": gru.weight_hh_l0.T,
                "bias": gru.bias_hh_l0,
                "output": self.output.weight.T,
                "output_bias": self.output.bias,
            }

    return GRU()


def fit_gru(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings as the first layer of a gated recurrent unit; the arguments are those of `Fit`."""
    return fit_next_event(corpus, training, seed, progress, method="gru", make=make_gru, is_recurrent=True)
