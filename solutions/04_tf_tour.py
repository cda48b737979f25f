# ---
# jupyter:
#   dlcourse:
#     title: A tour of TensorFlow
#     minutes: 150
#     needs: a laptop CPU
#     requires: [tensorflow, keras, pandas, tensorboard]
# ---

# %% [markdown]
# # Lab 04: A tour of TensorFlow
#
# `compile` and `fit` go a long way. This lab opens the bonnet: what a tensor is, who computes the gradients, why the
# first call is slow and the second fast. Then it takes the tools to five data sets, the last of which is about money.

# %% [markdown]
# When you have finished, you can
#
# - read and write TensorFlow without Keras: tensors, variables, the gradient tape, `tf.function`, `tf.data`;
# - extend Keras with a layer, a metric and a training loop of your own;
# - feed a table of mixed columns to a network, and compare the network *fairly* with two strong rivals;
# - turn probabilities into decisions, and check that the probabilities deserve their name;
# - search for an architecture, watch the search in TensorBoard, and tell a better network from a luckier one.
#
# You need Keras's `Sequential`, `compile` and `fit`, as in Lab 03. The exercises work as before: fill in the function,
# run the cell below it. You may use NumPy or TensorFlow inside, whichever you like.

# %% [markdown]
# ## 1. Tensors and variables
#
# A **tensor** is an array with a shape and a type, like one of NumPy's. Two things are new: it may live on a GPU, and
# it can never be changed.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops

from dlcourse import plots
from dlcourse.checks import check, progress
from dlcourse.plots import PALETTE, show

plots.use_style()
tf.get_logger().setLevel("ERROR")  # TensorFlow warns about things that this lab does on purpose

# %%
x = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print("shape", tuple(x.shape), "type", x.dtype.name)
print((x @ tf.transpose(x)).numpy())

try:
    x[0, 0] = 9.0
except TypeError as error:
    print("cannot be changed:", type(error).__name__)

# %% [markdown]
# What has to change during training, the weights, is kept in a **variable**: a box that holds a tensor, and whose
# content can be replaced.

# %%
w = tf.Variable([1.0, -1.0])
w.assign_sub([0.25, 0.25])
print(w.numpy())

# %% [markdown]
# NumPy computes in float64 unless told otherwise, TensorFlow and Keras in float32. NumPy converts where the two meet.
# TensorFlow does not.

# %%
try:
    tf.constant(1.0) + tf.constant(1.0, dtype=tf.float64)
except tf.errors.InvalidArgumentError as error:
    print(type(error).__name__, "- float32 meets float64")

# %% [markdown]
# This one error has stopped many a notebook that used to work, usually in a hand-written metric: the labels come from
# NumPy, the predictions from Keras. The cure is to convert at the door, `tf.cast(y, tf.float64)`. You will do so in
# section 5.
#
# Shapes, on the other hand, are forgiving: **broadcasting** stretches an axis of size 1 to the size of its partner.
# That is how a bias of shape `(10,)` is added to a batch of shape `(32, 10)`.
#
# *Before you run it:* `y` holds four targets, `prediction` is the output of a network with one output unit. What is the
# shape of their difference?

# %%
y = tf.constant([1.0, 2.0, 3.0, 4.0])
prediction = tf.constant([[1.0], [2.0], [3.0], [4.0]])
print("difference:", tuple((y - prediction).shape))
print("mean squared error of a perfect prediction:", float(tf.reduce_mean((y - prediction) ** 2)))

# %% [markdown]
# No error, no warning, and a loss that is wrong. Everybody makes this mistake once; `prediction[:, 0]` mends it. The
# rule behind it is worth knowing by heart.
#
# **Exercise 4.1.** Write that rule: given two shapes, return the shape of the sum, or the string `"no fit"`.


# %%
def broadcast_shape(a, b):
    """The shape of a + b for tensors of the shapes a and b (tuples of integers), or "no fit"."""
    # BEGIN SOLUTION
    rank = max(len(a), len(b))
    a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(a, b, strict=True)):
        return "no fit"
    return tuple(n if m == 1 else m for m, n in zip(a, b, strict=True))
    # END SOLUTION


# %%
broadcast_shape = check("4.1", broadcast_shape)

# %% [markdown]
# Used on purpose, broadcasting replaces loops. All distances between 5 points and 7 others take one line: give each
# set an axis of its own.

# %%
rng = np.random.default_rng(0)
points, centres = rng.normal(size=(5, 2)), rng.normal(size=(7, 2))
difference = tf.constant(points)[:, None, :] - tf.constant(centres)[None, :, :]
print("predicted", broadcast_shape((5, 1, 2), (1, 7, 2)), "measured", tuple(difference.shape))
print("distances:", tuple(tf.norm(difference, axis=-1).shape))

# %% [markdown]
# ## 2. The tape
#
# In Lab 02 you derived the gradient by hand. A `tf.GradientTape` does it for you: it writes down every operation inside
# its `with` block, and plays the list backwards. Variables are recorded by themselves; for a constant, say `watch`.

# %%
x = tf.constant(2.0)
with tf.GradientTape() as outer:
    outer.watch(x)
    with tf.GradientTape() as inner:
        inner.watch(x)
        cube = x**3
    slope = inner.gradient(cube, x)
bend = outer.gradient(slope, x)
print("value", float(cube), "slope", float(slope), "slope of the slope", float(bend))

# %% [markdown]
# Tapes can be nested, as you see: the slope is itself a computation, so the outer tape has recorded it.
#
# **Exercise 4.2.** The slides recommend swish, $x \cdot \sigma(\beta x)$. Usually $\beta = 1$; it may just as well be
# learnt. For an array `x` and one number `beta`, return two slopes: that in $x$, entry by entry, and that of the *sum*
# of all entries in $\beta$. Use the tape (mind the types: `x` comes as float64) or a pencil.


# %%
def swish_slopes(x, beta):
    """The slope of x * sigmoid(beta * x) in each entry of x, and the slope of its sum in beta."""
    # BEGIN SOLUTION
    x, beta = tf.constant(x), tf.constant(beta, dtype=tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([x, beta])
        total = tf.reduce_sum(x * tf.sigmoid(beta * x))
    return tuple(tape.gradient(total, [x, beta]))
    # END SOLUTION


# %%
swish_slopes = check("4.2", swish_slopes)

# %%
x = np.linspace(-4, 4, 121)
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.6))
for beta, look in zip((0.3, 1.0, 10.0), plots.styles(), strict=False):
    look |= {"markevery": 20, "markersize": 5}
    axes[0].plot(x, x / (1 + np.exp(-beta * x)), **look, label=rf"$\beta$ = {beta}")
    axes[1].plot(x, np.asarray(swish_slopes(x, beta)[0]), **look)
axes[0].set(xlabel="x", ylabel=r"x $\cdot$ sigmoid($\beta$ x)", title="From a line (small) to ReLU (large)")
axes[1].set(xlabel="x", ylabel="slope in x", title="The slope may overshoot 1 and dip below 0")
axes[0].legend()
show(
    figure,
    alt="Swish for three betas and its slope: beta 0.3 is almost a line, beta 10 almost ReLU with a smooth corner.",
)

# %% [markdown]
# The tape differentiates what you wrote, not what you meant. $\log(1 + e^x)$ is nearly $x$ for large $x$, with slope 1.
#
# *Predict* what the computer says at $x = 1000$, given that $e^{1000}$ is infinite for it.

# %%
x = tf.Variable(1000.0)
with tf.GradientTape() as tape:
    value = tf.math.log(1 + tf.exp(x))
print("value", float(value), "slope", float(tape.gradient(value, x)))


# %% [markdown]
# Infinity divided by infinity. One such number in one batch, and every weight is NaN after the next step. Where you
# know better than the tape, tell it: `tf.custom_gradient` wraps a function that returns its value *and* how to pass a
# gradient back.


# %%
@tf.custom_gradient
def softplus(x):
    value = tf.maximum(x, 0.0) + tf.math.log1p(tf.exp(-tf.abs(x)))
    return value, lambda upstream: upstream * tf.sigmoid(x)


with tf.GradientTape() as tape:
    value = softplus(x)
print("value", float(value), "slope", float(tape.gradient(value, x)))

# %% [markdown]
# ## 3. Graphs: `tf.function`
#
# So far TensorFlow did each operation when Python came to it, and Python is slow between the operations. With
# `@tf.function` it runs your Python function **once**, with placeholders, and writes down the operations: it *traces*
# it. That list, the *graph*, is what runs from then on, without Python.
#
# *Before you run it:* how often will "tracing" be printed?


# %%
@tf.function
def double(x):
    print("tracing for shape", x.shape)
    return 2 * x


for value in (tf.constant(1.0), tf.constant(2.0), tf.constant([1.0, 2.0])):
    print("result", double(value).numpy())

# %% [markdown]
# Twice: the second call found a graph that fits. The `print` is Python, so it ran only while tracing (`tf.print` is
# part of the graph). A graph fits one *kind* of input:
#
# - a tensor is known by its type and its shape, whatever its values;
# - a Python number is built into the graph as a constant, so every new value needs a graph of its own.
#
# **Exercise 4.3.** Here is a list of calls, each `("tensor", type, shape)` or `("number", value)`. How many graphs are
# made?


# %%
def count_traces(calls):
    """How often a tf.function is traced by these calls, one after the other."""
    # BEGIN SOLUTION
    return len(set(calls))
    # END SOLUTION


# %%
count_traces = check("4.3", count_traces)

# %%
batches = [("tensor", "float32", (64, 4))] * 15 + [("tensor", "float32", (40, 4))]
counters = [("number", step) for step in range(16)]
traces = []


@tf.function
def note(x):
    traces.append(x)
    return x


for name, calls in {"an epoch of 1,000 rows": batches, "a Python counter": counters}.items():
    traces.clear()
    for kind, *what in calls:
        note(tf.zeros(what[1], what[0]) if kind == "tensor" else what[0])
    print(f"{name}: predicted {count_traces(calls)}, measured {len(traces)}")

# %% [markdown]
# The smaller last batch costs a second graph: bearable. The counter costs one a step, each slower than the step itself.
# Hand over counters as tensors.
#
# What do you gain? Ten layers of the same width, once operation by operation and once as a graph. *Predict:* does the
# graph win by more for narrow or for wide layers?

# %% tags=["nbval-ignore-output"]
from timeit import repeat


def ten_layers(x, weights):
    for _ in range(10):
        x = tf.tanh(x @ weights)
    return x


widths, seconds = (8, 32, 128, 512), {"operation by operation": [], "graph": []}
for width in widths:
    inputs, weights = tf.ones((32, width)), tf.ones((width, width)) / width
    for name, call in zip(seconds, (ten_layers, tf.function(ten_layers)), strict=True):
        call(inputs, weights)
        seconds[name].append(min(repeat(lambda f=call, a=inputs, b=weights: f(a, b), number=20, repeat=5)) / 20)

# %%
figure, ax = plt.subplots()
for (name, times), look in zip(seconds.items(), plots.styles(), strict=False):
    ax.loglog(widths, 1e6 * np.array(times), **look, label=name)
ax.set(
    xlabel="width of the layers", ylabel="microseconds a call", title="A graph saves the overhead, not the arithmetic"
)
ax.set_xticks(widths, widths)
ax.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
ax.yaxis.set_major_formatter("{x:g}")
ax.yaxis.set_minor_formatter("{x:g}")
ax.legend()
show(
    figure,
    alt="Time of ten layers by width: the graph is clearly faster for narrow layers, hardly for wide ones.",
)

# %% [markdown]
# The networks of this part of the course are narrow: for them the graph is worth a lot. A wide layer spends its time
# multiplying, and that is the same work either way.
#
# ## 4. Feeding: `tf.data`
#
# A `tf.data.Dataset` is a recipe for a stream: take these rows, transform them, shuffle, cut into batches, and prepare
# the next batch while the network works on this one. The stream may be larger than the memory.

# %%
stream = tf.data.Dataset.range(10).map(lambda n: n * n).batch(4).prefetch(1)
for batch in stream:
    print(batch.numpy())

# %% [markdown]
# Whoever never has all rows at hand cannot shuffle them all. So `shuffle(buffer_size)` keeps a small buffer: it fills
# it from the stream; then, again and again, it hands out one item of the buffer at random, and the next item of the
# stream joins the buffer.
#
# **Exercise 4.4.** Write it. The random numbers are given: for the next `draw` in $[0, 1)$ take out item number
# `int(draw * len(buffer))`, and append the next item of the stream at the end of the buffer, as long as there is one.


# %%
def shuffle_with_buffer(items, buffer_size, draws):
    """The items in the order in which the buffer hands them out, as a list."""
    # BEGIN SOLUTION
    buffer, stream, result = list(items[:buffer_size]), list(items[buffer_size:]), []
    for draw in draws:
        result.append(buffer.pop(int(draw * len(buffer))))
        if stream:
            buffer.append(stream.pop(0))
    return result
    # END SOLUTION


# %%
shuffle_with_buffer = check("4.4", shuffle_with_buffer)

# %% [markdown]
# A file often is sorted: first all repaid loans, then all others. *Predict:* 400 rows and a buffer of 20. How far can a
# row move towards the front, how far towards the back?

# %%
rows, sizes = list(range(400)), (1, 20, 400)
orders = {size: shuffle_with_buffer(rows, size, rng.random(400)) for size in sizes}
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.5), sharey=True)
for ax, (size, order), color in zip(axes, orders.items(), PALETTE, strict=False):
    ax.plot(rows, order, ".", markersize=3, color=color)
    ax.set(xlabel="place in the stream", title=f"buffer of {size}")
axes[0].set_ylabel("place in the file")
figure.suptitle("A small buffer hardly shuffles", fontweight="bold")
show(
    figure,
    alt="Place in the file against place in the stream: a line for buffer 1, a thin band for 20, a square for 400.",
)

# %%
built_in = [int(n) for n in tf.data.Dataset.range(400).shuffle(20, seed=1)]
for name, order in {"ours": orders[20], "tf.data": built_in}.items():
    lead = max(row - place for place, row in enumerate(order))
    print(f"{name}, buffer of 20: no row comes more than 19 places early: {lead <= 19}")

# %% [markdown]
# A row cannot come out before it has come in: 19 places early at most. It may stay behind for long. If the file is
# sorted by class, the first batches are still all of one class. Shuffle the file once on disk, or take a buffer as
# large as the data.
#
# ## 5. A metric, a layer and a loop of your own
#
# ### A metric
#
# For regressions one likes to see $R^2$, the share of the variance that the network explains,
#
# $$R^2 = 1 - \frac{\sum_i (y_i - \hat y_i)^2}{\sum_i (y_i - \bar y)^2}.$$
#
# Data come in batches, and the mean of the batches' $R^2$ is *not* the $R^2$ of all.
#
# **Exercise 4.5.** Compute $R^2$ over a list of batches `(y, prediction)`. Types are mixed, and some of the targets are
# large numbers in float32, which holds only seven digits: convert before you add.


# %%
def r_squared(batches):
    """R squared over all batches together; each is a pair of arrays (y, prediction) of shape (n,)."""
    # BEGIN SOLUTION
    sums = np.zeros(4)
    for y, prediction in batches:
        y, prediction = np.asarray(y, np.float64), np.asarray(prediction, np.float64)
        sums += [len(y), y.sum(), (y**2).sum(), ((y - prediction) ** 2).sum()]
    n, total, squares, errors = sums
    return 1 - errors / (squares - total**2 / n)
    # END SOLUTION


# %%
r_squared = check("4.5", r_squared)

# %% [markdown]
# Keras wants the same in three pieces: the sums are the metric's *state*, `update_state` adds a batch to them, `result`
# makes a number of them. (Four sums are enough, since $\sum (y - \bar y)^2 = \sum y^2 - (\sum y)^2 / n$.)


# %%
class RSquared(keras.metrics.Metric):
    """Share of the variance of y that is explained, over all batches since the last reset."""

    def __init__(self, name="r_squared", **kwargs):
        super().__init__(name=name, **kwargs)
        self.sums = self.add_variable((4,), "zeros", dtype="float64", name="sums")

    def update_state(self, y, prediction, sample_weight=None):
        if sample_weight is not None:
            raise ValueError("RSquared takes no sample weights")
        y, prediction = (ops.reshape(ops.cast(values, "float64"), (-1,)) for values in (y, prediction))
        parts = [ops.ones_like(y), y, y**2, (y - prediction) ** 2]
        self.sums.assign_add(ops.stack([ops.sum(part) for part in parts]))

    def result(self):
        n, total, squares, errors = (self.sums[i] for i in range(4))
        return 1 - errors / (squares - total**2 / n)


# %% [markdown]
# The `cast` and the `reshape` at the door settle both traps of section 1. Is it right? Three batches, all mixtures of
# types, one of them with a mean of 5,000:

# %%
batches = [(y := rng.normal(5000, 1, size=n), y + rng.normal(0, 0.5, size=n)) for n in (64, 64, 40)]
expected = r_squared(batches)
for types in (("float64", "float32"), ("float32", "float64"), ("float64", "float64")):
    metric = RSquared()
    for y, prediction in batches:
        metric.update_state(tf.constant(y, types[0]), tf.constant(prediction[:, None], types[1]))
    print(*types, "agrees within 0.01:", bool(abs(float(metric.result()) - expected) < 0.01))
built_in = keras.metrics.R2Score()
for y, prediction in batches:
    built_in.update_state(y[:, None], prediction[:, None])
print("keras.metrics.R2Score agrees within 0.01:", bool(abs(float(built_in.result()) - expected) < 0.01))


# %% [markdown]
# Keras's own metric adds up in float32, and around 5,000 that is not enough. House prices and years are such numbers.
# Centre them, or keep the sums in float64.
#
# ### A layer
#
# A layer makes its weights in `build`, when it first learns the shape of its input, and uses them in `call`. This one
# is swish with a $\beta$ for every unit, which training may change: Exercise 4.2 was its gradient.


# %%
class Swish(keras.layers.Layer):
    """x * sigmoid(beta * x), with a trainable beta for every unit."""

    def build(self, input_shape):
        self.beta = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="beta")

    def call(self, x):
        return x * ops.sigmoid(self.beta * x)


# %% [markdown]
# ### A loop
#
# The data: somebody has drawn a network at random, put 4,000 random inputs through it, and added noise. We see inputs
# and outputs only, and look for a network that does the same. Such data have a great advantage over real ones: we know
# how good the best possible prediction is.

# %%
from dlcourse.datasets import make_network_data

data = make_network_data(6000, dimension=4, hidden=(8,), noise=0.3, seed=0)
print(data)
X_train, y_train, X_test, y_test = data.X[:4000], data.y[:4000], data.X[4000:], data.y[4000:]
best_r_squared = 1 - data.bayes_error / data.y.var()
print(f"best possible R squared: {best_r_squared:.2f}")

# %%
keras.utils.set_random_seed(4)
layers = [keras.layers.Dense(32), Swish(), keras.layers.Dense(32), Swish(), keras.layers.Dense(1)]
network = keras.Sequential([keras.Input((4,)), *layers])
optimizer, mean_squares, metric = keras.optimizers.Adam(0.005), keras.losses.MeanSquaredError(), RSquared()


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        prediction = network(x, training=True)
        loss = mean_squares(y, prediction)
    gradients = tape.gradient(loss, network.trainable_variables)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
    metric.update_state(y, prediction)
    return loss


# %% [markdown]
# That is what `fit` does with every batch: forward on the tape, gradients, a step, the metric. Around it a plain Python
# loop over epochs and batches.

# %%
batches = tf.data.Dataset.from_tensor_slices((X_train, y_train)).shuffle(4000, seed=0).batch(128).prefetch(1)
history = {"training rows": [], "test rows": []}
for _ in range(12):
    metric.reset_state()
    for x, y in batches:
        train_step(x, y)
    history["training rows"].append(float(metric.result()))
    metric.reset_state()
    metric.update_state(y_test, network(X_test))
    history["test rows"].append(float(metric.result()))

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.6), width_ratios=[3, 2])
for (name, values), look in zip(history.items(), plots.styles(), strict=False):
    axes[0].plot(range(1, 13), values, **look, markersize=5, label=name)
axes[0].axhline(best_r_squared, color="black", linestyle="--", linewidth=1, label="best possible")
axes[0].set(xlabel="epoch", ylabel="$R^2$", title="The loop learns what can be learnt")
axes[0].legend()
betas = [layer.beta.numpy() for layer in layers if isinstance(layer, Swish)]
axes[1].hist(betas, bins=12, color=PALETTE[:2], label=["first layer", "second layer"])
axes[1].set(xlabel=r"$\beta$ after training (1 before)", ylabel="units", title="Units choose their own bend")
axes[1].legend()
show(
    figure,
    alt="R squared rises to the dashed line of the best possible within twelve epochs; the betas spread around 1.",
)

# %%
print(f"test R squared within 0.05 of the best possible: {history['test rows'][-1] > best_r_squared - 0.05}")
print(f"betas have moved by more than 0.1: {bool(max(np.abs(beta - 1).max() for beta in betas) > 0.1)}")

# %% [markdown]
# A layer of your own is saved and loaded like any other; say its name when you load it.

# %%
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp(prefix="dlcourse-04-"))
network.save(folder / "swish.keras")
loaded = keras.saving.load_model(folder / "swish.keras", custom_objects={"Swish": Swish})
print("same answers:", bool(np.allclose(loaded(X_test), network(X_test), atol=1e-6)))

# %% [markdown]
# ## 6. Four examples whose answer we know
#
# A simple and a complex regression, a simple and a complex classification: behind the simple ones is a network with 8
# hidden units, behind the complex ones one with two layers of 32. The rivals are a linear model and *one* network, two
# layers of 64, the same for all four.
#
# `fit_in_graph` is your training loop with one change: the loop over the batches is inside the `tf.function`, so Python
# is met once an epoch instead of once a batch. For networks this small that is several times faster than `fit`.

# %%
from sklearn.linear_model import LinearRegression, LogisticRegression

from dlcourse.approximation.graph_training import fit_in_graph

tasks = {
    "simple regression": {"hidden": (8,), "noise": 0.3},
    "complex regression": {"hidden": (32, 32), "noise": 0.3},
    "simple classification": {"hidden": (8,), "outputs": 3, "noise": 0.05, "task": "classification"},
    "complex classification": {"hidden": (32, 32), "outputs": 3, "noise": 0.05, "task": "classification"},
}
examples = {name: make_network_data(6000, dimension=4, seed=0, **how) for name, how in tasks.items()}


# %%
def dense_network(inputs, outputs, hidden=(64, 64), activation="swish", dropout=0.0):
    stack = [keras.Input((inputs,))]
    for number, units in enumerate(hidden, start=1):
        stack.append(keras.layers.Dense(units, activation=activation, name=f"hidden_{number}"))
        stack.append(keras.layers.Dropout(dropout))
    return keras.Sequential([*stack, keras.layers.Dense(outputs, name="output")])


def test_error(example, model):
    """Mean squared error, or share of wrong labels, on the rows from 4,000 on."""
    X, y = example.X[4000:], example.y[4000:]
    answer = model.predict(X) if hasattr(model, "coef_") else np.asarray(model(X, training=False))
    if example.task == "regression":
        return float(np.mean((np.ravel(answer) - y) ** 2))
    return float(np.mean((answer if answer.ndim == 1 else answer.argmax(axis=1)) != y))


# %% [markdown]
# *Predict:* on which of the four does the linear model come closest to the best possible, and does the network reach it
# everywhere?

# %%
errors = {}
for name, example in examples.items():
    regression = example.task == "regression"
    linear = (LinearRegression() if regression else LogisticRegression()).fit(example.X[:4000], example.y[:4000])
    keras.utils.set_random_seed(0)
    model = dense_network(4, 1 if regression else 3)
    loss = mean_squares if regression else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = keras.optimizers.schedules.CosineDecay(0.005, decay_steps=30 * 32)
    y = example.y[:4000, None] if regression else example.y[:4000]
    fit_in_graph(model, example.X[:4000], y, loss, keras.optimizers.Adam(rate), epochs=30, batch_size=128)
    errors[name] = (test_error(example, linear), test_error(example, model), example.bayes_error)

# %%
figure, ax = plt.subplots(figsize=(8.0, 3.6))
for column, (label, look) in enumerate(zip(("linear model", "network", "best possible"), plots.styles(), strict=False)):
    ax.plot([row[column] for row in errors.values()], range(4), **look, linestyle="none", markersize=9, label=label)
for place, row in enumerate(errors.values()):
    ax.plot([row[2], row[0]], [place, place], color="grey", linewidth=1, zorder=0)
ax.set_yticks(range(4), errors)
ax.set(xlabel="test error (mean square, or share of wrong labels)", xlim=(0, None), ylim=(3.5, -0.5))
ax.set_title("The network closes most of the gap; complex tasks leave more")
ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
show(
    figure,
    alt="Errors of four tasks: the linear model is far from the best possible, the network much nearer.",
)

# %%
closed = {name: (linear - net) / (linear - best) for name, (linear, net, best) in errors.items()}
for name, share in closed.items():
    print(f"{name}: the network closes at least 40 % of the gap: {share > 0.4}")
left = {name: net - best for name, (_, net, best) in errors.items()}
for kind in ("regression", "classification"):
    print(f"{kind}: the complex task leaves a wider gap: {left['complex ' + kind] > left['simple ' + kind]}")

# %% [markdown]
# The same network, the same training: what differs is how much 4,000 rows tell about the function behind them. With
# more rows the complex tasks close in as well (try it).
#
# ## 7. Real money
#
# Who pays back a loan? The slides take the loans of Lending Club, a file of 2 GB that only a Kaggle account opens. We
# take an older, smaller and freely available cousin: 1,000 credits of a German bank, 300 of which went bad. If you have
# the big file, `load_lending_club(path)` reads it into the same form.
#
# **Offline?** The next cell looks for the credits on this machine and else downloads 80 kB. If neither works, the
# breast-cancer data of scikit-learn take their place: read "malignant" for "bad". They have no categories, and are
# easier.

# %% tags=["nbval-ignore-output"]
from dlcourse.approximation.tabular import as_table, feature_columns, feature_encoder
from dlcourse.datasets import DataNotFoundError, load_breast_cancer, load_credit

try:
    table = load_credit()
except DataNotFoundError:
    table = as_table(load_breast_cancer())
print(table)
table.frame.iloc[:3, :7]

# %% [markdown]
# > **A word on the columns.** The code table that came with these data in 1994, and which most publications still use,
# > assigns many meanings to the wrong codes: it makes customers without a checking account the safest ones. The loader
# > uses the corrected table of 2019. A model does not mind; whoever draws conclusions from it should.
#
# ### Numbers and words
#
# A network eats numbers of order one. Amounts in the thousands must be scaled, words must become numbers, and both with
# what the **training rows** alone tell: statistics of the test rows would leak.
#
# **Exercise 4.6.** Give every word a column of its own: a row with a single one. Column 0 is kept for words that are
# not in the vocabulary, for tomorrow somebody asks for a loan for something new.


# %%
def one_hot_lookup(values, vocabulary):
    """Array (len(values), 1 + len(vocabulary)): word k of the vocabulary has its one in column k + 1."""
    # BEGIN SOLUTION
    columns = {word: column for column, word in enumerate(vocabulary, start=1)}
    result = np.zeros((len(values), 1 + len(vocabulary)))
    for row, value in enumerate(values):
        result[row, columns.get(value, 0)] = 1
    return result
    # END SOLUTION


# %%
one_hot_lookup = check("4.6", one_hot_lookup)

# %% [markdown]
# Keras has layers for all of this. They can be part of the model, so that whoever loads the model needs no second file
# with means and vocabularies. A toy table shows what they do.

# %%
purposes, vocabulary = ["car", "radio", "boat", "car"], ["car", "radio"]
words = keras.layers.StringLookup(vocabulary=vocabulary, output_mode="one_hot")(tf.constant(purposes))
print("ours equals StringLookup:", bool(np.array_equal(one_hot_lookup(purposes, vocabulary), words)))

scale = keras.layers.Normalization(axis=None)
scale.adapt(np.array([1000.0, 2000.0, 3000.0]))
print("Normalization:", np.asarray(scale(np.array([1000.0, 2000.0, 5000.0]))).round(2).tolist())

codes = keras.layers.IntegerLookup(vocabulary=[1, 2, 4], output_mode="one_hot")
print("IntegerLookup:", np.asarray(codes(np.array([4, 3]))).astype(int).tolist())

# %% [markdown]
# `IntegerLookup` is for codes that look like numbers, such as a postcode: twice the postcode is not twice of anything.
# (Where codes already run from 0 to k - 1, `CategoryEncoding` does it without a vocabulary.)
#
# `feature_encoder(frame)` of the course puts one such layer before every column, learns from the rows that you give it,
# and joins the results.

# %% tags=["nbval-ignore-output"]
encoder = feature_encoder(table.frame[:-100])
features = np.asarray(encoder(feature_columns(table.frame[-100:])))
print(f"{len(table.frame.columns)} columns of the table become {features.shape[1]} inputs of the network")

# %% [markdown]
# ### Who ranks best?
#
# With 70 % good credits, "everybody is good" is right 70 % of the time and useless. What a bank wants first is an
# order: the riskier the credit, the higher the score. The **area under the ROC curve** (AUC) measures just that. Pick a
# bad and a good credit at random: the AUC is the probability that the bad one has the higher score. One half is
# guessing, 1 is a perfect order, and how common bad credits are does not matter.
#
# **Exercise 4.7.** Write it in this form: the share of all pairs that are in the right order, a tie counting one half.
# (Broadcasting compares all pairs at once.)


# %%
def roc_auc(labels, scores):
    """AUC of scores (n,) for labels (n,), 1 for bad and 0 for good."""
    # BEGIN SOLUTION
    bad, good = scores[labels == 1], scores[labels == 0]
    difference = bad[:, None] - good[None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))
    # END SOLUTION


# %%
roc_auc = check("4.7", roc_auc)

# %% [markdown]
# The contest: logistic regression, gradient-boosted trees, a small network with dropout, and a larger one that is
# trained for long and without a brake. Five folds: everybody is trained on four fifths and scores the last fifth, so
# that each credit is scored once, by models that have not seen it.

# %%
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(table.frame, table.y))
cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)


def rows_of(fold):
    train, test = folds[fold]
    return table.frame.iloc[train], table.y[train], table.frame.iloc[test]


def logistic_regression(fold):
    frame, y, new = rows_of(fold)
    columns = [("n", StandardScaler(), list(table.numeric_columns))]
    columns += [("c", OneHotEncoder(handle_unknown="ignore"), list(table.categorical_columns))]
    model = make_pipeline(ColumnTransformer(columns), LogisticRegression(C=0.1, max_iter=1000))
    return model.fit(frame, y).predict_proba(new)[:, 1]


# %%
def boosted_trees(fold):
    frame, y, new = rows_of(fold)
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_leaf_nodes=8, categorical_features="from_dtype", random_state=0
    )
    return model.fit(frame, y).predict_proba(new)[:, 1]


# %%
def encoded(train, *others):
    """Rows as a network reads them; the encoder learns from the training rows alone."""
    encoder = feature_encoder(table.frame.iloc[train])
    return [np.asarray(encoder(feature_columns(table.frame.iloc[rows]))) for rows in (train, *others)]


inputs = [encoded(train, test) for train, test in folds]


def network_scores(fold, epochs, **how):
    X, X_new = inputs[fold]
    y = table.y[folds[fold][0]][:, None]
    keras.utils.set_random_seed(0)
    model = dense_network(X.shape[1], 1, activation="relu", **how)
    fit_in_graph(model, X, y, cross_entropy, keras.optimizers.Adam(0.002), epochs=epochs)
    return np.asarray(ops.sigmoid(model(X_new, training=False)))[:, 0]


contest = {
    "logistic regression": logistic_regression,
    "boosted trees": boosted_trees,
    "network, with dropout": lambda fold: network_scores(fold, epochs=25, hidden=(32,), dropout=0.5),
    "network, no brake": lambda fold: network_scores(fold, epochs=30, hidden=(64, 64)),
}

# %% [markdown]
# *Predict* the order of the four, and by how much the best one leads. Write it down before you go on.

# %% tags=["nbval-ignore-output"]
scores = {name: np.empty(len(table.y)) for name in contest}
for name, predict in contest.items():
    for fold, (_, test) in enumerate(folds):
        scores[name][test] = predict(fold)
auc = {name: np.array([roc_auc(table.y[test], score[test]) for _, test in folds]) for name, score in scores.items()}
for name, values in auc.items():
    print(f"{name:22s} AUC {values.mean():.3f}, folds from {values.min():.3f} to {values.max():.3f}")

# %% tags=["nbval-ignore-output"]
ranking = sorted(auc, key=lambda name: -auc[name].mean())
lead = auc[ranking[0]].mean() - auc[ranking[1]].mean()
spread = auc[ranking[0]].std(ddof=1)
figure, ax = plt.subplots(figsize=(8.0, 3.6))
for fold, look in enumerate(plots.styles()):
    if fold == 5:
        break
    ax.plot([auc[name][fold] for name in auc], range(4), **look, linewidth=0.7, alpha=0.8, label=f"fold {fold + 1}")
ax.plot([values.mean() for values in auc.values()], range(4), "X", color="black", markersize=9, label="mean")
ax.set_yticks(range(4), auc)
ax.set(xlabel="area under the ROC curve on the fold left out", ylim=(3.5, -0.5))
ax.set_title(f"The lead is {lead:.3f}; the folds differ by {spread:.3f}")
ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
show(figure, alt=f"AUC by fold for four models: {ranking[0]} leads by {lead:.3f}, folds differ by {spread:.3f}.")

# %% tags=["nbval-ignore-output"]
for name in ranking[1:]:
    difference = auc[ranking[0]] - auc[name]
    error = difference.std(ddof=1) / np.sqrt(5)
    print(f"{ranking[0]} against {name}: {difference.mean():+.3f} a fold, give or take {error:.3f}")

# %% [markdown]
# So who wins? Compare fold by fold: all models are scored on the same credits, so an easy fold is easy for all, and the
# difference varies less than the values. Where it is smaller than twice its "give or take", call it a draw.
#
# On the credits the first three are level, and the simplest one is as good as any: a thousand rows with twenty columns
# hold little that a straight line in the features would miss. The network without a brake is clearly worse. It has had
# time to learn the training rows by heart. (The tumours are easy for all: every mean is above 0.98.)
#
# This is the rule for small tables, and not a defeat of deep learning: networks earn their keep where there are more
# data, and inputs such as images, text or sequences. Always run the simple rival first.
#
# ### Do the probabilities mean anything?
#
# If a model says "30 %" for a hundred credits, about thirty of them should go bad. The AUC does not see this, since it
# looks at the order only. A **reliability curve** does: sort the predictions into bins, and draw the share of bad
# credits in each against the mean prediction.

# %% tags=["nbval-ignore-output"]
from sklearn.calibration import calibration_curve

figure, ax = plt.subplots(figsize=(5.8, 4.6))
ax.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="as promised")
for (name, score), look in zip(scores.items(), plots.styles(), strict=False):
    share, promised = calibration_curve(table.y, score, n_bins=6, strategy="quantile")
    ax.plot(promised, share, **look, markersize=6, linewidth=1.2, label=name)
ax.set(xlabel="predicted probability", ylabel=f"share that is {table.target_names[1]}")
sure = {name: (score < 0.02) | (score > 0.98) for name, score in scores.items()}
finding = f"Without a brake, a network is 98 % sure in {100 * sure['network, no brake'].mean():.0f} % of the cases"
ax.set_title(finding)
ax.legend()
show(figure, alt=f"Reliability curves of four models against the diagonal. {finding}.")

# %% tags=["nbval-ignore-output"]
for name, score in scores.items():
    wrong = np.mean((score > 0.5)[sure[name]] != table.y[sure[name]]) if sure[name].any() else 0.0
    print(f"{name:22s} at least 98 % sure in {sure[name].mean():5.1%} of the cases, and then wrong in {wrong:.0%}")

# %% [markdown]
# On the credits, the three that were held back lie near the diagonal. The network without a brake says 0 or 1 far too
# often: cross-entropy on rows that it knows by heart rewards certainty, and it is just as certain about rows that it
# has never seen.
# Its probabilities do not deserve the name.
#
# ### From probability to decision
#
# The bank states what errors cost: a bad credit granted costs 5, a good one refused costs 1. As a table, with a row for
# the truth (good, bad) and a column for the decision (grant, refuse):
#
# $$C = \begin{pmatrix} 0 & 1 \\ 5 & 0 \end{pmatrix}.$$
#
# **Exercise 4.8.** From which probability of a bad credit on is it cheaper to refuse? Solve it for any such table;
# right decisions may have a price too.


# %%
def refusal_threshold(costs):
    """The probability at which granting and refusing are expected to cost the same; costs is an array (2, 2)."""
    # BEGIN SOLUTION
    lost = costs[0, 1] - costs[0, 0]
    saved = costs[1, 0] - costs[1, 1]
    return lost / (lost + saved)
    # END SOLUTION


# %%
refusal_threshold = check("4.8", refusal_threshold)

# %%
costs = np.array([[0.0, 1.0], [5.0, 0.0]])
threshold = refusal_threshold(costs)
print(f"refuse from a probability of {threshold:.3f} on")

# %% [markdown]
# One sixth, far below one half: five good customers turned away cost as much as one bad credit. *Predict:* for which of
# the models will the cheapest threshold, found by trying them all, be near one sixth?

# %% tags=["nbval-ignore-output"]
thresholds, prices = np.linspace(0.01, 0.9, 90), {}
for name, score in scores.items():
    refused = score[:, None] > np.append(thresholds, [threshold, 0.5])
    prices[name] = np.where(table.y[:, None] == 1, 5.0 * ~refused, 1.0 * refused).mean(axis=0)
    print(f"{name:22s} cost {prices[name][-2]:.2f} at 1/6, {prices[name][-1]:.2f} at 1/2")

# %% tags=["nbval-ignore-output"]
figure, ax = plt.subplots()
for (name, price), look in zip(prices.items(), plots.styles(), strict=False):
    ax.plot(thresholds, price[:-2], **look, markevery=15, markersize=5, label=name)
ax.axvline(threshold, color="black", linestyle="--", linewidth=1, label="1/6")
ax.set(xlabel="refuse above this probability", ylabel="mean cost of a decision", ylim=(0, None))
finding = "Logistic regression costs {:.2f} at 1/6 and {:.2f} at 1/2".format(*prices["logistic regression"][-2:])
ax.set_title(finding)
ax.legend(loc="lower right")
show(figure, alt=f"Mean cost of a decision against the threshold, for four models. {finding}.")

# %% [markdown]
# Where the probabilities can be trusted, theory and trial agree, and on the credits the threshold saves more than any
# choice of model did. The over-confident network gains little: nearly all that it has to say is close to 0 or 1.

# %% [markdown]
# ## 8. Searching for an architecture
#
# How many layers, how wide, which activation, which optimizer? The slides ask you to play with all of them. A **grid**
# has one axis for each *hyperparameter*; with 3 x 2 x 3 x 3 values it has 54 points. **Random search** tries some of
# them, and usually comes within a hair of the best for a fraction of the work: most hyperparameters hardly matter, and
# random points try many values of the ones that do.
#
# **Exercise 4.9.** Number the points of a grid: for a dict of lists and an index from 0 on, return that combination as
# a dict. The last hyperparameter changes fastest, as the last digit does when you count. (A random point is then a
# random index.)


# %%
def setting(space, index):
    """Combination number index of the values in space, a dict with one list of values for each name."""
    # BEGIN SOLUTION
    chosen = {}
    for name in reversed(list(space)):
        index, place = divmod(index, len(space[name]))
        chosen[name] = space[name][place]
    return {name: chosen[name] for name in space}
    # END SOLUTION


# %%
setting = check("4.9", setting)

# %%
space = {
    "layers": [1, 2, 3],
    "units": [16, 64],
    "activation": ["relu", "tanh", "swish"],
    "optimizer": ["adam", "rmsprop", "sgd"],
}
for index in (0, 1, 53):
    print(index, setting(space, index))


# %% [markdown]
# For every setting somebody has to make the network and its optimizer. `run_search` then draws settings without
# repetition, trains one network for each, and scores it on **validation** rows after every epoch.


# %%
def builder(inputs, outputs):
    def build(setting):
        model = dense_network(inputs, outputs, (setting["units"],) * setting["layers"], setting["activation"])
        optimizers = {
            "adam": lambda: keras.optimizers.Adam(0.003),
            "rmsprop": lambda: keras.optimizers.RMSprop(0.001),
            "sgd": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
        }
        return model, optimizers[setting["optimizer"]]()

    return build


# %% [markdown]
# Two searches with the same eight settings: on the complex classification of section 6, and on the loans.
#
# *Predict:* where do the settings differ more? Will the winner of one do well in the other?

# %%
from dlcourse.approximation.search import run_search


def accuracy(y, outputs):
    return np.mean(outputs.argmax(axis=1) == y)


X, y = examples["complex classification"].X, examples["complex classification"].y
logs = folder / "runs"
classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
data_search = run_search(
    space, builder(4, 3), (X[:2000], y[:2000]), (X[2000:4000], y[2000:4000]), classes, accuracy,
    trials=8, epochs=20, log_dir=logs / "made",
)  # fmt: skip

# %% tags=["nbval-ignore-output"]
order = np.random.default_rng(0).permutation(len(table.y))
train, validation, test = np.split(order, [int(0.6 * len(order)), int(0.8 * len(order))])
X_loans, X_validation, X_unseen = encoded(train, validation, test)
loan_search = run_search(
    space, builder(X_loans.shape[1], 1), (X_loans, table.y[train, None]), (X_validation, table.y[validation]),
    cross_entropy, lambda y, outputs: roc_auc(y, outputs[:, 0]), trials=8, epochs=20, log_dir=logs / "loans",
)  # fmt: skip

# %% [markdown]
# Choosing the best of eight on the validation rows makes its validation score too good to be true: some of it is luck.
# So there is a third part that nobody has seen yet, the **test** rows.

# %% tags=["nbval-ignore-output"]
made = [(trial.score, accuracy(y[4000:], np.asarray(trial.model(X[4000:])))) for trial in data_search]
loans = [(trial.score, roc_auc(table.y[test], np.asarray(trial.model(X_unseen))[:, 0])) for trial in loan_search]
made, loans = np.array(made), np.array(loans)
figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.4))
for ax, points, what in zip(axes, (made, loans), ("accuracy", "AUC"), strict=True):
    for depth, look in zip((1, 2, 3), plots.styles(), strict=False):
        chosen = [trial.setting["layers"] == depth for trial in data_search]
        ax.plot(*points[chosen].T, **look, linestyle="none", markersize=8, label=f"hidden layers: {depth}")
    winner = points[points[:, 0].argmax()]
    ax.plot(*winner, "o", color="black", fillstyle="none", markersize=17, label="chosen")
    ax.set(xlabel=f"{what} on the validation rows", ylabel=f"{what} on the test rows")
axes[0].set_title(f"Complex classification: correlation {np.corrcoef(made.T)[0, 1]:.2f}")
axes[1].set_title(f"The {table.name} data: correlation {np.corrcoef(loans.T)[0, 1]:.2f}")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
show(figure, alt="Test against validation score of eight settings, on made and on real data; the chosen one is ringed.")

# %%
print(f"complex classification: best and worst differ by more than 0.05: {bool(np.ptp(made[:, 1]) > 0.05)}")
print(f"validation and test scores go together (correlation above 0.8): {bool(np.corrcoef(made.T)[0, 1] > 0.8)}")
deep = [trial.setting["layers"] > 1 for trial in data_search]
print(f"the chosen network has more than one layer: {deep[made[:, 0].argmax()]}")

# %% tags=["nbval-ignore-output"]
chosen = loans[:, 0].argmax()
print(f"{table.name}: chosen {loan_search[chosen].setting}")
print(
    f"  validation {loans[chosen, 0]:.3f}, test {loans[chosen, 1]:.3f}, best on the test rows {loans[:, 1].max():.3f}"
)
print(f"  standard error of one AUC here: about {auc['logistic regression'].std(ddof=1):.3f}")
print(f"  correlation with the scores of the other search: {np.corrcoef(made[:, 0], loans[:, 0])[0, 1]:+.2f}")

# %% [markdown]
# On the complex classification the architecture matters: the scores differ by far more than their noise, validation and
# test agree, and depth pays.
#
# On the credits it is the other way round. The better half of the settings lies within the noise of two hundred rows,
# so which of them is chosen is luck; and what stands out are the *deep* networks, at the wrong end. An
# architecture is not good or bad in itself, and neither is an activation: it depends on how much there is to learn, and
# from how many rows. The slides' "swish is the best if you need smooth and deep" has its condition, too.

# %% [markdown]
# ### TensorBoard
#
# `run_search` has written down what happened while it happened, into *event files*, one folder a run. **TensorBoard**
# turns them into pages in your browser. Look at
#
# - *Scalars* (Time series): the loss and the score of every trial, epoch by epoch;
# - *Histograms*: how the weights of each layer spread out as they learn;
# - *Graphs*: the operations that section 3 traced;
# - *HParams*: a table and a parallel-coordinates view of settings against score. Drag along an axis to pick trials.
#
# In Jupyter and in Colab the cell below opens it right here, much as `%tensorboard --logdir` would.

# %% tags=["nbval-ignore-output"]
from dlcourse.approximation.tensorboard_logs import read_runs, show_tensorboard

_ = show_tensorboard(logs)

# %% [markdown]
# Event files can be read by programs too. These are two of the pages, drawn from the files.

# %%
runs = read_runs(logs / "made")
names = [trial.name for trial in data_search]
best_run, worst_run = names[made[:, 0].argmax()], names[made[:, 0].argmin()]
figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.0))
for name in names:
    axes[0].plot(*runs[name].scalars["score"], color="lightgrey", linewidth=1)
for name, label, look in zip((best_run, worst_run), ("best", "worst"), plots.styles(), strict=False):
    axes[0].plot(*runs[name].scalars["score"], **look, markevery=4, label=f"{label} trial")
axes[0].set(xlabel="epoch, from 0", ylabel="accuracy on the validation rows", title="Scalars: the best one leads early")
axes[0].set_xticks(range(0, 20, 5))
axes[0].legend()
for step, color in zip((0, 10, 19), ("lightgrey", PALETTE[5], PALETTE[0]), strict=True):
    left, right, count = runs[best_run].histograms["hidden_1/kernel"][step].T
    axes[1].stairs(count / count.sum() / (right - left)[0], [*left, right[-1]], color=color, label=f"epoch {step}")
axes[1].set(xlabel="weight in the first layer", ylabel="density", title="Histograms: the weights spread out")
axes[1].legend()
show(
    figure,
    alt="Left: accuracy of eight trials by epoch, the best ahead early. Right: the first layer's weights spread out.",
)

# %%
run = runs[best_run]
print("runs:", sum(name.startswith("trial") for name in runs))
print("scalars:", sorted(run.scalars), "for", len(run.scalars["score"][0]), "epochs")
print("hyperparameters:", sorted(run.hyperparameters))
print("graph:", run.has_graph)

# %% [markdown]
# With `fit` you need none of this machinery: one callback writes scalars, histograms and the graph.

# %%
model = dense_network(4, 3, hidden=(16,))
model.compile("adam", classes, metrics=["accuracy"])
callback = keras.callbacks.TensorBoard(logs / "fit", histogram_freq=1)
_ = model.fit(X[:1000], y[:1000], epochs=3, validation_split=0.2, verbose=0, callbacks=[callback])
for name, run in read_runs(logs / "fit").items():
    print(name, [tag for tag in sorted(run.scalars) if "loss" in tag])

# %% [markdown]
# ## Summary
#
# - A tensor has a shape and a type. Shapes are stretched silently, types are not converted at all: settle both at the
#   door of your function.
# - The tape records operations and plays them backwards; `tf.function` records them once and for all. New shapes, types
#   and Python numbers mean a new recording.
# - A metric is a state and two functions, a layer is `build` and `call`, training is ten lines. You can replace any.
# - On a small table a network ties with logistic regression at best. Say so, with the spread over folds.
# - Scores are one thing, probabilities another, decisions a third: check the calibration, then use the costs.
# - The best of many trials is partly luck. Judge it on rows that had no say in the choice.

# %% tags=["headline"]
gaps_closed = sum(share > 0.4 for share in closed.values())
differ = bool(np.ptp(made[:, 1]) > 0.05)
print(f"Custom layer, metric and loop: test R squared within 0.05 of the best possible {best_r_squared:.2f}")
print(f"Made tasks on which a network closes at least 40 % of the linear model's gap: {gaps_closed} of {len(closed)}")
print(f"Cost of errors 5 to 1: refuse from a probability of {threshold:.2f} on")
print(f"Eight architectures on the complex classification: best and worst differ by more than 0.05: {differ}")

# %%
progress()

# %% [markdown]
# ## Go further
#
# - The exercise of the slides: take the Lending Club file from Kaggle, `table = load_lending_club("accepted....csv")`,
#   and run section 7 on it. With a hundred times more rows, does the ranking change?
# - Give the complex tasks of section 6 20,000 rows instead of 4,000. How much of the gap is closed now?
# - Take the over-confident network, and divide its outputs before the sigmoid by a number $T > 1$, chosen on validation
#   rows: *temperature scaling*. What does it do to the reliability curve, and what to the AUC?
# - Search with `trials=54`, the whole grid. How much better is the best, on the test rows?
# - The package KerasTuner has cleverer searches, such as Hyperband, which stops hopeless trials early. How would you
#   add that to `run_search`?
# - Compile a step with `tf.function(jit_compile=True)`: XLA fuses operations. For which widths of section 3 does it
#   pay?
# - `dlcourse run 04 --solution` executes the worked lab. In a terminal, `tensorboard --logdir runs` opens any folder
#   of event files.
#
# ## References
#
# - Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger), slides "A semi-comprehensive TF tour", "Action
#   required" and "Some personal take-away".
# - TensorFlow guides: *Better performance with tf.function*; *tf.data: build input pipelines*.
# - P. Ramachandran, B. Zoph and Q. Le, *Searching for activation functions*, arXiv:1710.05941: swish, with and without
#   a trainable $\beta$.
# - H. Hofmann, *Statlog (German Credit Data)*, UCI, 1994; U. Grömping, *South German Credit Data: correcting a widely
#   used data set*, Beuth University Berlin, Report 4/2019.
# - C. Guo, G. Pleiss, Y. Sun and K. Weinberger, *On calibration of modern neural networks*, ICML 2017.
# - C. Elkan, *The foundations of cost-sensitive learning*, IJCAI 2001: the threshold.
# - L. Grinsztajn, E. Oyallon and G. Varoquaux, *Why do tree-based models still outperform deep learning on typical
#   tabular data?*, NeurIPS 2022.
# - J. Bergstra and Y. Bengio, *Random search for hyper-parameter optimization*, JMLR 13 (2012).
