"""At most one action per customer, for the highest profit that a budget and limits allow.

A small choice is solved exactly, by branch and bound (HiGHS, through SciPy). A large one is solved
by prices: what a unit of each limit is worth. At given prices every customer's best action is found
alone, and the profit at these prices is an upper bound of what any choice can reach (Lagrangian
duality; Fisher 1981, https://doi.org/10.1287/mnsc.27.1.1). The prices that make the bound least are
found by cutting planes; the limits are then filled in the order of what is left of the profit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import HoldfastError
from holdfast.threads import one_thread

__all__ = ["Choice", "Grouping", "choose"]

_Doubles: TypeAlias = NDArray[np.float64]
_Ints: TypeAlias = NDArray[np.int64]

# Up to so many candidates branch and bound takes seconds.
_MOST_EXACT = 10_000
# Nodes, not seconds, so that every machine gives the same choice.
_MOST_NODES = 500
# Steps of the cutting planes; each is a pass over all candidates.
_MOST_STEPS = 80
# The bound counts as least when a step could not lower it by more than this share.
_ENOUGH = 1e-5
# Money has four decimals, so less than half of the last is nothing.
_NOTHING = 5e-5
_FILLED_AT_A_TIME = 200_000


@dataclass(frozen=True)
class Grouping:
    """Candidates in groups, each with the most candidates that may be chosen from it.

    Parameters
    ----------
    group
        Number of each candidate's group, shape (n,), from 0.
    limit
        The most of each group, shape (groups,); `inf` where there is no limit.
    """

    group: _Ints
    limit: _Doubles


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Parameters
    ----------
    chosen
        Positions of the chosen candidates, ascending.
    preferred
        Positions of the best candidate of each customer at the prices, ascending: what would be
        chosen for a customer who is not among the others and uses up nothing.
    profit
        Profit of the chosen ones.
    bound
        No choice within the limits has a higher profit.
    method
        ``unlimited`` (no limit matters), ``exact`` or ``prices``.
    """

    chosen: _Ints
    preferred: _Ints
    profit: float
    bound: float
    method: str

    @property
    def gap(self) -> float:
        """Share of the bound by which the profit may fall short of the best, at most."""
        return max(self.bound - self.profit, 0.0) / self.bound if self.bound > 0 else 0.0


def choose(
    customer: _Ints,
    profit: _Doubles,
    cost: _Doubles,
    budget: float = np.inf,
    groupings: Sequence[Grouping] = (),
    *,
    takes_part: NDArray[np.bool_] | None = None,
    most_exact: int = _MOST_EXACT,
) -> Choice:
    """Choose at most one candidate per customer, for the highest total profit within all limits.

    Parameters
    ----------
    customer
        Number of each candidate's customer, shape (n,), ascending.
    profit, cost
        Profit of each candidate, and what it takes of the budget, 0 or more; shape (n,). What has
        no profit is never chosen.
    budget
        Most cost in total; `inf` without a budget.
    groupings
        Further limits on the number of candidates chosen.
    takes_part
        Which candidates may be chosen, shape (n,); all by default. The others only get a
        preference.
    most_exact
        Up to this number of candidates the choice is solved exactly.

    Returns
    -------
    Choice
        The same for the same input, whatever the machine.

    Raises
    ------
    HoldfastError
        If the candidates are not sorted by customer, or a cost is negative or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> choice = choose(
    ...     np.array([0, 0, 1]), np.array([5.0, 4.0, 3.0]), np.array([9.0, 2.0, 2.0]), budget=4.0
    ... )
    >>> choice.chosen.tolist(), choice.profit, choice.method
    ([1, 2], 7.0, 'exact')
    """
    customer = np.asarray(customer, np.int64)
    profit, cost = np.asarray(profit, np.float64), np.asarray(cost, np.float64)
    if np.any(customer[1:] < customer[:-1]):
        raise HoldfastError("The candidates must be sorted by customer; sort them, then choose.")
    if np.any(~(cost >= 0) | np.isinf(cost)) or not np.all(np.isfinite(profit)):
        raise HoldfastError(
            "A candidate's cost must be a number of 0 or more, and its profit a number; leave out "
            "the candidates whose cost or profit is not known."
        )
    takes_part = np.ones(len(profit), bool) if takes_part is None else takes_part
    worth = np.flatnonzero(profit > _NOTHING)
    limits = _Limits.of(cost, budget, groupings, worth[takes_part[worth]])
    everyone = _Problem(worth, customer[worth], profit[worth], limits.at(worth))
    asked = everyone.only(takes_part[worth])
    if not len(asked.at):
        return Choice(asked.at, everyone.best(np.zeros(limits.count)), 0.0, 0.0, "unlimited")

    free = asked.best(np.zeros(limits.count))
    if limits.hold(free):
        total = _total(profit[free])
        return Choice(free, everyone.best(np.zeros(limits.count)), total, total, "unlimited")

    left = asked.only(asked.is_of_use())
    prices, bound = left.prices()
    chosen, method = left.filled(prices, limits), "prices"
    reached = _total(profit[chosen])
    fixed, open_rows = left.still_open(prices, bound - reached)
    core = left.only(open_rows)
    if len(core.at) <= most_exact and bound - reached > _same(bound):
        found = core.exact(limits.capacity - limits.use(fixed))
        if found is not None:
            others, upper = found
            better = np.sort(np.concatenate([fixed, others]))
            bound = min(bound, max(_total(profit[fixed]) + upper, reached))
            if limits.hold(better) and _total(profit[better]) > reached:
                chosen, reached = better, _total(profit[better])
    if bound - reached <= _same(bound):
        method = "exact"
    total = _total(profit[chosen])
    return Choice(chosen, everyone.best(prices), total, max(bound, total), method)


def _same(bound: float) -> float:
    """Return below what a difference is none: less than the last decimal of money."""
    return max(_NOTHING, 1e-9 * bound)


def _total(values: _Doubles) -> float:
    """Add up; the positions are sorted, so the order is always the same."""
    return float(np.sum(values))


@dataclass(frozen=True)
class _Limits:
    """The limits that can matter: of the budget, and of numbers.

    `number[k]` is the number of each candidate's limit in grouping k; the last limit of all is
    none. `use` is what the limits of numbers are in the budget's place: its cost.
    """

    cost: _Doubles
    numbers: tuple[_Ints, ...]
    capacity: _Doubles

    @classmethod
    def of(
        cls, cost: _Doubles, budget: float, groupings: Sequence[Grouping], asked: _Ints
    ) -> _Limits:
        """Keep the limits that the candidates could exceed."""
        capacity = [max(float(budget), 0.0)]
        if _total(cost[asked]) <= capacity[0]:
            capacity[0] = np.inf
        numbers = []
        for grouping in groupings:
            count = np.bincount(grouping.group[asked], minlength=len(grouping.limit))
            most = np.maximum(np.floor(grouping.limit), 0.0)
            matters = count > most
            place = np.where(matters, np.cumsum(matters) - 1 + len(capacity), -1)
            if matters.any():
                numbers.append(place[grouping.group])
                capacity.extend(most[matters].tolist())
        return cls(cost, tuple(numbers), np.array(capacity))

    @property
    def count(self) -> int:
        """The number of limits, the budget among them."""
        return len(self.capacity)

    def at(self, positions: _Ints) -> _Limits:
        """Return the limits of some candidates."""
        return _Limits(
            self.cost[positions], tuple(one[positions] for one in self.numbers), self.capacity
        )

    def use(self, positions: _Ints) -> _Doubles:
        """Return how much of each limit some candidates take."""
        used = np.zeros(self.count + 1)
        for number in self.numbers:
            # the group without a limit is the last, and cut off
            used += np.bincount(number[positions] % (self.count + 1), minlength=self.count + 1)
        used[0] = _total(self.cost[positions])
        return used[:-1]

    def hold(self, positions: _Ints) -> bool:
        """Return whether some candidates stay within all limits."""
        return bool(np.all(self.use(positions) <= self.capacity + 1e-9))


class _Problem:
    """Candidates of some customers, in the order of customers."""

    def __init__(self, at: _Ints, customer: _Ints, profit: _Doubles, limits: _Limits) -> None:
        self.at, self.customer, self.profit, self.limits = at, customer, profit, limits
        is_first = np.append(True, customer[1:] != customer[:-1])[: len(customer)]
        self.start = np.flatnonzero(is_first)
        self.place = np.cumsum(is_first) - 1

    def only(self, rows: NDArray[np.bool_]) -> _Problem:
        """Return the problem of some of the candidates."""
        return _Problem(
            self.at[rows],
            self.customer[rows],
            self.profit[rows],
            self.limits.at(np.flatnonzero(rows)),
        )

    def left_of_profit(self, prices: _Doubles) -> _Doubles:
        """Return what is left of each candidate's profit after paying for the limits."""
        left: _Doubles = self.profit - prices[0] * self.limits.cost
        padded = np.append(prices, 0.0)
        for number in self.limits.numbers:
            left -= padded[number]
        return left

    def _best_rows(self, prices: _Doubles) -> tuple[_Ints, _Doubles]:
        """Return the rows of each customer's best candidate, and what is left of their profit."""
        if not len(self.at):
            return np.empty(0, np.int64), np.empty(0)
        left = self.left_of_profit(prices)
        most = np.maximum.reduceat(left, self.start)
        rows = np.flatnonzero((left == most[self.place]) & (left > 0))
        # of equals the first
        rows = rows[np.append(True, np.diff(self.place[rows]) > 0)[: len(rows)]]
        return rows, left[rows]

    def best(self, prices: _Doubles) -> _Ints:
        """Return the positions of each customer's best candidate at prices."""
        found: _Ints = self.at[self._best_rows(prices)[0]]
        return found

    def is_of_use(self) -> NDArray[np.bool_]:
        """Return which candidates are not dominated by another of their customer's.

        One dominates another if it is no less profitable, costs no more and takes of no limit of
        numbers that the other does not take of. The rows are few per customer, so ranks are gone
        through one by one.
        """
        count = len(self.at)
        order = np.lexsort((np.arange(count), self.limits.cost, -self.profit, self.place))
        rank = np.arange(count) - self.start[self.place]
        keys = [number[order] for number in self.limits.numbers]
        cost, is_kept = self.limits.cost[order], np.ones(count, bool)
        for above in range(1, int(rank.max(initial=0)) + 1):
            rows = np.flatnonzero(rank >= above)
            other = rows - above
            beaten = cost[other] <= cost[rows]
            for key in keys:
                beaten &= (key[other] == key[rows]) | (key[other] < 0)
            is_kept[rows[beaten]] = False
        kept = np.empty(count, bool)
        kept[order] = is_kept
        return kept

    def bound(self, prices: _Doubles) -> tuple[float, _Doubles]:
        """Return the upper bound at prices, and how it changes with each price."""
        capacity = np.where(np.isinf(self.limits.capacity), 0.0, self.limits.capacity)
        rows, left = self._best_rows(prices)
        used = self.limits.use(rows)
        return _total(left) + float(prices @ capacity), capacity - used

    def prices(self) -> tuple[_Doubles, float]:
        """Find the prices of the least bound, by cutting planes in a box around the best so far."""
        import scipy.optimize

        limited = np.flatnonzero(np.isfinite(self.limits.capacity))
        # a price is told in profits per usual use, so that a box has the same meaning for all
        unit = np.ones(self.limits.count)
        unit[0] = max(float(self.limits.cost.mean()), _NOTHING)
        best = np.zeros(self.limits.count)
        value, slope = self.bound(best)
        planes, heights = [slope[limited] / unit[limited]], [value]
        radius = max(float(np.median(self.profit)), _NOTHING)
        with one_thread():
            for _ in range(_MOST_STEPS):
                centre = best[limited] * unit[limited]
                found = scipy.optimize.linprog(
                    np.append(np.zeros(len(limited)), 1.0),
                    A_ub=np.column_stack([np.array(planes), -np.ones(len(planes))]),
                    b_ub=-np.array(heights),
                    bounds=[
                        *((max(at - radius, 0.0), at + radius) for at in centre.tolist()),
                        (0.0, None),
                    ],
                    method="highs",
                )
                if found.x is None:
                    break
                trial = np.zeros(self.limits.count)
                trial[limited] = np.maximum(found.x[:-1], 0.0) / unit[limited]
                hoped = value - float(found.x[-1])
                at_edge = bool(np.any(np.abs(found.x[:-1] - centre) > 0.99 * radius))
                if hoped <= _ENOUGH * value and not at_edge:
                    break
                reached, slope = self.bound(trial)
                plane = slope[limited] / unit[limited]
                planes.append(plane)
                heights.append(reached - float(plane @ (trial[limited] * unit[limited])))
                if reached < value:
                    if value - reached > 0.5 * hoped:
                        radius *= 2.0
                    best, value = trial, reached
                else:
                    radius *= 0.5
        return best, value

    def still_open(self, prices: _Doubles, gap: float) -> tuple[_Ints, NDArray[np.bool_]]:
        """Settle what every choice must do that beats the one at hand by up to `gap`.

        A candidate whose profit after prices lies further than the gap below its customer's best
        (or nothing, where that is better) lowers the bound below what is reached already. Returns
        the positions of those that must be chosen, and which rows are still open.
        """
        left = self.left_of_profit(prices)
        best = np.maximum(np.maximum.reduceat(left, self.start), 0.0)
        allowed = gap + _NOTHING
        is_open = best[self.place] - left <= allowed
        count = np.add.reduceat(is_open, self.start, dtype=np.int64)
        is_settled = (best > allowed) & (count == 1)
        fixed: _Ints = self.at[is_open & is_settled[self.place]]
        return fixed, is_open & ~is_settled[self.place]

    def filled(self, prices: _Doubles, limits: _Limits) -> _Ints:
        """Fill the limits in the order of what is left of the profit at prices."""
        left = self.left_of_profit(prices)
        order = np.lexsort((np.arange(len(left)), -self.profit, -left))
        # what costs more than it brings at these prices may still fit in at the end
        used = np.zeros(limits.count).tolist()
        capacity = (limits.capacity + 1e-9).tolist()
        is_taken = bytearray(len(self.start))
        chosen: list[int] = []
        for begin in range(0, len(order), _FILLED_AT_A_TIME):
            rows = order[begin : begin + _FILLED_AT_A_TIME]
            numbers = zip(*(one[rows].tolist() for one in self.limits.numbers), strict=True)
            listed = (
                rows.tolist(),
                self.place[rows].tolist(),
                self.limits.cost[rows].tolist(),
                list(numbers) if self.limits.numbers else [()] * len(rows),
            )
            for row, who, cost, groups in zip(*listed, strict=True):
                if is_taken[who] or used[0] + cost > capacity[0]:
                    continue
                if any(group >= 0 and used[group] >= capacity[group] - 1 for group in groups):
                    continue
                is_taken[who] = 1
                used[0] += cost
                for group in groups:
                    if group >= 0:
                        used[group] += 1.0
                chosen.append(row)
        found: _Ints = self.at[np.sort(np.array(chosen, np.int64))]
        return found

    def exact(self, capacity: _Doubles) -> tuple[_Ints, float] | None:
        """Solve by branch and bound; None if no choice was found within the nodes allowed."""
        import scipy.optimize
        import scipy.sparse

        count, customers = len(self.at), len(self.start)
        limited = np.flatnonzero(np.isfinite(capacity))
        # a line per customer, then one per limit
        line = np.full(len(capacity), -1)
        line[limited] = customers + np.arange(len(limited))
        everyone = np.arange(count)
        entries = [(self.place, everyone, np.ones(count))]
        if line[0] >= 0:
            entries.append((np.full(count, line[0]), everyone, np.round(self.limits.cost * 1e4)))
            capacity = np.append(np.floor(capacity[0] * 1e4 + 1e-6), capacity[1:])
        for number in self.limits.numbers:
            inside = np.flatnonzero(number >= 0)
            entries.append((line[number[inside]], inside, np.ones(len(inside))))
        lines, rows, values = (np.concatenate(part) for part in zip(*entries, strict=True))
        matrix = scipy.sparse.csr_matrix(
            (values, (lines, rows)), shape=(customers + len(limited), count)
        )
        most = np.append(np.ones(customers), capacity[limited])
        with one_thread():
            found = scipy.optimize.milp(
                -self.profit,
                integrality=np.ones(count),
                bounds=scipy.optimize.Bounds(0.0, 1.0),
                constraints=scipy.optimize.LinearConstraint(matrix, -np.inf, most),
                options={"mip_rel_gap": 0.0, "node_limit": _MOST_NODES},
            )
        if found.x is None or found.mip_dual_bound is None:
            return None
        return self.at[np.flatnonzero(found.x > 0.5)], -float(found.mip_dual_bound)
