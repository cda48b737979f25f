# ---
# jupyter:
#   dlcourse:
#     title: A two-asset economy
#     minutes: 120
#     needs: a laptop CPU
#     requires: [tensorflow, keras, pandas]
# ---

# %% [markdown]
# # Lab 08b: A two-asset economy
#
# In Lab 08 a debtor owned *negative* capital. Here she makes a promise: a bond, which somebody else has to buy, with a
# pledge behind it. Fifty-six generations, two assets, two limits, and a market that must clear every year: this is the
# second model of the article, and it took its authors days of GPU time. You will have a good solution in a second,
# before any network is trained, and twenty seconds later one that is about five times better.

# %% [markdown]
# When you have finished, you can
#
# - write a household's conditions with two assets, and say what its two multipliers mean;
# - find the steady state of 111 equations with kinks by Newton's method;
# - turn it into a linear policy, and say why of all policies with zero error only one comes back;
# - build a market that clears *exactly* into a network;
# - recognise a solution with a tiny loss that is none;
# - read portfolios, a bond price and impulse responses, and run an experiment of your own.
#
# You need Lab 08 (the Euler equation, multipliers, one residual for the whole KKT system), matrices, and what an
# eigenvalue is.

# %% [markdown]
# ## 1. A promise and its pledge
#
# As before, one cohort is born every year, and all work as their age allows. Ages are counted from 0, the newborn, to
# 55. A household owns two things:
#
# - **capital** $k$, which returns $R$ a unit, an uncertain number;
# - **bonds** $b$. Who *sells* a bond ($b < 0$) gets its price $p$ now and owes 1 next year. Who buys one ($b > 0$)
#   pays $p$ now. Every promise has two ends, so $\sum_h b^h = 0$.
#
# Why should anybody believe the promise? Because a pledge stands behind it: for each bond sold, the seller must own
# $\kappa$ units of capital. Next year these are worth $\kappa R'$. If that is less than 1, she hands them over and is
# free. So a bond pays $y' = \min(\kappa R', 1)$, and choices are limited by
#
# $$k' \ge 0, \qquad q = k' + \kappa\, b' \ge 0.$$
#
# **Exercise 8b.1.** What does a bond pay in each of the shocks that may come? And how low may $b'$ be, for a given
# $k'$?

# %%
import matplotlib.pyplot as plt
import numpy as np

from dlcourse import plots
from dlcourse.checks import check, progress
from dlcourse.plots import PALETTE, show

plots.use_style()


# %%
def bond_terms(saved, gross_return, collateral):
    """y' in each shock, shape (Z,), and the lowest b', shape (n,), from k' (n,), R' (Z,) and kappa."""
    # BEGIN SOLUTION
    return np.minimum(collateral * gross_return, 1.0), -saved / collateral
    # END SOLUTION


# %%
bond_terms = check("8b.1", bond_terms)

# %% [markdown]
# *Before you run:* a larger $\kappa$ makes the pledge larger. Does it make borrowing easier or harder? And whose bond
# is safer?

# %%
from dlcourse.economics.plots_two_assets import pledge_in_pictures
from dlcourse.economics.two_asset_olg import two_asset_olg

economy = two_asset_olg()
kappa, zeta, gamma = economy.collateral, economy.adjustment_cost, economy.risk_aversion
figure = pledge_in_pictures([1.5, kappa, 0.9])
show(figure, alt="A bond pays kappa R' up to 1. A smaller kappa moves the kink to the right and allows more debt.")
worst = 1 - economy.shocks.values["depreciation"].max()
print(f"after the worst shock at least {worst:.2f} of a unit is left, and the pledge is worth {kappa * worst:.2f}")

# %% [markdown]
# A large $\kappa$ makes bonds safe and debt hard to get. The article takes $\kappa = 1/(1 - .11)$, dashed: even when
# capital wears out by 11 % and earns nothing, the pledge covers the promise. With this pledge nobody ever defaults.
# Remember the dash-dotted line; you will meet it again in your own experiment.
#
# Debt is not for dinner: it needs capital behind it. If a bond costs $p$, each unit of capital can bring in
# $p / \kappa$ by pledging it, and only the rest has to be paid from one's own pocket. People who buy a house call this
# rest the **down payment**. With $p \approx .94$ (we shall find it in a minute):

# %%
print(f"down payment on a unit of capital: {1 - 0.9376 / kappa:.2f}")

# %% [markdown]
# ### Moving capital costs something
#
# If both assets could be traded for nothing, a household would not care much which of them it holds, and a network
# could not find out. In this economy capital is slow. Leaving the capital with its return where it is, $k' = R k$, is
# free; moving $k' - R k$ in or out costs $\frac{\zeta}{2} (k' - R k)^2$. So
#
# $$c = \underbrace{R k + y\, b + w\, l}_{\text{income}} - k' - p\, b' - \frac{\zeta}{2} (k' - R k)^2.$$
#
# **Exercise 8b.2.** Write the budget.


# %%
def consumption(income, capital, gross_return, saved, bonds, price, cost):
    """c by age, shape (A,), from income, k, R, k', b', p and zeta."""
    # BEGIN SOLUTION
    return income - saved - price * bonds - cost / 2 * (saved - gross_return * capital) ** 2
    # END SOLUTION


# %%
consumption = check("8b.2", consumption)

# %% [markdown]
# As in Lab 08, see whether the goods add up. The costs of moving are goods, too. *Which* condition will you need that
# you did not need there?

# %%
rng = np.random.default_rng(0)
R, w = 1.08, 0.92
capital, saved, debts = rng.uniform(0.5, 2, 56), rng.uniform(0.5, 2, 56), rng.normal(0, 0.3, (2, 56))
for name, (bonds, bought) in {
    "bonds sum to zero": debts - debts.mean(axis=1, keepdims=True),
    "they do not": debts,
}.items():
    income = R * capital + bonds + w * economy.labour
    used = consumption(income, capital, R, saved, bought, 0.94, zeta) + saved + zeta / 2 * (saved - R * capital) ** 2
    made = R * capital.sum() + w * economy.total_labour
    print(f"{name}: used = produced: {bool(abs(used.sum() - made) < 1e-10)}")

# %% [markdown]
# If the bonds do not sum to zero, somebody eats what nobody has made. Clearing the bond market and clearing the goods
# market is one and the same thing; economists call it Walras' law. Keep it in mind for section 5.

# %% [markdown]
# ## 2. Two equations, two multipliers
#
# Two choices, so two Euler equations; two limits, so two multipliers. Write $\mathit{adj} = k' - R k$. One more unit
# of capital costs $1 + \zeta\, \mathit{adj}$ today and brings its return tomorrow, where it also saves some moving:
#
# $$(1 + \zeta\, \mathit{adj})\, u'(c) = \underbrace{\beta\, \mathrm E[R' (1 + \zeta\, \mathit{adj}')\, u'(c')]}_{V_k}
# + \lambda + \mu, \qquad
# p\, u'(c) = \underbrace{\beta\, \mathrm E[y'\, u'(c')]}_{V_b} + \kappa\, \mu,$$
#
# with $\lambda \ge 0$ on $k' \ge 0$ and $\mu \ge 0$ on $q \ge 0$; of each pair at least one is zero. Why does $\mu$
# stand in *both*? Because capital does two jobs: it pays a return, and it is a pledge. To a household that would like
# to borrow more, one more unit of pledge is worth $\mu$.
#
# **Exercise 8b.3.** Solve for the two multipliers. Do not cut them off at zero: a negative number says that somebody
# would like *more* of an asset than they have, and Newton's method will need to know.


# %%
def multipliers(marginal, price, adjustment, worth_of_capital, worth_of_bond, collateral, cost):
    """lambda and mu, each of shape (n,), from u'(c), p, adj, V_k, V_b, kappa and zeta."""
    # BEGIN SOLUTION
    mu = (price * marginal - worth_of_bond) / collateral
    return (1 + cost * adjustment) * marginal - worth_of_capital - mu, mu
    # END SOLUTION


# %%
multipliers = check("8b.3", multipliers)

# %% [markdown]
# A network should not have to learn multipliers (Lab 08, section 5). Divide the bond's equation by $\kappa$ and take
# it from the capital's:
#
# $$\Big(1 + \zeta\, \mathit{adj} - \frac{p}{\kappa}\Big)\, u'(c) = V_k - \frac{V_b}{\kappa} + \lambda.$$
#
# $\mu$ is gone. What is left is the decision to *buy a unit of capital on credit*: pay the down payment now, and get
# next year what capital brings, less the debt. That holds whether or not $q = 0$, so it has no kink where households
# reach their limit on debt. It is the reason why this model can be learnt.
#
# **Exercise 8b.4.** Suppose that $k' \ge 0$ does not bind. Which $k'$ does the household want?


# %%
def wanted_capital(held, price, worth_of_capital, worth_of_bond, marginal, collateral, cost):
    """k*, shape (n,), from R k, p, V_k, V_b, u'(c), kappa and zeta."""
    # BEGIN SOLUTION
    joint = worth_of_capital - worth_of_bond / collateral
    return held + (joint / marginal + price / collateral - 1) / cost
    # END SOLUTION


# %%
wanted_capital = check("8b.4", wanted_capital)

# %% [markdown]
# ## 3. Where the economy lives
#
# A network that starts from random numbers has to find out two things: roughly where the economy is, and how it moves
# there. Most failures are failures of the first kind. A public version of this model for teaching trains for 49 minutes
# and ends with less than half of the true capital. But *where* the economy is, you can compute.
#
# Let the shock stay at its mean for ever. Then, in the end, every year is like the one before. The unknowns are $k'$
# and $q$ of the 55 ages that save, and $p$: 111 numbers. The conditions are as many: for each age one of $k',
# \lambda$ and one of $q, \mu$ is zero, and the bonds sum to zero. Newton's method solves such systems: replace the
# conditions by their tangents, solve those, repeat.
#
# It needs tangents, and "one of the two is zero" has a corner. So round it off. This is Fischer and Burmeister's
# function from Lab 08, with one more square under the root:
#
# $$\psi_\varepsilon(a, m) = a + m - \sqrt{a^2 + m^2 + \varepsilon^2}.$$
#
# **Exercise 8b.5.** Write it.


# %%
def smoothed_complementarity(choice, multiplier, smoothing):
    """psi, in the shape of a and m."""
    # BEGIN SOLUTION
    return choice + multiplier - np.sqrt(choice**2 + multiplier**2 + smoothing**2)
    # END SOLUTION


# %%
smoothed_complementarity = check("8b.5", smoothed_complementarity)

# %%
a = np.linspace(-0.2, 1.2, 281)
m = np.linspace(-0.2, 1.2, 281)[:, None]
figure, ax = plt.subplots(figsize=(4.6, 3.6))
for place, epsilon in enumerate((0.5, 0.2, 1e-3)):
    zeros = smoothed_complementarity(a, m, epsilon)
    look = {"colors": [PALETTE[place]], "linestyles": ("-.", "--", "-")[place]}
    ax.contour(a, m[:, 0], zeros, levels=[0.0], **look)
    ax.plot([], [], color=PALETTE[place], linestyle=look["linestyles"], label=rf"$\varepsilon$ = {epsilon:g}")
ax.set(xlabel="choice $a$", ylabel="multiplier $m$", title="Where the smoothed function is zero", aspect="equal")
ax.legend(loc="upper right")
show(figure, alt="The zeros lie on a hyperbola that closes in on the corner of the two half-axes as epsilon falls.")

# %% [markdown]
# With $\varepsilon > 0$ the zeros lie on the hyperbola $a\, m = \varepsilon^2 / 2$: everybody has a little of
# everything, and nobody is at a limit. As $\varepsilon$ falls, it closes in on the corner.
#
# **Exercise 8b.6.** Write a step of Newton's method: with residuals $r$ and slopes $J$ at $x$, where would tangents
# put the zero?


# %%
def newton_step(point, residuals, slopes):
    """The new x, shape (n,), from x (n,), r (n,) and J (n, n)."""
    # BEGIN SOLUTION
    return point - np.linalg.solve(slopes, residuals)
    # END SOLUTION


# %%
newton_step = check("8b.6", newton_step)

# %% [markdown]
# Now use it. `economy.conditions` has the 111 conditions, put together from what you have written. *Before you run:*
# with $\varepsilon = .5$ everybody must own a little capital. Will there be too much of it, or too little?

# %%
from functools import partial

from dlcourse.economics.steady_state import jacobian

mean_shock = economy.mean_shock()


def conditions(x, epsilon):
    """The 111 residuals when yesterday, today and tomorrow are all x."""
    parts = economy.conditions(x, x, x, mean_shock, mean_shock, epsilon)
    return np.concatenate(list(parts.values()), axis=-1)


x = economy.first_guess()
for epsilon in (0.5, 0.1, 0.01, 1e-3, 1e-6):
    steps = 0
    while np.abs(conditions(x, epsilon)).max() > 1e-10:
        x = newton_step(x, conditions(x, epsilon), jacobian(partial(conditions, epsilon=epsilon), x))
        steps += 1
    found = economy.split(x)
    no_capital, all_pledged = ((part < 1e-4).sum() for part in (found.capital, found.collateral))
    print(f"epsilon {epsilon:<6g} K = {found.capital.sum():6.2f}, p = {found.bond_price:.4f};", end=" ")
    print(f"ages at k' = 0: {no_capital}, at q = 0: {all_pledged}")

# %% [markdown]
# Two households stand at $k' = 0$, and fourteen at $q = 0$. The authors' networks ended at $K = 141.9$ on average: this
# *is* the right region, and it took a fraction of a second. (From a start as good as ours Newton also arrives without
# the detour over large $\varepsilon$; try it. We shall need a smooth corner for another reason.)
#
# So who owns what? *Predict:* at which age is a household deepest in debt? Does it ever owe more than it owns?

# %%
from dlcourse.economics.plots_two_assets import life_between_limits, portfolios_by_age
from dlcourse.economics.two_asset_base import SteadyState

steady = SteadyState.of(economy)
figure = portfolios_by_age({"The steady state": (steady.capital, steady.bonds)})
show(figure, alt="Capital rises to 4.4 at age 38 and falls to zero; bonds fall to -1.9 at 21 and rise to 2.4 at 43.")

# %%
figure = life_between_limits(steady.capital, steady.bonds, kappa, marked=(5, 14, 21, 34, 43, 55))
show(figure, alt="A life runs along the limit q = 0 to age 14, bends away, and crosses to positive bonds at 34.")
R, p = float(steady.period.gross_return), steady.price
print(f"R = {R:.4f}, p = {p:.5f}: capital earns {100 * (R - 1):.1f} % a year, a bond {100 * (1 / p - 1):.1f} %")
print(f"all debts together: {np.maximum(-steady.bonds, 0).sum():.1f}, of a capital of {steady.capital.sum():.1f}")

# %% [markdown]
# The young owe as much as they may, but not to eat it: they **buy capital**. Moving capital is expensive if done in a
# hurry, so they start early, with borrowed money, and pledge all of it. From age 14 on they need not go to the limit
# any more. At 34 their net debt is paid, and then *they* are the lenders: whoever is to eat the capital by 55 has to
# move it out slowly, too, and puts it into bonds.
#
# A riskless economy, and yet capital earns one percent more than a bond. That is not a premium for risk. It pays for
# the trouble of moving capital in and out.

# %% [markdown]
# ## 4. How it moves there: a linear policy
#
# Now the shocks. Near the steady state everything is nearly linear: with $y_t$ for the deviations of the 111 unknowns,
# the conditions become (leaving out the shocks for a moment)
#
# $$F_-\, y_{t-1} + F_0\, y_t + F_+\, y_{t+1} = 0,$$
#
# and we look for a policy $y_t = P\, y_{t-1}$. Begin with *one* unknown, $y_{t-1} - 2.5\, y_t + y_{t+1} = 0$. Which
# $P$ solve it? Put $y_t = P y_{t-1}$ and $y_{t+1} = P^2 y_{t-1}$ in.

# %%
rounds = 12
for P in (0.5, 2.0, 0.6):
    path = 0.01 * P ** np.arange(rounds)
    residual = path[:-2] - 2.5 * path[1:-1] + path[2:]
    print(f"P = {P}: largest residual {np.abs(residual).max():.4f}, after {rounds - 1} years y = {path[-1]:.4f}")

# %% [markdown]
# Read this twice, it is the heart of the lab. $P = .5$ and $P = 2$ both have a residual of *zero*. The first comes
# back, the second explodes, and **no loss that is made of these conditions can tell them apart**. The conditions
# compare neighbouring years; none of them looks at where the journey goes.
#
# **Linear time iteration** goes backwards instead. Suppose that tomorrow follows some $P$. Then today's answer follows
# from the equation. Take it for tomorrow's, and repeat. If you begin with $P = 0$ ("tomorrow is the end, nothing
# moves any more"), you solve an economy that ends after 1, 2, 3, ... years.
#
# **Exercise 8b.7.** Write one round, for matrices. (Put $y_{t+1} = P\, y_t$ in and solve for $y_t$.)


# %%
def next_policy(before, now, after, policy):
    """P of today, shape (n, n), from F_-, F_0, F_+ and P of tomorrow, all (n, n)."""
    # BEGIN SOLUTION
    return -np.linalg.solve(now + after @ policy, before)
    # END SOLUTION


# %%
next_policy = check("8b.7", next_policy)

# %% [markdown]
# *Before you run:* four starts, from 0, from just below 2, from exactly 2, and from above. Where will each of them end?

# %%
one = np.eye(1)
figure, ax = plt.subplots(figsize=(6.2, 3.2))
for place, start in enumerate((0.0, 1.9, 2.0, 2.2)):
    policy, seen = start * one, [start]
    for _ in range(12):
        policy = next_policy(one, -2.5 * one, one, policy)
        seen.append(float(policy[0, 0]))
    ax.plot(seen, ("-o", "--s", ":^", "-.D")[place], color=PALETTE[place], markersize=4, label=f"from {start:g}")
ax.set(xlabel="round", ylabel="$P$", ylim=(-2, 4), title="The iteration forgets its start, unless that is exactly 2")
figure.legend(loc="outside right upper")
show(figure, alt="From 0, 1.9 and 2.2 the iteration ends at one half; only from exactly 2 it stays at 2.")

# %% [markdown]
# The policy that comes back is the one that *attracts*. Now the whole economy. Its conditions are linearised with
# $\varepsilon = .003$, because a corner has no slope (there is the other reason). All the $y_t = \rho^t v$ that solve
# them can be found at once, as eigenvalues $\rho$ of two big matrices. *Before you run:* how many of them may lie
# inside the unit circle, if the economy is to have exactly one policy that comes back?

# %%
from scipy.linalg import eigvals

from dlcourse.economics.perturbation import linearise
from dlcourse.economics.plots_two_assets import roots_in_the_plane
from dlcourse.economics.two_asset_base import first_order

smooth, linear = first_order(economy)


def over_time(*points):
    """The 111 conditions with yesterday, today, tomorrow and two shocks of their own."""
    return np.concatenate(list(economy.conditions(*points, 3e-3).values()), axis=-1)


F = linearise(over_time, smooth, mean_shock)
nothing, identity = np.zeros_like(F.now), np.eye(len(F.now))
pencil = (
    np.block([[nothing, identity], [-F.before, -F.now]]),
    np.block([[identity, nothing], [nothing, F.after]]),
)
roots = eigvals(*pencil)
roots = roots[np.isfinite(roots)]
print(f"{(np.abs(roots) < 1).sum()} roots inside the unit circle, for {len(smooth)} unknowns")

# %%
figure = roots_in_the_plane(roots)
show(figure, alt="111 roots lie inside the unit circle; about as many outside, the closest at a distance of 1.17.")

# %% [markdown]
# As many as there are unknowns: from any start there is exactly one path that comes back (Blanchard and Kahn's
# condition). And there are a hundred directions in which the economy can explode while every linear condition holds.
# Your iteration finds its way between them:

# %%
P, moved, rounds = nothing, 1.0, 0
while moved > 1e-11:
    P, before = next_policy(F.before, F.now, F.after, P), P
    moved, rounds = np.abs(P - before).max(), rounds + 1
radius = np.abs(np.linalg.eigvals(P)).max()
half_life = np.log(0.5) / np.log(radius)
print(f"about {round(rounds, -1)} rounds; largest root {radius:.3f}: a deviation halves in {half_life:.0f} years")
print(f"the course's policy is the same, to 1e-8: {bool(np.abs(P - linear.transition).max() < 1e-8)}")
spread = linear.covariance(np.diag(economy.shock_variance()))
print(f"standard deviation of K: {np.sqrt(spread[:55, :55].sum()):.1f}")

# %% [markdown]
# The last line follows from $P$ and the sizes of the shocks alone: the variance $V$ of the deviations has to reproduce
# itself, $V = P V P^\top + N$, where $N$ is what the new shocks add. That is the Lyapunov equation, linear in $V$, and
# SciPy solves it. So before we have simulated anything we know where $K$ is (141.5) and how far it strays (6.6). The
# authors' final states say 141.9 and 6.5.

# %% [markdown]
# ## 5. A market that clears in every state
#
# The linear policy is no equilibrium yet. Far from the steady state it may choose $k' < 0$ or $q < 0$, and once
# that is cut off, the bonds no longer sum to zero. Take from it only three first guesses, linear in the state:
# $\tilde k$ of capital, $\tilde c$ of consumption, and the price $p$. The rest is arithmetic:
#
# $$k' = \max(\tilde k, 0), \qquad \bar c = \text{income} - \tfrac{\zeta}{2} \mathit{adj}^2 - \Big(1 -
# \frac{p}{\kappa}\Big) k'.$$
#
# $\bar c$ is what can be eaten if *all* capital is pledged: $q = 0$. So eat $c = \min(s\, \tilde c, \bar c)$; what is
# not eaten goes into $q = (\bar c - c)\, \kappa / p$, and both limits hold. One number is still free: $s$, the same for
# all ages. By Walras' law the bond market clears if the 55 ages that save eat together what is left for them, $C =
# \sum (\text{income} - \frac{\zeta}{2} \mathit{adj}^2) - K'$.
#
# **Exercise 8b.8.** Find $s$ with $\sum_h \min(s\, \tilde c_h, \bar c_h) = C$. (The sum is a line with bends. Newton's
# method from $s = 0$ is one way; sorting the bends is another.)


# %%
def clearing_factor(wish, most, needed):
    """s, a number, from c~ (A,), c-bar (A,) and C."""
    # BEGIN SOLUTION
    factor = 0.0
    for _ in range(len(wish) + 1):
        free = factor * wish < most
        gap = needed - np.minimum(factor * wish, most).sum()
        if not free.any() or abs(gap) <= 1e-14 * needed:
            break
        factor += gap / wish[free].sum()
    return float(factor)
    # END SOLUTION


# %%
clearing_factor = check("8b.8", clearing_factor)

# %%
wish, most = np.array([0.55, 0.7, 0.8, 1.0, 1.2]), np.array([0.5, 0.72, 0.9, 1.6, 1.9])
needed = 4.9
s = clearing_factor(wish, most, needed)
factors = np.linspace(0, 1.8, 200)
figure, ax = plt.subplots(figsize=(6.0, 3.2))
ax.plot(factors, np.minimum(factors[:, None] * wish, most).sum(axis=1), color=PALETTE[0], label="eaten together")
ax.plot(most / wish, np.minimum(np.outer(most / wish, wish), most).sum(axis=1), "s", color=PALETTE[2], label="a bend")
ax.axhline(needed, color="black", linewidth=0.8, label="what there is for them, $C$")
ax.plot(s, needed, "o", color=PALETTE[1], label=f"s = {s:.3f}")
ax.set(xlabel="common factor $s$", ylabel="consumption", title="One factor clears the market")
ax.legend(loc="lower right")
show(figure, alt="What five ages eat together rises with s and bends where an age reaches its limit; it meets C once.")

# %% [markdown]
# The usual way is softer: let the network choose all bonds, and add $(\sum b')^2$ to the loss. Then the market clears
# *nearly*, and the optimizer pays for it at the cost of the other conditions. Tried with the same network and time, the
# bonds missed zero by up to .09, and the worst thousandth of the errors was at least twenty times as large.
# What holds by construction need not be learnt.
#
# ### How good is the linear policy?
#
# `TwoAssetNet` is this policy with a correction by a network. Without the correction, what remains is the linear policy
# with limits and clearing. That is our yardstick: **its row stands in every table below**. `two_asset_errors` lets the
# economy run freely, in double precision, and measures every condition.

# %%
from dlcourse.economics.two_asset_errors import two_asset_errors
from dlcourse.economics.two_asset_net import TwoAssetNet

net = TwoAssetNet(economy, hidden=(64, 64))
base = net.uncorrected()
only = two_asset_errors(economy, base.policy, 3000, burn_in=500, steady=steady)
print(f"mean K {only.aggregate_capital[0]:.1f}, standard deviation {only.aggregate_capital[1]:.1f}")
print(f"bonds sum to zero, to 1e-10: {only.market < 1e-10}; goods add up, to 1e-12: {only.resources < 1e-12}")

# %% [markdown]
# Again there are two ways to count.
#
# - **one residual**: of the bond, exactly exercise 8.10 with a price in it, $\min\{(V_b / p)^{-1/\gamma}, \bar c\} / c
#   - 1$. Of capital, the distance between $k'$ and $\max(0, k^*)$ of your exercise 8b.4, turned into consumption. Zero
#   exactly where all conditions hold, and without a jump.
# - **Euler**, as in the article: how far consumption is from what the Euler equation asks for, *if* $k'$ or $q$ is
#   above .001; otherwise only the wrong sign of a multiplier counts. It jumps at .001, where a household that is right
#   at its limit is suddenly told to be off it.


# %%
def percent(part):
    """Mean, p99.9 and maximum."""
    return " ".join(f"{100 * number:8.4f}" for number in (part.mean, part.p999, part.maximum))


def table(found):
    """Errors in percent of consumption, a line for each policy and metric."""
    heads = f"{'mean':>8s} {'p99.9':>8s} {'maximum':>8s}"
    print(f"{'':28s}  capital: {heads}   bond: {heads}")
    for name, errors in found.items():
        pairs = {"one residual": (errors.capital, errors.bond), "Euler": (errors.capital_euler, errors.bond_euler)}
        for metric, (capital, bond) in pairs.items():
            print(f"{name:15s} {metric:12s}           {percent(capital)}         {percent(bond)}")


checked = {"linear policy": only}
table(checked)

# %% [markdown]
# Look at the means: a few hundredths of a percent, without any training, in about a second. The published networks
# have .05 % (Euler). The tails are another matter: in rare states, after several disasters and next to the limits, the
# straight line is off by half a percent and more in one metric, and by several percent in the other.
#
# Are these numbers the ones that you would compute? Take your own function along the same path.

# %%
values = np.stack([economy.shocks.values[name] for name in ("depreciation", "productivity")], axis=-1)


def worths(policy, shocks, choices):
    """V_k and V_b of the ages that save, each of shape (T, 55)."""
    k, b = economy.holdings(choices)
    of_capital, of_bond = np.zeros((2, *choices.capital.shape))
    for z in range(len(economy.shocks)):
        states = np.full(len(k), z)
        then = economy.period(k, b, values[states], policy(states, k, b))
        weight = economy.discount * economy.shocks.transition[shocks, z][:, None] * then.consumption[:, 1:] ** -gamma
        of_capital += weight * then.gross_return[:, None] * (1 + zeta * then.adjustment[:, 1:])
        of_bond += weight * then.bond_payoff[:, None]
    return of_capital, of_bond


# %%
def capital_errors(policy, path):
    """The one residual of capital, shape (T, 55)."""
    now = economy.period(path.capital, path.bonds, values[path.shocks], path.choices)
    held, price = now.gross_return[:, None] * path.capital[:, :-1], path.choices.bond_price[:, None]
    marginal, both = now.consumption[:, :-1] ** -gamma, worths(policy, path.shocks, path.choices)
    wanted = wanted_capital(held, price, *both, marginal, kappa, zeta)
    gap = np.maximum(wanted, 0) - path.choices.capital
    return zeta / gamma * gap / (1 + zeta * now.adjustment[:, :-1])


own = np.abs(capital_errors(base.policy, only.path)).mean(axis=0)
print(f"your errors agree at every age, to 1e-12: {np.allclose(own, only.capital_by_age, rtol=0, atol=1e-12)}")

# %% [markdown]
# ## 6. The network corrects
#
# Now the network, and a modest task for it: to bend the straight lines. It sees the shock, the deviations of $K$, $R$
# and $w$, and of every age's capital and wealth, each divided by its standard deviation *from the Lyapunov equation*:
# 117 numbers of size one. It puts out 111 corrections, again in their natural units:
#
# $$\tilde k \leftarrow \tilde k + \sigma_k\, o_k, \qquad \tilde c \leftarrow \tilde c\, e^{.03\, o_c}, \qquad p
# \leftarrow p\, e^{.005\, o_p}.$$
#
# The loss has the two residuals (one for each asset) of every age, and training goes as in Lab 08: 128 economies side
# by side that start in the steady state, the next state from the loss's own forward pass. *Before you run:* the
# linear policy's mean errors are about .01 and .02 % in the one residual. What will some seconds of training do to the
# mean? And to the tails?

# %% tags=["nbval-ignore-output"]
from dlcourse.economics.equilibrium_training import train

result = train(net, steps=2000)
print(f"{result.steps:,} steps in {result.seconds:.0f} s, compilation included")
checked["short training"] = two_asset_errors(economy, net.policy, 3000, burn_in=500, steady=steady)

# %% [markdown]
# And the result of a longer run, which the course ships: 128 × 128 units, 60,000 steps, about five minutes of one
# processor. `dlcourse train deqn --model two-asset` made it.

# %%
from dlcourse.economics.equilibrium_report import solved_two_assets

shipped = solved_two_assets()
checked["shipped network"] = two_asset_errors(economy, shipped.policy, 3000, burn_in=500, steady=steady)

# %% tags=["nbval-ignore-output"]
table(checked)

# %% tags=["nbval-ignore-output"]
from dlcourse.economics.plots_two_assets import mean_errors_by_age

figure = mean_errors_by_age(checked)
show(figure, alt="The short training is far below the linear policy at nearly all ages, the shipped network lower yet.")

# %%
short, long = checked["short training"], checked["shipped network"]
for name in ("capital", "bond"):
    line, brief, ours = (getattr(errors, name) for errors in (only, short, long))
    print(f"{name}: the short training divides the mean error by at least 3: {brief.mean < line.mean / 3}", end=", ")
    print(f"p99.9 by at least 5: {brief.p999 < line.p999 / 5}")
    print(f"{name}: the shipped network divides the mean error by at least 20: {ours.mean < line.mean / 20}")
print(f"mean K {long.aggregate_capital[0]:.1f}, standard deviation {long.aggregate_capital[1]:.1f}")

# %% [markdown]
# The straight line was good on average. In a few seconds the network divides its mean error by about five, and in the
# tails (states far from the steady state, ages at a limit, where a line is simply the wrong shape) it gains a factor of
# ten. The shipped network's mean is another six times smaller; in the article's metric it is a hundredth of the
# published .05 %. It could be so quick because everything else had been computed before: where the economy lives, how
# it moves, which limits hold, that the market clears.
#
# Compare the two metrics, too. The largest Euler errors of the short training are mostly households with $q$ just above
# .001: one step across the threshold, and all that the limit costs them counts as an error. The one residual asks how
# far they are from where they should be.
#
# ### A detail that matters: the root of the loss
#
# The loss $\mathcal L$ is nearly a mean of squares. In a rare state the error is ten times the usual one, and its
# square a hundred times. Adam divides by a running mean of squared gradients; after a year with such states it
# remembers little else, and its steps become too short. So `train` follows the gradient of the root, which has the
# same minimum:
#
# $$\nabla \sqrt{\mathcal L} = \frac{\nabla \mathcal L}{2 \sqrt{\mathcal L}}.$$
#
# It is one line of code. Without it, mean errors end four times as large (the table at the end of section 7).

# %% [markdown]
# ## 7. A tiny loss that means nothing
#
# Was the linear base necessary? A network can represent any policy; why not start from the steady state's choices
# themselves, the same in every state, and let it learn the rest? Look at one household first. At age 20, give it one
# hundredth of a unit as a present.
#
# - The *first* household answers: it eats a little more in every year that is left.
# - The *second* eats as it would have done, and puts the present into bonds, year after year.
#
# *Before you run:* at which ages will the Euler equation notice that the second one is wrong?

# %%
usual, years = steady.period.consumption[20:], np.arange(20, 56)
discounting = steady.price ** np.arange(36)
answering = usual * (1 + 0.01 / (discounting @ usual))
stubborn = usual.copy()
stubborn[-1] += 0.01 / discounting[-1]  # in the end there is no one else to eat it


def bond_error(eaten):
    """The bond's Euler error of a life's consumption without shocks, above the one that it had before."""
    return 100 * ((eaten[1:] / eaten[:-1]) / (usual[1:] / usual[:-1]) - 1)


figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.2))
for place, (name, eaten) in enumerate({"answers": answering, "does not answer": stubborn}.items()):
    extra = [0.01 / discounting[t] - ((eaten - usual)[:t] * discounting[:t]).sum() / discounting[t] for t in range(36)]
    left.plot(years, extra, ("-", "--")[place], color=PALETTE[place], label=name)
    right.plot(years[:-1], bond_error(eaten), ("-o", "--s")[place], color=PALETTE[place], markersize=3)
left.set(xlabel="age $h$ in years", ylabel="what is left of the present", title="Unspent, it grows by 1/p a year")
right.set(xlabel="age $h$ in years", ylabel="Euler error in %", title="One age of 35 sees that something is wrong")
left.legend(loc="upper left")
show(figure, alt="Unspent, the present grows tenfold by 55; its Euler error is zero at all ages but the last.")
wrong = (np.abs(bond_error(stubborn)) > 1e-6).sum()
print(f"it has grown by a factor of {1 / discounting[-1]:.1f}; ages with an error: {wrong} of 35")

# %% [markdown]
# The Euler equation compares this year's meal with the next. If both stay as they are, it is content, however much the
# household owns. *Where the wealth goes* is asked nowhere, except at the very end of a life.
#
# ### The wrong root
#
# A single household is one thing; does it matter for 56 generations and a market that clears? Section 4 had a hundred
# roots outside the unit circle. So build a policy on purpose that is wrong in just one respect: of the 111 roots that
# come back drop the slowest pair, and take the slowest pair that explodes in its place. (SciPy's `ordqz` sorts the
# roots as you wish; the first 111 then make a $P$.)

# %%
from scipy.linalg import ordqz


def one_pair_swapped(above, below):
    """True for 111 roots: those that come back but the slowest pair, and the slowest pair that explodes."""
    size = np.abs(above) / np.maximum(np.abs(below), 1e-300)
    order, inside = np.argsort(size), (size < 1).sum()
    chosen = np.zeros(len(size), dtype=bool)
    chosen[order[: inside - 2]] = chosen[order[inside : inside + 2]] = True
    return chosen


Z = ordqz(*pencil, sort=one_pair_swapped, output="complex")[-1]
P_wrong = (Z[len(P) :, : len(P)] @ np.linalg.inv(Z[: len(P), : len(P)])).real
for name, matrix in {"P that comes back": P, "P with the wrong pair": P_wrong}.items():
    left_over = np.abs(F.before + F.now @ matrix + F.after @ matrix @ matrix).max()
    largest = np.abs(np.linalg.eigvals(matrix)).max()
    print(f"{name}: conditions hold to 1e-8: {left_over < 1e-8}, largest root {largest:.2f}")

# %% [markdown]
# Both solve the linear economy. Now turn both into policies. The shocks come back in here; the response $Q$ to them
# follows from $P$ by an iteration like yours.


# %%
def shock_response(P):
    """Q of y_t = P y_{t-1} + Q z_t, shape (111, 2), for shocks that fade."""
    Q, fade = np.zeros((len(P), 2)), linear.persistence
    for _ in range(300):
        Q = -np.linalg.solve(F.now + F.after @ P, F.shock_now + (F.after @ Q + F.shock_after) @ fade)
    return Q


# %% [markdown]
# The rest is section 5, line by line: first guesses, what can be eaten with everything pledged, and one factor that
# clears the market.

# %%
from dlcourse.economics import two_asset_net
from dlcourse.economics.two_asset_olg import Choices


def policy_from(P):
    """Choices from shock, k and b: linear first guesses, then limits and clearing."""
    Q = shock_response(P)

    def policy(shock, k, b):
        yesterday = np.concatenate([k[:, 1:], k[:, 1:] + kappa * b[:, 1:], np.full((len(k), 1), smooth[-1])], axis=1)
        guess = smooth + (yesterday - smooth) @ P.T + (values[shock] - mean_shock) @ Q.T
        wanted, pledged, price = economy.split(guess)
        wish = economy.period(k, b, values[shock], Choices(wanted, pledged, price)).consumption[:, :-1]
        saved = np.maximum(wanted, 0)
        now = economy.period(k, b, values[shock], Choices(saved, 0 * saved, price))  # with everything pledged
        most = now.consumption[:, :-1]
        means = most + (1 - price[:, None] / kappa) * saved
        s = two_asset_net.clearing_factor(wish, most, (means - saved).sum(axis=1))
        return Choices(saved, (most - np.minimum(s[:, None] * wish, most)) * kappa / price[:, None], price)

    return policy


# %% [markdown]
# *Before you run:* both start in the steady state and see the same shocks. How many years will it take until you can
# see in the left picture that one of them is wrong? And in the right one, which is what a loss sees?

# %%
from dlcourse.economics.two_asset_errors import simulate_two_assets

figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.2))
early = {}
for place, (name, matrix) in enumerate({"comes back": P, "wrong root": P_wrong}.items()):
    policy = policy_from(matrix)
    path = simulate_two_assets(economy, policy, 40, steady=steady)
    wrong = 100 * np.abs(capital_errors(policy, path)).mean(axis=1)
    early[name] = wrong[:20].mean()
    left.plot(path.capital.sum(axis=1), ("-o", "--s")[place], color=PALETTE[place], markersize=3, label=name)
    right.semilogy(wrong, ("-o", "--s")[place], color=PALETTE[place], markersize=3)
for ax in (left, right):
    ax.axvspan(0, 20, color="black", alpha=0.06)
left.set(xlabel="year", ylabel="aggregate capital $K$", title="For twenty years the same economy ...")
right.set(xlabel="year", ylabel="mean error in % of consumption", title="... with errors of about .01 % in both")
left.legend(loc="upper left")
show(figure, alt="For about 20 years capital and errors of both policies look alike; then the wrong root runs away.")
print(f"mean error of the first 20 years below .02 %, both: {max(early.values()) < 0.02}")

# %% [markdown]
# For twenty years there is no telling them apart, neither by $K$ nor by the errors, a hundredth of a percent. A
# training that starts its paths anew every few years would never learn of it. Later the straight lines leave the truth,
# and the errors grow; a network that bends could keep its loss small while $K$ runs away. So the last word belongs to a
# long, free simulation.

# %%
from dlcourse.economics.euler_errors import BrokenEconomyError

for name, matrix in {"comes back": P, "wrong root": P_wrong}.items():
    try:
        simulate_two_assets(economy, policy_from(matrix), 1000, steady=steady)
        print(f"{name}: 1,000 years passed")
    except BrokenEconomyError as error:
        print(f"{name}: rejected in {str(error).split(',')[0]}, somebody would starve: {'would eat -' in str(error)}")

# %% [markdown]
# ### A network that has to find the answers itself
#
# A network is in the same danger, most of all if its policy starts without any answer to wealth: `base="constant"`, the
# steady state's choices, whatever happens. It starts where the stubborn household is, and has to find the answers of 55
# ages to 110 holdings by itself. In the study that found this lab's recipe such a network ran away: its loss was **a
# ten-millionth, the smallest of all, while $K$ went from 533 to 718** (the truth is 141).
#
# *Before you run:* here is the course's network with such a base: same size, same shocks, same 2,000 steps. Will it run
# away, too? Will it ever catch up with the straight lines, which took a second and no training?

# %% tags=["nbval-ignore-output"]
alone = TwoAssetNet(economy, hidden=(64, 64), base="constant")
histories = {"linear base": result.history, "constant base": train(alone, steps=2000).history}
checked["constant base"] = two_asset_errors(economy, alone.policy, 3000, burn_in=500, steady=steady)
table({name: checked[name] for name in ("linear policy", "short training", "constant base")})

# %% tags=["nbval-ignore-output"]
figure, ax = plt.subplots(figsize=(6.2, 3.2))
for place, (name, history) in enumerate(histories.items()):
    look = {"color": PALETTE[place], "marker": "os"[place], "markersize": 4}
    ax.semilogy(history["step"], 100 * history["mean_error"], ("-", "--")[place], label=name, **look)
level = 50 * (only.capital.mean + only.bond.mean)
ax.axhline(level, color="black", linestyle=":", label="linear policy, no network")
ax.set(xlabel="training step", ylabel="mean error in %", title="A head start that is not made up for")
ax.legend(loc="upper right", fontsize="small")
show(figure, alt="The constant base ends above the level of the linear policy, the linear base ten times lower.")

# %%
lost = checked["constant base"]
for name in ("capital", "bond"):
    factor = getattr(lost, name).mean / getattr(short, name).mean
    print(f"{name}: the same network without an answer to wealth errs at least four times as much: {factor > 4}")
print(f"it stayed in the right region: {140 < lost.aggregate_capital[0] < 143}")

# %% [markdown]
# It does not run away; the long simulation says so, the loss could not. But after all its training it is, on average,
# still twice as far off as the straight lines before the first step. (In the tails it is better: it can bend.)
#
# ### What else was tried
#
# Ours first, by `benchmarks/economics_two_assets.py --only formulations`: 128 × 128 units, 8,000 steps, less than a
# minute of one processor each, checked over 10,000 years. Mean / 99.9 % / maximum of the one residual, in percent. The
# wealth base is a rule of thumb: eat what a household without risk would eat of what it owns.
#
# | policy | capital | bond |
# |---|---|---|
# | linear policy, no network | .0138 / .396 / .551 | .0229 / .614 / 2.73 |
# | constant base | .0098 / .064 / .200 | .0102 / .112 / .358 |
# | linear base, plain gradient of the loss | .0046 / .047 / .133 | .0059 / .075 / .352 |
# | wealth base | .0025 / .023 / .092 | .0031 / .039 / .233 |
# | **linear base** | **.0012 / .013 / .040** | **.0014 / .020 / .146** |
#
# Four times the steps, and the constant base has overtaken the straight lines. It is still seven times behind a network
# that started from them.
#
# The other table is from the study behind this lab: the wealth base, about a minute on two cores each, an older
# training, and the Euler metric. Read it against its own first row.
#
# | policy of the study | capital | bond | what it shows |
# |---|---|---|---|
# | min, common factor $s$ | .0087 / .109 / 2.6 | .0054 / .068 / 3.3 | |
# | Fischer-Burmeister for min | .009 / .10 / 5.2 | .006 / .06 / 6.4 | the form of the residual matters little here |
# | soft clearing | .023 / 2.2 / 4.5 | .016 / 2.8 / 6.5 | bonds miss zero by up to .09 |
# | $q = K' \cdot$ softmax | .31 / 6.5 / 9.3 | .37 / 8.6 / 9.4 | it clears, but $q$ never reaches 0 |
#
# Two lessons. *The answer to wealth* is what a base has to bring; even a crude rule of thumb does better than none. And
# of two ways to clear the market exactly, the common factor lets $q$ be zero and the softmax does not: that alone costs
# a factor of more than thirty.

# %% [markdown]
# ## 8. Reading the solution
#
# From here on, the shipped network. In the steady state 14 ages stood at $q = 0$, and two at $k' = 0$. *Before you
# run:* now shocks come and $K$ moves between about 114 and 153. In which share of the years is each age at its limits?
# (A network meets a limit only about: the residual wants its wish to be exactly $\bar c$, and it misses by a
# thousandth of a percent, to either side. So count $q$ and $k'$ below .001.)

# %%
from dlcourse.economics.plots_two_assets import limits_by_age

path = checked["shipped network"].path
at_limit = {
    "$q = 0$: all capital is pledged": (path.choices.collateral < 1e-3).mean(axis=0),
    "$k' = 0$: no capital": (path.choices.capital < 1e-3).mean(axis=0),
}
figure = limits_by_age(at_limit)
show(figure, alt="Ages 0 to 13 are always at q = 0, 14 in half of the years; age 0 never buys capital.")

# %% [markdown]
# Everybody up to 13 pledges all capital in every year, and nobody from 15 on. The limit lets go at 14, in some years,
# and that is where the linear policy had its largest errors (look back at the picture in section 6): its line cannot
# follow a kink that moves. How much does the limit hurt? Your exercise 8b.3 knows.

# %%
now = economy.period(path.capital, path.bonds, values[path.shocks], path.choices)
marginal, price = now.consumption[:, :-1] ** -gamma, path.choices.bond_price[:, None]
_, mu = multipliers(
    marginal, price, now.adjustment[:, :-1], *worths(shipped.policy, path.shocks, path.choices), kappa, zeta
)
figure, ax = plt.subplots(figsize=(6.4, 3.2))
for place, (name, pair) in enumerate({"calm years": (0, 1), "disasters": (2, 3)}.items()):
    hurt = 100 * (mu / marginal)[np.isin(path.shocks, pair), :20].mean(axis=0)
    ax.plot(hurt, ("-o", "--s")[place], color=PALETTE[place], markersize=4, label=name)
ax.set(
    xlabel="age $h$ in years, 0 for the newborn",
    ylabel=r"$\mu / u'(c)$ in %",
    title="What more credit would be worth",
    xticks=(0, 5, 10, 15),
)
ax.legend(loc="upper right")
show(figure, alt="The multiplier falls from 12 percent at birth to zero at 15; disasters raise it at 13 and 14 only.")

# %%
figure = portfolios_by_age({"Along 3,000 years": (path.capital, path.bonds)})
show(figure, alt="Capital and bonds by age look as in the steady state, in bands that are widest in mid-life.")

# %% [markdown]
# The shape of a life stays; the band around it is what 3,000 years of shocks do.
#
# ### The price of a promise
#
# The bond is safe here. A price above the mean says: many want to hold something safe, or few have anything to pledge.
# *Predict:* when is a bond dearer, with much or with little capital in the economy? In calm years or in a disaster?

# %%
from dlcourse.economics.plots_two_assets import price_over_shocks

K = path.capital.sum(axis=1)
LABELS = [rf"$\delta$ = {d}, $\xi$ = {xi}" for d, xi in values]
figure = price_over_shocks(path.choices.bond_price, K, path.shocks, LABELS)
show(figure, alt="The bond price rises with capital; in disasters the whole line lies more than a percent higher.")
calm, bad = (path.choices.bond_price[np.isin(path.shocks, pair)].mean() for pair in ((0, 1), (2, 3)))
print(f"interest on the bond: {100 * (1 / calm - 1):.1f} % in calm years, {100 * (1 / bad - 1):.1f} % in disasters")

# %% [markdown]
# In each shock the price follows $K$ almost along a line (no wonder that a linear policy did so well). Much capital
# means low returns on it, and the bond has to compete with them. In a disaster capital is expected to wear out fast
# next year, too, everybody would rather hold the promise, and interest falls by more than a percentage point.
#
# ### Impulse responses
#
# What does one bad year do? Take many states of the path, and let each live twice with the same luck: once with a
# calm first year, once with a disaster, or with a productive year in the place of an unproductive one. Afterwards the
# same random numbers decide. The mean difference is the **impulse response**.


# %%
def follow(first, years=31, seed=0):
    """Mean K, p, and what the youngest and the oldest ten ages eat, by year after a first shock."""
    starts = np.arange(0, 3000, 10)
    shock, k, b = np.full(len(starts), first), path.capital[starts], path.bonds[starts]
    rows, seen = np.cumsum(economy.shocks.transition, axis=1)[:, :-1], []
    for uniforms in np.random.default_rng(seed).random((years, len(starts))):
        choices = shipped.policy(shock, k, b)
        eaten = economy.period(k, b, values[shock], choices).consumption
        seen.append([k.sum(1), choices.bond_price, eaten[:, :10].sum(1), eaten[:, -10:].sum(1)])
        k, b = economy.holdings(choices)
        shock = (uniforms[:, None] >= rows[shock]).sum(axis=1)
    return np.mean(seen, axis=2)


calm = follow(0)
names = ("Capital $K$", "Bond price $p$", "Eaten by ages 0 to 9", "Eaten by ages 46 to 55")
answers = {
    name: dict(zip(names, (100 * (follow(shock) / calm - 1)).T, strict=True))
    for name, shock in (("disaster", 2), ("productive year", 1))
}

# %% [markdown]
# *Before you run:* who loses more in a disaster, the young or the old? Who gains more from a productive year? And when
# is capital lowest, in the year after the disaster, or later?

# %%
from dlcourse.economics.plots_two_assets import impulse_responses

figure = impulse_responses(answers)
show(
    figure, alt="After a disaster K falls for four years; the old lose at once. A productive year helps the young most."
)
disaster, boom = answers["disaster"], answers["productive year"]
print(f"disaster: K is lowest {int(np.argmin(disaster[names[0]]))} years later, at {min(disaster[names[0]]):.1f} %")
for name in names[2:]:
    print(f"{name}: {disaster[name][0]:.1f} % in a disaster, {boom[name][0]:+.1f} % in a productive year")

# %% [markdown]
# - A **disaster** lasts: the next year is another one with probability .7, so capital goes on falling for about four
#   years and needs twenty to come back. The old hurt at once, for they live on what they own. The young own little, and
#   feel it later, through wages and through what their parents no longer lend.
# - A **productive year** raises wages, and with them the meals of the young, who spend whatever they get: many of
#   them are at their limit. The old own bonds, whose payoff does not care.
# - In a disaster the bond price jumps, and falls *below* its usual value later: capital is then scarce and pays well.

# %% [markdown]
# ## 9. Your experiment: another pledge
#
# What happens if credit gets easier, if less capital has to stand behind each bond? For this you need no network at
# all: a steady state and a linear policy take half a second. *Before you run, predict four things* for a $\kappa$ that
# falls from 1.5 to 1: do debts rise? Does $K$ rise or fall? (In Lab 08, looser limits *lowered* it.) Does the interest
# rate rise? Do the newborn eat more?

# %%
print("kappa  debts       K  interest  payoff  down payment  at q = 0   c of ages 0, 10, 30, 50")
for number in (2.0, 1.5, kappa, 1.0, 0.95, 0.9, 0.8):
    other = two_asset_olg(collateral=number)
    there = SteadyState.of(other)
    debts, payoff = np.maximum(-there.bonds, 0).sum(), float(there.period.bond_payoff)
    limited = int((other.split(there.unknowns).collateral < 1e-4).sum())
    eaten = "  ".join(f"{there.period.consumption[age]:.3f}" for age in (0, 10, 30, 50))
    columns = f"{number:5.3f} {debts:6.1f} {there.capital.sum():7.1f} {100 * (payoff / there.price - 1):7.2f} %"
    print(f"{columns} {payoff:7.3f} {1 - there.price / number:13.3f} {limited:6d} ages   {eaten}")

# %% [markdown]
# Answer from the table, then run variations of your own in the cell below.
#
# 1. Which direction is "looser", and what happens to $K$? Why is it the opposite of Lab 08?
# 2. The newborn eat almost the same in every row. Why does easier credit not help them?
# 3. From $\kappa = .9$ to $.8$ nobody eats any more or less; there are only more bonds, and each pays less. What has
#    the bond become? Where exactly does this begin?
# 4. What would you expect of the *linear* policy at $\kappa = .93$, where $\kappa R$ is just 1?

# %%
my_collateral = 0.93

mine = two_asset_olg(collateral=my_collateral)
policy = TwoAssetNet(mine, hidden=(4,))
policy.set_weights([np.zeros_like(weight) for weight in policy.weights])
errors = two_asset_errors(mine, policy.policy, 1000, burn_in=100, steady=policy.steady)
print(f"K {errors.aggregate_capital[0]:.1f} (standard deviation {errors.aggregate_capital[1]:.1f})")
print(f"mean Euler error: capital {100 * errors.capital_euler.mean:.2f} %, bond {100 * errors.bond_euler.mean:.2f} %")
states = np.stack([mine.shocks.values[name] for name in ("depreciation", "productivity")], axis=-1)[errors.path.shocks]
payoff = mine.period(errors.path.capital, errors.path.bonds, states, errors.path.choices).bond_payoff
print(f"debtors hand over their pledge in {100 * (payoff < 1).mean():.0f} % of the years")

# %% [markdown] tags=["solution"]
# *Answers.* (1) A smaller $\kappa$ is looser. Debts rise, and so does $K$, a little, down to $\kappa = 1$: this debt
# must have capital behind it, so that credit lets the young *invest*. In Lab 08 debt was capital taken over from others
# to be eaten. (2) Because the newborn are at both limits: without capital there is no pledge, and capital cannot be
# bought in a hurry (the down payment and the costs of moving come first). Age 10 does eat more. (3) Below $\kappa R =
# 1$, about .928, debtors hand over the pledge in every year of the steady state. The bond then *is* $\kappa$ units of
# capital, only without the cost of moving; $\kappa$ merely sets its size, and nothing real depends on it. (4) The
# payoff has its kink right where the economy lives. A straight line cannot follow it, and the errors are several times
# as large. That is where a network would earn its keep: `TwoAssetNet(two_asset_olg(collateral=.93))`, and `train`.

# %% [markdown]
# ## Summary
#
# - A bond is a promise with a pledge. Two assets give two Euler equations and two multipliers; taking one equation from
#   the other removes the kink of the limit on debt.
# - Compute what can be computed: the steady state by Newton's method, a linear policy by iteration, its spread by a
#   linear equation. The network then has only to bend straight lines, in units in which everything is of size one.
# - What must hold in every state belongs into the architecture: limits by $\min$ and $\max$, the market by one common
#   factor.
# - **Conditions compare neighbours.** Exploding policies satisfy them, too. The policy that comes back must be chosen
#   by the construction, and the check is a free simulation, not the loss.
# - Put the simplest policy in the table. Here it was as good as published networks on average, before any training.
#   What counts is the network's gain over *that*: a factor of five within seconds, of more than twenty within minutes.

# %% tags=["headline"]
print(f"steady state: K = {steady.capital.sum():.2f}, R = {R:.4f}, p = {steady.price:.5f}")
for name, of in (("capital", lambda found: found.capital), ("bond", lambda found: found.bond)):
    before, after = of(only), of(long)
    print(f"{name}: mean error {100 * before.mean:.3f} % linear, {100 * after.mean:.4f} % with the shipped network")
print(f"along 3,000 years: K {long.aggregate_capital[0]:.1f}, standard deviation {long.aggregate_capital[1]:.1f}")

# %%
progress()

# %% [markdown]
# ## Go further
#
# - **Train it yourself.** `dlcourse train deqn --model two-asset --minutes 3`; Ctrl-C and start again: it goes on where
#   it was.
# - **Other economies.** `two_asset_olg(28)`, `two_asset_olg(84)`, `risk_aversion=3`, `adjustment_cost=0.25`: the same
#   commands. What does a smaller $\zeta$ do to the gap between $R$ and $1/p$?
# - **A bond that defaults.** Train at $\kappa = .93$ and compare the error table with the linear policy's.
# - **How much does risk matter?** Compare $K$ of the steady state with the mean of $K$ along the path, and $p$ too.
# - **Break it.** `base="wealth"` answers to wealth by rule of thumb. How far do you get with it? And what happens to
#   `base="constant"` if it trains ten times as long, with other seeds, or on more cohorts?
#
# ## References
#
# - M. Azinovic, L. Gaegauf and S. Scheidegger, *Deep equilibrium nets*, International Economic Review 63(4), 2022, the
#   model with two assets; working paper 2019.
# - M. Azinovic and J. Zemlicka, *Economics-inspired neural networks with stabilizing homotopies*, 2023: outputs that
#   clear markets.
# - A. Fischer, *A special Newton-type optimization method*, Optimization 24 (1992).
# - P. Rendahl, *Linear time iteration*, 2017; O. Blanchard and C. Kahn, *The solution of linear difference models under
#   rational expectations*, Econometrica 48 (1980).
# - K. Judd, *Numerical Methods in Economics*, MIT Press 1998, ch. 5 (Newton), 13 (perturbation) and 17 (Euler errors).
# - Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger), slides from "Dynamic stochastic economic models" to the
#   end.
