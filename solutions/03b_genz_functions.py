# ---
# jupyter:
#   dlcourse:
#     title: Approximating the Genz functions
#     minutes: 100
#     needs: a laptop CPU
#     requires: [tensorflow, keras, pandas]
# ---

# %% [markdown]
# # Lab 03b: Approximating the Genz functions
#
# How well can a network learn a function from a few hundred of its values? Does it matter whether the function has two
# inputs or ten? In this lab you find out by experiment, on six functions that were designed to be difficult, each in
# its own way. You will train several hundred networks, in less time than a coffee takes.

# %% [markdown]
# When you have finished, you can
#
# - measure how good an approximation is, and tell a small error from a small function;
# - say what a kink, a jump and eight more dimensions do to a network, and show the figures;
# - compare activations, depths and optimizers in a way that you would believe yourself;
# - explain the curse of dimensionality in numbers, and say when a Gaussian process is the better tool.
#
# You need Lab 03 (what a Keras model is and how it is trained) and a little NumPy.
#
# The lab is the slides' "Action required", and the best way through it is theirs: predict, run, plot, and ask whether
# you observe anything particular. So write your predictions down before you run a cell. Being wrong is what makes
# the experiment worth doing.

# %% [markdown]
# ## 1. Six functions, six difficulties
#
# In 1984 Alan Genz was looking for a fair contest between programs that compute integrals. He chose six families of
# functions on the unit cube $[0, 1]^d$. Each family has one difficulty: waves, a peak, a peak in a corner, a narrow
# bell, a kink, a jump. Two vectors pick a member: $c$ says how difficult it is, $w$ where the difficulty sits.
#
# As on the slides, both are drawn at random from $[0, 1]$ and then scaled: the $c_i$ so that they add up to a number
# $b_j$ that belongs to the family, the $w_i$ so that they add up to 1.
#
# **Exercise 3b.1.** Write the scaling.

# %%
import matplotlib.pyplot as plt
import numpy as np

from dlcourse import plots
from dlcourse.checks import check, progress
from dlcourse.plots import show

plots.use_style()


# %%
def normalise(values, total):
    """The values, shape (d,), scaled by one factor so that they add up to total."""
    # BEGIN SOLUTION
    return values * (total / values.sum())
    # END SOLUTION


# %%
normalise = check("3b.1", normalise)

# %% [markdown]
# Now three of the six, for $n$ points at once: `x` has shape $(n, d)$, one point a row, and the answer has shape
# $(n,)$. The first one is a wave that runs across the cube,
#
# $$f_1(x) = \cos\Big(2\pi w_1 + \sum_{i=1}^d c_i x_i\Big).$$
#
# **Exercise 3b.2.** Write it. (Python counts from 0: $w_1$ is `w[0]`.)


# %%
def oscillatory(x, c, w):
    """f1 at the points x of shape (n, d)."""
    # BEGIN SOLUTION
    return np.cos(2 * np.pi * w[0] + x @ c)
    # END SOLUTION


# %%
oscillatory = check("3b.2", oscillatory)

# %% [markdown]
# The fourth is a bell with its top at $w$,
#
# $$f_4(x) = \exp\Big(-\sum_{i=1}^d c_i^2\, (x_i - w_i)^2\Big).$$
#
# **Exercise 3b.3.** Write it. The sum runs over the coordinates of each point.


# %%
def gaussian(x, c, w):
    """f4 at the points x of shape (n, d)."""
    # BEGIN SOLUTION
    return np.exp(-np.sum(c**2 * (x - w) ** 2, axis=1))
    # END SOLUTION


# %%
gaussian = check("3b.3", gaussian)

# %% [markdown]
# And the third is a peak in the corner at 0 that falls off faster the more dimensions there are,
#
# $$f_3(x) = \Big(1 + \sum_{i=1}^d c_i x_i\Big)^{-(d+1)}.$$
#
# **Exercise 3b.4.** Write it.


# %%
def corner_peak(x, c, w):
    """f3 at the points x of shape (n, d); w plays no part in it."""
    # BEGIN SOLUTION
    return (1 + x @ c) ** -(x.shape[1] + 1.0)
    # END SOLUTION


# %%
corner_peak = check("3b.4", corner_peak)

# %% [markdown]
# The course has all six in `dlcourse.approximation`; `GenzFunction.random` draws $c$ and $w$ for you. Do yours agree
# with it in five dimensions?

# %%
from dlcourse.approximation import FAMILIES, GenzFunction, sample

x = sample(1000, 5, seed=0)
for own in (oscillatory, gaussian, corner_peak):
    theirs = GenzFunction.random(own.__name__, 5, seed=0)
    difference = np.abs(own(x, theirs.c, theirs.w) - theirs(x)).max()
    print(f"{own.__name__}: differs by less than 1e-12: {bool(difference < 1e-12)}")

# %% [markdown]
# The other three are
#
# $$f_2(x) = \prod_{i=1}^d \frac{1}{c_i^{-2} + (x_i - w_i)^2}, \qquad f_5(x) = \exp\Big(-\sum_{i=1}^d c_i\, |x_i -
# w_i|\Big),$$
#
# and $f_6(x)$, which is $\exp(\sum_i c_i x_i)$ where $x_1 \le w_1$ and $x_2 \le w_2$, and 0 everywhere else. In two
# dimensions you can simply look at them.
#
# *Before you run:* four of the six are smooth. Which ones? And which family will a network find hardest?

# %%
line = np.linspace(0, 1, 60)
across, up = np.meshgrid(line, line)
grid = np.stack([across, up], axis=-1).reshape(-1, 2)
functions = {family: GenzFunction.random(family, 2, seed=0) for family in FAMILIES}

colours = plt.get_cmap("viridis", 14)
figure = plt.figure(figsize=(9.6, 6.0))
for place, (family, f) in enumerate(functions.items(), 1):
    ax = figure.add_subplot(2, 3, place, projection="3d")
    ax.plot_surface(across, up, f(grid).reshape(60, 60), cmap=colours, rcount=60, ccount=60, antialiased=False)
    ax.set(title=f"$f_{place}$ {family.replace('_', ' ')}", xticks=(0, 1), yticks=(0, 1))
    ax.set_xlabel("$x_1$", labelpad=-8)
    ax.set_ylabel("$x_2$", labelpad=-8)
    ax.set_box_aspect(None, zoom=0.95)
show(
    figure,
    alt="Six surfaces over the unit square: a wave, a low hill, a corner peak, a bell, a peak with creases, a cliff.",
)

# %% [markdown]
# $f_1$ and $f_2$ are hardly curved at all. $f_3$ and $f_4$ are smooth, with one steep place. $f_5$ is continuous, but
# has a crease along $x_1 = w_1$ and another along $x_2 = w_2$. $f_6$ falls off a cliff.

# %% [markdown]
# ## 2. A first look: two dimensions
#
# An approximation needs a measure of how wrong it is. The slides ask for two, at 1,000 fresh random points $x_i$:
#
# $$\text{average error} = \frac{1}{1000} \sum_i |f(x_i) - N(x_i)|, \qquad \text{maximum error} = \max_i |f(x_i) -
# N(x_i)|.$$
#
# **Exercise 3b.5.** Write both. One trap comes from real life: a Keras model's `predict` returns a column of shape
# $(n, 1)$, while the values of $f$ have shape $(n,)$. Your function should get both right.


# %%
def errors(predictions, values):
    """(average error, maximum error) of predictions of shape (n,) or (n, 1) against values of shape (n,)."""
    # BEGIN SOLUTION
    difference = np.abs(predictions.ravel() - values)
    return difference.mean(), difference.max()
    # END SOLUTION


# %%
errors = check("3b.5", errors)

# %% [markdown] tags=["solution"]
# *For teachers.* The trap is worth two minutes at the board: `(n, 1)` minus `(n,)` broadcasts to `(n, n)`, no error is
# raised, and the "average error" of a perfect network comes out as the average distance between two random values of
# $f$. When somebody says "my network does not learn", look at this line first.

# %% [markdown]
# Now the networks: two hidden layers of 64 swish units. Train one for each family and for 10, 50, 100 and 500 points,
# 24 in all. With `model.fit` that would take some minutes. But 24 small networks of one shape are just one set of
# larger arrays, weights of shape $(24, 64, 64)$ instead of $(64, 64)$, and one compiled loop can take the gradient
# steps of all of them side by side. That is what `train_ensemble` does. The networks share nothing but the ride: each
# has its own data, its own random start and its own batches.
#
# The points of the smaller samples are among those of the larger ones.

# %%
from dlcourse.approximation import Architecture, train_ensemble

sizes = (10, 50, 100, 500)
cells = [(family, n) for family in FAMILIES for n in sizes]
X = [sample(n, 2, seed=1) for _, n in cells]
y = [functions[family](points) for (family, _), points in zip(cells, X, strict=True)]
ensemble = train_ensemble(X, y, Architecture(hidden=(64, 64), activation="swish", steps=2000))
surfaces = dict(zip(cells, ensemble.predict(grid), strict=True))

# %% [markdown]
# Every member *is* an ordinary Keras model, should you need it as one:

# %%
member = cells.index(("gaussian", 500))
model = ensemble.member(member)
difference = np.abs(model.predict(grid, verbose=0)[:, 0] - surfaces["gaussian", 500]).max()
print(f"{type(model).__name__} with {model.count_params():,} parameters")
print(f"predicts the same as the ensemble to within 1e-4: {bool(difference < 1e-4)}")

# %% [markdown]
# Over four thousand parameters, and the smallest sample has ten points! *Before you run:* what will the network for the
# bell look like with ten? And with fifty?

# %%
figure, axes = plt.subplots(2, 5, figsize=(10.4, 4.5), sharex=True, sharey=True)
for row, family in zip(axes, ("gaussian", "discontinuous"), strict=True):
    truth = functions[family](grid)
    look = {"levels": np.linspace(truth.min(), truth.max(), 12), "cmap": "viridis", "extend": "both"}
    row[0].contourf(across, up, truth.reshape(60, 60), **look)
    row[0].set(title=f"$f$: {family}", ylabel="$x_2$")
    for ax, n in zip(row[1:], sizes, strict=True):
        ax.contourf(across, up, surfaces[family, n].reshape(60, 60), **look)
        ax.plot(*X[cells.index((family, n))].T, ".", color="white", markersize=4 if n < 500 else 1.5)
        ax.set_title(f"network, {n} points")
for ax in axes[-1]:
    ax.set_xlabel("$x_1$")
show(
    figure,
    alt="With 50 points the bell is there; the cliff is still smeared out with 100 and rounded at its corner with 500.",
)

# %%
test = sample(1000, 2, seed=2)
predicted = dict(zip(cells, ensemble.predict(test), strict=True))
for family in ("gaussian", "discontinuous"):
    average, maximum = zip(*(errors(predicted[family, n], functions[family](test)) for n in sizes), strict=True)
    print(f"{family}: 500 points against 10")
    print(f"  average error at least  3 times smaller: {average[0] > 3 * average[-1]}")
    print(f"  average error at least 15 times smaller: {average[0] > 15 * average[-1]}")
    print(f"  maximum error at least 15 times smaller: {maximum[0] > 15 * maximum[-1]}")

# %% [markdown]
# With fifty points the bell is already right to the eye, although the network has almost ninety times as many
# parameters as there are points. The number of parameters is a poor guide here; gradient descent from small weights
# prefers smooth functions, and this one is smooth.
#
# The cliff is another matter. Where does the network go wrong? Draw the error of all six with 500 points.
#
# *Predict:* for the kink and for the jump, where will the error sit?

# %%
figure, axes = plt.subplots(2, 3, figsize=(9.6, 5.6), sharex=True, sharey=True)
for ax, (family, f) in zip(axes.flat, functions.items(), strict=True):
    wrong = np.abs(surfaces[family, 500] - f(grid))
    levels = np.linspace(0, wrong.max(), 11)
    picture = ax.contourf(across, up, wrong.reshape(60, 60), levels=levels, cmap="magma")
    figure.colorbar(picture, ax=ax, format="%.2g", ticks=levels[::2])
    ax.set_title(family.replace("_", " "))
    ax.grid(False)
for ax in axes[-1]:
    ax.set_xlabel("$x_1$")
for ax in axes[:, 0]:
    ax.set_ylabel("$x_2$")
figure.suptitle("Absolute error with 500 points: near the border, along the creases, along the cliff", weight="bold")
show(
    figure,
    alt="Error maps: smooth functions err at edges and corners, the kink along two lines, the jump along its cliff.",
)

# %%
f = functions["discontinuous"]
wrong = np.abs(surfaces["discontinuous", 500] - f(grid))
to_cliff = np.where((grid <= f.w).all(axis=1), (f.w - grid).min(axis=1), np.maximum(grid - f.w, 0).max(axis=1))
near = to_cliff < 0.1
print(f"share of the square within 0.1 of the cliff: {near.mean():.2f}")
print(f"more than half of the error lies there: {bool(wrong[near].sum() > wrong.sum() / 2)}")

# %% [markdown]
# A network with smooth units is a smooth function. It cannot jump; it can only be steep, and to place a steep slope
# exactly it needs points on both sides, close by. Mind the scales of the colour bars, too: the largest error of $f_1$
# is a thousand times smaller than that of $f_6$.
#
# And look at the smooth ones: much of their error sits near the border of the square, where a point has neighbours on
# one side only. Remember that for section 5: in ten dimensions almost every point is near the border.

# %% [markdown]
# ## 3. The whole experiment
#
# Now the slides' experiment in full, and a bit more: all six families, in 2, 5 and 10 dimensions, with 10, 50, 100 and
# 500 points. A single network proves little, because it may have been lucky with its points or its start, so each cell
# is run with three seeds; a seed draws a new function, new points and new initial weights. That makes 216 networks.
#
# *Before you run*, write down:
#
# 1. With 500 points, will the average error grow from 2 to 5 to 10 dimensions? For all six?
# 2. Which maximum error will hardly fall at all?
# 3. Which function is hopeless in 10 dimensions?

# %% tags=["nbval-ignore-output"]
from dlcourse.approximation import plot_study, run_study

study = run_study(seeds=(0, 1, 2))
print(f"{len(study)} networks in {study['seconds'].sum():.0f} s")

# %%
figure = plot_study(study)
show(
    figure,
    alt="Average and maximum error fall with the number of points for smooth functions and hardly for kink and jump.",
)

# %% [markdown]
# Lines are medians of the three seeds, bands reach from about the smallest to the largest. Both axes are logarithmic: a
# straight line that falls is a power of the number of points.
#
# Read it column by column. In two dimensions the jump is at the top and the kink not far below; the bell's errors fall
# by a factor of thirty from 10 points to 500, the jump's maximum error by two. Then compare the columns, and something
# looks odd. Put the average errors with 500 points in a table.

# %% tags=["nbval-ignore-output"]
with_500 = study[study["samples"] == 500]
table = with_500.pivot_table("average_error", "family", "dimension", aggfunc="median", sort=False)
table.map("{:.1e}".format)

# %%
falls = [family for family in FAMILIES if table.loc[family, 10] < table.loc[family, 2] / 2]
print("average error at least halves from 2 to 10 dimensions:", ", ".join(falls))

# %% [markdown]
# The error of four families is *smaller* in ten dimensions than in two, with the same 500 points. Has the network
# broken the curse of dimensionality? Pause here and think: what else could make an error small?

# %% [markdown]
# ## 4. Is there anything particular you observe?
#
# ### A small error, or a small function?
#
# An error of 0.001 is excellent for a function that ranges from 0 to 1, and useless for one that ranges from 0 to
# 0.001. So compare with the laziest approximation there is: a constant. Which constant has the smallest average
# absolute error? Not the mean, which is best for *squared* errors, but the **median**.
#
# **Exercise 3b.6.** Compute the average error of the best constant.


# %%
def constant_error(values):
    """The smallest average absolute error that a constant can have; values has shape (n,)."""
    # BEGIN SOLUTION
    return np.mean(np.abs(values - np.median(values)))
    # END SOLUTION


# %%
constant_error = check("3b.6", constant_error)

# %% [markdown]
# Divide each network's error by it. A share of 0.01 means that the network has removed 99 % of what there was to learn;
# 1 means that it has learnt nothing; above 1 it would have been better not to try.

# %%
from functools import cache


@cache
def to_learn(family, dimension, seed):
    """The best constant's average error for one function."""
    f = GenzFunction.random(family, dimension, seed)
    return constant_error(f(sample(20_000, dimension, seed=99)))


def share_left(row):
    """A network's average error over that of the best constant for the same function."""
    return row.average_error / to_learn(row.family, row.dimension, row.seed)


study["share"] = [share_left(row) for row in study.itertuples()]
with_500 = study[study["samples"] == 500]
shares = with_500.pivot_table("share", "family", "dimension", aggfunc="median", sort=False)

# %%
figure, ax = plt.subplots(figsize=(5.8, 4.2))
ax.imshow(np.log10(shares), cmap="Blues", aspect="auto", vmin=-3.2, vmax=0.4)
for (row, column), value in np.ndenumerate(shares.to_numpy()):
    ax.text(column, row, f"{value:.2g}", ha="center", va="center", color="white" if value > 0.05 else "black")
ax.set_xticks(range(3), shares.columns)
ax.set_yticks(range(6), [family.replace("_", " ") for family in FAMILIES])
ax.set(xlabel="dimension", title="Share of a constant's error that is left, 500 points")
ax.grid(False)
show(
    figure,
    alt="Heat map: the share of the constant's error that is left grows with dimension, above all for kink and jump.",
)

# %%
harder = [family for family in FAMILIES if shares.loc[family, 10] > 2 * shares.loc[family, 2]]
print("at least twice the share is left in 10 dimensions:", ", ".join(harder))
smooth = list(FAMILIES[:4])
print(f"smooth functions, 2 dimensions: at most 6 % left: {bool(shares.loc[smooth, 2].max() < 0.06)}")
print(f"smooth functions, 10 dimensions: at most 20 % left: {bool(shares.loc[smooth, 10].max() < 0.2)}")
print(f"the kink, 2 dimensions: over 8 % left: {bool(shares.loc['continuous', 2] > 0.08)}")
print(f"the kink, 10 dimensions: over 30 % left: {bool(shares.loc['continuous', 10] > 0.3)}")

# %% [markdown]
# Measured fairly, five of the six *are* harder in ten dimensions. The small errors belonged to small functions: in ten
# dimensions $f_3 = (1 + \ldots)^{-11}$ is almost 0 nearly everywhere, and so are $f_2$ and $f_5$.
#
# Two more things to see:
#
# - **Smoothness counts for more than dimension.** The oscillatory function in *ten* dimensions is learnt better than
#   the kink in *two*.
# - **The normalisation helps.** The sum of the $c_i$ is fixed, so with ten of them each direction gets a tenth of the
#   difficulty: the bell, narrow in two dimensions, is broad and gentle in ten, and loses hardly anything. Real problems
#   are often gentle in this sense, and that is why networks get anywhere with them. But it is a property of the
#   problem, not a magic of the network.

# %% [markdown]
# ### The corner that nobody visits
#
# The jump in five and ten dimensions leaves a share near or above 1: no better than the constant 0, or worse! Is the
# network to blame? $f_6$ differs from 0 only where $x_1 \le w_1$ and $x_2 \le w_2$. That corner has the volume
# $w_1 w_2$, and since the $w_i$ add up to 1, each of them is $1/d$ on average.
#
# *Before you run:* of 500 random points, how many fall into the corner in ten dimensions? Of 10 points?

# %%
for d in (2, 5, 10):
    corner = np.mean([np.prod(GenzFunction.random("discontinuous", d, seed).w[:2]) for seed in range(200)])
    none = np.mean([(1 - np.prod(GenzFunction.random("discontinuous", d, s).w[:2])) ** 10 for s in range(200)])
    print(f"d = {d:2}: {500 * corner:4.1f} of 500 points in the corner; ten points all miss it in {none:.0%} of cases")

# %% [markdown]
# A handful of points to learn an exponential in ten variables from. No method can know what happens in a region
# where it has (almost) no data. That is a lesson about *sampling*: where the function is interesting, random points do
# not go by themselves. Economists meet it with models whose constraint binds in a far corner of the state space, and we
# come back to it with deep equilibrium nets.
#
# ### The average, the maximum
#
# One more observation from the study's figure: how does the maximum error compare with the average?

# %%
ratio = (with_500["maximum_error"] / with_500["average_error"]).groupby(with_500["family"]).median()
fall = study.pivot_table("maximum_error", ["family", "dimension"], "samples", aggfunc="median")
fall = fall[10] / fall[500]
print(f"the maximum is at least 4 times the average for every family: {bool(ratio.min() >= 4)}")
print(f"and more than 20 times for the jump: {bool(ratio['discontinuous'] > 20)}")
print(f"Gaussian: 50 times the points, maximum error at least 5 times smaller: {bool(fall['gaussian'].min() > 5)}")
print(f"jump: maximum error less than 5 times smaller, in every dimension: {bool(fall['discontinuous'].max() < 5)}")

# %% [markdown]
# At a jump the largest error is of the size of the cliff itself, for as long as some test point lies where the network
# is still climbing. More points make that strip narrower, and so the average smaller, but not the worst error in it. If
# your application cares about the worst case, an average hides exactly what you care about.

# %% [markdown]
# ## 5. What is high-dimensional?
#
# The classical way to approximate a function is a grid: $N$ points along each axis, $N^d$ in all.
# With 10 points an axis and one second for each, the slides compute:

# %%
for d in (1, 2, 3, 4, 5, 6, 20):
    seconds = 10.0**d
    units = {"s": 1, "minutes": 60, "hours": 3600, "days": 86_400, "years": 365.25 * 86_400}
    unit = [name for name, size in units.items() if seconds >= size][-1]
    print(f"d = {d:2}: {10.0**d:6.0e} points, {seconds / units[unit]:.3g} {unit}")

# %% [markdown]
# Three trillion years, the **curse of dimensionality**. Turn it around: how fine a grid can you afford?
#
# **Exercise 3b.7.** With a budget of so many points in $d$ dimensions, how many points along each axis does the finest
# grid have? The answer is a whole number. Beware of rounding: what is `1000 ** (1 / 3)` in Python?


# %%
def points_per_axis(budget, d):
    """The largest whole number k with k to the power d at most budget."""
    # BEGIN SOLUTION
    k = 1
    while (k + 1) ** d <= budget:
        k += 1
    return k
    # END SOLUTION


# %%
points_per_axis = check("3b.7", points_per_axis)

# %%
for d in (1, 2, 3, 5, 10):
    print(f"d = {d:2}: 500 points make {points_per_axis(500, d):3} an axis, 1,024 make {points_per_axis(1024, d):,}")

# %% [markdown]
# In ten dimensions 500 points make no grid at all, and 1,024 are just the corners of the cube. Compare such grids, with
# linear interpolation between their points, with the networks that had 500 random ones. The grid may have up to
# 1,024.
#
# *Predict:* who wins in two dimensions? In five? In ten?

# %%
from scipy.interpolate import RegularGridInterpolator


def grid_error(family, d, seed):
    """Average error of linear interpolation on a grid of at most 1,024 points."""
    f, k, x = GenzFunction.random(family, d, seed), points_per_axis(1024, d), sample(1000, d, seed=100 + seed)
    axes = [np.linspace(0, 1, k)] * d
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = f(nodes.reshape(-1, d)).reshape((k,) * d)
    return errors(RegularGridInterpolator(axes, values)(x), f(x))[0]


advantage = with_500.pivot_table("average_error", "family", "dimension", aggfunc="median", sort=False)
for family in FAMILIES:
    for d in (2, 5, 10):
        advantage.loc[family, d] = np.median([grid_error(family, d, seed) for seed in range(3)]) / table.loc[family, d]

# %%
figure, ax = plt.subplots(figsize=(7.2, 4.0))
for (family, row), look in zip(advantage.iterrows(), plots.styles(), strict=False):
    ax.plot(range(3), row, **look, markersize=7, linewidth=1.2, label=family.replace("_", " "))
ax.axhline(1, color="black", linewidth=0.8)
ax.set_yscale("log")
ax.set_xticks(range(3), ["2", "5", "10"])
ax.set(xlabel="dimension", ylabel="error of the grid over\nerror of the network")
ax.set_title("Above the line the network wins: if smooth, from five dimensions on")
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
show(
    figure,
    alt="The ratio of the grid's error to the network's is below 1 in two dimensions and far above 1 in five and ten.",
)

# %%
print(f"2 dimensions: the grid is better for all six: {bool((advantage[2] < 1).all())}")
print(f"5 dimensions, smooth: the network is at least 3 times better: {bool(advantage.loc[smooth, 5].min() > 3)}")
print(f"10 dimensions, smooth: the network is at least 3 times better: {bool(advantage.loc[smooth, 10].min() > 3)}")

# %% [markdown]
# In two dimensions a plain grid beats the network on all six. In five and ten the network wins by factors on every
# smooth function, with half the points; at the kink neither is any good. The network is not tied to axes: its units
# look along directions of their own choice, and a function that changes gently along a few directions is all it needs.
#
# ### Where is the volume?
#
# Your intuition was trained in three dimensions, and it fails in ten. How much of a cube does the largest ball inside
# it fill? In two dimensions, the disc in the square, about 79 %. In $d$ dimensions a ball of radius $r$ has the volume
#
# $$V_d(r) = \frac{\pi^{d/2}}{\Gamma(\frac d2 + 1)}\, r^d.$$
#
# The slides speak of a unit cube "containing a sphere of unit radius"; that ball would stick out of the cube, because
# it is two units wide. The one that fits has $r = \tfrac12$.
#
# **Exercise 3b.8.** Write the volume of the ball that just fits into the unit cube.

# %%
import math


def ball_volume(d):
    """Volume of the largest ball in the unit cube of d dimensions."""
    # BEGIN SOLUTION
    return math.pi ** (d / 2) / math.gamma(d / 2 + 1) * 0.5**d
    # END SOLUTION


# %%
ball_volume = check("3b.8", ball_volume)

# %% [markdown]
# Check the formula by counting random points, and compute two more things about ten dimensions: how much of the cube
# lies within 0.05 of its border, and how far a random point is from the nearest of 500 samples.
#
# *Predict* the distance in ten dimensions. The cube has sides of length 1.

# %%
from scipy.spatial import KDTree

for d in (2, 5, 10):
    x = sample(200_000, d, seed=3)
    counted = np.mean(np.linalg.norm(x - 0.5, axis=1) <= 0.5)
    nearest = KDTree(sample(500, d, seed=4)).query(x[:1000])[0].mean()
    print(f"d = {d:2}: ball {ball_volume(d):.3f}, counted {counted:.3f};", end=" ")
    print(f"near the border {1 - 0.9**d:.2f}; nearest sample {nearest:.2f} away")

# %%
dimensions = np.arange(1, 21)
figure, ax = plt.subplots()
ax.plot(dimensions, [ball_volume(int(d)) for d in dimensions], "o-", label="ball in the cube")
ax.plot(dimensions, 1 - 0.9**dimensions, "s-", label="within 0.05 of the border")
ax.set(xlabel="dimension", ylabel="share of the cube's volume", xticks=range(2, 21, 2))
ax.set_title("In high dimensions the cube is all corners and border")
ax.legend(loc="center right")
show(
    figure,
    alt="The ball's share of the cube falls from 1 to almost 0 by dimension 10; near the border it climbs to 0.9.",
)

# %% [markdown]
# In ten dimensions the ball is a quarter of a per cent of the cube, two thirds of the volume lie in the thin shell at
# the border, and the *nearest* of 500 samples is more than half an edge away. "Nearby" means nothing any more. A method
# that only looks around locally has nothing to look at; a method must assume something about the function's shape.
# What a network assumes depends on its architecture, and that is what we vary next.

# %% [markdown]
# ## 6. Play with the architecture
#
# The slides' second task: change the number of layers, the activation and the optimizer, and watch. With the ensemble
# trainer this costs seconds, so do it properly: change one thing at a time, several functions, three seeds.
#
# ### Activation
#
# *Before you run:* ReLU networks are made of straight pieces with kinks between them; swish and tanh are smooth. On
# which functions will ReLU be better?


# %%
def play(architectures, families, dimensions=(2, 10), seeds=(0, 1, 2)):
    """Shares of the constant's error left with 500 points, the median over the seeds; a column an architecture."""
    frame = run_study(families, dimensions, (500,), architectures, seeds)
    frame["share"] = [share_left(row) for row in frame.itertuples()]
    return frame.pivot_table("share", ["dimension", "family"], "architecture", aggfunc="median", sort=False)


names = ("relu", "tanh", "swish")
by_activation = play({name: Architecture((32, 32), activation=name, steps=1000) for name in names}, FAMILIES)

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True)
for ax, dimension in zip(axes, (2, 10), strict=True):
    for name, shift, look in zip(names, (-0.15, 0, 0.15), plots.styles(), strict=False):
        left = by_activation.loc[dimension, name]
        ax.plot(np.arange(6) + shift, left, **look, markersize=8, linestyle="none", label=name)
    ax.set_xticks(range(6), [family.replace("_", "\n") for family in FAMILIES], fontsize=8)
    ax.set_title(f"{dimension} dimensions")
axes[0].set(yscale="log", ylabel="share of the constant's\nerror that is left")
axes[0].legend(loc="lower right")
figure.suptitle("Two dimensions: ReLU for anything steep. Ten: swish for anything smooth", weight="bold")
show(
    figure,
    alt="In 2 dimensions ReLU has the smallest error for kink and jump; in 10 swish has it for the smooth functions.",
)

# %%
relu, swish = by_activation["relu"], by_activation["swish"]
print("2 dimensions, kink and jump: ReLU leaves at most 0.8 of what swish leaves:", end=" ")
print(all(relu[2, family] < 0.8 * swish[2, family] for family in ("continuous", "discontinuous")))
print("10 dimensions, wave, peak and bell: swish leaves at most 0.8 of what ReLU leaves:", end=" ")
print(all(swish[10, family] < 0.8 * relu[10, family] for family in ("oscillatory", "product_peak", "gaussian")))

# %% [markdown]
# The activation is an assumption about the function. In two dimensions 500 points are plenty: ReLU's many small pieces
# fit whatever is there, and win clearly where the function itself has an edge. In ten dimensions points are what you
# lack, the network must fill the gaps between them, and smooth units fill them as a smooth function would. That is what
# stands behind the slides' take-away that swish is the best choice "if you need smooth and deep". Policy functions in
# economics are mostly smooth with an occasional kink, where a constraint starts to bind.

# %% [markdown]
# ### Depth, or just more parameters?
#
# One hidden layer can approximate any continuous function, says the universal approximation theorem, if it is wide
# enough. Give one layer 300 units, so that it has about as many parameters as two layers of 32 or four of 19.
#
# *Predict:* is it the number of parameters that counts, or the depth?

# %%
from itertools import pairwise

shapes = {"1 x 32": (32,), "1 x 300": (300,), "2 x 32": (32, 32), "4 x 19": (19,) * 4}
for name, hidden in shapes.items():
    parameters = sum((a + 1) * b for a, b in pairwise([2, *hidden, 1]))
    print(f"{name:7}: {parameters:5,} parameters")
four = ("oscillatory", "gaussian", "continuous", "discontinuous")
by_shape = play({name: Architecture(hidden, steps=1000) for name, hidden in shapes.items()}, four, (2,))

# %%
figure, ax = plt.subplots()
for family, look in zip(four, plots.styles(), strict=False):
    ax.plot(range(4), by_shape.loc[2, family], **look, markersize=7, label=family)
ax.set_xticks(range(4), shapes)
ax.set(xlabel="hidden layers x units", ylabel="share of the constant's\nerror that is left", yscale="log")
ax.set_title("A second layer helps; ten times the units in one do not")
ax.legend(loc="lower left", ncols=2)
show(
    figure,
    alt="Two and four layers leave far less error than one layer, and 300 units in one are no better than 32.",
)

# %%
rough = by_shape.loc[2].loc[["gaussian", "continuous", "discontinuous"]]
print(f"2 x 32 leaves at most half of what 1 x 32 leaves: {bool((rough['2 x 32'] < 0.5 * rough['1 x 32']).all())}")
print(f"1 x 300 leaves at least 0.7 of what 1 x 32 leaves: {bool((rough['1 x 300'] > 0.7 * rough['1 x 32']).all())}")

# %% [markdown]
# The theorem says that good weights *exist*. It does not say that a thousand steps of Adam find them, and here they do
# not: one layer of swish units is left with slow, wide bumps. The second layer bends the bumps of the first, and a
# bump of bumps can be narrow.

# %% [markdown]
# ### Optimizer
#
# A comparison of optimizers at a single learning rate is worthless: you learn which one happens to like that rate. So
# give each of four optimizers four rates. Networks that meet infinity keep their last good weights, so they show up
# near 1.
#
# *Predict:* which optimizer will stand the largest rate before it blows up, and which one will be best at its best?

# %%
import warnings

rates = {
    "sgd": (0.03, 0.1, 0.3, 1.0),
    "momentum": (0.01, 0.03, 0.1, 0.3),
    "rmsprop": (0.001, 0.01, 0.03, 0.1),
    "adam": (0.001, 0.01, 0.03, 0.1),
}
variants = {
    f"{optimizer} {rate}": Architecture((32, 32), optimizer=optimizer, learning_rate=rate, steps=1000)
    for optimizer in rates
    for rate in rates[optimizer]
}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it names every network that diverged
    by_optimizer = play(variants, ("gaussian", "oscillatory"))

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.8), sharey=True)
for ax, dimension in zip(axes, (2, 10), strict=True):
    for (optimizer, tried), look in zip(rates.items(), plots.styles(), strict=False):
        left = [by_optimizer.loc[(dimension, "gaussian"), f"{optimizer} {rate}"] for rate in tried]
        ax.loglog(tried, left, **look, markersize=7, label=optimizer)
    ax.set(xlabel=r"learning rate $\eta$ at the first step", title=f"Gaussian, {dimension} dimensions")
axes[0].set_ylabel("share of the constant's\nerror that is left")
axes[0].legend(loc="lower left")
show(
    figure,
    alt="Error falls with the rate for all four optimizers; then descent and momentum blow up, the others do not.",
)

# %%
best = {name: by_optimizer[[f"{name} {rate}" for rate in tried]].min(axis=1) for name, tried in rates.items()}
print(f"SGD at rate 1 learns nothing: {bool((by_optimizer['sgd 1.0'] > 0.8).all())}")
print(f"at their best rates, Adam beats SGD: {bool((best['adam'] < best['sgd']).all())}")
print(f"and momentum comes within a factor of 3 of Adam: {bool((best['momentum'] < 3 * best['adam']).all())}")
too_slow = (by_optimizer["adam 0.001"] > 2 * best["adam"]).all()
print(f"Adam at 0.001, Keras' default, leaves at least twice what Adam at its best leaves: {bool(too_slow)}")

# %% [markdown]
# The rate matters more than the name. Descent and momentum improve with the rate right up to the point where they blow
# up, so their best rate is next to a cliff; Adam and RMSProp have a wide, safe valley, for the reason that you met in
# Lab 01: their rate is a length of step. And a budget of 1,000 steps is too short for the famous default of 0.001.
#
# (We picked the best rates by looking at the test error. As a comparison of tools that is fair, since all four were
# given it. To report how good *your* network is, you would choose on points of their own.)

# %% [markdown]
# ## 7. A strong rival
#
# Before you use a network for a smooth function, try a **Gaussian process**. It interpolates the data with a sum of
# bells, one at each data point, and fits the widths of the bells, one for each input, by maximising a likelihood.
# scikit-learn has one.
#
# Same functions, same 100 points, three seeds. *Predict* in which cells it wins.

# %%
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

cells = [(family, d, seed) for family in FAMILIES for d in (2, 5, 10) for seed in range(3)]
truths = [GenzFunction.random(*cell) for cell in cells]
X = [sample(100, d, seed=10 + seed) for _, d, seed in cells]
y = [f(points) for f, points in zip(truths, X, strict=True)]
tests = [sample(1000, d, seed=20 + seed) for _, d, seed in cells]
networks = train_ensemble(X, y, seeds=range(len(cells))).predict(tests)


def gaussian_process(points, values, test):
    bells = ConstantKernel(1.0, (1e-3, 1e6)) * RBF(np.full(points.shape[1], 0.3), (1e-2, 1e3))
    return GaussianProcessRegressor(bells, alpha=1e-8, normalize_y=True).fit(points, values).predict(test)


# %%
import pandas as pd

rival = pd.DataFrame(cells, columns=["family", "dimension", "seed"])
rival["network"] = [errors(p, f(t))[0] for p, f, t in zip(networks, truths, tests, strict=True)]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the search for the widths complains when one reaches its bound
    processes = [gaussian_process(*data) for data in zip(X, y, tests, strict=True)]
rival["process"] = [errors(p, f(t))[0] for p, f, t in zip(processes, truths, tests, strict=True)]
medians = rival.pivot_table(["network", "process"], "family", "dimension", aggfunc="median", sort=False)
ratios = medians["process"] / medians["network"]

# %%
figure, ax = plt.subplots(figsize=(5.8, 4.2))
ax.imshow(np.log10(ratios), cmap="PuOr", aspect="auto", vmin=-2, vmax=2)
for (row, column), value in np.ndenumerate(ratios.to_numpy()):
    ax.text(column, row, f"{value:.2g}", ha="center", va="center", color="black" if 0.05 < value < 20 else "white")
ax.set_xticks(range(3), ratios.columns)
ax.set_yticks(range(6), [family.replace("_", " ") for family in FAMILIES])
ax.set(xlabel="dimension", title="Error of the process over that of the network, 100 points")
ax.grid(False)
show(
    figure,
    alt="Heat map: the process is far better for smooth functions in 2 dimensions, worse at the corner peak in 5.",
)

# %%
print(f"smooth, 2 dimensions: the process is at least 10 times better: {bool(ratios.loc[smooth, 2].max() < 0.1)}")
print(f"wave, every dimension: the process is better: {bool(ratios.loc['oscillatory'].max() < 1)}")
print(f"corner peak, 5 and 10 dimensions: the network is better: {bool(ratios.loc['corner_peak', [5, 10]].min() > 1)}")
rough = ratios.loc[["continuous", "discontinuous"]]
print(f"kink and jump: neither is 3 times better: {bool(rough.max().max() < 3 and rough.min().min() > 1 / 3)}")

# %% [markdown]
# There is no way around it: for a smooth function of few variables and few points, the Gaussian process is better, by
# one or two orders of magnitude, and it tells you how uncertain it is as well. In ten dimensions it still wins on the
# waves and the bells. It loses where its assumption is wrong that the function is equally smooth everywhere in the
# cube: the corner peak is sharp in one corner and flat elsewhere. At kinks and jumps neither shines.
#
# What it cannot do is grow. It stores the distance between all pairs of points and factorises that table, $n^2$
# memory and $n^3$ time:

# %%
for n in (500, 5_000, 50_000, 500_000):
    print(f"{n:7,} points: a table of {8 * n**2 / 1e9:,g} GB, {(n / 500) ** 3:,.0f} times the work of 500")

# %% [markdown]
# A network takes a million points, a batch at a time. So: few points, smooth, cheap to wait for: Gaussian process. Many
# points, kinks, or a function that you can evaluate as often as you like: network. Large economic models are of the
# second kind, and you will meet them with networks later in the course.

# %% [markdown]
# ## 8. What Genz wanted: integrals
#
# An approximation is rarely an end in itself. Genz wanted integrals, in economics an *expectation*. Say each value of
# $f$ costs an hour of computing, and you have 500. Simple Monte Carlo averages them; its typical error is
# $\sigma/\sqrt{500}$. The alternative: train a network on the 500 values and average *the network*, which costs
# nothing to evaluate, at as many points as you like.
#
# To judge, you need the exact value. The product peak is a product of functions of one variable, so its integral is the
# product of their integrals. Each of them is an arctangent:
#
# $$\int \frac{dx}{c^{-2} + (x - w)^2} = c \arctan\big(c\,(x - w)\big).$$
#
# **Exercise 3b.9.** Put in the limits 0 and 1, and write the integral of $f_2$ over the unit cube.


# %%
def product_peak_integral(c, w):
    """Exact integral of f2 over the unit cube; c and w have shape (d,)."""
    # BEGIN SOLUTION
    return np.prod(c * (np.arctan(c * (1 - w)) + np.arctan(c * w)))
    # END SOLUTION


# %%
product_peak_integral = check("3b.9", product_peak_integral)

# %% [markdown]
# The course's `integral()` has such a formula for each family. In five dimensions, with 500 points for all six:

# %%
truths = [GenzFunction.random(family, 5, seed=0) for family in FAMILIES]
own = product_peak_integral(truths[1].c, truths[1].w)
print(f"your integral and the course's agree: {bool(np.isclose(own, truths[1].integral(), rtol=1e-10))}")

X, many = sample(500, 5, seed=7), sample(2**14, 5, "sobol", seed=8)
surrogates = train_ensemble([X] * 6, [f(X) for f in truths]).predict(many)
exact = np.array([f.integral() for f in truths])
monte_carlo = np.array([f(many).std() for f in truths]) / np.sqrt(500) / np.abs(exact)
by_network = np.abs(surrogates.mean(axis=1) - exact) / np.abs(exact)

# %%
figure, ax = plt.subplots(figsize=(7.2, 3.8))
ax.semilogy(monte_carlo, "o", markersize=8, label=r"Monte Carlo, typical: $\sigma/\sqrt{500}$")
ax.semilogy(by_network, "s", markersize=8, label="average of the network")
ax.set_xticks(range(6), [family.replace("_", "\n") for family in FAMILIES], fontsize=9)
ax.set(
    ylabel="relative error of the integral", title="For smooth functions the network makes 500 points count for more"
)
ax.legend(loc="lower right")
show(
    figure,
    alt="Error of six integrals: the network's is far below Monte Carlo's for smooth functions, hardly for the jump.",
)

# %%
gain = dict(zip(FAMILIES, monte_carlo / by_network, strict=True))
print(f"smooth functions: at least 5 times more accurate: {min(gain[family] for family in smooth) > 5}")
print(f"which would take Monte Carlo at least 25 times the points, {25 * 500:,}")

# %% [markdown]
# You have just used a **surrogate**: a cheap stand-in for an expensive function. It pays where the function is smooth.
# For the jump it hardly does: what the network gets wrong, the average inherits, while Monte Carlo needs no smoothness
# at all.

# %% [markdown]
# ## Summary
#
# - Error without a scale means nothing: compare with the best constant (or any simple method) before you are pleased.
# - Smoothness counts for more than dimension. A kink leaves several times the error of a smooth function; at a jump
#   the maximum error does not go away.
# - Where there are no points there is no learning, and in high dimensions there are no points almost anywhere.
# - A grid needs $N^d$ points. A network does not, if the function is gentle along most directions.
# - Swish for smooth functions, ReLU where there are edges; two layers or more; tune the rate before the optimizer.
# - For few points and smooth functions, a Gaussian process wins. For many points, kinks and growth, a network.

# %% tags=["headline"]
print(f"{len(study)} networks on six functions in 2, 5 and 10 dimensions")
print(f"500 points, smooth: at most 20 % of a constant's error left: {bool(shares.loc[smooth].max().max() < 0.2)}")
print(f"the kink in 10 dimensions keeps more than 30 %: {bool(shares.loc['continuous', 10] > 0.3)}")
print(
    f"smooth, 10 dimensions: a grid's error is over 3 times the network's: {bool(advantage.loc[smooth, 10].min() > 3)}"
)
print(f"smooth, 2 dimensions: a Gaussian process has under 1/10 of it: {bool(ratios.loc[smooth, 2].max() < 0.1)}")

# %%
progress()

# %% [markdown]
# ## Go further
#
# - Do the points matter? `run_study(..., scheme="sobol")` and `"latin_hypercube"` leave fewer gaps than random ones. In
#   which dimension do they help most?
# - Put some of the 500 points into the corner of $f_6$ on purpose. How many does the network need there?
# - Give the Gaussian process 500 points, or `Matern(nu=1.5)` in place of `RBF` for the kink. And time it.
# - In section 8, correct the network's integral with the mean of $f - N$ over 500 *fresh* points (a control variate).
#   When is that worth splitting the points?
# - A bigger study, which survives being switched off: `run_study(seeds=range(20), store="genz.csv")`. Run it again and
#   it goes on where it was. With `backend="dask"` it runs on a cluster; `docs/slurm.md` says how.
# - From the command line: `dlcourse run 03b --solution` executes the worked lab.
# - Next: **Lab 04** takes a tour of TensorFlow, with data that somebody else has made.
#
# ## References
#
# - Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger), slides "Action required" and "Action required (II)",
#   "Some personal take-away", "What is high-dimensional", "Volumes in high dimensions".
# - A. Genz, *A package for testing multiple integration subroutines*, in Numerical Integration, Reidel 1987.
# - V. Barthelmann, E. Novak and K. Ritter, *High dimensional polynomial interpolation on sparse grids*, Advances in
#   Computational Mathematics 12 (2000): the six functions with these $b_j$.
# - A. Barron, *Universal approximation bounds for superpositions of a sigmoidal function*, IEEE Transactions on
#   Information Theory 39 (1993): for which functions a network escapes the curse.
# - P. Ramachandran, B. Zoph and Q. Le, *Searching for activation functions*, arXiv:1710.05941 (2017): swish.
# - C. Rasmussen and C. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006.
# - S. Scheidegger and I. Bilionis, *Machine learning for high-dimensional dynamic stochastic economies*, Journal of
#   Computational Science 33 (2019).
