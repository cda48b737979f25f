# ---
# jupyter:
#   dlcourse:
#     title: Recurrent networks
#     minutes: 75
#     needs: a laptop CPU
#     requires: [tensorflow, keras]
# ---

# %% [markdown]
# # Lab 05: Recurrent networks
#
# A sentence, a melody, a week of weather: what they mean lies in the order. This lab builds the network that reads step
# by step and remembers, finds out how long its memory is, and repairs it.

# %% [markdown]
# **After this lab you can**
#
# - write a recurrent cell and its back-propagation through time, and unroll both on paper;
# - measure how a gradient vanishes or explodes on its way back through time, and say which number decides it;
# - open the gates of an LSTM and watch it remember what a simple network forgets;
# - train a network that predicts the next character, judge it by its perplexity, and let it write;
# - use Keras's recurrent layers with sequences of different lengths, with a state that outlives a batch, in both
#   directions, and with a GRU.
#
# **You need** gradients and layers as in [Lab 02](02_multilayer_perceptron.ipynb) and Keras as in
# [Lab 03](03_gentle_dnn.ipynb). The eight exercises work as always: fill in the function, run the check below it.

# %% [markdown]
# ## 1. Why order matters
#
# *Dog bites man* is no news, *man bites dog* is. Both consist of the same words. Here is the smallest task of that
# kind: a sequence is silent but for one pulse up (+1) and one pulse down (-1). Which of the two came first?

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers

from dlcourse import plots
from dlcourse.checks import check, progress
from dlcourse.plots import PALETTE, show

plots.use_style()

# %%
rng = np.random.default_rng(0)
pulses = np.zeros((1000, 30))
up_first = np.arange(1000) % 2 == 0
for sequence, up in zip(pulses, up_first, strict=True):
    first, second = np.sort(rng.choice(30, size=2, replace=False))
    sequence[first], sequence[second] = (1.0, -1.0) if up else (-1.0, 1.0)
print("places and heights of the first one:", [(int(t), float(pulses[0, t])) for t in np.flatnonzero(pulses[0])])

# %% [markdown]
# Two networks without memory, of the kind of Lab 02, try it. One gets the *mean* of the sequence, which is a network's
# way of saying "I know the words". The other gets a window: the last five values. (The lecture calls it the memoryless
# approach.)
#
# *Before you run it:* what will each of them score? A coin would get 0.50.

# %%
from dlcourse.foundations import MLPClassifier

views = {"the mean": pulses.mean(axis=1, keepdims=True), "the last 5 values": pulses[:, -5:]}
for name, X in views.items():
    network = MLPClassifier((16,), learning_rate=0.01, max_epochs=50, random_state=0)
    accuracy = network.fit(X[:500], up_first[:500]).score(X[500:], up_first[500:])
    print(f"{name}: right in more than 70 % of the cases: {accuracy > 0.7}")

# %% [markdown]
# The mean is always zero: everything that matters is gone. The window helps when a pulse happens to fall into it, which
# makes two right answers in three. A window as long as the sequence would do, for sequences of exactly that length:
# thirty inputs, thirty sets of weights, and what it learns about place 3 tells it nothing about place 4. We want a
# network that takes any length, uses the same weights at every step, and *carries something along*.

# %% [markdown]
# ## 2. The recurrent cell
#
# A **recurrent cell** has a *state* $\mathbf{h}$. At each step it makes the new state from the old one and the input,
#
# $$\mathbf{h}_t = \tanh(W_{hh}\,\mathbf{h}_{t-1} + W_{xh}\,\mathbf{x}_t + \mathbf{b}_h),$$
#
# with the same $W_{hh}$, $W_{xh}$ and $\mathbf{b}_h$ at every step. Drawn with its loop it is one box. Drawn
# *unrolled*, a copy of the box for each step, it is a deep network like any other: as many layers as steps.

# %%
from dlcourse.sequences.plots_recurrent import draw_unrolled

show(
    draw_unrolled(steps=4),
    alt="A recurrent cell with input x, output z and a loop that hands on h; unrolled it is four copies in a row, each "
    "handing its state h on to the next.",
)

# %% [markdown]
# In code we keep states and inputs as rows, as Keras does, so the matrices stand on the right, transposed:
# `x @ W_xh + h @ W_hh + b`.
#
# **Exercise 5.1.** Write one step.


# %%
def rnn_step(x, h, W_xh, W_hh, b):
    """The new state, shape (units,); x is (inputs,), h (units,), W_xh (inputs, units), W_hh (units, units)."""
    # BEGIN SOLUTION
    return np.tanh(x @ W_xh + h @ W_hh + b)
    # END SOLUTION


# %%
rnn_step = check("5.1", rnn_step)

# %% [markdown]
# By hand, with one unit, $w_{xh} = 0.5$, $w_{hh} = 2$ and no bias: the first pulse up gives $\tanh(0.5) = 0.46$. Then
# silence: $\tanh(2 \cdot 0.46) = 0.73$. Then $\tanh(2 \cdot 0.73) = 0.90$. It grows although nothing comes in.
#
# **Exercise 5.2.** Unroll it: all the states of a sequence, one row each.


# %%
def unroll(X, h_0, W_xh, W_hh, b):
    """The states h_1 ... h_T, shape (T, units), of the inputs X, shape (T, inputs), from the state h_0 on."""
    # BEGIN SOLUTION
    h, states = h_0, []
    for x in X:
        h = np.tanh(x @ W_xh + h @ W_hh + b)
        states.append(h)
    return np.array(states)
    # END SOLUTION


# %%
unroll = check("5.2", unroll)

# %% [markdown]
# Three cells of one unit read the same sequence: up at step 3, down at step 15. They differ in $w_{hh}$ alone.
#
# *Predict:* which of them still knows at step 30 which pulse came first?

# %%
pulse = np.zeros((30, 1))
pulse[3], pulse[15] = 1.0, -1.0
figure, ax = plt.subplots()
for w_hh, look in zip((0.5, 1.0, 2.0), plots.styles(), strict=False):
    states = unroll(pulse, np.zeros(1), np.array([[0.5]]), np.array([[w_hh]]), np.zeros(1))
    ax.plot(states[:, 0], **look, markersize=4, label=f"$w_{{hh}}$ = {w_hh}")
ax.axhline(0, color="black", linewidth=0.8)
ax.set(xlabel="step", ylabel="state h", ylim=(-0.75, 1.15), title="Above 1 the state keeps itself alive")
ax.legend(loc="lower right")
show(
    figure,
    alt="State of three one-unit cells over 30 steps: with recurrent weight 0.5 and 1 it is near or below zero at the "
    "end, with 2 it stays near 0.95 after the first pulse up although a pulse down follows.",
)

# %% [markdown]
# With $w_{hh} = 0.5$ the state fades within a few steps; with 1 it fades slowly, and the second pulse has the last
# word. With 2 it has two resting places, near $+0.96$ and $-0.96$: the first pulse tips it into one of them, and the
# second is too weak to tip it back. One unit with two weights does what the network with a window could not, for any
# length:

# %%
cell = np.array([[0.5]]), np.array([[2.0]]), np.zeros(1)
guesses = [unroll(sequence[:, None], np.zeros(1), *cell)[-1, 0] > 0 for sequence in pulses]
print("accuracy of one recurrent unit:", float(np.mean(guesses == up_first)))

longer = np.concatenate([np.zeros(500), pulses[0], np.zeros(500)])[:, None]
print("with 500 silent steps before and after, still right:", bool(unroll(longer, np.zeros(1), *cell)[-1, 0] > 0))

# %% [markdown]
# Keras's `SimpleRNN` is this cell. Its weights are `[W_xh, W_hh, b]`; `return_sequences=True` asks for all states
# instead of the last one. It starts from $\mathbf{h}_0 = 0$ unless you hand it something else.

# %%
W_xh, W_hh, b = (rng.normal(size=shape) / 2 for shape in ((2, 3), (3, 3), (3,)))
X = rng.normal(size=(20, 2))
rnn = layers.SimpleRNN(3, return_sequences=True)
rnn.build((None, 20, 2))
rnn.set_weights([W_xh, W_hh, b])
for name, h_0 in {"zero": np.zeros(3), "something else": rng.uniform(-1, 1, size=3)}.items():
    keras_states = rnn(X[None], initial_state=keras.ops.cast(h_0[None], "float32"))[0]
    agree = np.abs(unroll(X, h_0, W_xh, W_hh, b) - keras_states).max() < 1e-5
    print(f"first state {name}: yours and Keras's states agree: {bool(agree)}")

# %% [markdown]
# The lecture names three ways to choose $\mathbf{h}_0$: zero, sampled from a known distribution, or learned with the
# weights. How much does it matter?

# %%
starts = rng.uniform(-1, 1, size=(20, 3))
for factor in (0.5, 2.0):
    ends = np.array([unroll(0.1 * X, h_0, W_xh, factor * np.eye(3), np.zeros(3))[-1] for h_0 in starts])
    spread = np.ptp(ends, axis=0).max()
    print(f"W_hh = {factor} times the identity: 20 starts end within 0.01 of each other: {spread < 0.01}")

# %% [markdown]
# A cell that forgets its inputs forgets its start as well: zero is fine. Where the memory is long the start counts,
# and learning it costs one vector (`InitialState` in `dlcourse.sequences` offers all three).

# %% [markdown]
# ## 3. Back-propagation through time
#
# The unrolled network is a deep network, so you know how to train it: forward through all steps, then backward through
# all steps. Two things are new.
#
# - A state meets the loss **twice**: directly, through the output of its step, and through the next state. Going back,
#   the two gradients add up.
# - All layers share one $W_{hh}$. Its gradient is the **sum** of what each step contributes. (One of the lectures says
#   *averaged*; the chain rule says sum, and so will the tape below.)
#
# With $\mathbf{g}_t$ for what the loss says directly to $\mathbf{h}_t$, for $t = T, \dots, 1$:
#
# $$\boldsymbol\delta_t
# = \left(\mathbf{g}_t + \boldsymbol\delta_{t+1} W_{hh}^\top\right) \odot (1 - \mathbf{h}_t^2), \qquad
# \frac{\partial \mathcal{L}}{\partial W_{hh}} = \sum_{t} \mathbf{h}_{t-1}^\top \boldsymbol\delta_t,$$
#
# with row vectors and $W_{hh}$ as in the code (`h @ W_hh`), and $\boldsymbol\delta_{T+1} = 0$.
#
# **Exercise 5.3.** Write it. `states` holds $\mathbf{h}_0$ to $\mathbf{h}_T$, so it has one row more than `direct`.


# %%
def recurrent_gradient(states, direct, W_hh):
    """dL/dW_hh, (units, units); states is (T + 1, units), row t - 1 of direct, (T, units), belongs to states[t]."""
    # BEGIN SOLUTION
    total, delta = np.zeros_like(W_hh), np.zeros(len(W_hh))
    for before, after, g in zip(states[-2::-1], states[:0:-1], direct[::-1], strict=True):
        delta = (g + delta @ W_hh.T) * (1 - after**2)
        total += before[:, None] * delta
    return total
    # END SOLUTION


# %%
recurrent_gradient = check("5.3", recurrent_gradient)

# %% [markdown]
# The tape of Lab 04 plays the same loop backwards. The loss is half the sum of all squared states, so that
# $\mathbf{g}_t = \mathbf{h}_t$.

# %%
states = np.vstack([np.zeros(3), unroll(X, np.zeros(3), W_xh, W_hh, b)])
by_hand = recurrent_gradient(states, states[1:], W_hh)
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(rnn(X[None]) ** 2) / 2
by_tape = tape.gradient(loss, rnn.trainable_variables[1])
print("the tape agrees with the sum over steps:", bool(np.abs(by_hand - by_tape).max() < 1e-4))
print("the tape agrees with the mean over steps:", bool(np.abs(by_hand / 20 - by_tape).max() < 1e-4))

# %% [markdown]
# ### The gradient fades, or bursts
#
# Each step back multiplies $\boldsymbol\delta$ by $W_{hh}^\top$ and by the slopes $1 - \mathbf{h}_t^2 \le 1$. Fifty
# steps back are fifty such products. If one of them shrinks the vector by a tenth, fifty leave $0.9^{50} = 0.005$ of
# it; if it grows by a tenth, $1.1^{50} = 117$.
#
# So measure it: how strongly does the last state still depend on the state `lag` steps earlier? We draw a $W_{hh}$ of
# 32 units that turns vectors without changing their length (an *orthogonal* matrix, which is Keras's default) and
# stretch it by a factor. The inputs are small, so that the slopes are close to 1. (`gradient_through_time` asks the
# tape for the derivative of the last state with respect to each input.)
#
# *Predict* the shape of the curves on a logarithmic axis.

# %%
from dlcourse.sequences.gradient_through_time import gradient_through_time
from dlcourse.sequences.plots_recurrent import gradient_against_lag

faint = 0.001 * rng.normal(size=(61, 1))
fading = {}
for factor in (0.8, 0.95, 1.0, 1.1):
    stretched = layers.SimpleRNN(32, recurrent_initializer=keras.initializers.Orthogonal(gain=factor, seed=0))
    fading[f"stretched by {factor}"] = gradient_through_time(stretched, faint)
show(
    gradient_against_lag(fading, "The gradient fades or bursts exponentially"),
    alt="Norm of the gradient against the lag on a logarithmic axis: straight lines, falling for factors 0.8 and 0.95, "
    "level for 1, rising for 1.1 to several hundred times after 60 steps.",
)

# %%
for name, norm in fading.items():
    print(f"{name}: measured factor a step {(norm[40] / norm[0]) ** (1 / 40):.2f}")

# %% [markdown]
# Straight lines: the gradient changes by the same factor at every step, and the factor is the *spectral radius* of
# $W_{hh}$, its largest absolute eigenvalue. Below 1 the network cannot feel what happened long ago, so it never
# learns to use it: a **vanishing** gradient. Above 1 the tanh saturates sooner or later and holds the state, but the
# gradient can **explode** before it does.
#
# Exploding gradients are loud, and there is a cheap cure: if the gradient is too long, shorten it, and keep its
# direction. All weights together form one long vector, so there is one norm, and one factor for all.
#
# **Exercise 5.4.** Write this clipping for a list of arrays.


# %%
def clip_by_norm(gradients, limit):
    """A list of arrays like gradients, scaled by one factor so that their joint norm is at most limit."""
    # BEGIN SOLUTION
    squares = [np.sum(g * g) for g in gradients]
    factor = limit / max(limit, np.sqrt(sum(squares)))
    return [factor * g for g in gradients]
    # END SOLUTION


# %%
clip_by_norm = check("5.4", clip_by_norm)

# %%
long_gradients = [rng.normal(size=(32, 32)), rng.normal(size=32)]
clipped = clip_by_norm(long_gradients, limit=1.0)
length = np.sqrt(sum(np.sum(g**2) for g in clipped))
same_factor = clipped[0][0, 0] / long_gradients[0][0, 0], clipped[1][0] / long_gradients[1][0]
print(f"length after clipping {length:.3f}, one factor for all arrays: {bool(np.isclose(*same_factor))}")

# %% [markdown]
# In Keras it is an argument of any optimizer: `keras.optimizers.Adam(global_clipnorm=1.0)`. (Its near namesake
# `clipnorm` clips each array on its own.) A vanishing gradient is silent, and clipping cannot bring back what is gone.
# That needs another cell.

# %% [markdown]
# ## 4. The LSTM
#
# **Long short-term memory** keeps two things: the output $\mathbf{h}$ and a memory $\mathbf{C}$, the *C-line*. Four
# small layers look at $[\mathbf{h}_{t-1}, \mathbf{x}_t]$, the old output and the input joined into one vector:
#
# $$\begin{aligned}
# \mathbf{f}_t &= \sigma(W_f [\mathbf{h}_{t-1}, \mathbf{x}_t] + \mathbf{b}_f)
# && \text{forget: how much of the memory stays?} \\
# \mathbf{i}_t &= \sigma(W_i [\mathbf{h}_{t-1}, \mathbf{x}_t] + \mathbf{b}_i)
# && \text{input: how much of the new comes in?} \\
# \tilde{\mathbf{C}}_t &= \tanh(W_C [\mathbf{h}_{t-1}, \mathbf{x}_t] + \mathbf{b}_C)
# && \text{candidate: what is the new?} \\
# \mathbf{o}_t &= \sigma(W_o [\mathbf{h}_{t-1}, \mathbf{x}_t] + \mathbf{b}_o)
# && \text{output: how much of it is shown?}
# \end{aligned}$$
#
# The three $\sigma$ are **gates**: numbers between 0, closed, and 1, open, one for each unit. Then
#
# $$\mathbf{C}_t = \mathbf{f}_t \odot \mathbf{C}_{t-1} + \mathbf{i}_t \odot \tilde{\mathbf{C}}_t, \qquad
# \mathbf{h}_t = \mathbf{o}_t \odot \tanh(\mathbf{C}_t).$$
#
# Look at the C-line. From $\mathbf{C}_{t-1}$ to $\mathbf{C}_t$ there is no matrix and no tanh, only a factor
# $\mathbf{f}_t$. Where the forget gate is open the gradient comes back as it went.
#
# (The slides call the candidate $C_t$ as well; the tilde keeps the two apart. And both $\mathbf{h}_t$ and
# $\mathbf{C}_t$ go on to the next step, but only $\mathbf{h}_t$ is shown to other layers.)
#
# **Exercise 5.5.** Write one step. `W` and `b` are dicts with the keys `"f"`, `"i"`, `"C"` and `"o"`.


# %%
def lstm_step(x, h, C, W, b):
    """The new h and C, each (units,); every W[gate] is (units + inputs, units) and stands right of [h, x]."""
    # BEGIN SOLUTION
    joined = np.append(h, x)
    z = {gate: joined @ W[gate] + b[gate] for gate in W}
    f, i, o = (1 / (1 + np.exp(-z[gate])) for gate in ("f", "i", "o"))
    C = f * C + i * np.tanh(z["C"])
    return o * np.tanh(C), C
    # END SOLUTION


# %%
lstm_step = check("5.5", lstm_step)

# %% [markdown]
# Keras keeps the four side by side in one matrix, in the order i, f, C, o, and the part for $\mathbf{x}$ apart from the
# part for $\mathbf{h}$. Sorted into our four, its weights give the same numbers:

# %%
lstm = layers.LSTM(3)
keras_h = lstm(X[None])[0]
kernel, recurrent_kernel, bias = lstm.get_weights()
W = dict(zip("ifCo", np.split(np.vstack([recurrent_kernel, kernel]), 4, axis=1), strict=True))
b_gates = dict(zip("ifCo", np.split(bias, 4), strict=True))
h, C = np.zeros(3), np.zeros(3)
for x in X:
    h, C = lstm_step(x, h, C, W, b_gates)
print("yours and Keras's output agree:", bool(np.abs(h - keras_h).max() < 1e-5))
print("what the four biases start from:", {gate: float(b_gates[gate][0]) for gate in "fiCo"})

# %% [markdown]
# The forget gate's bias starts from 1, not from 0. *Predict:* what would 0 mean for the memory of an untrained LSTM
# after 50 steps, given that $\sigma(0) = 0.5$, $\sigma(1) = 0.73$ and $\sigma(4) = 0.98$?

# %%
from dlcourse.sequences.recurrent import LSTMCell

norms = {}
for bias in (0.0, 1.0, 4.0):
    # Without the matrix for h, only the C-line leads from one step to the next.
    line = layers.RNN(LSTMCell(32, forget_bias=bias, recurrent_initializer="zeros"))
    norms[f"forget bias {bias:g}"] = gradient_through_time(line, faint)
show(
    gradient_against_lag(norms, "The forget gate decides how far the C-line reaches"),
    alt="Norm of the gradient along the C-line against the lag: with forget bias 0 it falls by 18 powers of ten in 60 "
    "steps, with 1 by 8, with 4 it loses only about two thirds.",
)

# %%
for bias, norm in zip((0, 1, 4), norms.values(), strict=True):
    measured = (norm[40] / norm[10]) ** (1 / 30)
    print(f"forget bias {bias}: factor a step {measured:.2f}, sigma of the bias {1 / (1 + np.exp(-bias)):.2f}")

# %% [markdown]
# The forget gate sets the time scale: along the C-line, $\sigma(b_f)$ a step. So an untrained LSTM with Keras's bias of
# 1 does not remember long either. What counts is that the gate is *learned*: a bias decides how long, and the input and
# the state may decide when. Let us see whether training finds it.

# %% [markdown]
# ## 5. A memory task
#
# The **adding problem** tests memory and nothing else. At each step the network reads a random number between 0 and 1
# and a mark. Two numbers are marked: one in the first tenth of the sequence, one in its second half. At the end it must
# say their sum. The other numbers are there to distract.

# %%
from dlcourse.sequences.memory_tasks import ADDING_BASELINE, adding_problem

task = adding_problem(count=5000, length=50, seed=3)
numbers, marks = task.inputs[0].T
print("marked at steps", (np.flatnonzero(marks) + 1).tolist(), "- to be answered:", round(float(task.targets[0, 0]), 2))

# %% [markdown]
# *Before you run it:* a network that remembers nothing can only answer the mean, 1. How large is its mean squared
# error? (The variance of a number drawn evenly between 0 and 1 is $1/12$.)

# %%
error = float(np.mean((task.targets - 1.0) ** 2))
print(f"always answering 1: {error:.2f}, in theory 1/12 + 1/12 = {ADDING_BASELINE:.2f}")

# %% [markdown]
# Now a fair race: 16 units each, 1,000 steps of Adam with clipping, fresh sequences in every step, and for each cell
# the learning rate that suits it best. The tasks are 10, 25, 50 and 100 steps long. (One run each, to save your time;
# with other seeds the picture is the same. Try `seeds=(1, 2)`.)
#
# *Predict:* where does the simple network give up, and where the LSTM? What will giving up look like?

# %%
from dlcourse.sequences.memory_training import MemorySettings, memory_curve

curve = memory_curve(("simple_rnn", "lstm"), (10, 25, 50, 100), MemorySettings(steps=1000))

# %%
from dlcourse.sequences.plots_recurrent import error_over_lags

title = "From 50 steps on the simple network does not remember"
show(
    error_over_lags(curve, title),
    alt="Error over the length of the sequence, in units of the error of always answering 1. The simple network rises "
    "to 1 at 50 and 100 steps; the LSTM stays below 0.1 throughout.",
)

# %%
for cell, runs in curve.items():
    for run in runs[-2:]:
        print(f"{cell}, {run.lag} steps: error below a tenth of 1/6: {run.relative_error < 0.1}")

# %% [markdown]
# The simple network has not found a bad answer to the long tasks. It has found *no* answer: it says 1, and its loss
# stays where it was. The picture of learning shows it best.

# %%
figure, ax = plt.subplots()
for (cell, runs), look in zip(curve.items(), plots.styles(), strict=False):
    smooth = runs[2].losses.reshape(-1, 20).mean(axis=1)
    ax.semilogy(20 * np.arange(1, len(smooth) + 1), smooth, **look, markevery=5, label=cell)
ax.axhline(ADDING_BASELINE, color="black", linestyle="--", linewidth=1, label="always answering 1")
ax.set(xlabel="step of training", ylabel="mean squared error", title="50 steps: a plateau, then the LSTM gets it")
ax.legend()
show(
    figure,
    alt="Learning curves at length 50: both stay at one sixth at first; the LSTM falls steeply after a few hundred "
    "steps, the simple network stays on the plateau.",
)

# %% [markdown]
# There is a plateau for the LSTM, too: it needs a while until a gate happens to stay open long enough for the first
# trace of a gradient. Then it goes fast.
#
# ### The gates, opened and watched
#
# What has it learned? Take the network for 50 steps, let it read 200 sequences, and pick the unit whose forget gate is
# open the widest.
#
# *Predict:* a unit that carries the sum to the end: what do its input gate and its forget gate do at a mark, and what
# at all other steps?

# %%
from dlcourse.sequences.plots_recurrent import gates_figure
from dlcourse.sequences.recurrent import gates_over_time

network = curve["lstm"][2].model
watched = [gates_over_time(network.layers[0], sequence) for sequence in task.inputs[:200]]
unit = int(np.mean([step.forget.mean(axis=0) for step in watched], axis=0).argmax())

# %% tags=["nbval-ignore-output"]
show(
    gates_figure(watched[0], task.inputs[0], unit, "The memory jumps at the marks and hardly moves in between"),
    alt="Inputs, gates and memory of one LSTM unit over 50 steps: the input gate opens at the two marks only, the "
    "memory jumps there and drifts slowly otherwise, because the forget gate stays open.",
)

# %%
marked = task.inputs[:200, :, 1] > 0
forget = np.array([step.forget[:, unit] for step in watched])
stored = np.array([(step.input * step.candidate)[:, unit] for step in watched])
at_end = [step.memory[-1, unit] for step in watched]
correlation = abs(np.corrcoef(at_end, task.targets[:200, 0])[0, 1])
print("forget gate more than 0.95 open on average:", bool(forget[~marked].mean() > 0.95))
times_more = np.abs(stored[marked]).mean() / np.abs(stored[~marked]).mean()
print("stores at least 10 times as much at a mark as elsewhere:", bool(times_more > 10))
print("correlation of its memory at the end with the sum above 0.95:", bool(correlation > 0.95))

# %% [markdown]
# Nobody told it so. Of 16 units this one has become the ledger: what it stores, $\mathbf{i}_t \odot
# \tilde{\mathbf{C}}_t$, is next to nothing except at the two marks, its forget gate stays open, and its C-line carries
# the sum to the end. (The memory may hold the *negative* of the sum; the output layer turns it round.)

# %% [markdown]
# ## 6. The next character
#
# The slides' example: *Today, we are having a class on deep ...* What comes next? We do it with characters, since a
# small text has enough of them. This one was written for the course.

# %%
from dlcourse.sequences.text import NGramModel, Vocabulary, load_text, split_text

text = load_text()
training_text, test_text = split_text(text)
vocabulary = Vocabulary.of(text)
print(text[:150], "...")
print(f"{len(training_text)} characters to learn from, {len(test_text)} to test on, {len(vocabulary)} different ones")

# %% [markdown]
# A network that predicts the next character ends in a softmax: a probability for each character. Its loss is the
# slides' $\mathcal{L} = -\sum_t y_t \log z_t$: minus the logarithm of the probability it gave to the character that
# came, its *surprise*. People like to read the mean surprise as a number of choices. The **perplexity** is $e$ to the
# power of the mean surprise: with perplexity 8 the model is as unsure as between 8 equally likely characters.
#
# **Exercise 5.6.** Write it.


# %%
def perplexity(probabilities, targets):
    """The perplexity of predictions (T, characters); targets (T,) are the numbers of the characters that came."""
    # BEGIN SOLUTION
    surprise = [-np.log(p[target]) for p, target in zip(probabilities, targets, strict=True)]
    return np.exp(np.mean(surprise))
    # END SOLUTION


# %%
perplexity = check("5.6", perplexity)

# %% [markdown]
# Before any network, a model that only counts: how often did each character follow the few before it? With no character
# before it, it knows frequencies; with one it is a *bigram* model, with two a *trigram* model.
#
# *Before you run it:* without any knowledge the perplexity is 29. How low will counting get?

# %%
targets = vocabulary.encode(test_text)[1:]
results = {}
for order, name in enumerate(("frequencies", "bigrams", "trigrams", "four at a time"), start=1):
    counts = NGramModel(order).fit(training_text, vocabulary)
    predicted = [counts.probabilities(test_text[:t]) for t in range(1, len(test_text))]
    results[name] = float(perplexity(np.array(predicted), targets))
    print(f"{name:15s} perplexity {results[name]:5.2f}")

# %% [markdown]
# The network is an LSTM of 48 units and a softmax. It reads pieces of 32 characters and predicts each next one.

# %%
from dlcourse.sequences.text_training import train_character_network

writer = train_character_network(training_text, vocabulary=vocabulary)
one_hot = np.eye(len(vocabulary), dtype="float32")[vocabulary.encode(test_text)]
logits = np.array(writer.model(one_hot[None, :-1]))[0]
results["LSTM"] = float(perplexity(np.array(tf.nn.softmax(logits)), targets))
print(f"the LSTM beats the bigrams: {results['LSTM'] < results['bigrams']}")

# %% tags=["nbval-ignore-output"]
figure, ax = plt.subplots()
bars = ax.barh(list(results), list(results.values()), color=[PALETTE[0]] * 4 + [PALETTE[1]])
ax.bar_label(bars, fmt="%.1f", padding=3)
bars[-1].set_hatch("//")
ax.invert_yaxis()
ax.grid(False)
ax.set(xlabel="perplexity on the end of the story (choices)", title="The network beats pairs, but not long counts")
show(
    figure,
    alt="Perplexity on unseen text: frequencies about 16, bigrams about 8, trigrams and the LSTM about 5, counting "
    "four at a time about 4.5.",
)

# %% [markdown]
# Be fair to counting. On 3,500 characters, with a story that repeats itself, remembering what followed three characters
# is a very good model, and the network, which has to learn spelling from scratch, does not beat it. It wins where texts
# are long: the table of a count grows with every further character, the network's weights do not.
#
# ### Letting it write
#
# To write, draw a character from the softmax, hand it back as the next input, and so on. A **temperature** $\tau$ makes
# the draw bolder or more timid: $p_k \propto e^{z_k / \tau}$, with $z$ the *logits*, the numbers before the softmax.
#
# **Exercise 5.7.** Write these probabilities. Logits may be large; $e^{900}$ is infinite for a computer.


# %%
def with_temperature(logits, temperature):
    """The probabilities (characters,) from which to draw; logits is (characters,), temperature is above 0."""
    # BEGIN SOLUTION
    scaled = (logits - np.max(logits)) / temperature
    return np.exp(scaled) / np.exp(scaled).sum()
    # END SOLUTION


# %%
with_temperature = check("5.7", with_temperature)

# %% [markdown]
# Suppose after a *t* the logits are 3 for *h*, 2 for a space and 0 for *o*. *Predict:* at which of these temperatures
# is the *h* nearly certain?

# %%
for temperature in (0.2, 1.0, 5.0):
    chances = with_temperature(np.array([3.0, 2.0, 0.0]), temperature)
    print(f"temperature {temperature}:", dict(zip(("h", "space", "o"), chances.round(2).tolist(), strict=True)))

# %% [markdown]
# *Predict* what the story looks like when it is cold (0.2), and when it is hot (1.5).

# %% tags=["nbval-ignore-output"]
for temperature in (0.2, 0.7, 1.5):
    story = writer.generate("the cat ", length=100, temperature=temperature)
    print(f"{temperature}: {story!r}")

# %% [markdown]
# Cold, it repeats what is safest. Hot, it invents letters. In between it has words, and no idea of what it says: it has
# read one page in its life.

# %% [markdown]
# ## 7. Recurrent layers in daily use
#
# ### Sequences of different lengths
#
# A batch is an array, so its sequences must be equally long. Short ones are *padded* at the end, and a **mask** tells
# the layer which steps count. At the others the state stays as it is. Keras carries the mask from layer to layer;
# `Masking(mask_value=v)` makes one by leaving out steps that consist of `v` only, so choose a `v` that no real step
# consists of.
#
# *Before you run it:* sequences of 3, 5 and 8 steps, padded to 8. For which of them does the state at the end change if
# one forgets the mask?

# %%
sequences = [rng.normal(size=(length, 2)).astype("float32") for length in (3, 5, 8)]
padded = keras.utils.pad_sequences(sequences, padding="post", value=-9.0, dtype="float32")
one_by_one = np.vstack([lstm(sequence[None]) for sequence in sequences])
careless = np.array(lstm(padded))
masked = np.array(lstm(padded, mask=layers.Masking(-9.0).compute_mask(padded)))
for row, sequence in enumerate(sequences):
    wrong, right = (np.abs(result[row] - one_by_one[row]).max() < 1e-5 for result in (careless, masked))
    print(f"{len(sequence)} steps: same state as alone without a mask: {bool(wrong)}, with it: {bool(right)}")

# %% [markdown]
# Suppose you have all states of a padded batch, from a model that knows nothing of masks. Which one is the last that
# counts? Mind that padding may also stand in front, and that a sequence may be empty; its state is zero.
#
# **Exercise 5.8.** Pick the last state that counts.


# %%
def last_state(states, mask):
    """One state for each sequence, (N, units), from states (N, T, units) and mask (N, T), true where a step counts."""
    # BEGIN SOLUTION
    result = np.zeros_like(states[:, 0])
    for t in range(mask.shape[1]):
        result[mask[:, t]] = states[mask[:, t], t]
    return result
    # END SOLUTION


# %%
last_state = check("5.8", last_state)

# %%
all_states = layers.LSTM(3, return_sequences=True)
all_states.build((None, None, 2))
all_states.set_weights(lstm.get_weights())
picked = last_state(np.array(all_states(padded)), (padded != -9.0).any(axis=-1))
print("picked by hand, the same as with Keras's mask:", bool(np.abs(picked - masked).max() < 1e-5))

# %% [markdown]
# In Keras the loss of a masked step is left out as well. Whoever writes their own loop has to do it: averaging over
# padding makes a loss look better than it is.
#
# ### A state that outlives the batch
#
# A series of a year cannot be unrolled as a whole. Cut into pieces, each piece would start from zero again. With
# `stateful=True` a layer starts each batch from where the last one ended, until `reset_state()`. (The gradient still
# ends where the piece begins: *truncated* back-propagation through time.)

# %%
series = rng.normal(size=(1, 40, 2)).astype("float32")
stateful = layers.LSTM(3, stateful=True)
stateful.build((1, 10, 2))
stateful.set_weights(lstm.get_weights())
for start in range(0, 40, 10):
    kept = stateful(series[:, start : start + 10])
print("four pieces, state kept, as the whole series:", bool(np.abs(kept - lstm(series)).max() < 1e-5))
print("the last piece alone, as the whole series:", bool(np.abs(lstm(series[:, 30:]) - lstm(series)).max() < 1e-5))

# %% [markdown]
# ### Both directions
#
# To name the noun in *the bank of the river* it helps to have read on. `Bidirectional` runs one layer forward, one
# backward, and joins their outputs. So the output at the first step knows the last one. *Predict:* is this a good idea
# for a weather forecast?

# %%
changed = series.copy()
changed[0, -1] += 1.0
for name, layer in {
    "one direction": all_states,
    "both directions": layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
}.items():
    difference = np.abs(layer(changed) - layer(series))[0, 0].max()
    print(f"{name}: the first output depends on the last input: {bool(difference > 0)}")

# %% [markdown]
# It looks into the future. For a text that lies before you that is fine. For a forecast it is cheating.
#
# ### The GRU
#
# The **gated recurrent unit** gets by with one state and two gates: $\mathbf{z}$ mixes old state and candidate, so that
# forgetting and storing are one decision, and $\mathbf{r}$ says how much of the old state the candidate sees. With $m$
# inputs and $n$ units the simple cell has $n(m + n + 1)$ parameters. *Before you run it:* how many times that for an
# LSTM, how many for a GRU?

# %%
for layer in (layers.SimpleRNN(32), layers.LSTM(32), layers.GRU(32)):
    layer.build((None, None, 7))
    print(
        f"{layer.__class__.__name__:10s} {layer.count_params():6,d} = {layer.count_params() / (32 * 40):.3f} x 32 x 40"
    )

# %% [markdown]
# Four layers, four times as much; three layers, three times (and 96 more, since Keras's GRU has two biases a gate).
# Which of the two is better depends on the task. You will let them compete on the weather, in Lab 05b.

# %% [markdown]
# ## Summary
#
# - A recurrent cell applies the same weights at every step and carries a state along; unrolled it is a deep network.
# - The gradient of a shared weight is the sum over the steps. On its way back it is multiplied at every step, so it
#   vanishes or explodes exponentially with the lag. Clipping by the norm cures exploding, not vanishing.
# - The LSTM's memory is passed on by a product with a learned gate. An open forget gate lets memory and gradient
#   through, for as many steps as it stays open.
# - Perplexity is the number of equally likely choices that a language model is as unsure as. Compare it with counting.
# - Pad, and mask what you padded, in the layers, in the loss and in every mean. `Bidirectional` reads the future.

# %% tags=["headline"]
ratio = {cell: [run.relative_error for run in runs[-2:]] for cell, runs in curve.items()}
print("Adding problem, error / error of always answering 1, at 50 and 100 steps:")
print(f"  simple network above 0.8: {min(ratio['simple_rnn']) > 0.8}, LSTM below 0.1: {max(ratio['lstm']) < 0.1}")
over_40 = [fading[f"stretched by {factor}"][40] / fading[f"stretched by {factor}"][0] for factor in (0.8, 1.1)]
print(f"Gradient over 40 steps: 0.8 a step leaves less than 0.001 of it: {over_40[0] < 0.001}, ", end="")
print(f"1.1 a step makes it 10 times as long: {over_40[1] > 10}")
print(f"Next character: the LSTM's perplexity is below that of bigrams ({results['bigrams']:.1f}): ", end="")
print(results["LSTM"] < results["bigrams"])

# %%
progress()

# %% [markdown]
# ## Go further
#
# - Set the forget gate's bias to 4 with `LSTMCell(units, forget_bias=4.0)` of `dlcourse.sequences.recurrent`, and
#   repeat section 5. How many steps of training does it save at lag 100?
# - Start the simple network's $W_{hh}$ from the identity, use ReLU for tanh, and try section 5 again (Le, Jaitly and
#   Hinton, 2015). What does clipping do to it?
# - Let a GRU compete in section 5, and count parameters.
# - Replace the shipped text by one of your own. From which length on does the network beat counting pairs, and triples?
# - Write the LSTM's back-propagation through time by hand; the tape will tell you when it is right.
# - `dlcourse run 05 --solution` executes the worked lab. Lab 05b takes these networks to a weather station.
#
# ## References
#
# - Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger), slides "Recurrent neural nets" to "LSTM output".
# - Deep Learning, University of Bologna 2023-24, ch. 5.1 and 5.2.
# - J. Elman, *Finding structure in time*, Cognitive Science 14 (1990): the simple recurrent network.
# - S. Hochreiter and J. Schmidhuber, *Long short-term memory*, Neural Computation 9 (1997), with the adding problem;
#   F. Gers, J. Schmidhuber and F. Cummins, *Learning to forget*, Neural Computation 12 (2000), with the forget gate.
# - Y. Bengio, P. Simard and P. Frasconi, *Learning long-term dependencies with gradient descent is difficult*, IEEE
#   Transactions on Neural Networks 5 (1994).
# - R. Pascanu, T. Mikolov and Y. Bengio, *On the difficulty of training recurrent neural networks*, ICML 2013: clipping
#   by the norm.
# - K. Cho et al., *Learning phrase representations using RNN encoder-decoder*, EMNLP 2014: the GRU.
# - Q. Le, N. Jaitly and G. Hinton, *A simple way to initialize recurrent networks of rectified linear units*,
#   arXiv:1504.00941.
# - TensorFlow guide *Working with RNNs*, <https://www.tensorflow.org/guide/keras/working_with_rnns>.
