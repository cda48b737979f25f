# ---
# jupyter:
#   dlcourse:
#     title: Multilayer perceptron
#     minutes: 150
#     needs: a laptop CPU
#     requires: []
# ---

# %% [markdown]
# # Lab 02: Multilayer perceptron
#
# You will build a neural network from a single neuron up, find out by yourself why one layer is not enough, write the
# algorithm that trains two layers, and end with a network that reads handwritten digits.

# %% [markdown]
# **After this lab you can**
#
# - compute the output of a neuron and say what its bias and its activation function do;
# - train a perceptron, and explain why no perceptron learns XOR;
# - derive and code the multilayer perceptron's algorithm: forward phase, $\delta_o$, $\delta_h$, update;
# - prove with finite differences that a gradient is right;
# - follow the recipe for real data: split in three, standardise, choose the architecture, stop early, test once;
# - recognise underfitting and overfitting in a picture, and know when dropout helps.
#
# **You need** Python with NumPy, derivatives and the chain rule. You need not have trained a network before. Gradient
# descent is the subject of [Lab 01](01_gradient_descent.ipynb).
#
# There are 13 exercises. Fill in the function, run the cell, then run the check below it. A check never stops you:
# where your function is not right yet, the rest of the lab goes on with the course's own.

# %% [markdown]
# ## 1. A neuron
#
# A neuron is a small decision maker. It multiplies each input $x_j$ by a weight $w_j$, adds everything up together
# with a **bias** $w_0$, and sends the sum $z$ through an **activation function** $g$:
#
# $$\hat y = g(z), \qquad z = w_0 + \sum_{j=1}^m x_j w_j, \qquad g(z) = \frac{1}{1 + e^{-z}}.$$
#
# This $g$ is the **sigmoid**: it turns any number into one between 0 and 1.
#
# Take the slides' neuron, $w_0 = 1$ and $\mathbf w = (3, -2)$, with the input $\mathbf x = (-1, 2)$. Work out $z$ on
# paper. Will the output be above or below one half?

# %%
import matplotlib.pyplot as plt
import numpy as np

from dlcourse.checks import check, progress
from dlcourse.foundations import sigmoid
from dlcourse.plots import PALETTE, show, styles, use_style

use_style()

# %% [markdown]
# **Exercise 2.1.** Write the neuron. `sigmoid` is imported above.


# %%
def neuron(x, w0, w):
    """Output of one neuron: inputs x of shape (m,), bias w0 (a number), weights w of shape (m,)."""
    # BEGIN SOLUTION
    return sigmoid(w0 + x @ w)
    # END SOLUTION


# %%
neuron = check("2.1", neuron)

# %%
w0, w = 1.0, np.array([3.0, -2.0])
x = np.array([-1.0, 2.0])
print(f"z = {w0 + x @ w:.0f}, output = {neuron(x, w0, w):.3f}")

# %% [markdown]
# The slides say $g(-6) \approx 0.002$. One input tells little; colour the whole plane by the output.
#
# **Before you run:** where is the output exactly one half? What shape is that set of points?

# %%
from dlcourse.plots import output_field

figure, ax = plt.subplots(figsize=(5.6, 4.2))
areas = output_field(lambda X: sigmoid(w0 + X @ w), ax, bounds=((-3, 3), (-3, 3)))
figure.colorbar(areas, ax=ax, label="output of the neuron", ticks=[0, 0.25, 0.5, 0.75, 1])
ax.plot(*x, "ko", markersize=8)
ax.annotate("x = (-1, 2)\noutput 0.002", x, xytext=(-2.7, 2.15))
ax.annotate("", xy=(1.5, -0.5), xytext=(0, 0.5), arrowprops={"arrowstyle": "->", "lw": 2})
ax.annotate("w", (1.6, -0.7))
ax.set_aspect("equal")
ax.set(xlabel="input $x_1$", ylabel="input $x_2$", title="A neuron cuts the plane along a straight line")
show(figure, alt="The neuron's output is 0 left of the line 1 + 3 x1 - 2 x2 = 0 and 1 right of it.")

# %% [markdown]
# The output is one half where $z = 0$: along the line $1 + 3 x_1 - 2 x_2 = 0$. The weights $\mathbf w$ stand at a
# right angle to that line and point to the side where the neuron says 1. Longer weights would make the colours change
# faster. Whatever the weights, the line stays straight. Remember that; it will matter in section 3.

# %% [markdown]
# ### The bias shifts
#
# Now one input only, with weight $w_1 = 2$, and three biases.
#
# **Before you run:** the curve with $w_0 = -4$ crosses one half at which $x$?

# %%
inputs = np.linspace(-5, 5, 201)
figure, ax = plt.subplots()
for bias, look in zip((-4, 0, 4), styles(), strict=False):
    crossing = int(np.argmin(np.abs(bias + 2 * inputs)))
    ax.plot(inputs, sigmoid(bias + 2 * inputs), **look, markevery=[crossing], label=f"$w_0$ = {bias}")
ax.axhline(0.5, color="grey", linewidth=0.8)
ax.set(xlabel="input $x$", ylabel="output", title="The bias moves the step to $x = -w_0 / w_1$")
ax.legend()
show(figure, alt="Three sigmoid curves of equal steepness cross one half at x = 2, 0 and -2 for biases -4, 0 and 4.")

# %% [markdown]
# Without a bias every curve would have to pass through one half at $x = 0$. The weight sets how steep the step is, the
# bias sets where it stands.
#
# **A convention for the whole lab.** The bias is a weight like any other, whose input $x_0$ is always $+1$. (Some
# books, and some code that goes with the slides, use $-1$; then only the sign of $w_0$ changes.) It comes first: $w_0$
# stands at index 0 of a weight vector, and in row 0 of a weight matrix.

# %% [markdown]
# ### Activation functions
#
# The sigmoid is one choice of $g$ among several. Training will use their slopes, so look at both.
#
# **Before you run:** which of the four still has a slope at $z = 5$?

# %%
from dlcourse.foundations import get_activation

z = np.linspace(-6, 6, 300)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for name, look in zip(("sigmoid", "tanh", "relu", "swish"), styles(), strict=False):
    activation = get_activation(name)
    axes[0].plot(z, activation.function(z), **look, markevery=50, label=name)
    axes[1].plot(z, activation.derivative(z), **look, markevery=50, label=name)
axes[0].set(xlabel="sum $z$", ylabel="$g(z)$", ylim=(-1.5, 4), title="Four activation functions")
axes[1].set(xlabel="sum $z$", ylabel="slope $g'(z)$", title="Sigmoid and tanh go flat, ReLU and swish do not")
axes[0].legend()
show(figure, alt="At z = 5 the slopes of sigmoid and tanh are near 0, those of ReLU and swish near 1.")

# %% [markdown]
# The sigmoid's slope is at most 1/4, and far from 0 it vanishes: the unit is **saturated** and learns slowly. Lab 01
# measures what that does to a deep network.

# %% [markdown]
# ## 2. The perceptron learns OR and AND
#
# So far somebody gave us the weights. The perceptron (Rosenblatt, 1958) finds them from examples. It is a neuron whose
# activation is a hard threshold. With $x_0 = 1$ it answers
#
# $$y = \begin{cases} 1 & \text{if } \sum_{i=0}^m w_i x_i > 0 \\ 0 & \text{if } \sum_{i=0}^m w_i x_i \le 0.
# \end{cases} \tag{3.4}$$
#
# We treat many examples at once: the rows of a matrix `X`. This little function puts the constant input 1 in front of
# every row, and you will use it until the end of the lab.


# %%
def with_bias(inputs):
    """Puts x_0 = 1 in front of every row: (n, m) becomes (n, m + 1)."""
    return np.column_stack([np.ones(len(inputs)), inputs])


X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
targets = {"OR": np.array([0, 1, 1, 1]), "AND": np.array([0, 0, 0, 1]), "XOR": np.array([0, 1, 1, 0])}
print(with_bias(X))

# %% [markdown]
# **Exercise 2.2.** Write (3.4) for all rows at once. Mind the sum that is exactly 0. (The slides print the same rule
# again as (3.6), where the sum sign got lost.)


# %%
def perceptron_predict(X, weights):
    """Answers 0 or 1, shape (n,), for inputs X of shape (n, m) and weights (m + 1,), the bias first."""
    # BEGIN SOLUTION
    sums = with_bias(X) @ weights
    return np.where(sums > 0, 1, 0)
    # END SOLUTION


# %%
perceptron_predict = check("2.2", perceptron_predict)

# %% [markdown] tags=["solution"]
# *For teachers.* The slides' own code is `np.where(activations > 0, 1, 0)`. With `>=` a perceptron that starts from
# zero weights begins by answering 1 everywhere instead of 0; both converge, but the hand-worked examples then differ.

# %% [markdown]
# ### Learning from mistakes
#
# Show the perceptron one example $\mathbf x$ with its target $t$. If the answer $y$ is right, leave the weights alone.
# If it says 1 and should say 0, the sum was too large: lower each weight in proportion to its input. If it says 0 and
# should say 1, raise them. One formula does all three:
#
# $$w_i \leftarrow w_i - \eta\,(y - t)\,x_i \tag{3.5}$$
#
# $\eta$ ("eta") is the **learning rate**, the size of the step.
#
# **Exercise 2.3.** Write (3.5) for one example. Return new weights and leave the old ones as they are. Do not forget
# that the bias learns too.


# %%
def perceptron_update(weights, x, t, eta):
    """Weights (m + 1,) after seeing one input x of shape (m,) with target t (0 or 1), learning rate eta."""
    # BEGIN SOLUTION
    y = perceptron_predict(x[np.newaxis], weights)[0]
    return weights - eta * (y - t) * np.concatenate([[1.0], x])
    # END SOLUTION


# %%
perceptron_update = check("2.3", perceptron_update)

# %% [markdown]
# Training is a loop around that one line: pass after pass over the examples. We keep the weights after every change,
# to watch the line move.


# %%
def train_perceptron(X, t, eta=0.1, passes=12, seed=1):
    """The weights after every change, shape (changes + 1, m + 1), and the mistakes made in each pass."""
    weights = np.random.default_rng(seed).uniform(-0.5, 0.5, size=X.shape[1] + 1)
    history, mistakes = [weights], []
    for _ in range(passes):
        changes = len(history)
        for x, target in zip(X, t, strict=True):
            new = perceptron_update(weights, x, target, eta)
            if not np.array_equal(new, weights):
                history.append(new)
            weights = new
        mistakes.append(len(history) - changes)
    return np.array(history), mistakes


# %% [markdown]
# **Before you run:** OR is 1 unless both inputs are 0. Where can a line pass so that it separates the three ones from
# the zero?

# %%
from dlcourse.plots import binary_points, boundary

history, mistakes = train_perceptron(X, targets["OR"])
figure, ax = plt.subplots(figsize=(5.2, 4.4))
ax.set(xlim=(-0.5, 1.5), ylim=(-0.5, 1.5))
colors = plt.cm.viridis_r(np.linspace(0.05, 1, len(history)))
for number, (weights, color) in enumerate(zip(history, colors, strict=True)):
    last = number == len(history) - 1
    boundary(weights, ax, color=color, linewidth=4 if last else 1.5, label="last line" if last else None)
binary_points(X, targets["OR"], ax)
ax.set(xlabel="input $x_1$", ylabel="input $x_2$", title=f"OR is learned after {len(history) - 1} changes")
ax.legend(loc="lower right", frameon=True, fontsize=8)
show(figure, alt="Lines from yellow to violet; the last one separates the point (0, 0) from the other three.")

# %%
print("mistakes in each pass:", mistakes)
print("answers:", perceptron_predict(X, history[-1]).tolist(), "targets:", targets["OR"].tolist())

# %% [markdown]
# Each line is one change, from yellow (the random start) to violet. When a pass makes no mistake nothing changes any
# more: the perceptron has converged. If *some* line separates the classes, this always happens after finitely many
# changes (the perceptron convergence theorem).
#
# Now AND, as an animation. Press play. Which points push the line around?

# %% tags=["nbval-ignore-output"]
from dlcourse.plots import animate

steps, _ = train_perceptron(X, targets["AND"])
figure, ax = plt.subplots(figsize=(4.6, 4.2), dpi=72)


def draw(frame):
    ax.clear()
    output_field(lambda points: sigmoid(150 * with_bias(points) @ steps[frame]), ax)
    binary_points(X, targets["AND"], ax)
    wrong = int(np.sum(perceptron_predict(X, steps[frame]) != targets["AND"]))
    ax.set(xlabel="input $x_1$", ylabel="input $x_2$", title=f"AND, after {frame} changes: {wrong} of 4 wrong")


animate(figure, draw, len(steps), "The line swings until only (1, 1) lies on its orange side: AND is learned.", 500)

# %% [markdown]
# ## 3. XOR, and why one line is not enough
#
# XOR ("exclusive or") is 1 when exactly one input is 1. The code is ready, only the targets change.
#
# **Before you run:** look at the four corners. Can you place a line?

# %%
figure, ax = plt.subplots()
for (name, t), look, size in zip(targets.items(), styles(), (11, 7, 6), strict=False):
    _, mistakes = train_perceptron(X, t, passes=15)
    ax.plot(range(1, 16), mistakes, **look, markersize=size, label=name)
ax.set(xlabel="pass over the four examples", ylabel="mistakes in this pass", yticks=range(5))
ax.set(title="OR and AND end without mistakes, XOR never does")
ax.legend(loc="center right")
show(figure, alt="Mistakes per pass fall to zero for OR and AND and climb to four of four for XOR.")

# %% [markdown]
# More patience does not help, and neither does luck. Here are 100,000 random lines.

# %%
random_weights = np.random.default_rng(0).uniform(-1, 1, size=(100_000, 3))
right = ((with_bias(X) @ random_weights.T > 0) == targets["XOR"][:, np.newaxis]).sum(axis=0)
print(f"the best of {len(right):,} random lines gets {right.max()} of 4 corners right")

# %% [markdown]
# That is not bad luck, it is a theorem with a proof of four lines. Suppose weights for XOR existed. Then (3.4) asks:
#
# | $x_1$ | $x_2$ | target | condition |
# |---|---|---|---|
# | 0 | 0 | 0 | $w_0 \le 0$ |
# | 0 | 1 | 1 | $w_0 + w_2 > 0$ |
# | 1 | 0 | 1 | $w_0 + w_1 > 0$ |
# | 1 | 1 | 0 | $w_0 + w_1 + w_2 \le 0$ |
#
# Add the two middle ones: $2 w_0 + w_1 + w_2 > 0$, so $w_0 + w_1 + w_2 > -w_0 \ge 0$. The last line says the opposite.
# No weights can do it. When Minsky and Papert printed it in 1969, neural networks lost much of their funding.

# %% [markdown]
# ### The way out: a layer in between
#
# Two perceptrons that we *can* train are OR and AND. Feed their answers into a third one. XOR is "OR, but not AND".
#
# **Before you run:** the four corners become four pairs (OR, AND). Where do $(0, 1)$ and $(1, 0)$ go?

# %%
hidden = np.column_stack([perceptron_predict(X, train_perceptron(X, targets[name])[0][-1]) for name in ("OR", "AND")])
output_weights = np.array([-0.5, 1.0, -1.0])
figure, axes = plt.subplots(1, 2, figsize=(9, 3.9))
for ax, points in zip(axes, (X, hidden), strict=True):
    ax.set(xlim=(-0.4, 1.4), ylim=(-0.4, 1.4), xticks=[0, 1], yticks=[0, 1])
    binary_points(points, targets["XOR"], ax)
boundary(output_weights, axes[1], color="black", linewidth=2)
axes[0].set(xlabel="input $x_1$", ylabel="input $x_2$", title="Inputs: no line separates XOR")
axes[1].set(xlabel="hidden unit 1 (OR)", ylabel="hidden unit 2 (AND)", title="Hidden layer: one line is enough")
axes[1].annotate("(0, 1) and (1, 0)\nmeet here", (1, -0.04), xytext=(0.72, -0.34), arrowprops={"arrowstyle": "->"})
axes[0].legend(loc="center")
show(figure, alt="In the plane of the hidden units OR and AND the two ones of XOR coincide and a line cuts them off.")

# %%
answers_by_hand = perceptron_predict(hidden, output_weights)
print("XOR from three perceptrons:", answers_by_hand.tolist())

# %% [markdown]
# The hidden layer *moves the points* to where a line can separate them. That is what every deep network does, many
# times over. Here we chose the hidden units ourselves. How could a network find them? Nobody tells a hidden unit its
# target, so (3.5) does not apply to it. The answer took until the 1980s to become widely known, and you will now
# derive it.

# %% [markdown]
# ## 4. The multilayer perceptron, piece by piece
#
# One hidden layer, one output layer, sigmoids everywhere. The sigmoid replaces the threshold because the threshold's
# slope is zero: nothing to descend on. We use the slides' symbols:
#
# | symbol | meaning | in the code |
# |---|---|---|
# | $x_i$ | inputs, $i = 1 \dots L$, and $x_0 = 1$ | `X`, shape `(n, L)` |
# | $v_{i\zeta}$ | weight from input $i$ to hidden unit $\zeta$ | `V`, shape `(L + 1, H)`, row 0 is the bias |
# | $a_\zeta$ | activation of hidden unit $\zeta$ | `a`, shape `(n, H)` |
# | $w_{\zeta\kappa}$ | weight from hidden unit $\zeta$ to output $\kappa$ | `W`, shape `(H + 1, N)`, row 0 too |
# | $y_\kappa, t_\kappa$ | output and target | `y`, `t`, shape `(n, N)` |
#
# We want small errors on all $n$ examples: $E = \frac12 \sum_{\text{examples}} \sum_\kappa (y_\kappa - t_\kappa)^2$.
# Gradient descent needs $\partial E / \partial v_{i\zeta}$ and $\partial E / \partial w_{\zeta\kappa}$. The chain rule
# delivers them, in four small pieces.

# %% [markdown]
# ### The slope of the sigmoid
#
# Differentiate $g(h) = 1 / (1 + e^{-h})$ on paper, and write the result with $a = g(h)$ alone. It comes out so short
# that no exponential needs to be computed a second time. (The slides' (4.5) has a steepness $\beta$; weights can do
# its job, so $\beta = 1$ here.)
#
# **Exercise 2.4.**


# %%
def sigmoid_slope(a):
    """Slope g'(h) of the sigmoid, given its value a = g(h); any shape."""
    # BEGIN SOLUTION
    return a * (1 - a)
    # END SOLUTION


# %%
sigmoid_slope = check("2.4", sigmoid_slope)

# %% [markdown]
# ### Forward phase
#
# From the inputs to the outputs, layer by layer:
#
# $$h_\zeta = \sum_{i=0}^L x_i v_{i\zeta}, \quad a_\zeta = g(h_\zeta) \tag{4.4, 4.5}$$
# $$h_\kappa = \sum_{j=0}^H a_j w_{j\kappa}, \quad y_\kappa = g(h_\kappa) \tag{4.6, 4.7}$$
#
# **Exercise 2.5.** Write it for all rows of `X`, with two matrix products. `with_bias` gives you $x_0 = 1$, and
# $a_0 = 1$.


# %%
def forward(X, V, W):
    """Hidden activations a of shape (n, H) and outputs y of shape (n, N)."""
    # BEGIN SOLUTION
    a = sigmoid(with_bias(X) @ V)
    y = sigmoid(with_bias(a) @ W)
    return a, y
    # END SOLUTION


# %%
forward = check("2.5", forward)

# %% [markdown]
# ### The error at the output
#
# Step back from the loss to the sum $h_\kappa$ in front of the output. Two links of the chain: $E$ depends on
# $y_\kappa$, and $y_\kappa$ on $h_\kappa$.
#
# $$\delta_o(\kappa) = \frac{\partial E}{\partial h_\kappa}
# = \frac{\partial E}{\partial y_\kappa}\,\frac{\partial y_\kappa}{\partial h_\kappa}
# = (y_\kappa - t_\kappa)\, y_\kappa (1 - y_\kappa) \tag{4.8}$$
#
# **Exercise 2.6.** (The slides' code computes `targets - outputs` and *adds* the update afterwards. Two signs that
# cancel. We follow the formula.)


# %%
def output_delta(y, t):
    """delta_o of shape (n, N), from outputs y and targets t of that shape."""
    # BEGIN SOLUTION
    return (y - t) * sigmoid_slope(y)
    # END SOLUTION


# %%
output_delta = check("2.6", output_delta)

# %% [markdown]
# **Before you run:** the target is 1. For which output is $|\delta_o|$ largest: for 0.01, which is badly wrong, or for
# 0.33?

# %%
y = np.linspace(0, 1, 201)
figure, ax = plt.subplots()
ax.plot(y, np.abs(output_delta(y, 1.0)), label="squared error, (4.8)")
ax.plot(y, np.abs(y - 1.0), linestyle="--", label="cross-entropy (section 7)")
ax.plot(1 / 3, np.abs(output_delta(1 / 3, 1.0)), "o", color=PALETTE[0], markersize=8)
ax.set(xlabel="output $y$ (target 1)", ylabel=r"size of the error signal $|\delta_o|$")
ax.set(title="With squared error, a surely wrong output hardly learns")
ax.legend()
show(figure, alt="The squared-error signal peaks at y = 1/3 and falls to 0 at y = 0, where cross-entropy's is largest.")

# %% [markdown]
# An output that is confidently wrong sits where the sigmoid is flat, and the flat slope swallows the error. Keep this
# picture in mind: it is why classifiers are trained with cross-entropy, whose signal is simply $y - t$.

# %% [markdown]
# ### The error in the hidden layer
#
# Here is the idea that nobody could apply to a perceptron. A hidden unit has no target, but it feeds the outputs, and
# *their* errors are known. Hidden unit $\zeta$ reaches output $k$ through the weight $w_{\zeta k}$, so it takes over
# that share of the error, and then its own sigmoid's slope comes in:
#
# $$\delta_h(\zeta) = \frac{\partial E}{\partial h_\zeta}
# = a_\zeta (1 - a_\zeta) \sum_{k=1}^N w_{\zeta k}\, \delta_o(k) \tag{4.9}$$
#
# The errors run through the network backwards, hence **error backpropagation**.
#
# **Exercise 2.7.** The sum over $k$ is a matrix product. Row 0 of `W` belongs to the bias, which has no hidden unit
# behind it.


# %%
def hidden_delta(a, W, delta_o):
    """delta_h of shape (n, H), from a (n, H), W (H + 1, N) and delta_o (n, N)."""
    # BEGIN SOLUTION
    return sigmoid_slope(a) * (delta_o @ W[1:].T)
    # END SOLUTION


# %%
hidden_delta = check("2.7", hidden_delta)

# %% [markdown]
# ### The gradients
#
# Last link: the sum $h_\kappa$ contains the weight $w_{\zeta\kappa}$ once, multiplied by $a_\zeta$. So a weight's
# gradient is *the activation at its start times the error at its end*:
#
# $$\frac{\partial E}{\partial w_{\zeta\kappa}} = \delta_o(\kappa)\, a_\zeta, \qquad
# \frac{\partial E}{\partial v_{i\zeta}} = \delta_h(\zeta)\, x_i, \qquad \text{summed over the examples.}$$
#
# These are what $\eta$ multiplies in (4.10) and (4.11). (On the slide, (4.11) lost the hidden unit's index and prints
# $\delta_h(\kappa)$; it is $\delta_h(\zeta)$.)
#
# **Exercise 2.8.** A matrix product also takes care of the sum over examples. Which factor must be transposed?


# %%
def weight_gradients(X, a, delta_o, delta_h):
    """Gradients for V, shape (L + 1, H), and for W, shape (H + 1, N), in this order."""
    # BEGIN SOLUTION
    gradient_V = with_bias(X).T @ delta_h
    gradient_W = with_bias(a).T @ delta_o
    return gradient_V, gradient_W
    # END SOLUTION


# %%
weight_gradients = check("2.8", weight_gradients)

# %% [markdown]
# ### Is the gradient right?
#
# A wrong gradient often still learns, only worse, so looking at the loss is no proof. But there is one: change a
# single weight by a little, and see how the error moves.
#
# $$\frac{\partial E}{\partial w_i} \approx \frac{E(\mathbf w + h\,\mathbf e_i) - E(\mathbf w - h\,\mathbf e_i)}{2h}$$
#
# This takes two forward phases for *every* weight: far too slow for training, perfect for checking.
#
# **Exercise 2.9.** Write it for an array `w` of any shape. `np.ndindex(w.shape)` runs over all index tuples.


# %%
def numerical_gradient(function, w, h=1e-5):
    """Central differences of function (array -> number) at w; the result has w's shape."""
    # BEGIN SOLUTION
    gradient = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = h
        gradient[index] = (function(w + step) - function(w - step)) / (2 * h)
    return gradient
    # END SOLUTION


# %%
numerical_gradient = check("2.9", numerical_gradient)

# %% [markdown]
# Now let your pieces meet it, on a random network with 3 inputs, 4 hidden units and 2 outputs.

# %%
rng = np.random.default_rng(1)
X_random, t_random = rng.normal(size=(6, 3)), rng.integers(0, 2, size=(6, 2)).astype(float)
V_random, W_random = rng.normal(size=(4, 4)), rng.normal(size=(5, 2))


def error_of_V(V):
    return 0.5 * np.sum((forward(X_random, V, W_random)[1] - t_random) ** 2)


a, y = forward(X_random, V_random, W_random)
delta_o = output_delta(y, t_random)
gradient_V, _ = weight_gradients(X_random, a, delta_o, hidden_delta(a, W_random, delta_o))
difference = np.abs(gradient_V - numerical_gradient(error_of_V, V_random)).max()
print("largest difference between backpropagation and finite differences below 1e-9:", bool(difference < 1e-9))

# %% [markdown]
# Why $h = 10^{-5}$ and not smaller? And would the check notice a mistake? Try every $h$, with the right gradient and
# with one where somebody forgot the slope $a_\zeta(1 - a_\zeta)$ in (4.9).
#
# **Before you run:** sketch both curves.

# %%
h_values = 10.0 ** np.arange(-13, 0)
without_slope = weight_gradients(X_random, a, delta_o, delta_o @ W_random[1:].T)[0]
figure, ax = plt.subplots()
for label, gradient, look in zip(
    ("your gradient", "slope forgotten"), (gradient_V, without_slope), styles(), strict=False
):
    gaps = [np.abs(gradient - numerical_gradient(error_of_V, V_random, h)).max() for h in h_values]
    ax.loglog(h_values, gaps / np.abs(gradient).max(), **look, label=label)
ax.set(xlabel="step $h$ of the finite difference", ylabel="largest relative difference")
ax.set(title="The check sees the mistake; the best step is near $10^{-5}$")
ax.legend(loc="center left")
show(figure, alt="The right gradient's difference falls to 1e-9 near h = 1e-5; the wrong one's stays near 1.")

# %% [markdown]
# To the right the difference falls like $h^2$: the curve bends between the two points. To the left it grows like
# $1/h$: two nearly equal numbers are subtracted and their rounding errors are divided by something tiny. The wrong
# gradient stays wrong for every $h$. Run this check on every gradient that you ever write by hand.

# %% [markdown]
# ### One step of the algorithm
#
# **Exercise 2.10.** Put the pieces together: forward phase, $\delta_o$, $\delta_h$, gradients, and the update
#
# $$w_{\zeta\kappa} \leftarrow w_{\zeta\kappa} - \eta\,\delta_o(\kappa)\,a_\zeta \tag{4.10}$$
# $$v_{i\zeta} \leftarrow v_{i\zeta} - \eta\,\delta_h(\zeta)\,x_i \tag{4.11}$$
#
# Both errors must be known before any weight changes.


# %%
def training_step(X, t, V, W, eta):
    """The new V and W after one step with learning rate eta over the whole batch X, t."""
    # BEGIN SOLUTION
    a, y = forward(X, V, W)
    delta_o = output_delta(y, t)
    delta_h = hidden_delta(a, W, delta_o)
    gradient_V, gradient_W = weight_gradients(X, a, delta_o, delta_h)
    return V - eta * gradient_V, W - eta * gradient_W
    # END SOLUTION


# %%
training_step = check("2.10", training_step)

# %% [markdown] tags=["solution"]
# *For teachers.* Two mistakes are frequent here. Updating `W` before `hidden_delta` is called mixes old and new
# weights; the result still learns, so only the check notices. And `V -= eta * gradient_V` changes the caller's array:
# the check says so, since `train_network` below keeps earlier weights for the pictures.

# %% [markdown]
# ## 5. XOR, solved by your own code
#
# A training run is the step in a loop. The weights start small and random.


# %%
def train_network(X, t, hidden, steps=600, eta=2.0, seed=1):
    """Final V and W, their loss at every step, and copies of (V, W) at a few steps."""
    rng = np.random.default_rng(seed)
    V = rng.uniform(-1, 1, size=(X.shape[1] + 1, hidden))
    W = rng.uniform(-1, 1, size=(hidden + 1, t.shape[1]))
    losses, kept = [], {}
    for step in range(steps + 1):
        if step in (0, 200, 250, steps):
            kept[step] = V, W
        losses.append(0.5 * np.sum((forward(X, V, W)[1] - t) ** 2))
        V, W = training_step(X, t, V, W, eta)
    return V, W, losses, kept


# %%
t_xor = targets["XOR"][:, np.newaxis].astype(float)
V, W, losses, kept = train_network(X, t_xor, hidden=4)
outputs = forward(X, V, W)[1][:, 0]
print("answers:", (outputs > 0.5).astype(int).tolist(), "targets:", targets["XOR"].tolist())
print("every output within 0.1 of its target:", bool(np.abs(outputs - targets["XOR"]).max() < 0.1))

# %% [markdown]
# XOR is solved, and every line of it is yours. Watch how.

# %%
figure, axes = plt.subplots(1, 4, figsize=(11, 3.2), sharey=True)
for ax, (step, (V_then, W_then)) in zip(axes, kept.items(), strict=True):
    areas = output_field(lambda points, V=V_then, W=W_then: forward(points, V, W)[1], ax)
    binary_points(X, targets["XOR"], ax)
    ax.set(xlabel="input $x_1$", title=f"step {step}: loss {losses[step]:.2f}")
axes[0].set_ylabel("input $x_2$")
figure.colorbar(areas, ax=axes, label="output", ticks=[0, 0.5, 1], pad=0.01)
show(
    figure, alt="From a flat start the network's output bends in steps until a band through (0,1) and (1,0) is 1: XOR."
)

# %%
figure, ax = plt.subplots()
ax.plot(losses)
for step in kept:
    ax.plot(step, losses[step], "o", color=PALETTE[1])
ax.set(
    xlabel="step",
    ylabel="error $E$ on the four examples",
    title="A long plateau, and then the network gets it",
)
show(figure, alt="The error stays near 0.5 for 150 steps, then falls steeply and approaches zero.")

# %% [markdown]
# The plateau at $E = 0.5$ is the answer "one half" for every input. While all hidden units still do much the same, no
# line bends. Then they begin to differ, and the error falls.
#
# **Think first:** what would happen if *all* weights started at exactly 0?

# %%
V_zero, W_zero = np.zeros((3, 4)), np.zeros((5, 1))
for _ in range(1000):
    V_zero, W_zero = training_step(X, t_xor, V_zero, W_zero, eta=2.0)
print("outputs after 1,000 steps from zero:", forward(X, V_zero, W_zero)[1][:, 0].tolist())

# %% [markdown]
# Nothing: equal hidden units receive equal errors and stay equal for ever. Random starts are not a detail, they break
# the symmetry.
#
# Randomness also means that some starts are luckier than others. Two hidden units suffice in principle. Do they
# suffice in practice? **Guess** how many of 20 starts solve XOR with 2, 3 and 4 hidden units.

# %% tags=["nbval-ignore-output"]
solved = {}
for hidden_units in (2, 3, 4):
    runs = [train_network(X, t_xor, hidden_units, seed=seed)[:2] for seed in range(20)]
    solved[hidden_units] = sum(bool(np.abs(forward(X, V, W)[1] - t_xor).max() < 0.5) for V, W in runs)
figure, ax = plt.subplots(figsize=(5.2, 3.2))
bars = ax.bar([str(units) for units in solved], list(solved.values()), color=PALETTE[0], width=0.5)
ax.bar_label(bars, fmt="%d of 20")
ax.set(
    xlabel="hidden units", ylabel="starts that solve XOR", ylim=(0, 23), title="Spare hidden units make training easier"
)
show(figure, alt="With 2 hidden units some of 20 random starts fail on XOR, with 3 fewer, with 4 none.")

# %%
print("with 4 hidden units every start solves XOR:", solved[4] == 20)
print("with 2 hidden units some starts get stuck:", solved[2] < 20)

# %% [markdown]
# With two units some runs end on a plateau or in a local minimum. A network that is larger than necessary is easier to
# train; the price, as section 8 shows, is that it can also learn the noise.

# %% [markdown]
# ## 6. The same thing, for any number of layers
#
# The course's library holds the same algorithm for any depth, activation, loss and optimizer: `MLPClassifier` and
# `MLPRegressor`, which behave like scikit-learn's estimators. Is it really the same? Give it your weights and compare
# the gradients. (It averages over the $n = 4$ examples where we sum, hence the factor, and it keeps the biases apart.)

# %%
from dlcourse.foundations import MLPClassifier

model = MLPClassifier((4,), activation="sigmoid", output_activation="sigmoid", loss="sum_of_squares", random_state=0)
model.initialize(X, targets["XOR"])
V, W = (np.vstack([bias, weights]) for weights, bias in zip(model.weights_, model.biases_, strict=True))

a, y = forward(X, V, W)
delta_o = output_delta(y, t_xor)
ours = weight_gradients(X, a, delta_o, hidden_delta(a, W, delta_o))
theirs = [4 * np.vstack([db, dW]) for dW, db in model.gradients(X, targets["XOR"])]
gap = max(np.abs(one - other).max() for one, other in zip(ours, theirs, strict=True))
print("your gradients equal the library's to 12 decimals:", bool(gap < 1e-12))

# %% [markdown]
# From here on the library does the work, and you know what is inside. Its source, `dlcourse/foundations/network.py`,
# reads in the order of this section.

# %% [markdown]
# ## 7. Real data: Iris, by the recipe
#
# 150 flowers of three species, four lengths in centimetres each. Can a network name the species? The slides give a
# recipe: choose inputs and outputs, normalise, split in three, choose the architecture, train with early stopping,
# test once.

# %%
from dlcourse.datasets import load_iris

iris = load_iris()
figure, ax = plt.subplots()
for label, (name, look) in enumerate(zip(iris.target_names, styles(), strict=False)):
    flowers = iris.X[iris.y == label]
    ax.plot(flowers[:, 2], flowers[:, 3], linestyle="none", alpha=0.7, **look, label=name)
ax.set(xlabel="petal length (cm)", ylabel="petal width (cm)", title="One species stands apart, two overlap")
ax.legend()
show(figure, alt="Setosa petals are far smaller than the rest; versicolor and virginica touch around 5 cm by 1.7 cm.")

# %% [markdown]
# ### Standardise
#
# Inputs of very different size make the loss a narrow valley, as Lab 01 shows. So each column is shifted to mean 0 and
# scaled to standard deviation 1. Two traps:
#
# - The slides divide by the *variance*. Then the spread of a column still depends on its unit; the standard deviation
#   is right. You will measure it below.
# - The mean and deviation come from the **training part alone**. Whoever uses all rows has let the test flowers have a
#   say in the training.
#
# **Exercise 2.11.** Standardise both arrays with the statistics of the first.


# %%
def standardize(train, other):
    """Both arrays, (n, m) and (k, m), rescaled column by column with the mean and deviation of train."""
    # BEGIN SOLUTION
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / deviation, (other - mean) / deviation
    # END SOLUTION


# %%
standardize = check("2.11", standardize)

# %%
in_mm = iris.X * [1, 1, 1, 10]  # the same flowers, petal width in millimetres
for unit, columns in (("petal width in cm", iris.X), ("petal width in mm", in_mm)):
    centred = columns - columns.mean(axis=0)
    by_variance, by_deviation = (centred / columns.var(axis=0)).std(axis=0), (centred / columns.std(axis=0)).std(axis=0)
    print(f"{unit}: spread after / variance {by_variance.round(2)}, after / deviation {by_deviation.round(2)}")

# %% [markdown]
# Look at the last column: divided by the variance, the same petals have another spread in millimetres.
#
# The package does the split and the scaling in one call. Three parts: the network learns from the **training** part,
# you make your choices with the **validation** part, and the **test** part is used once, at the very end.

# %%
from dlcourse.datasets import split_and_standardize

split = split_and_standardize(iris.X, iris.y, test=0.25, validation=0.25, seed=2)
print(split)
yours, _ = standardize(iris.X[split.train_rows], iris.X[split.test_rows])
print("the same as your function:", bool(np.allclose(yours, split.X_train)))

# %% [markdown]
# ### Three classes: softmax
#
# With three species the network gets three outputs, and we read them as probabilities. The **softmax** makes them
# positive and lets each row sum to 1:
#
# $$y_\kappa = \frac{e^{h_\kappa}}{\sum_j e^{h_j}}$$
#
# The slides' code takes `np.exp(outputs)` as it is. For $h = 1000$ that overflows and gives `nan`. Subtracting the
# largest $h$ of the row first changes nothing in the formula (try it on paper), and nothing can overflow.
#
# **Exercise 2.12.** Write a softmax that survives large numbers.


# %%
def softmax(z):
    """Each row of z, shape (n, k), as probabilities that sum to 1."""
    # BEGIN SOLUTION
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
    # END SOLUTION


# %%
softmax = check("2.12", softmax)

# %%
print(softmax(np.array([[1.0, 2.0, 3.0], [1001.0, 1002.0, 1003.0]])).round(3))

# %% [markdown]
# ### Cross-entropy
#
# How good are predicted probabilities? Look at the one that was given to the *true* class: the closer to 1 the better.
# The **cross-entropy** is the mean of its negative logarithm,
#
# $$J = -\frac1n \sum_{i=1}^n \log y_{\kappa_i}^{(i)}, \qquad \kappa_i \text{ the true class of example } i.$$
#
# It is the negative log-likelihood: minimising it is maximising the probability of the data. (The ENS notes print it
# without the minus; then the best classifier would have the largest "loss".)
#
# **Exercise 2.13.** `probabilities[np.arange(n), labels]` picks one entry in each row.


# %%
def cross_entropy(labels, probabilities):
    """Cross-entropy of probabilities (n, k) for the true classes, integers of shape (n,)."""
    # BEGIN SOLUTION
    chances = probabilities[np.arange(len(labels)), labels]
    return -np.mean(np.log(chances))
    # END SOLUTION


# %%
cross_entropy = check("2.13", cross_entropy)

# %%
guessing = np.full((3, 3), 1 / 3)
print(
    f"guessing among three classes costs {cross_entropy(np.array([0, 1, 2]), guessing):.4f} (log 3 = {np.log(3):.4f})"
)

# %% [markdown]
# Together, softmax and cross-entropy have a gift in store: $\delta_o(\kappa) = y_\kappa - t_\kappa$. The slope that
# swallowed the error in section 4 cancels. Another number to remember: **log 3 ≈ 1.1** is the loss of a network that
# knows nothing about three classes. A first loss far above it means that something is wrong.

# %% [markdown]
# ### When to stop
#
# Train a network that is generous for 150 flowers, 16 hidden units, and watch the loss on training *and* validation
# flowers.
#
# **Before you run:** which of the two curves can only fall, and which may turn?

# %%
iris_settings = {"activation": "tanh", "learning_rate": 0.02, "batch_size": 16}
validation_part = split.X_validation, split.y_validation

model = MLPClassifier((16,), **iris_settings, max_epochs=200, random_state=0)
_ = model.fit(split.X_train, split.y_train, validation_data=validation_part)

figure, ax = plt.subplots()
ax.semilogy(model.loss_curve_, label="training part")
ax.semilogy(model.validation_loss_curve_, linestyle="--", label="validation part")
ax.axvline(model.best_epoch_, color="grey", linestyle=":")
ax.annotate("stop here", (model.best_epoch_ + 3, 0.005))
ax.set(xlabel="epoch", ylabel="cross-entropy", title="Training loss keeps falling, validation loss turns")
ax.legend(loc="upper right")
show(figure, alt="Training cross-entropy falls throughout; validation cross-entropy is lowest early and then rises.")

# %%
print(
    "validation loss after 200 epochs over its best:",
    model.validation_loss_curve_[-1] > 1.2 * min(model.validation_loss_curve_),
)
print("the best epoch comes in the first half:", model.best_epoch_ < 100)

# %% [markdown]
# After the dotted line the network learns the training flowers by heart: **overfitting**. **Early stopping** ends the
# training when the validation loss has not improved for a while (`patience`), and brings the best weights back.

# %% [markdown]
# ### Which architecture?
#
# Try several widths, five random starts each, and judge them on the validation part. The test flowers stay in the
# drawer.

# %%
widths, starts = (1, 2, 4, 8, 16, 32), range(5)
iris_settings |= {"max_epochs": 300, "early_stopping": True, "patience": 30}
validation_losses = np.array(
    [
        [
            min(
                MLPClassifier((width,), **iris_settings, random_state=seed)
                .fit(split.X_train, split.y_train, validation_data=validation_part)
                .validation_loss_curve_
            )
            for seed in starts
        ]
        for width in widths
    ]
)
best_width = widths[int(validation_losses.mean(axis=1).argmin())]

# %% tags=["nbval-ignore-output"]
figure, ax = plt.subplots()
dots = ax.plot(widths, validation_losses, "o", color=PALETTE[0], alpha=0.4)
dots[0].set_label("one start")
ax.plot(widths, validation_losses.mean(axis=1), color=PALETTE[0], label="mean of five starts")
ax.set_xscale("log", base=2)
ax.set_xticks(widths, widths)
ax.set(
    xlabel="hidden units",
    ylabel="validation cross-entropy",
    title=f"One hidden unit is too few; {best_width} does best",
)
ax.legend()
show(figure, alt="Validation loss is highest with one hidden unit, falls up to about eight and is flat beyond.")

# %% [markdown]
# Beyond eight units the differences are no larger than the scatter of the starts: with early stopping, width hardly
# hurts. So the choice is not delicate. Now open the drawer, once.

# %%
from sklearn.metrics import confusion_matrix

from dlcourse.plots import confusion

chosen = MLPClassifier((best_width,), **iris_settings, random_state=0)
_ = chosen.fit(split.X_train, split.y_train, validation_data=validation_part)
iris_accuracy = chosen.score(split.X_test, split.y_test)
print(f"{len(split.y_test)} test flowers, accuracy at least 0.90: {iris_accuracy >= 0.90}")

# %% tags=["nbval-ignore-output"]
counts = confusion_matrix(split.y_test, chosen.predict(split.X_test))
figure, ax = plt.subplots(figsize=(4.6, 3.8))
confusion(counts, iris.target_names, ax)
ax.set_title(f"{counts.trace()} of {counts.sum()} test flowers named correctly")
show(figure, alt="Confusion matrix of the test flowers: all setosa right, the few errors are between the other two.")

# %% [markdown]
# The **confusion matrix** says more than the accuracy: rows are the true species, columns the answers. Setosa is never
# missed; the errors lie between the two species that overlap in the first picture. And a caution: with 38 test
# flowers, one flower more or less is 2.6 points of accuracy. Small test sets are blunt rulers.

# %% [markdown]
# ## 8. Regression: linear outputs, too little and too much
#
# To predict a number rather than a class, replace the output's sigmoid by a plain sum, $y_\kappa = h_\kappa$. The
# hidden layer stays as it is. Here are 15 noisy measurements of a sine, and 100 others, never used for training, to
# tell us the truth.

# %%
from dlcourse.foundations import MLPRegressor


def noisy_sine(n, seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-1, 1, n))
    return x[:, np.newaxis], np.sin(np.pi * x) + rng.normal(0, 0.3, n)


X_sine, y_sine = noisy_sine(15, seed=1)
unseen = noisy_sine(100, seed=2)
sine_settings = {"activation": "tanh", "learning_rate": 0.03, "batch_size": None, "max_epochs": 1200}

# %% [markdown]
# First, why linear outputs? Sigmoid outputs cannot leave the range from 0 to 1, and half of our sine is negative.

# %%
for output in ("sigmoid", "linear"):
    model = MLPRegressor((3,), output_activation=output, **sine_settings, random_state=2)
    error = np.mean((model.fit(X_sine, y_sine).predict(unseen[0]) - unseen[1]) ** 2)
    print(f"{output} output: mean squared error on unseen points above 0.3: {bool(error > 0.3)}")

# %% [markdown]
# Now the width. Three networks, 1, 3 and 20 hidden units, all trained for 1,200 epochs on the same 15 points.
#
# **Before you run:** which one passes closest to the 15 points? Which one is closest to the sine?

# %%
grid = np.linspace(-1, 1, 400)[:, np.newaxis]
figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.4), sharey=True)
for ax, width, verdict in zip(axes, (1, 3, 20), ("underfits", "fits", "overfits"), strict=True):
    model = MLPRegressor((width,), **sine_settings, random_state=2).fit(X_sine, y_sine)
    ax.plot(grid, np.sin(np.pi * grid), color="grey", linestyle="--", label="true sine")
    ax.plot(grid, model.predict(grid), color=PALETTE[1], label="network")
    ax.plot(X_sine, y_sine, "o", color=PALETTE[0], label="15 training points")
    ax.set(xlabel="input $x$", ylim=(-2.2, 2.2), title=f"{width} hidden unit{'s' * (width > 1)}: {verdict}")
axes[0].set_ylabel("output $y$")
axes[2].legend(loc="upper left", fontsize=8)
show(
    figure,
    alt="One hidden unit gives a single step, three follow the sine, twenty swing wildly between the points.",
)

# %% [markdown]
# One unit is too stiff: **underfitting**. Twenty have enough freedom to follow the noise: **overfitting**. Now measure
# it, for more widths and three starts each, and look at the epochs too.

# %%
sine_widths = (1, 3, 10, 20)
runs = {
    width: [
        MLPRegressor((width,), **sine_settings, random_state=seed).fit(X_sine, y_sine, validation_data=unseen)
        for seed in range(3)
    ]
    for width in sine_widths
}
seen_errors = {width: np.median([run.loss_curve_[-1] for run in runs[width]]) for width in runs}
unseen_errors = {width: np.median([run.validation_loss_curve_[-1] for run in runs[width]]) for width in runs}

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True)
axes[0].loglog(sine_widths, list(seen_errors.values()), "o-", label="training points")
axes[0].loglog(sine_widths, list(unseen_errors.values()), "s--", label="unseen points")
axes[0].set_xticks(sine_widths, sine_widths)
axes[0].minorticks_off()
wide = runs[20][0]
epochs = range(1, len(wide.loss_curve_) + 1)
axes[1].loglog(epochs, wide.loss_curve_)
axes[1].loglog(epochs, wide.validation_loss_curve_, linestyle="--")
for ax in axes:
    ax.axhline(0.09, color="grey", linestyle=":", label="variance of the noise")
axes[0].set(xlabel="hidden units", ylabel="mean squared error", title="Too wide: worse on unseen points")
axes[1].set(xlabel="epoch (20 hidden units)", title="Too long: worse on unseen points")
axes[0].legend(loc="upper left")
show(
    figure, alt="Training error falls with width and epochs; error on unseen points falls first and then rises tenfold."
)

# %%
best = min(unseen_errors.values())
print("1 hidden unit is worse on unseen points than the best width:", bool(unseen_errors[1] > 1.2 * best))
print("20 hidden units are worse by more than a factor 3:", bool(unseen_errors[20] > 3 * best))
stopped_early = np.median([min(run.validation_loss_curve_) for run in runs[20]])
print("stopped at the right epoch, 20 units are as good as the best:", bool(stopped_early < 1.2 * best))

# %% [markdown]
# On average no model can do better on unseen points than the noise allows, 0.09. Both pictures tell one story: a
# training error far *below* that line is a sign that noise is being learned. And the last printed line is good news:
# the wide network is harmless if you stop it in time, which is easier than guessing the right width. (These 15 points
# were chosen to show it clearly: two of them nearly coincide and contradict each other. Change `seed=1` and see how
# the size of the effect varies.)

# %% [markdown]
# ## 9. Handwritten digits
#
# Now the classic. 1,797 digits, written by 13 people, each 8 x 8 pixels. A network sees 64 numbers between 0 and 1 and
# must give one of ten answers.

# %%
from dlcourse.datasets import load_digits
from dlcourse.plots import images

digits = load_digits()
figure = images(digits.images[:12], [f"a {label}" for label in digits.y[:12]])
show(figure, alt="Twelve handwritten digits of 8 by 8 pixels; a few of them are hard to read.")

# %% [markdown]
# The same recipe: three parts, one hidden layer of 256 ReLU units, early stopping. Pixels already share one scale, so
# we leave them between 0 and 1. New is `dropout=0.5`: during training a random half of the hidden units is silenced at
# every step, so that none can rely on a particular other one. When the network is used, all take part.
#
# (Width and dropout were chosen by their validation loss, among six candidates.)

# %%
digit_settings = {
    "hidden_layer_sizes": (256,),
    "dropout": 0.5,
    "learning_rate": 0.003,
    "max_epochs": 60,
    "early_stopping": True,
    "patience": 10,
    "random_state": 0,
}


def train_on_digits(seed):
    """A network trained on one random split of the digits, and the rows of its test part."""
    parts = split_and_standardize(digits.X, digits.y, test=0.2, validation=0.2, seed=seed)
    validation = digits.X[parts.validation_rows], parts.y_validation
    network = MLPClassifier(**digit_settings)
    return network.fit(digits.X[parts.train_rows], parts.y_train, validation_data=validation), parts.test_rows


runs = [train_on_digits(seed) for seed in range(5)]
digit_accuracies = [network.score(digits.X[rows], digits.y[rows]) for network, rows in runs]
print("mean test accuracy over five splits at least 0.97:", bool(np.mean(digit_accuracies) >= 0.97))

# %% [markdown]
# Five different splits, five tests: that gives an idea of how much a single number can be trusted.

# %% tags=["nbval-ignore-output"]
print("test accuracies:", ", ".join(f"{accuracy:.1%}" for accuracy in digit_accuracies))
figure, ax = plt.subplots()
for network, _ in runs:
    (line,) = ax.plot(network.loss_curve_, color=PALETTE[0], alpha=0.6)
    (dashed,) = ax.plot(network.validation_loss_curve_, color=PALETTE[1], linestyle="--", alpha=0.6)
ax.set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
ax.set(title="Both losses fall, then only the training loss does")
ax.legend([line, dashed], ["training part (with dropout)", "validation part"])
show(
    figure,
    alt="Training and validation loss of five runs fall steeply; later only the training loss falls.",
)

# %% [markdown]
# **A puzzle:** in the first ten epochs the validation curve lies *below* the training curve. How can a network do
# better on digits it has not seen? (Look at the legend: the training loss is measured with half of the units
# silenced.)
#
# ### Right and wrong
#
# An accuracy is one number. Look at the digits behind it, and above all at the mistakes.

# %% tags=["nbval-ignore-output", "readme-picture"]
from dlcourse.plots import answers

network, rows = runs[0]
probabilities, truths = network.predict_proba(digits.X[rows]), digits.y[rows]
sureness, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truths
by_doubt = np.argsort(sureness)
clear = [max(np.flatnonzero(right & (truths == digit)), key=lambda row: sureness[row]) for digit in range(6)]
doubtful = by_doubt[right[by_doubt]][:6]
missed = by_doubt[~right[by_doubt]][::-1][:6]
picked = np.concatenate([clear, doubtful, missed])
figure = answers(
    digits.images[rows][picked], probabilities[picked], truths[picked], ["sure", "right, in doubt", "wrong"]
)
figure.suptitle(f"{right.sum()} of {len(right)} unseen digits are read correctly, some of them in doubt", weight="bold")
show(figure, alt="Three rows of digits with ten probability bars each: sure and right, right but in doubt, and wrong.")

# %% [markdown]
# Above, digits that the network is sure of; in the middle, those where it was right but close to changing its mind;
# below, its most confident mistakes. The bars are its ten probabilities, the true digit's in green. Which of the
# mistakes would you have made yourself?

# %% [markdown]
# ### Does dropout help?
#
# Let us not believe it, let us measure it. 300 training digits, two hidden layers of 256 units, with and without
# dropout; once with clean labels, and once with one label in five replaced by a random digit, as a tired typist might
# do.
#
# **Before you run:** in which of the two cases will dropout matter more?


# %%
def accuracy_after_training(dropout, share_of_wrong_labels, seed):
    parts = split_and_standardize(digits.X, digits.y, test=0.2, validation=0.2, seed=0)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(parts.train_rows)[:300]
    labels = digits.y[rows].copy()
    replaced = rng.random(300) < share_of_wrong_labels
    labels[replaced] = rng.integers(0, 10, replaced.sum())
    network = MLPClassifier((256, 256), dropout=dropout, max_epochs=40, random_state=seed)
    return network.fit(digits.X[rows], labels).score(digits.X[parts.test_rows], parts.y_test)


conditions = [(wrong, dropout) for wrong in (0.0, 0.2) for dropout in (0.0, 0.5)]
scores = {
    condition: [accuracy_after_training(condition[1], condition[0], s) for s in range(3)] for condition in conditions
}
gains = {wrong: np.mean(scores[wrong, 0.5]) - np.mean(scores[wrong, 0.0]) for wrong in (0.0, 0.2)}
print("clean labels: dropout changes the accuracy by less than 2 points:", bool(abs(gains[0.0]) < 0.02))
print("one label in five wrong: dropout gains more than 3 points:", bool(gains[0.2] > 0.03))

# %% tags=["nbval-ignore-output"]
figure, ax = plt.subplots()
for place, condition in enumerate(conditions):
    look = dict(zip(("color", "marker"), (PALETTE[place % 2], "os"[place % 2]), strict=True))
    ax.plot([place] * 3, scores[condition], linestyle="none", alpha=0.5, **look)
    ax.hlines(np.mean(scores[condition]), place - 0.2, place + 0.2, color=look["color"])
    ax.annotate(f"{np.mean(scores[condition]):.1%}", (place + 0.23, np.mean(scores[condition])), va="center")
names = [
    "clean labels\nno dropout",
    "clean labels\ndropout 0.5",
    "20 % wrong\nno dropout",
    "20 % wrong\ndropout 0.5",
]
ax.set_xticks(range(4), names)
ax.set(ylabel="test accuracy", xlim=(-0.4, 3.7), title="Dropout does little for clean labels, much for wrong ones")
show(
    figure,
    alt="With clean labels dropout changes nothing; with 20 percent wrong labels it raises accuracy by several points.",
)

# %% [markdown]
# On clean digits there is hardly any overfitting to cure, and dropout changes little. With wrong labels the plain
# network learns them by heart; the thinned-out one cannot as easily. A remedy helps where there is the disease: look
# at your curves before you reach for it.

# %% [markdown]
# ### MNIST, where it is present
#
# The slides' data set has digits of 28 x 28 pixels. If the folder named by `DLCOURSE_DATA_DIR` holds the test pair of
# MNIST (10,000 digits), the next cell trains on 8,000 of them and tests on 2,000. If not, it says so, and nothing is
# missing: you have just done the same on the small digits. The lab never downloads anything.

# %% tags=["nbval-ignore-output"]
from dlcourse.datasets import DataNotFoundError, load_mnist

MNIST_SETTINGS = {
    "hidden_layer_sizes": (128, 64),
    "dropout": 0.2,
    "learning_rate": 0.002,
    "batch_size": 64,
    "max_epochs": 15,
    "random_state": 0,
}
try:
    mnist = load_mnist("data_dir")
except DataNotFoundError:
    mnist = None
    print("MNIST is not on this machine; the 8 x 8 digits above stand for it.")
else:
    reader = MLPClassifier(**MNIST_SETTINGS).fit(mnist.X_train, mnist.y_train)
    mnist_accuracy = reader.score(mnist.X_test, mnist.y_test)
    print(
        f"MNIST: {len(mnist.y_train):,} training and {len(mnist.y_test):,} test digits, accuracy {mnist_accuracy:.1%}"
    )

# %% tags=["nbval-ignore-output"]
if mnist is not None:
    probabilities = reader.predict_proba(mnist.X_test)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != mnist.y_test)
    surest = wrong[np.argsort(probabilities[wrong].max(axis=1))[::-1][:12]]
    figure = answers(mnist.images_test[surest], probabilities[surest], mnist.y_test[surest])
    show(figure, alt="Twelve MNIST digits that the network gets wrong although it is sure; several are badly written.")

# %% [markdown]
# ## Where you stand

# %% tags=["headline", "nbval-ignore-output"]
print(f"gradient check: backpropagation and finite differences agree to {difference:.0e}")
print(
    f"XOR: {solved[4]} of 20 networks with 4 hidden units solve it; no single line ever gets more than 3 of 4 corners"
)
print(f"Iris: {iris_accuracy:.1%} of {len(split.y_test)} test flowers")
print(f"digits 8 x 8: {np.mean(digit_accuracies):.1%} test accuracy (mean of five splits)")
if mnist is not None:
    print(f"MNIST: {mnist_accuracy:.1%} of {len(mnist.y_test):,} test digits after {len(mnist.y_train):,} for training")

# %%
progress()

# %% [markdown]
# ## Summary
#
# - A neuron is a weighted sum, a bias and an activation. Alone, it separates with a straight line.
# - The perceptron rule finds such a line if there is one. For XOR there is none: four inequalities contradict each
#   other.
# - A hidden layer moves the points until a line suffices. Backpropagation tells hidden units their share of the error:
#   $\delta_o$ at the output, sent back through the weights, times the slope.
# - A gradient written by hand is checked with central differences.
# - Real data: split in three, standardise with the training part, choose by validation, stop early, test once, look at
#   the mistakes.
# - Too small or too short underfits, too large and too long overfits; early stopping cures most of it, dropout some of
#   it.

# %% [markdown]
# ## Go further
#
# - **Depth.** Solve XOR's big sister, the two spirals, with `MLPClassifier((32, 32), activation="tanh")`. How many
#   layers do you need?
# - **The whole MNIST.** `dlcourse data fetch mnist` downloads 60,000 + 10,000 digits (12 MB); `load_mnist()` then uses
#   them. How much do seven times as many examples gain?
# - **Search.** `MLPClassifier` is a scikit-learn estimator: put it in a `Pipeline` after `StandardScaler` and let
#   `GridSearchCV` choose width, dropout and learning rate.
# - **Several classes with a perceptron.** `PerceptronClassifier` from `dlcourse.foundations` has one unit a class. How
#   far does it get on the digits?
# - **The next step.** Lab 10 computes gradients of any formula automatically, so that nobody needs to derive
#   $\delta_h$ again.

# %% [markdown]
# ## References
#
# - F. Rosenblatt, *The perceptron: a probabilistic model for information storage and organization in the brain*,
#   Psychological Review 65, 1958.
# - M. Minsky, S. Papert, *Perceptrons*, MIT Press, 1969.
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning representations by back-propagating errors*, Nature 323,
#   1986.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, *Dropout: a simple way to prevent neural
#   networks from overfitting*, JMLR 15, 2014.
# - L. Prechelt, *Early stopping - but when?*, in Neural Networks: Tricks of the Trade, Springer, 1998.
# - S. Marsland, *Machine Learning: An Algorithmic Perspective*, 2nd edition, CRC Press, 2014, chapters 3 and 4.
# - Lectures: "Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger)", slides of Wednesday from "Perceptron - an
#   example" to "Test - MNIST"; "Deep Learning, University of Bologna 2023-24", ch. 2; "Deep Learning, ENS", ch. 2 and
#   3.
# - Data: R. A. Fisher, *The use of multiple measurements in taxonomic problems*, 1936 (Iris); E. Alpaydin, C. Kaynak,
#   *Optical recognition of handwritten digits*, UCI, 1998; Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based
#   learning applied to document recognition*, 1998 (MNIST).
