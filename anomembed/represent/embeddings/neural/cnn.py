"""CNN: a convolution over the last few events and a layer on top predict the next event."""

from typing import Any

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.neural import HIDDEN
from anomembed.represent.embeddings.neural.next_event import Parts, fit_next_event

REACH = 10  # events that the next one is predicted from


def make_cnn(torch: Any, n_inputs: int, width: int, n_classes: int) -> Any:  # noqa: ANN401
    """Make the network, as `fit_next_event` takes it."""

    class CNN(torch.nn.Module):  # type: ignore[misc]  # the base is Any to mypy
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(n_inputs, width)
            self.convolution = torch.nn.Conv1d(width, HIDDEN, REACH)
            self.layer = torch.nn.Linear(HIDDEN, HIDDEN)
            self.output = torch.nn.Linear(HIDDEN, n_classes)

        def forward(self, inputs: Any) -> Any:  # noqa: ANN401
            nothing = torch.full((len(inputs), REACH - 1), n_inputs - 1)
            read = self.embedding(torch.cat([nothing, inputs], dim=1)).transpose(1, 2)
            read = torch.relu(self.convolution(read).transpose(1, 2))
            return self.output(torch.relu(self.layer(read)))

        def parts(self) -> Parts:
            """Return the weights as a `NextEvent` has them."""
            by_distance = torch.einsum("nw,hwk->nkh", self.embedding.weight, self.convolution.weight.flip(2))
            return {
                "inputs": by_distance + self.convolution.bias / REACH,
                "recurrent": self.layer.weight.T,
                "bias": self.layer.bias,
                "output": self.output.weight.T,
                "output_bias": self.output.bias,
            }

    return CNN()


def fit_cnn(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings as the first layer of a convolutional network; the arguments are those of `Fit`."""
    return fit_next_event(corpus, training, seed, progress, method="cnn", make=make_cnn, is_recurrent=False)
