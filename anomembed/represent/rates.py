"""How unlikely a rate is, given the rates of others that are not all alike: a beta-binomial distribution.

Each has a rate of its own, drawn from a beta distribution [1]_ whose mean and concentration are not known. All of a
grid are weighed by how likely they make the counts of the others, so that a few others tell less than many.

.. [1] Skellam: A probability distribution derived from the binomial distribution by regarding the probability of
   success as variable between the sets of trials. J. R. Stat. Soc. B 10, 1948.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc, betaln, expit, log_expit, logit, logsumexp

from anomembed.represent.arrays import Floats

APART = np.linspace(-2.0, 2.0, 33)  # of means from the pooled rate, in log odds
CONCENTRATIONS = np.geomspace(0.3, 10_000.0, 24)
MOST_PEERS = 400  # whose counts are weighed one by one
NODES, STEP = np.linspace(-14.0, 14.0, 561, retstep=True)  # log odds at which rates are summed up
TINY = 1e-300


@dataclass(frozen=True)
class Rates:
    """What the rates of peers may be distributed like.

    Parameters
    ----------
    means, concentrations : ndarray of shape (n_points,)
        Of beta distributions.
    log_weights : ndarray of shape (n_points,)
        Log of how likely each makes the counts of the peers, up to a constant.
    """

    means: Floats
    concentrations: Floats
    log_weights: Floats

    @classmethod
    def of(cls, times: Floats, of: Floats) -> Self:
        """Weigh the distributions by the counts of peers.

        Parameters
        ----------
        times, of : ndarray of shape (n_peers,)
            Successes and trials.
        """
        pooled = (times.sum() + 0.5) / (of.sum() + 1)
        means, concentrations = (part.ravel() for part in np.meshgrid(expit(logit(pooled) + APART), CONCENTRATIONS))
        plain = cls(means, concentrations, np.zeros(len(means)))
        chosen, weight = _some(times / of)
        return replace(plain, log_weights=weight @ plain.log_likelihood(times[chosen], of[chosen]))

    @property
    def a(self) -> Floats:
        """First parameter of the beta distributions, shape (n_points,)."""
        return self.means * self.concentrations

    @property
    def b(self) -> Floats:
        """Their second parameter, shape (n_points,)."""
        return (1 - self.means) * self.concentrations

    def log_likelihood(self, times: Floats, of: Floats) -> Floats:
        """Return the log likelihood of counts under each distribution, up to a constant, shape (n_counts, n_points)."""
        a, b = self.a, self.b
        return np.asarray(betaln(times[:, None] + a, (of - times)[:, None] + b) - betaln(a, b))

    def with_one(self, times: float, of: float) -> Self:
        """Return the rates with one more peer."""
        more = self.log_likelihood(np.array([times]), np.array([of]))[0]
        return replace(self, log_weights=self.log_weights + more)

    def around(self, mean: float) -> Self:
        """Return the rates, shifted in log odds to another mean."""
        weights = np.exp(self.log_weights - logsumexp(self.log_weights))
        return replace(self, means=expit(logit(self.means) + logit(mean) - logit(float(weights @ self.means))))

    def nats(self, times: float, of: float) -> float:
        """Return -log of the chance of at least so many successes of so many trials, in nats; high = abnormal."""
        tails = np.append(betaincc(of - times + 1, times, 1 - expit(NODES)), 1.0)
        return float(-np.log(max(float(tails @ self._masses), TINY)))

    @cached_property
    def _masses(self) -> Floats:
        """How likely a rate at each node is, and one beyond the last, shape (n_nodes + 1,)."""
        a, b = self.a[:, None], self.b[:, None]
        masses = np.exp(a * log_expit(NODES) + b * log_expit(-NODES) - betaln(a, b)) * STEP
        beyond = betaincc(self.a, self.b, expit(NODES[-1]))
        return np.asarray(np.exp(self.log_weights - logsumexp(self.log_weights)) @ np.column_stack([masses, beyond]))


def _some(rates: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Choose peers to weigh one by one, and how many each stands for: all of the highest, and some of the others."""
    order = np.argsort(-rates, kind="stable")
    if len(order) <= MOST_PEERS:
        return order, np.ones(len(order))
    n_highest = MOST_PEERS // 2
    rest = np.linspace(n_highest, len(order) - 1, MOST_PEERS - n_highest).round().astype(np.int64)
    weight = np.full(MOST_PEERS, (len(order) - n_highest) / len(rest))
    weight[:n_highest] = 1.0
    return order[np.append(np.arange(n_highest), rest)], weight
