# ---
# jupyter:
#   dlcourse:
#     title: Gradient descent
#     minutes: 90
#     needs: a laptop CPU
#     requires: []
# ---

# %% [markdown]
# # Lab 01: Gradient descent
#
# Every network in this course learns in the same way: measure how wrong it is, find out which way is downhill, take a
# small step, repeat. In this lab you build that loop, see where it breaks, and mend it.

# %% [markdown]
# When you have finished, you can
#
# - write gradient descent, momentum and Adam from their formulas;
# - say which learning rate is too large *before* you run anything, and why scaling the inputs matters so much;
# - choose between one sample, a mini-batch and the whole data set, knowing what each costs and how noisy it is;
# - measure whether a gradient survives its way through a deep network, and choose the initial weights so that it does.
#
# You need derivatives, the chain rule and a little NumPy. You do not need to have trained a network before.
#
# Wherever you see **Exercise**, fill in the function and run the cell below it: it tells you whether the function is
# right, and if not, what is wrong. You can also run the whole lab first and come back to the exercises; until yours
# passes, the lab goes on with the course's own version.

# %% [markdown]
# ## 1. Which way is down?
#
# Stand on a hillside in thick fog. You cannot see the valley, but you can feel with your feet how the ground slopes,
# and that is enough to walk down. A computer that trains a network is in the same position: it knows the slope of the
# cost where it stands, and nothing else.
#
# Here is a hillside with one parameter, $J(w) = \tfrac14 w^4 - w^2 + \tfrac{3}{10} w + \tfrac32$. It has two valleys,
# and one is deeper.

# %%
import matplotlib.pyplot as plt
import numpy as np

from dlcourse import plots
from dlcourse.checks import check, progress
from dlcourse.plots import PALETTE, show

plots.use_style()


def cost(w):
    return w**4 / 4 - w**2 + 0.3 * w + 1.5


# %% [markdown]
# The slope at $w$ is the limit of rise over run. Without the limit it is an estimate, and the best simple one looks to
# both sides, from $w - h$ to $w + h$:
#
# $$\frac{dJ}{dw} \approx \frac{J(w + h) - J(w - h)}{2h}.$$
#
# **Exercise 1.1.** Write this *central difference*.


# %%
def numerical_derivative(f, w, h):
    """The slope of f at w, estimated from its values at w - h and w + h."""
    # BEGIN SOLUTION
    return (f(w + h) - f(w - h)) / (2 * h)
    # END SOLUTION


# %%
numerical_derivative = check("1.1", numerical_derivative)

# %% [markdown]
# By hand the slope is $w^3 - 2w + \tfrac{3}{10}$. Do the two agree?


# %%
def slope(w):
    return numerical_derivative(cost, w, h=1e-4)


w = np.linspace(-2.3, 2.1, 200)
difference = np.abs(slope(w) - (w**3 - 2 * w + 0.3)).max()
print(f"largest difference from the formula is below 1e-7: {bool(difference < 1e-7)}")

# %% [markdown]
# ## 2. One step, then many
#
# The derivative says how $J$ changes when $w$ grows: a positive slope means uphill to the right. To go down you step
# the other way,
#
# $$w \leftarrow w - \eta\, \frac{\partial J}{\partial w},$$
#
# and the **learning rate** $\eta$ (eta) sets how far. With many parameters $w$ is a vector, the slopes form the
# *gradient*, and the formula stays the same.
#
# **Exercise 1.2.** Write one step. `w` and `gradient` may be numbers or arrays. Return the new parameters and leave `w`
# itself unchanged.


# %%
def gradient_descent_step(w, gradient, learning_rate):
    """The parameters after one step of gradient descent."""
    # BEGIN SOLUTION
    return w - learning_rate * gradient
    # END SOLUTION


# %%
gradient_descent_step = check("1.2", gradient_descent_step)

# %% [markdown]
# Gradient descent is this step in a loop. The walk below starts twice, a little to the left and a little to the right
# of the hilltop.
#
# *Before you run it:* will both walks end in the same valley?


# %%
def descend(start, learning_rate, steps):
    path = [start]
    for _ in range(steps):
        path.append(gradient_descent_step(path[-1], slope(path[-1]), learning_rate))
    return np.array(path)


walks = {"from 0.0": descend(0.0, 0.2, 25), "from 0.4": descend(0.4, 0.2, 25)}

# %%
figure, ax = plt.subplots()
ax.plot(w, cost(w), color="grey")
for (name, path), look in zip(walks.items(), plots.styles(), strict=False):
    ax.plot(path, cost(path), **look, markersize=5, label=f"{name}, ends at w = {path[-1]:.2f}")
ax.set(xlabel="parameter w", ylabel="cost J(w)", title="Two starts close together end in different valleys")
ax.legend(loc="upper center")
show(
    figure,
    alt="A curve with two valleys; the walk from 0.0 ends in the deep left one, from 0.4 in the shallow right one.",
)

# %%
for name, path in walks.items():
    print(f"{name}: ends at w = {path[-1]:.2f} with J = {cost(path[-1]):.2f}")

# %% [markdown]
# Notice how the steps are long on the steep part and shrink towards the bottom, although the learning rate never
# changes: the step is proportional to the slope. And notice that descent finds *a* valley, not the deepest one. Which
# one it finds depends on where it starts.
#
# > **A sign to watch.** The Bologna notes (section 2.1) print the update as $w + \mu \nabla\mathcal{L}(w)$, although
# > their text says to step along $-\nabla\mathcal{L}$; the ENS notes (section 3.3.4) leave out the $\nabla$ in
# > stochastic descent. The minus is the whole idea, as you can measure: a negative learning rate below is the printed
# > plus.

# %%
uphill = descend(0.4, -0.2, 3)
print("with a plus, J after 0, 1, 2, 3 steps:", [round(float(cost(w)), 2) for w in uphill])

# %% [markdown]
# ## 3. How large a step?
#
# Too small a learning rate wastes your time; too large a one throws the parameters out of the valley. Where is the
# border? Close to a minimum every smooth cost looks like a parabola, $J = \tfrac{c}{2} w^2$ with curvature $c$, so take
# that. One step gives
#
# $$w - \eta\, c\, w = (1 - \eta c)\, w:$$
#
# each step multiplies the distance to the minimum by the same factor.
#
# *Before you run the next cell:* with $c = 2$ and the rates 0.05, 0.4 and 1.05, what are the three factors? Which walk
# creeps, which arrives, which explodes?

# %%
curvature = 2.0
rates = {"too small": 0.05, "about right": 0.4, "too large": 1.05}
factors = {name: 1 - rate * curvature for name, rate in rates.items()}
walks = {name: 2.0 * factor ** np.arange(9) for name, factor in factors.items()}
print({name: round(factor, 2) for name, factor in factors.items()})

# %%
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.2), sharey=True)
w = np.linspace(-4.6, 4.6, 100)
for ax, (name, path), look in zip(axes, walks.items(), plots.styles(), strict=False):
    ax.plot(w, curvature / 2 * w**2, color="grey")
    ax.plot(path, curvature / 2 * path**2, **look, markersize=5, linewidth=1)
    ax.set(xlabel="parameter w", title=f"{name}: $\\eta$ = {rates[name]}")
axes[0].set_ylabel("cost J(w)")
show(
    figure,
    alt="Eight steps on a parabola: rate 0.05 creeps, rate 0.4 arrives, rate 1.05 jumps from side to side and climbs.",
)

# %% [markdown]
# The walk shrinks as long as $|1 - \eta c| < 1$, that is for $\eta < 2/c$. At exactly $\eta = 1/c$ one step lands on
# the minimum. Beyond $2/c$ every step overshoots by more than it started with.
#
# Now two parameters, with curvature 1 along $w_1$ and 10 along $w_2$: a long, narrow bowl. There is only one learning
# rate for both.
#
# *Predict:* which direction limits the rate, and which one has to wait?

# %%
from dlcourse.foundations import QuadraticBowl, gradient_descent

bowl = QuadraticBowl(curvatures=(1.0, 10.0))
descent = gradient_descent(bowl, [-4.5, 2.0], "gradient_descent", steps=25, learning_rate=0.18)

figure = plt.figure(figsize=(9.6, 3.8))
plots.surface(bowl.value, ((-5, 5), (-2.5, 2.5)), descent.parameters, figure)
figure.suptitle("Steep across, flat along: the walk zigzags while it drifts to the minimum", fontweight="bold")
show(
    figure,
    alt="A narrow bowl as surface and as level lines; descent zigzags across the valley and drifts slowly along it.",
)

# %% [markdown]
# `gradient_descent` is the course's version of your loop: it takes any objective with a `value` and a `gradient` and
# keeps every point. The rate 0.18 is close to the limit of the steep direction, hence the zigzag; the flat direction
# moves by 18 % of its distance a step.
#
# In general the bowl is tilted and its curvatures are the eigenvalues of the matrix of second derivatives, the
# **Hessian** $H$.
#
# **Exercise 1.3.** Write a function that returns the rate beyond which descent on the bowl with Hessian `hessian`
# diverges. (`np.linalg.eigvalsh` gives the eigenvalues of a symmetric matrix.)


# %%
def largest_stable_rate(hessian):
    """The learning rate beyond which gradient descent moves away from the minimum."""
    # BEGIN SOLUTION
    return 2 / np.linalg.eigvalsh(hessian).max()
    # END SOLUTION


# %%
largest_stable_rate = check("1.3", largest_stable_rate)

# %% [markdown]
# Put the prediction to the test on a tilted bowl: take 200 steps at each of many rates, and measure by which factor a
# step changes the distance to the minimum on average.

# %%
hessian = np.array([[5.0, 2.0], [2.0, 3.0]])
limit = largest_stable_rate(hessian)
tilted = (lambda w: 0.5 * w @ hessian @ w, lambda w: hessian @ w)


def factor_a_step(rate, steps=200):
    path = gradient_descent(tilted, [1.0, 1.0], "gradient_descent", steps, learning_rate=rate).parameters
    return float(np.linalg.norm(path[-1]) ** (1 / steps))


rates = np.linspace(0.02, 1.15, 40) * limit
measured = [factor_a_step(rate) for rate in rates]

# %%
figure, ax = plt.subplots()
ax.plot(rates, measured, "o", markersize=5, label="measured")
ax.plot(
    rates,
    np.abs(1 - np.outer(rates, np.linalg.eigvalsh(hessian))).max(axis=1),
    label=r"predicted: $\max_i |1 - \eta\lambda_i|$",
)
ax.axvline(limit, color="black", linestyle="--", linewidth=1, label=f"predicted limit {limit:.3f}")
ax.axhline(1, color="black", linewidth=0.8)
ax.set(xlabel=r"learning rate $\eta$", ylabel="distance to the minimum,\nfactor a step")
ax.set_title("Descent diverges exactly where the curvature says")
ax.legend(loc="lower left")
show(
    figure,
    alt="The factor by which a step changes the distance falls, turns and crosses 1 exactly at the predicted limit.",
)

# %%
print(f"predicted limit: {limit:.3f}")
print(f"1 % below it the distance shrinks: {factor_a_step(0.99 * limit) < 1}")
print(f"1 % above it the distance grows: {factor_a_step(1.01 * limit) > 1}")

# %% [markdown]
# The best rate sits in the kink, not far below the limit: there the steepest and the flattest direction shrink equally
# fast. How fast that is depends only on the ratio $\lambda_{\max}/\lambda_{\min}$, the **condition number**. Round
# bowl, ratio 1: one step. Narrow valley, large ratio: many steps. Keep that in mind for the next section.

# %% [markdown]
# ## 4. Five houses
#
# The slides' first example predicts the price of a house from its living area with a straight line, $h_\theta(x) =
# \theta_0 + \theta_1 x$. The cost adds up the squared errors of the $m = 5$ houses:
#
# $$J(\theta) = \frac12 \sum_{i=1}^m \left(h_\theta(x^{(i)}) - y^{(i)}\right)^2.$$

# %%
area = np.array([2104.0, 1600.0, 2400.0, 1416.0, 3000.0])  # square feet
price = np.array([400.0, 330.0, 369.0, 232.0, 540.0])  # thousand dollars
X = np.column_stack([np.ones(5), area])
print(X)

# %% [markdown]
# The column of ones is the input that belongs to $\theta_0$; with it, all five predictions are `X @ theta`.
#
# **Exercise 1.4.** Differentiate $J$ with respect to $\theta_0$ and $\theta_1$ and write the gradient, an array of two
# numbers. There is no $1/m$ in this $J$, and the $\tfrac12$ is there to make the derivative tidy.


# %%
def housing_gradient(theta, X, y):
    """The gradient of J: shape (2,) for theta of shape (2,), X of shape (m, 2) and y of shape (m,)."""
    # BEGIN SOLUTION
    return X.T @ (X @ theta - y)
    # END SOLUTION


# %%
housing_gradient = check("1.4", housing_gradient)

# %% [markdown] tags=["solution"]
# *For teachers.* People who write the two sums out by hand usually forget to multiply the second by $x^{(i)}$. Let them
# check their gradient with `numerical_derivative` from exercise 1.1, one parameter at a time; the habit pays off in Lab
# 02.

# %% [markdown]
# $J$ is a bowl, and differentiating once more gives its Hessian: $X^\top X$. So your function from exercise 1.3 knows
# the largest rate for this problem.
#
# *Before you run:* one column of `X` is 1, the other about 2,000. Guess the order of magnitude of that rate.

# %%
hessian = X.T @ X
curvatures = np.linalg.eigvalsh(hessian)
rate = largest_stable_rate(hessian) / 2
steps_needed = np.log(1e-3) / np.log1p(-rate * curvatures.min())
print(f"largest stable rate: {largest_stable_rate(hessian):.1e}")
print(f"condition number: {curvatures.max() / curvatures.min():.0e}")
print(f"steps until the flat direction is a thousand times closer: {steps_needed:.0e}")

# %% [markdown]
# Several hundred million steps, for five houses and two parameters! Nothing is wrong with the method. The units are: a
# change of 1 in $\theta_1$ moves every prediction by thousands, a change of 1 in $\theta_0$ by 1.
#
# The cure is one line. Subtract the mean from the input and divide by its standard deviation; the input is then
# *standardised*.
#
# *Predict:* how many steps will descent need afterwards?

# %%
X_standard = np.column_stack([np.ones(5), (area - area.mean()) / area.std()])
hessian = X_standard.T @ X_standard
print("Hessian:", (hessian.round(6) + 0.0).tolist())

theta = np.zeros(2)
theta = gradient_descent_step(theta, housing_gradient(theta, X_standard, price), learning_rate=1 / 5)
best = np.linalg.lstsq(X_standard, price, rcond=None)[0]
print(f"after ONE step: {theta.round(2).tolist()}, exact least squares: {best.round(2).tolist()}")

# %% [markdown]
# The two columns now have the same size and are orthogonal, the bowl is round, and at $\eta = 1/\lambda = 1/5$ one step
# lands on the minimum. In general, with several inputs that depend on each other, standardising does not make the bowl
# perfectly round, but it removes the part of the stretching that comes from units alone.
#
# The slides' recipe ("Recipe for using MLP (II)") says to divide by the *variance*. Right is the standard deviation,
# its root. Here is what it costs:

# %%
from dlcourse.foundations import HousingRegression

centred = area - area.mean()
inputs = {"raw": area, "divided by the variance": centred / area.var(), "divided by the std": centred / area.std()}
for name, x in inputs.items():
    design = np.column_stack([np.ones(5), x])
    print(f"{name}: condition number {np.linalg.cond(design.T @ design):.0e}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.9))
for ax, standardize, rate in zip(axes, (False, True), (4.2e-8, 0.05), strict=True):
    houses = HousingRegression(standardize=standardize)
    walk = gradient_descent(houses, [0.0, 0.0], "gradient_descent", steps=200, learning_rate=rate).parameters
    plots.contour(houses.value, houses.bounds, ax, levels=9)
    ax.plot(*walk.T, color=PALETTE[1], marker="o", markersize=3, label="200 steps")
    ax.plot(*houses.minimum, "*", color=PALETTE[0], markersize=14, label="minimum")
    ax.set_xlabel(r"$\theta_0$ (thousand dollars)")
axes[0].set(ylabel=r"$\theta_1$ (thousand dollars per square foot)", title="Raw areas: stuck on the valley floor")
axes[1].set(ylabel=r"$\theta_1$ (thousand dollars per std)", title="Standardised: straight to the minimum")
axes[0].legend(loc="lower left")
show(
    figure,
    alt="Left, raw areas: 200 steps stop in a narrow valley away from the minimum. Right, standardised: they reach it.",
)

# %% [markdown]
# Two hundred steps on the left, two hundred on the right. On the left $\theta_0$ has hardly moved at all. This is why
# you standardise the inputs before you train anything.

# %% [markdown]
# ## 5. All samples, one, or a few
#
# With a million houses, each step over *all* of them costs a million sample gradients. But you do not need the exact
# slope to walk downhill; an estimate from a few randomly chosen houses will do, if it is right on average. To see the
# trade-off we simulate a town of 1,000 houses around the line you just fitted, with some noise, and take as cost the
# mean over the houses, $J = \frac1m \sum_k J_k$ with $J_k = \frac12 (h_\theta(x^{(k)}) - y^{(k)})^2$.

# %%
rng = np.random.default_rng(1)
m = 1000
areas = rng.uniform(1000, 3200, size=m)
prices = 27 + 0.165 * areas + rng.normal(0, 40, size=m)
X = np.column_stack([np.ones(m), (areas - areas.mean()) / areas.std()])
best = np.linalg.lstsq(X, prices, rcond=None)[0]

# %% [markdown]
# **Exercise 1.5.** Write the gradient estimated from a batch of $B$ samples (slides, "Stochastic gradient descent"):
#
# $$\frac{\partial J}{\partial\theta} \approx \frac1B \sum_{k=1}^B \frac{\partial J_k}{\partial\theta}.$$
#
# `batch` holds the numbers of the chosen samples, so that `X[batch]` are their rows.


# %%
def mini_batch_gradient(theta, X, y, batch):
    """The mean gradient of J_k over the samples in `batch`."""
    # BEGIN SOLUTION
    return X[batch].T @ (X[batch] @ theta - y[batch]) / len(batch)
    # END SOLUTION


# %%
mini_batch_gradient = check("1.5", mini_batch_gradient)

# %% [markdown]
# How noisy is the estimate? Draw many batches of each size at the same point and measure how far their gradients lie
# from the full one.
#
# *Predict:* four times as many samples in a batch. How much less noise?

# %%
theta = np.array([300.0, 150.0])
full = mini_batch_gradient(theta, X, prices, np.arange(m))


def noise(size, draws=1000):
    """Root mean square distance between the gradient of a batch and the full gradient."""
    estimates = [mini_batch_gradient(theta, X, prices, rng.integers(m, size=size)) for _ in range(draws)]
    return float(np.sqrt(np.mean(np.sum((np.array(estimates) - full) ** 2, axis=1))))


sizes = 2 ** np.arange(10)
noises = np.array([noise(size) for size in sizes])
exponent = np.polyfit(np.log(sizes), np.log(noises), 1)[0]
print(f"noise shrinks like B to the power {exponent:.1f}")

# %%
figure, ax = plt.subplots()
ax.loglog(sizes, noises, "o", label="measured, 1,000 batches each")
ax.loglog(sizes, noises[0] / np.sqrt(sizes), label=r"$\propto 1/\sqrt{B}$")
ax.set(xlabel="batch size B (samples)", ylabel="noise of the gradient\n(thousand dollars)")
ax.set_title("Four times the samples, half the noise")
ax.legend()
show(
    figure,
    alt="On logarithmic axes the measured noise of the gradient falls on a straight line, like one over the root of B.",
)

# %% [markdown]
# The cost of a step grows like $B$, its noise shrinks only like $1/\sqrt B$: the hundredth sample in a batch helps far
# less than the first. That is the case for small batches. Now use them. In each *epoch* the samples are shuffled and
# dealt out in batches, so that each is used once.
#
# (The slides compute the gradient of one sample or batch and then print $\partial J/\partial W$, the full one, in the
# update. What you step along is the estimate.)


# %%
def train(batch_size, rate_at, epochs):
    """Descends batch by batch; `rate_at(t)` is the learning rate of step t. Returns theta after each step."""
    rng, path = np.random.default_rng(2), [np.zeros(2)]
    for _ in range(epochs):
        order = rng.permutation(m)
        for first in range(0, m, batch_size):
            gradient = mini_batch_gradient(path[-1], X, prices, order[first : first + batch_size])
            path.append(gradient_descent_step(path[-1], gradient, rate_at(len(path))))
    return np.array(path)


# %% [markdown]
# All four runs start at $\theta = 0$; three keep $\eta = 0.1$, and the fourth lets it decay like $1/t$ while it takes
# single samples.
#
# *Predict:* after one epoch (1,000 sample gradients), which of batch, mini-batch and single samples is closest to the
# minimum? And after twenty?

# %%
runs = {
    "batch, B = 1000": (1000, train(1000, lambda t: 0.1, epochs=100)),
    "mini-batch, B = 32": (32, train(32, lambda t: 0.1, epochs=20)),
    "stochastic, B = 1": (1, train(1, lambda t: 0.1, epochs=20)),
    "stochastic, rate decays": (1, train(1, lambda t: 0.1 / (1 + 0.05 * t), epochs=20)),
}
hessian = X.T @ X / m


def excess(path):
    """How much J lies above its minimum, at each point of the path."""
    return 0.5 * np.einsum("ti,ij,tj->t", path - best, hessian, path - best)


# %%
figure, ax = plt.subplots(figsize=(7.2, 4.4))
for (name, (size, path)), look in zip(runs.items(), plots.styles(), strict=False):
    marks = np.unique(np.geomspace(1, len(path) - 1, 25).astype(int))
    ax.loglog(marks * size, excess(path)[marks], **look, markersize=5, linewidth=1.2, label=name)
ax.axvline(m, color="black", linestyle="--", linewidth=1)
ax.annotate("one epoch", (m, 1e-4), xytext=(5, 0), textcoords="offset points")
ax.set(xlabel="sample gradients computed", ylabel="cost above its minimum\n(thousand dollars squared)")
ax.set_title("Single samples start fastest and then hover; batches start late and go on")
ax.legend(loc="lower left")
show(
    figure,
    alt="Cost against samples used: single samples drop at once and hover, mini-batches lower, the batch starts last.",
)

# %%
one_epoch = {name: float(excess(path)[m // size]) for name, (size, path) in runs.items()}
print("closest after one epoch is the full batch:", min(one_epoch, key=one_epoch.get).startswith("batch"))
print("furthest after one epoch is the full batch:", max(one_epoch, key=one_epoch.get).startswith("batch"))
hover = {name: float(np.median(excess(path)[-len(path) // 4 :])) for name, (_, path) in runs.items()}
print(
    "B = 1 hovers at least ten times higher than B = 32:", hover["stochastic, B = 1"] > 10 * hover["mini-batch, B = 32"]
)

# %% [markdown]
# | | sample gradients a step | steps an epoch | noise |
# |---|---|---|---|
# | batch | $m$ | 1 | none |
# | mini-batch | $B$ | $m/B$ | $\propto 1/\sqrt B$ |
# | stochastic | 1 | $m$ | largest |
#
# After one epoch the full batch has made a single step while the single samples have made a thousand. But with a
# constant rate they never settle: they hover at a height set by $\eta$ and by the noise. A rate that decays settles
# them, at the price of slower and slower steps; that is the slides' *adaptive learning rate* $\eta_t$. Mini-batches are
# the everyday compromise, also because a processor handles 32 samples in hardly more time than one.

# %% [markdown]
# ## 6. Better steps
#
# In a narrow valley plain descent wastes its steps on zigzag. All the rows of the slides' table "Few variants of SGD"
# are attempts to do better with the same gradients. Two ideas suffice to understand them: *remember the direction* and
# *give each parameter its own rate*.
#
# ### Remember the direction: momentum
#
# A heavy ball that rolls down a valley gathers speed: the pushes across it cancel, the pushes along it add up. Keep a
# share $\mu$ of the last step (slides, "Few variants of SGD"; the $\nabla w^{(t)}$ there is the gradient at $w^{(t)}$):
#
# $$w^{(t+1)} = w^{(t)} + \mu\,(w^{(t)} - w^{(t-1)}) - \eta\, \nabla w^{(t)}.$$
#
# **Exercise 1.6.** Write this step.


# %%
def momentum_step(w, previous_w, gradient, learning_rate, momentum):
    """The parameters after one step with momentum; previous_w is where the last step started."""
    # BEGIN SOLUTION
    return w + momentum * (w - previous_w) - learning_rate * gradient
    # END SOLUTION


# %%
momentum_step = check("1.6", momentum_step)

# %% [markdown]
# A valley with curvatures 1 and 50, sixty steps each, the same learning rate. *Predict:* what will the path with $\mu =
# 0.8$ look like?

# %%
valley = QuadraticBowl(curvatures=(1.0, 50.0))
start = np.array([-4.5, 1.0])


def roll(momentum, learning_rate=0.036, steps=60):
    path = [start, start]
    for _ in range(steps):
        path.append(momentum_step(path[-1], path[-2], valley.gradient(path[-1]), learning_rate, momentum))
    return np.array(path[1:])


rolls = {"plain descent": roll(momentum=0.0), "with momentum 0.8": roll(momentum=0.8)}

# %%
figure, axes = plt.subplots(2, 1, figsize=(7.2, 4.6), sharex=True)
for ax, (name, path), look in zip(axes, rolls.items(), plots.styles(), strict=False):
    plots.contour(valley.value, ((-5, 2), (-1.3, 1.3)), ax, levels=9)
    ax.plot(*path.T, **look, markersize=3, linewidth=1)
    ax.set(ylabel="$w_2$", title=f"{name}: {np.linalg.norm(path[-1]):.3f} from the minimum after 60 steps")
axes[1].set_xlabel("$w_1$")
show(
    figure, alt="Plain descent zigzags and falls short of the minimum; momentum swings across it and comes much closer."
)

# %%
distances = {name: float(np.linalg.norm(path[-1])) for name, path in rolls.items()}
print("momentum ends at least 20 times closer:", distances["plain descent"] > 20 * distances["with momentum 0.8"])

# %% [markdown]
# ### Look ahead: Nesterov
#
# Momentum is about to carry you to $w + \mu v$ anyway, where $v$ is the last step. So why not feel the slope *there*,
# before deciding? With velocity $v$,
#
# $$v \leftarrow \mu v - \eta\, \nabla J(w + \mu v), \qquad w \leftarrow w + v.$$
#
# The slides print $\nabla \ell(w^{(t)} - \mu v_t)$, which looks *behind*. Does the sign matter? Measure it on the same
# valley.


# %%
def nesterov(sign, learning_rate=0.01, momentum=0.9, steps=60):
    w, v = start, np.zeros(2)
    for _ in range(steps):
        v = momentum * v - learning_rate * valley.gradient(w + sign * momentum * v)
        w = w + v
    return float(np.linalg.norm(w))


print(f"looking ahead (plus): closer than 0.1 after 60 steps: {nesterov(+1) < 0.1}")
print(f"looking behind (minus): further than 1,000, and growing: {nesterov(-1) > 1e3}")

# %% [markdown]
# Looking ahead brakes before the overshoot; looking behind pushes when it is too late, and the walk explodes.
#
# ### A rate for each parameter: AdaGrad, RMSProp, Adam
#
# The other idea is to divide each parameter's step by the typical size of its own gradient. **AdaGrad** divides by the
# root of the *sum* of all squared gradients so far, so its steps fade. **RMSProp** takes a running *mean* of the
# squares instead, which forgets. **Adam** adds a running mean of the gradient itself, which is momentum:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2,$$
# $$\hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat v = \frac{v}{1 - \beta_2^t}, \qquad
# w \leftarrow w - \eta\, \frac{\hat m}{\sqrt{\hat v} + \epsilon}.$$
#
# Both means start at 0 and are too small in the first steps; dividing by $1 - \beta^t$ corrects exactly that. The
# slides write this correction into the recursion itself, which would correct the corrected value again at every step:
# for a constant gradient of 1 their mean would go 1, 5.3, 17.8, ... instead of 1, 1, 1. So keep $m$ and $v$ as they
# are, and correct copies.
#
# **Exercise 1.7.** Write one step of Adam. `t` is 1 at the first step. Return the new `w`, `mean` and `mean_square`.


# %%
def adam_step(w, gradient, mean, mean_square, t, learning_rate, beta_1, beta_2, epsilon):
    """One step of Adam; mean and mean_square are m and v before it."""
    # BEGIN SOLUTION
    mean = beta_1 * mean + (1 - beta_1) * gradient
    mean_square = beta_2 * mean_square + (1 - beta_2) * gradient**2
    corrected_mean = mean / (1 - beta_1**t)
    corrected_square = mean_square / (1 - beta_2**t)
    w = w - learning_rate * corrected_mean / (np.sqrt(corrected_square) + epsilon)
    return w, mean, mean_square
    # END SOLUTION


# %%
adam_step = check("1.7", adam_step)

# %% [markdown]
# Compare it with the course's `Adam` on **Beale's function**, a wide plain with steep corners whose minimum lies at
# $(3, \tfrac12)$. It will be our race track in a moment.

# %%
from dlcourse.foundations import Beale

track = Beale()
race_start = np.array([1.0, 1.5])
w, mean, mean_square = race_start, np.zeros(2), np.zeros(2)
for t in range(1, 101):
    w, mean, mean_square = adam_step(w, track.gradient(w), mean, mean_square, t, 0.1, 0.9, 0.999, 1e-7)
library = gradient_descent(track, race_start, "adam", steps=100, learning_rate=0.1).parameters[-1]
print(f"after 100 steps both agree to 1e-5: {bool(np.allclose(w, library, atol=1e-5))}")

# %% [markdown]
# ### The race
#
# All seven rows of the slides' table start at $(1, 1.5)$ and take 300 steps. A race with one learning rate for all
# would be unfair, so each optimizer runs with six rates and is entered with the one that gets it lowest.
#
# *Predict:* which optimizers will diverge at large rates, and which will not?

# %%
names = ("gradient_descent", "adaptive_learning_rate", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
rates = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
trials = {
    name: [gradient_descent(track, race_start, name, steps=300, learning_rate=rate) for rate in rates] for name in names
}
entries = {
    name: min((run for run in runs if not run.diverged), key=lambda run: run.values[-1])
    for name, runs in trials.items()
}
diverged = {name: sum(run.diverged for run in runs) for name, runs in trials.items()}
print("rates of six at which it diverged:", diverged)

# %%
figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.6), sharey=True)
for name, look in zip(names, plots.styles(), strict=False):
    finals = [np.nan if run.diverged else run.values[-1] for run in trials[name]]
    axes[0].loglog(rates, finals, **look, markersize=6, linewidth=1.2)
    axes[1].semilogy(entries[name].values, **look, markersize=6, markevery=50, linewidth=1.2, label=name)
axes[0].set(xlabel=r"learning rate $\eta$", ylabel="cost J", title="After 300 steps; a line ends where it diverges")
axes[1].set(xlabel="step", title="Each at its best rate", ylim=(1e-12, 1e3))
figure.legend(loc="outside lower center", ncols=4)
show(
    figure,
    alt="Left: plain descent and momentum diverge at large rates, Adam improves. Right: Adam ends lowest of the seven.",
)

# %%
figure, ax = plt.subplots(figsize=(7.2, 4.8))
plots.contour(track.value, ((-0.3, 3.7), (-1.9, 1.9)), ax, levels=16)
plots.paths({name: run.parameters for name, run in entries.items()}, ax)
ax.plot(*track.minimum, "*", color="black", markersize=14, label="minimum")
ax.set(xlabel="$w_1$", ylabel="$w_2$", title="On Beale's function descent jumps, Adam swings, AdaGrad creeps")
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
show(
    figure,
    alt="The ways of seven optimizers over Beale's function: descent and momentum jump down the slope, AdaGrad creeps.",
)

# %% [markdown]
# Now see them move. Press play, or step through the frames; the later frames skip more steps than the first.

# %% tags=["nbval-ignore-output"]
frames = np.unique(np.geomspace(1, 201, 18).astype(int)) - 1
figure, ax = plt.subplots(figsize=(5.2, 3.2), dpi=80)


def draw(frame):
    ax.clear()
    plots.contour(track.value, ((-0.3, 3.7), (-1.9, 1.9)), ax, levels=8)
    plots.paths({name: run.parameters for name, run in entries.items()}, ax, last=frames[frame])
    ax.plot(*track.minimum, "*", color="black", markersize=12)
    ax.set(xlabel="$w_1$", ylabel="$w_2$", title=f"step {frames[frame]}")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7)


plots.animate(
    figure,
    draw,
    len(frames),
    alt="Seven optimizers move over Beale's function; momentum swings, AdaGrad creeps.",
    interval=300,
)

# %% [markdown]
# What to take from the race:
#
# - **Plain descent** and **momentum** step in proportion to the slope, so on the steep wall they jump, and a rate that
#   is a little too large throws them out.
# - **AdaGrad**, **RMSProp** and **Adam** divide the size of the slope out. A step is then about as long as the learning
#   rate itself, whatever the slope: none of the six rates makes them diverge, but with 0.001 they cannot cover the
#   distance of 2.2 to the minimum in 300 steps. AdaGrad fades even at 0.3; RMSProp with a fixed rate ends up jumping to
#   and fro around the valley floor.
# - A rate that is a length, and not a multiple of an unknown slope, needs less tuning from one problem to the next.
#   That, more than winning on one track, is why **Adam** is the usual first choice for networks.

# %%
steps_to_goal = {
    name: int(np.argmax(np.linalg.norm(run.parameters - track.minimum, axis=1) < 0.05)) for name, run in entries.items()
}
arrived = [name for name in names if steps_to_goal[name] > 0]
print("came within 0.05 of the minimum:", ", ".join(arrived))
print(
    "momentum needs at most 60 % of plain descent's steps:",
    steps_to_goal["momentum"] <= 0.6 * steps_to_goal["gradient_descent"],
)

# %% [markdown]
# ## 7. Does the gradient arrive?
#
# All of this presumes that there is a gradient to follow. In a deep network it has to travel back through every layer,
# and each layer multiplies it by weights and by the slope of the activation function. Multiply ten numbers of about one
# quarter and you have a millionth: the gradient has **vanished** before it reaches the first layer. Multiply ten
# numbers of about 3 and it has **exploded**.
#
# Two things decide: the activation function, and how large the random weights are at the start. If a unit adds up
# `fan_in` inputs, each times a weight of variance $\sigma^2$, the sum has `fan_in` $\cdot\,\sigma^2$ times the variance
# of the inputs. To keep signals at the same size from layer to layer,
#
# - **Glorot** (or Xavier) takes $\sigma^2 = \dfrac{2}{\text{fan\_in} + \text{fan\_out}}$, a compromise between the way
#   forward and the way back;
# - **He** takes $\sigma^2 = \dfrac{2}{\text{fan\_in}}$, because ReLU sets half of its inputs to zero.
#
# **Exercise 1.8.** Scale standard normal numbers of shape `(fan_in, fan_out)` so that they have that variance.


# %%
def initial_weights(noise, rule):
    """Turns standard normal numbers into initial weights; rule is "glorot" or "he"."""
    # BEGIN SOLUTION
    fan_in, fan_out = noise.shape
    variance = 2 / (fan_in + fan_out) if rule == "glorot" else 2 / fan_in
    return noise * np.sqrt(variance)
    # END SOLUTION


# %%
initial_weights = check("1.8", initial_weights)

# %% [markdown]
# Send random inputs forward through ten layers of 100 ReLU units, and look at the spread of the signal after each.
# "Small normal" weights have standard deviation 0.05, which is what Keras takes for `RandomNormal` unless told
# otherwise.
#
# *Predict:* in which direction is 0.05 wrong, with 100 inputs a unit?

# %%
rng = np.random.default_rng(3)
rules = {
    "small normal": lambda noise: 0.05 * noise,
    "Glorot": lambda noise: initial_weights(noise, "glorot"),
    "He": lambda noise: initial_weights(noise, "he"),
}
spreads = {}
for name, rule in rules.items():
    a, spreads[name] = rng.standard_normal((500, 100)), []
    for _ in range(10):
        a = np.maximum(0, a @ rule(rng.standard_normal((100, 100))))
        spreads[name].append(float(a.std()))

# %%
figure, ax = plt.subplots()
for (name, spread), look in zip(spreads.items(), plots.styles(), strict=False):
    ax.semilogy(range(1, 11), spread, **look, label=name)
ax.set(xlabel="layer", ylabel="standard deviation of the activations", xticks=range(1, 11))
ax.set_title("Ten ReLU layers: only He's rule keeps the signal alive")
ax.legend()
show(
    figure,
    alt="The spread of the activations falls several thousandfold with small weights and stays level with He's rule.",
)

# %%
for name, spread in spreads.items():
    print(f"{name}: after ten layers the spread is above 0.1: {spread[-1] > 0.1}")

# %% [markdown]
# That was the way forward. Now the way back, with real data: 8x8 images of handwritten digits, a network of ten layers
# of weights, and the norm of the gradient in each layer, measured before any training. `gradient_flow` averages over
# five random initialisations. How backpropagation gets these gradients is the subject of Lab 02.
#
# *Predict:* the slides say that sigmoid and tanh suffer from vanishing gradients and ReLU does not. Which of the twelve
# curves will fall towards the first layer?

# %%
from dlcourse.datasets import load_digits, split_and_standardize
from dlcourse.foundations.gradient_flow import gradient_flow

digits = load_digits()
split = split_and_standardize(digits.X, digits.y, seed=0)
one_hot = np.eye(10)[split.y_train]
activations = ("sigmoid", "tanh", "relu", "swish")
initializers = {"normal": "small normal", "glorot_normal": "Glorot", "he_normal": "He"}
flows = {
    (activation, initializer): gradient_flow(split.X_train, one_hot, activation, initializer)
    for activation in activations
    for initializer in initializers
}

# %%
figure, axes = plt.subplots(1, 3, figsize=(10.4, 4.2), sharey=True)
for ax, (initializer, title) in zip(axes, initializers.items(), strict=True):
    for activation, look in zip(activations, plots.styles(), strict=False):
        ax.semilogy(range(1, 11), flows[activation, initializer].gradient_norms, **look, label=activation)
    ax.set(xlabel="layer (1 is next to the input)", title=f"{title} weights", xticks=range(1, 11))
axes[0].set_ylabel("norm of the gradient of the weights")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
figure.suptitle("Sigmoid loses the gradient whatever the weights; the others need the right size", weight="bold")
show(
    figure,
    alt="Gradient norm by layer: sigmoid falls towards layer 1 always; the others are level, tiny with small weights.",
)

# %%
for initializer, title in initializers.items():
    lost = flows["sigmoid", initializer].last_to_first
    print(f"sigmoid, {title}: at least 10,000 times smaller in layer 1 than in layer 10: {lost > 1e4}")
for activation, initializer in (("relu", "normal"), ("tanh", "glorot_normal"), ("relu", "he_normal")):
    norms = flows[activation, initializer].gradient_norms
    print(f"{activation}, {initializers[initializer]}: below 0.001 in every layer: {bool(norms.max() < 1e-3)}")

# %% [markdown]
# The measurement says more than the rule of thumb.
#
# - **Sigmoid** loses the gradient with all three initialisations: its slope is $\tfrac14$ at best, so nine hidden
#   layers cost a factor of up to $4^9 \approx 260{,}000$ by themselves.
# - **Tanh** is healthy with Glorot's or He's rule. Its slope is 1 at the origin, and the right weights keep it there.
# - **ReLU** does *not* save you from bad weights. With the small ones the signal shrinks on its way forward and the
#   error on its way back; a weight's gradient is the product of the two, so it is level, but tiny in *every* layer.
#   With He's rule it is level and of order 1.
# - **Swish** behaves like a softer ReLU, and needs large enough weights even more.
#
# Does it matter for training? Train all twelve networks with plain mini-batch descent, thirty epochs each.

# %% tags=["nbval-ignore-output"]
from dlcourse.foundations import MLPClassifier

accuracy = np.zeros((len(activations), len(initializers)))
for row, activation in enumerate(activations):
    for column, initializer in enumerate(initializers):
        network = MLPClassifier(
            hidden_layer_sizes=(64,) * 9,
            activation=activation,
            initializer=initializer,
            optimizer="gradient_descent",
            learning_rate=0.03,
            max_epochs=30,
            random_state=0,
        )
        accuracy[row, column] = network.fit(split.X_train, split.y_train).score(split.X_test, split.y_test)

# %%
figure, ax = plt.subplots(figsize=(5.6, 3.8))
ax.imshow(accuracy, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(accuracy):
    ax.text(column, row, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.6 else "black")
ax.set_xticks(range(3), list(initializers.values()))
ax.set_yticks(range(4), activations)
ax.set(xlabel="initial weights", ylabel="activation", title="A network learns only if the gradient arrives")
ax.grid(False)
show(
    figure,
    alt="Test accuracy after 30 epochs: sigmoid nets and all small-normal nets stay at chance, tanh and ReLU learn.",
)

# %%
print(f"every network with sigmoid units stays below 0.2: {bool((accuracy[0] < 0.2).all())}")
print(f"every network with small normal weights stays below 0.2: {bool((accuracy[:, 0] < 0.2).all())}")
print(f"tanh and ReLU, with Glorot or He, all reach 0.85: {bool((accuracy[1:3, 1:] > 0.85).all())}")
print(f"swish reaches 0.85 with He: {bool(accuracy[3, 2] > 0.85)}, with Glorot: {bool(accuracy[3, 1] > 0.85)}")

# %% [markdown]
# Where the gradient arrives, the network learns; the others are still guessing after thirty epochs. Same data, same
# optimizer, same number of parameters. Swish with Glorot's weights lies between: its gradient is several times weaker
# than ReLU's, and it has hardly started.

# %% [markdown]
# ## Summary
#
# - Gradient descent steps *against* the gradient; the learning rate times the largest curvature must stay below 2.
# - How long it takes depends on the condition number. Standardising the inputs is the cheapest way to lower it.
# - A mini-batch of $B$ samples costs $B$ and has noise $\propto 1/\sqrt B$; small batches win early, and a decaying
#   rate settles them.
# - Momentum remembers the direction, Adam also gives each parameter its own rate, and $\eta$ becomes a length of step.
# - A gradient can vanish through the activation *and* through the initial weights. Glorot for tanh, He for ReLU.

# %% tags=["headline"]
print(f"Learning-rate limit on a tilted bowl: predicted {limit:.3f}, confirmed within 1 %")
print("Five houses: hundreds of millions of steps on raw areas, one step on standardised ones")
print(f"Noise of a mini-batch gradient: B to the power {exponent:.1f}")
print(f"Optimizer race on Beale's function: {len(arrived)} of 7 arrive within 300 steps")
print(f"Ten-layer ReLU network with He weights reads digits: at least 85 % right: {accuracy[2, 2] > 0.85}")
print(f"The same with sigmoid and Glorot: no better than guessing: {accuracy[0, 1] < 0.2}")

# %%
progress()

# %% [markdown]
# ## Go further
#
# - Change the race: `Rosenbrock()` from `dlcourse.foundations` is a curved valley. Start at $(-1.5, 2)$. Who wins
#   there, and at which rates?
# - `stochastic_gradient_descent(HousingRegression(), ...)` runs section 5 with any optimizer: does momentum help when
#   the gradient is noisy?
# - In section 7, call `gradient_flow` with `depth=30`. Which activation and which weights survive?
# - What does a batch size do to the best learning rate? Repeat section 5 with $B = 32$ and rates from 0.01 to 1.
# - From the command line: `dlcourse run 01 --solution` executes the worked lab, and `dlcourse labs` lists the others.
# - Next: **Lab 02** builds a network whose gradient you compute yourself, by backpropagation.
#
# ## References
#
# - Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger), slides "Building an ML algorithm (II)" to "(IV)" (the
#   houses), "Gradient descent algorithm" to "Mini-batches while training", "Setting the learning rate", "Few variants
#   of SGD", "Weight initialization", "Vanishing gradients", "Swish activation function".
# - Deep Learning, University of Bologna 2023-24, sections 2.1 and 2.2.
# - Deep Learning, ENS, chapters 2 and 3 (sections 2.3.2 and 3.3).
# - N. Qian, *On the momentum term in gradient descent learning algorithms*, Neural Networks 12 (1999).
# - I. Sutskever, J. Martens, G. Dahl and G. Hinton, *On the importance of initialization and momentum in deep
#   learning*, ICML 2013: Nesterov's momentum for networks.
# - J. Duchi, E. Hazan and Y. Singer, *Adaptive subgradient methods for online learning and stochastic optimization*,
#   JMLR 12 (2011).
# - D. Kingma and J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015, arXiv:1412.6980.
# - X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010.
# - K. He, X. Zhang, S. Ren and J. Sun, *Delving deep into rectifiers*, ICCV 2015, arXiv:1502.01852.
# - I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning* (2016), chapter 8.
