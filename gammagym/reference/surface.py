"""A volatility surface in plain Python: what options of every strike and expiry are priced at.

Quotes of options are volatilities: what Black-76 must be told to give the price. At the money they
follow a term structure; away from it they follow a smile, one slice of SSVI for each expiry
(Gatheral and Jacquier 2014). `Slice` is one expiry as time goes by. Tests compare the fast kernels
in `gammagym.market.surface` with it, and it with the conditions that rule out arbitrage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class SurfaceTerms(NamedTuple):
    """What does not change: see `gammagym.world.Surface`."""

    long: float  # annual volatility at the money of long expiries
    short: float  # of the shortest
    term_rate: float  # per year
    rho: float
    eta: float
    gamma: float
    stickiness: float
    reversion: float  # per year

    def term_volatility(self, years: float) -> float:
        """Return the volatility at the money of an expiry: its variance is a mean over time.

        A variance that goes from short² to long² like e^(-rate t) has this mean until T.
        """
        weight = (1.0 - math.exp(-self.term_rate * years)) / (self.term_rate * years)
        return math.sqrt(self.long**2 + (self.short**2 - self.long**2) * weight)

    def phi(self, theta: float) -> float:
        """Return how steep the smile is at a total variance at the money."""
        return self.eta * theta**-self.gamma

    def total_variance(self, theta: float, log_moneyness: float) -> float:
        """Return w(k) = theta/2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2)).

        >>> terms = SurfaceTerms(0.5, 0.5, 1.0, -0.3, 0.8, 0.5, 1.0, 1.0)
        >>> terms.total_variance(0.04, 0.0)
        0.04
        >>> terms.total_variance(0.04, -0.1) > terms.total_variance(0.04, 0.1)
        True
        """
        bent = self.phi(theta) * log_moneyness
        root = math.sqrt((bent + self.rho) ** 2 + 1.0 - self.rho**2)
        return theta / 2.0 * (1.0 + self.rho * bent + root)


@dataclass
class Slice:
    """One expiry of a surface: how far its level has been led away, by noise and by the price."""

    terms: SurfaceTerms
    noise: float = 0.0  # of the logarithm of the level
    shift: float = 0.0  # likewise, by moves of the price

    def at_the_money(self, years: float) -> float:
        """Return the volatility at the money."""
        return self.terms.term_volatility(years) * math.exp(self.noise + self.shift)

    def volatility(self, years: float, log_moneyness: float) -> float:
        """Return the volatility of a strike, k = ln(strike / forward)."""
        theta = self.at_the_money(years) ** 2 * years
        return math.sqrt(self.terms.total_variance(theta, log_moneyness) / years)

    def follow(self, years: float, elapsed: float, log_move: float, noise: float) -> None:
        """Let time pass: the level reverts, gets new noise, and follows the price along the skew.

        The slope of ln(sigma) in k at the money is rho phi / 2.

        Args:
            years: time to expiry.
            elapsed: years that passed.
            log_move: what the logarithm of the forward moved by.
            noise: what the noise of the level is now.
        """
        self.noise = noise
        theta = self.at_the_money(years) ** 2 * years
        slope = self.terms.rho * self.terms.phi(theta) / 2.0
        self.shift *= math.exp(-self.terms.reversion * elapsed)
        self.shift += self.terms.stickiness * slope * log_move
