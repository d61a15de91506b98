"""Fit linear mixed models with crossed random effects by REML, with Satterthwaite's degrees of freedom: numpy only.

The model of statsmodels' MixedLM with variance components, and its estimates (a test holds them together), some hundred
times as fast, and with degrees of freedom, which MixedLM lacks: with six agents 1.96 standard errors are too few.

The deviance is profiled over the fixed effects and the residual variance (Bates and others 2015, section 3.4); what
is sought are the variances of the random effects over that of the residual.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize

from eval.study.analysis.crossover import Contrast

_STARTS = (1.0, 0.25, 4.0)  # of variances over the residual's
_MOST = 1e3  # of a standard deviation over the residual's: beyond, there is no residual
_NAUGHT = 0.03  # a standard deviation so small beside the residual's is none
_STEP = 1e-3  # of a variance, or of a twentieth of the residual's: derivatives are taken over it


@dataclass(frozen=True)
class Term:
    """Holds one random effect of each level: `levels` (n,) are numbers from 0, `values` (n,) what it is times.

    The effect of the level in `less` (n,) is subtracted from it: of two who compete.
    """

    levels: np.ndarray
    values: np.ndarray | None = None
    less: np.ndarray | None = None

    @property
    def design(self) -> np.ndarray:
        every = np.eye(1 + max(int(of.max()) for of in (self.levels, self.less) if of is not None))
        columns = every[self.levels] if self.less is None else every[self.levels] - every[self.less]
        return columns if self.values is None else columns * self.values[:, None]


class NotConvergedError(Exception):
    """Says why a model has no fit."""


class Mixed:
    """Holds a model that was fitted: y = x @ beta + random effects + residual.

    Attributes:
        beta: fixed effects, shape (p,).
        spreads: standard deviations of the terms' random effects, in their order, then the residual's.
    """

    def __init__(self, y: np.ndarray, x: np.ndarray, terms: Sequence[Term]) -> None:
        """Fit. `y` has shape (n,), `x` (n, p) of full rank. Raises NotConvergedError."""
        designs = [term.design for term in terms]
        z, known = np.hstack(designs), np.column_stack([x, y])
        self._term = np.repeat(np.arange(len(terms)), [d.shape[1] for d in designs])
        self._zz, self._zk, self._kk = z.T @ z, z.T @ known, known.T @ known
        self.n, self.p = x.shape
        if self.n <= self.p or np.linalg.matrix_rank(x) < self.p:
            raise NotConvergedError("too few replies for the effects that are asked for")
        self._relative = self._fit(len(terms))
        _, rest = self._reduced(self._relative)
        self.beta = np.linalg.solve(rest[:-1, :-1], rest[:-1, -1])
        residual = float(rest[-1, -1] - rest[-1, :-1] @ self.beta) / (self.n - self.p)
        if not residual > 1e-12 * self._kk[-1, -1] / self.n:
            raise NotConvergedError("nothing varies beside the effects")
        self.spreads = np.sqrt(residual) * np.append(self._relative, 1.0)

    def _fit(self, terms: int) -> np.ndarray:
        """Search the variances over the residual's: on the scale of deviations, 0 is flat and holds the search."""
        bounds = [(0.0, _MOST**2)] * terms
        for start in _STARTS:
            try:
                found = minimize(
                    lambda v: self._profiled(np.sqrt(v)), np.full(terms, start), method="L-BFGS-B", bounds=bounds
                )
            except np.linalg.LinAlgError:
                continue
            if found.success and np.isfinite(found.fun) and found.x.max() < 0.99 * _MOST**2:
                relative = np.sqrt(found.x)
                return np.where(relative < _NAUGHT, 0.0, relative)
        raise NotConvergedError("the likelihood has no maximum that the search finds")

    def _reduced(self, relative: np.ndarray) -> tuple[float, np.ndarray]:
        """Give log |V| and [x y]' V^-1 [x y], V being the covariance over the residual variance."""
        scale = relative[self._term]
        factor = cholesky(
            np.eye(len(scale)) + scale[:, None] * self._zz * scale, lower=True, overwrite_a=True, check_finite=False
        )
        part = solve_triangular(factor, scale[:, None] * self._zk, lower=True, check_finite=False)
        return 2 * float(np.log(np.diag(factor)).sum()), self._kk - part.T @ part

    def _profiled(self, relative: np.ndarray) -> float:
        """Compute -2 log of the restricted likelihood, up to a constant, at the best residual variance."""
        volume, rest = self._reduced(relative)
        root = np.diag(np.linalg.cholesky(rest))
        return volume + 2 * float(np.log(root[:-1]).sum() + (self.n - self.p) * np.log(root[-1]))

    def _at(self, variances: np.ndarray, contrast: np.ndarray) -> tuple[float, float]:
        """Give -2 log of the restricted likelihood at these variances, and the contrast's variance there."""
        residual = variances[-1]
        volume, rest = self._reduced(np.sqrt(variances[:-1] / residual))
        root = np.diag(np.linalg.cholesky(rest))
        deviance = volume + 2 * float(np.log(root[:-1]).sum()) + (self.n - self.p) * float(np.log(residual))
        spread = residual * float(contrast @ np.linalg.solve(rest[:-1, :-1], contrast))
        return deviance + float(root[-1] ** 2 / residual), spread

    def contrast(self, weights: Sequence[float]) -> Contrast:
        """Estimate weights @ beta. Variances that are estimated as 0 are taken for known to be 0."""
        weights = np.asarray(weights, dtype=float)
        variances = self.spreads**2
        here = self._at(variances, weights)
        slopes, curvature = self._derivatives(variances, weights, here)
        try:
            uncertain = float(slopes @ np.linalg.solve(curvature / 2, slopes))
        except np.linalg.LinAlgError:
            uncertain = 0.0
        most = float(self.n - self.p)
        degrees = 2 * here[1] ** 2 / uncertain if uncertain > 0 else most
        return Contrast(float(weights @ self.beta), float(np.sqrt(here[1])), float(np.clip(degrees, 1.0, most)))

    def _derivatives(
        self, variances: np.ndarray, weights: np.ndarray, here: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give the gradient of the contrast's variance and the Hessian of the deviance, in the variances above 0."""
        free = np.flatnonzero(variances > 0)
        sizes = _STEP * np.maximum(variances, 0.05 * variances[-1])
        steps, sizes, k = np.diag(sizes)[free], sizes[free], len(free)
        up = [self._at(variances + step, weights) for step in steps]
        down = [self._at(variances - step, weights) for step in steps]
        slopes = np.array([(u[1] - d[1]) / (2 * h) for u, d, h in zip(up, down, sizes, strict=True)])
        curvature = np.empty((k, k))
        for i in range(k):
            curvature[i, i] = (up[i][0] - 2 * here[0] + down[i][0]) / sizes[i] ** 2
            for j in range(i):
                both = self._at(variances + steps[i] + steps[j], weights)[0]
                mixed = (both - up[i][0] - up[j][0] + here[0]) / (sizes[i] * sizes[j])
                curvature[i, j] = curvature[j, i] = mixed
        return slopes, curvature
