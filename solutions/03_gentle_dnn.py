# ---
# jupyter:
#   dlcourse:
#     title: A gentle start with Keras
#     minutes: 120
#     needs: a laptop CPU
#     requires: [tensorflow, keras]
# ---

# %% [markdown]
# # Lab 03: A gentle start with Keras
#
# In Lab 02 you wrote a network down to the last index. Keras does the same in six lines. You will see that it really is
# the same, learn to train, watch, save and load a network, and find out by measurement which of the famous remedies
# against over-fitting deserve their fame.

# %% [markdown]
# **After this lab you can**
#
# - write a network in Keras in three ways: `Sequential`, functional, and as a class of your own;
# - compile, fit, evaluate and predict, for classes and for numbers, and read the training curves;
# - let callbacks stop the training, keep the best weights and change the learning rate;
# - save a network and get exactly the same one back;
# - explain dropout, batch normalisation and the L2 penalty by their formulas, and say where each helps and where it
#   hurts.
#
# **You need** what [Lab 02](02_multilayer_perceptron.ipynb) is about: layers, gradients, training and validation data.
# Keras and TensorFlow are new; nothing about them is assumed.
#
# There are nine exercises. Fill in the function, run the cell, then the check below it. Until yours passes, the lab
# goes on with the course's own version.

# %% [markdown]
# ## 1. The network of Lab 02, line by line
#
# Here are the handwritten digits of Lab 02 again, 64 pixels each, and the library network that reads them: 32 hidden
# ReLU units and ten softmax outputs. `initialize` draws the random weights without training.

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
from dlcourse.datasets import load_digits, split_and_standardize
from dlcourse.foundations import MLPClassifier

digits = load_digits()
split = split_and_standardize(digits.X, digits.y, test=0.2, validation=0.2, seed=0)
X_train, X_validation, X_test = (digits.X[rows] for rows in (split.train_rows, split.validation_rows, split.test_rows))

lab02 = MLPClassifier((32,), learning_rate=0.002, max_epochs=15, shuffle=False, random_state=0)
_ = lab02.initialize(X_train, split.y_train)

# %% [markdown]
# In Keras you stack layers. `Dense` is the layer of Lab 02: a weight matrix, a bias vector, an activation.

# %%
network = keras.Sequential(
    [
        layers.Input((64,)),
        layers.Dense(32, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)

# %% [markdown]
# How many numbers will training adjust? Count on paper before you let anybody tell you.
#
# **Exercise 3.1.** Write the count for any network of dense layers. `units` is a list: the inputs first, then the units
# of each layer, here `[64, 32, 10]`.


# %%
def parameter_count(units):
    """Number of weights and biases of a network of dense layers, e.g. for units = [64, 32, 10]."""
    # BEGIN SOLUTION
    total = 0
    for layer in range(1, len(units)):
        total += (units[layer - 1] + 1) * units[layer]
    return total
    # END SOLUTION


# %%
parameter_count = check("3.1", parameter_count)

# %% [markdown]
# `summary` lists the layers, the shapes of their outputs (`None` is the number of samples, which may vary) and the
# parameters of each.

# %% tags=["nbval-ignore-output"]
network.summary()

# %%
print(f"yours: {parameter_count([64, 32, 10]):,}, Keras: {network.count_params():,}")

# %% [markdown]
# ### The same weights, the same answers
#
# Keras keeps its weights in the order that you would guess: matrix, bias, matrix, bias. So the weights of Lab 02's
# network can move in.
#
# *Before you run it:* two libraries, one in NumPy, one in TensorFlow. How closely can 360 x 10 probabilities agree, if
# both calculate with 7 digits?

# %%
network.set_weights([array for pair in zip(lab02.weights_, lab02.biases_, strict=True) for array in pair])

difference = np.abs(network(X_test) - lab02.predict_proba(X_test)).max()
print(f"largest difference between the outputs is below 1e-6: {bool(difference < 1e-6)}")

# %% [markdown]
# ### The same gradients
#
# In Lab 02 you derived $\delta_o$ and $\delta_h$. Keras never derives anything: while it computes the outputs,
# TensorFlow keeps a tape of every operation, and plays the tape backwards with the chain rule. The loss is the
# cross-entropy, and it wants the labels as rows with a single 1.
#
# **Exercise 3.2.** Turn labels into such rows: *one-hot* coding.


# %%
def one_hot(labels, classes):
    """Rows of length `classes` that are 1 in the column of the label and 0 elsewhere; labels count from 0."""
    # BEGIN SOLUTION
    return np.eye(classes)[labels]
    # END SOLUTION


# %%
one_hot = check("3.2", one_hot)

# %%
targets = one_hot(split.y_train, 10)
with tf.GradientTape() as tape:
    loss = keras.losses.CategoricalCrossentropy()(targets, network(X_train))
by_tape = tape.gradient(loss, network.trainable_variables)
by_backpropagation = [array for pair in lab02.gradients(X_train, split.y_train) for array in pair]

gap = max(np.abs(one - other).max() for one, other in zip(by_tape, by_backpropagation, strict=True))
print(f"largest difference between the gradients is below 1e-6: {bool(gap < 1e-6)}")

# %% [markdown]
# ### The same training
#
# `compile` says how to train: the optimizer and the loss. `fit` is the double loop over epochs and mini-batches. We
# turn the shuffling off on both sides, so that both see the same batches in the same order; both use Adam with the rate
# 0.002.
#
# *Predict:* after 15 epochs of 34 steps each, will the two losses still agree in two digits, in four, or not at all?

# %%
network.compile(optimizer=keras.optimizers.Adam(0.002), loss="categorical_crossentropy")
history = network.fit(X_train, targets, epochs=15, batch_size=32, shuffle=False, verbose=0)
_ = lab02.fit(X_train, split.y_train)

keras_curve, lab02_curve = np.array(history.history["loss"]), np.array(lab02.loss_curve_)
curve_gap = float(np.abs(keras_curve - lab02_curve).max())
print(f"largest difference between the loss curves is below 1e-4: {curve_gap < 1e-4}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.6))
epochs = np.arange(1, 16)
axes[0].plot(epochs, lab02_curve, color=PALETTE[0], linewidth=6, alpha=0.35, label="Lab 02 (NumPy)")
axes[0].plot(epochs, keras_curve, color=PALETTE[1], marker="o", markersize=4, label="Keras")
axes[1].semilogy(epochs, np.abs(keras_curve - lab02_curve) + 1e-9, color=PALETTE[2], marker="^", markersize=5)
axes[0].set(xlabel="epoch", ylabel="training cross-entropy", title="Two libraries, one loss curve")
axes[1].set(xlabel="epoch", ylabel="difference of the two", ylim=(1e-9, 1e-2), title="Only rounding sets them apart")
axes[0].legend()
show(figure, alt="The training loss of Lab 02's network and of Keras coincide; they differ by about a millionth.")

# %% [markdown]
# It is the same network. What you wrote by hand corresponds to Keras line by line:
#
# | you, in Lab 02 | the library of Lab 02 | Keras |
# |---|---|---|
# | `V`, `W` of random numbers | `MLPClassifier((32,))` | `Sequential([Input, Dense, Dense])` |
# | `forward` | `predict_proba` | `network(X)`, `predict` |
# | `output_delta`, `hidden_delta`, `weight_gradients` | `gradients` | the tape, inside `fit` |
# | `W - eta * gradient` | `optimizer=`, `learning_rate=` | `compile(optimizer=...)` |
# | `train_network`, the loop | `fit` | `fit` |
#
# One default differs: `Dense` starts with Glorot's weights also before a ReLU (the slides' take-away recommends
# Glorot), while Lab 02's network starts with He's. For two layers it hardly matters, for ten it does: that is section 7
# of [Lab 01](01_gradient_descent.ipynb). `kernel_initializer="he_normal"` changes it.

# %% [markdown]
# ## 2. A classifier from start to finish
#
# Now the usual way, without Lab 02 in the background. Three habits are worth having from the first day:
#
# - **A seed.** `set_random_seed` makes the weights, the shuffling and dropout repeatable.
# - **Validation data** in `fit`: after every epoch Keras measures loss and metrics on samples that it does not train
#   on. (There is also `validation_split=0.2`. It takes the *last* rows, unshuffled; on a file that is sorted by class
#   that is a disaster.)
# - **Sparse labels.** `sparse_categorical_crossentropy` takes the integers as they are, and nobody needs one-hot rows.

# %%
keras.utils.set_random_seed(1)
reader = keras.Sequential(
    [layers.Input((64,)), layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")]
)
reader.compile(keras.optimizers.Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = reader.fit(
    X_train, split.y_train, validation_data=(X_validation, split.y_validation), epochs=15, verbose=0
).history
print(", ".join(history))

# %% [markdown]
# `fit` returns a record; its `history` holds a list for each figure, one number an epoch.
#
# *Before you run:* the accuracy on the training part is at most 1. What must the two loss curves look like?

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.6))
epochs = np.arange(1, 16)
for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
    ax.plot(epochs, history[name], color=PALETTE[0], marker="o", markersize=4, label="training part")
    ax.plot(epochs, history[f"val_{name}"], color=PALETTE[1], marker="s", markersize=4, label="validation part")
    ax.set_xlabel("epoch")
    ax.set_xticks(range(1, 16, 2))
axes[0].set(ylabel="cross-entropy", yscale="log", title="Both losses fall, more and more slowly")
axes[1].set(ylabel="accuracy", title=f"In the end {history['val_accuracy'][-1]:.0%} of the unseen digits are right")
axes[1].legend(loc="lower right")
show(figure, alt="Cross-entropy falls and accuracy rises on training and validation digits, to about 0.96 and more.")

# %% [markdown]
# In the first epochs the validation curve is the *better* one. That is no miracle: the training figure is an average
# over the epoch, while the network was still learning; the validation figure is taken at its end.
#
# `predict` gives the ten probabilities of each digit, and `evaluate` the loss and the metrics.
#
# **Exercise 3.3.** Write the accuracy from probabilities and labels.


# %%
def accuracy(probabilities, labels):
    """Share of the rows of probabilities (n, k) whose largest entry is at the true label; labels (n,)."""
    # BEGIN SOLUTION
    return np.mean(probabilities.argmax(axis=1) == labels)
    # END SOLUTION


# %%
accuracy = check("3.3", accuracy)

# %%
probabilities = reader.predict(X_test, verbose=0)
digit_accuracy = float(accuracy(probabilities, split.y_test))
_, keras_accuracy = reader.evaluate(X_test, split.y_test, verbose=0)
print(f"yours equals Keras' own: {abs(digit_accuracy - keras_accuracy) < 1e-6}")
print(f"accuracy on {len(X_test)} unseen digits at least 0.93: {digit_accuracy >= 0.93}")

# %% [markdown]
# One number hides which digits are mistaken for which.
#
# **Exercise 3.4.** Count the answers: entry $(i, j)$ says how often a digit $i$ was read as $j$.


# %%
def confusion_matrix(labels, predictions, classes):
    """Counts of shape (classes, classes): row = true class, column = answer; both inputs are integers (n,)."""
    # BEGIN SOLUTION
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (labels, predictions), 1)
    return counts
    # END SOLUTION


# %%
confusion_matrix = check("3.4", confusion_matrix)

# %% tags=["nbval-ignore-output"]
counts = confusion_matrix(split.y_test, probabilities.argmax(axis=1), 10)
figure, ax = plt.subplots(figsize=(5.2, 4.8))
plots.confusion(counts, range(10), ax)
ax.set_title(f"{counts.trace()} of {counts.sum()} unseen digits are read correctly")
show(figure, alt="Confusion matrix of the ten digits: nearly all counts lie on the diagonal, a few beside it.")

# %% [markdown]
# The diagonal holds what is right. Look off it: which pairs does the network confuse, and would you?
#
# > **A trap.** The output above is a softmax, and the loss expects probabilities. You may also leave the softmax out
# > and write `SparseCategoricalCrossentropy(from_logits=True)`, which is numerically a little better. Doing *both*
# > takes the softmax twice: everything runs, the network learns slowly, and nothing warns you.

# %% [markdown]
# ## 3. Three ways to write a network
#
# `Sequential` is a pile of layers: one input, one output, no detours. Two other ways can do more.
#
# **Functional**: a layer is a function. Call it with the output of another one, and name the two ends at last.

# %%
pixels = layers.Input((64,))
hidden = layers.Dense(64, activation="relu")(pixels)
functional_reader = keras.Model(inputs=pixels, outputs=layers.Dense(10, activation="softmax")(hidden))


# %% [markdown]
# **Subclassed**: a class makes its layers in `__init__` and says in `call` what happens to the inputs. Here you may
# write any Python at all.


# %%
class Reader(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(64, activation="relu")
        self.answer = layers.Dense(10, activation="softmax")

    def call(self, pixels):
        return self.answer(self.hidden(pixels))


subclassed_reader = Reader()
_ = subclassed_reader(X_test[:1])  # a class learns the shape of its inputs, and makes its weights, at the first call

# %%
for name, other in (("functional", functional_reader), ("subclassed", subclassed_reader)):
    other.set_weights(reader.get_weights())
    gap = np.abs(other(X_test) - probabilities).max()
    print(f"{name}: the same answers as Sequential: {bool(gap < 1e-6)}")

# %% [markdown]
# Three spellings, one network. So which one? As simple as possible: `Sequential` for a pile, functional when there are
# branches, a class when `call` needs an `if`, a loop or something random.
#
# ### A regression that needs a branch
#
# For numbers instead of classes the output layer has no activation and the loss is the mean squared error. We take
# Friedman's formula, a classic among test problems,
#
# $$y = 10 \sin(\pi x_1 x_2) + 20\,(x_3 - \tfrac12)^2 + 10\,x_4 + 5\,x_5 + \text{noise},$$
#
# with ten inputs between 0 and 1, five of which are there only to mislead. The noise has standard deviation 1, so we
# know what nobody knows about real data: no model can have a root mean squared error (RMSE) below 1.

# %%
from sklearn.datasets import make_friedman1
from sklearn.linear_model import LinearRegression


def friedman(n, seed):
    """Inputs, shape (n, 10), scaled to mean 0 and standard deviation 1, and targets, shape (n, 1)."""
    X, y = make_friedman1(n, noise=1.0, random_state=seed)
    return ((X - 0.5) * np.sqrt(12)).astype("float32"), y[:, np.newaxis]


(X_fit, y_fit), (X_check, y_check), (X_new, y_new) = friedman(1000, 0), friedman(500, 1), friedman(2000, 2)
y_mean, y_scale = y_fit.mean(), y_fit.std()


def rmse(predictions):
    return float(np.sqrt(np.mean((predictions - y_new) ** 2)))


linear_rmse = rmse(LinearRegression().fit(X_fit, y_fit).predict(X_new))
print(f"a straight line through ten inputs: RMSE {linear_rmse:.1f}; the noise alone: 1.0")

# %% [markdown]
# > **A trap.** Targets for one output have the shape `(n, 1)`, like the predictions. With `(n,)`, a subtraction
# > `y - prediction` of your own makes an `(n, n)` table of all pairs, silently.
#
# Two terms of the formula are linear. So give the network a shortcut: the *wide* path leads from the inputs straight to
# the output, the *deep* path through two hidden layers, and the two are added. No `Sequential` can say that.

# %%
inputs = layers.Input((10,))
deep = layers.Dense(64, activation="relu")(inputs)
deep = layers.Dense(64, activation="relu")(deep)
outputs = layers.Add()([layers.Dense(1)(inputs), layers.Dense(1)(deep)])
functional_regressor = keras.Model(inputs, outputs)


# %% [markdown]
# The same as a class. The decorator `register_keras_serializable` and `get_config` let Keras rebuild it from a file;
# section 6 needs them.


# %%
@keras.saving.register_keras_serializable(package="lab03")
class WideAndDeep(keras.Model):
    def __init__(self, units=64, **names):
        super().__init__(**names)
        self.units = units
        self.first = layers.Dense(units, activation="relu")
        self.second = layers.Dense(units, activation="relu")
        self.wide, self.deep = layers.Dense(1), layers.Dense(1)

    def call(self, inputs):
        return self.wide(inputs) + self.deep(self.second(self.first(inputs)))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


# %% [markdown]
# ### A metric of your own, and 32 against 64 bits
#
# We train on standardised targets, but want to read the error in the units of $y$. A metric is a function of the true
# and the predicted values that returns one number a sample; Keras averages. There is one thing to know: **NumPy counts
# in 64 bits, Keras in 32, and TensorFlow refuses to mix the two.** `fit` converts arrays for you, but data that come
# from a `tf.data.Dataset` arrive as they are. So a metric first casts.


# %%
@keras.saving.register_keras_serializable(package="lab03")
def error_in_units(y, prediction):
    """Absolute error of each sample in the units of y; works for 32 and for 64 bits."""
    y = keras.ops.cast(y, prediction.dtype)
    return float(y_scale) * keras.ops.mean(keras.ops.abs(y - prediction), axis=-1)


def careless_error(y, prediction):
    return keras.ops.mean(keras.ops.abs(y - prediction), axis=-1)


# %%
t_fit, t_check = (y_fit - y_mean) / y_scale, (y_check - y_mean) / y_scale
in_64_bits = tf.data.Dataset.from_tensor_slices((X_check, t_check)).batch(100)
for metric in (error_in_units, careless_error):
    functional_regressor.compile(loss="mse", metrics=[metric])
    try:
        functional_regressor.evaluate(in_64_bits, verbose=0)
        print(f"{metric.__name__}: works")
    except Exception as error:
        print(f"{metric.__name__}: {type(error).__name__}, float64 is not float32")

# %% [markdown]
# Now train, as always: compile, fit, and a picture.
#
# *Predict:* the straight line had an RMSE of 2.6. Where between that and 1.0 will the network end?

# %%
keras.utils.set_random_seed(0)
regressor = WideAndDeep()
regressor.compile(keras.optimizers.Adam(0.005), loss="mse", metrics=[error_in_units])
history = regressor.fit(
    X_fit, t_fit, validation_data=(X_check, t_check), epochs=15, validation_batch_size=500, verbose=0
).history

functional_regressor.set_weights(regressor.get_weights())
predictions = regressor.predict(X_new, verbose=0)
gap = np.abs(functional_regressor(X_new) - predictions).max()
network_rmse = rmse(y_mean + y_scale * predictions)
print(f"functional and subclassed give the same predictions: {bool(gap < 1e-5)}")
print(f"RMSE on new samples below 1.8: {network_rmse < 1.8}")

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.0))
epochs = np.arange(1, 16)
for name, label, look in zip(("", "val_"), ("training part", "validation part"), plots.styles(), strict=False):
    axes[0].plot(epochs, history[f"{name}error_in_units"], **look, markersize=4, label=label)
axes[0].axhline(np.sqrt(2 / np.pi), color="grey", linestyle=":", label="of the noise alone")
axes[0].set(
    xlabel="epoch", ylabel="mean absolute error (units of y)", ylim=(0, 4), title="First the formula, then the noise"
)
axes[0].set_xticks(range(1, 16, 2))
axes[1].plot(y_new, y_mean + y_scale * predictions, "o", color=PALETTE[0], markersize=2.5, alpha=0.4)
axes[1].plot([0, 30], [0, 30], color="black", linewidth=1)
axes[1].set(xlabel="true y", ylabel="predicted y", title=f"2,000 new samples, RMSE {network_rmse:.2f}")
axes[0].legend()
show(figure, alt="Validation error levels off, training error sinks below the noise; predictions lie near the truth.")

# %% [markdown]
# On the right, predicted against true values. This picture belongs to every regression: it shows at once whether the
# network fails somewhere in particular, for instance at the largest values. On the left is a sign that you know from
# Lab 02: the training error sinks *below* that of the noise, so the network has begun to learn the noise by heart.

# %% [markdown]
# ## 4. Over-fitting, and callbacks that watch
#
# A **callback** is an object that Keras calls at the end of every epoch (and at other moments). To see why you want
# one, give a large network very little to learn: sixty points of two interlocking half-moons, with a lot of noise.
#
# *Predict:* the network has 4,417 parameters for 60 points (`parameter_count([2, 64, 64, 1])`). How will its training
# loss end, and how its validation loss?

# %%
from sklearn.datasets import make_moons


def moons(n, seed):
    X, y = make_moons(n, noise=0.3, random_state=seed)
    return X.astype("float32"), y.astype("float32")[:, np.newaxis]


(X_moons, y_moons), watch, (X_far, y_far) = moons(60, 0), moons(200, 100), moons(2000, 999)


def moon_network():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [layers.Input((2,)), layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(1, "sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    return model


overtrained = moon_network()
moon_fit = {"validation_data": watch, "batch_size": 20, "validation_batch_size": 200, "verbose": 0}
history = overtrained.fit(X_moons, y_moons, epochs=40, **moon_fit).history
watched = history["val_loss"]
print(f"the last validation loss is at least 1.3 times the lowest: {watched[-1] > 1.3 * min(watched)}")

# %% [markdown]
# The validation loss fell, turned, and climbed: the network first learned the moons and then the noise. **Early
# stopping** ends the training when the validation loss has not reached a new low for some epochs, the *patience*.
#
# **Exercise 3.5.** Find out from a list of losses after which epoch the training ends, and which epoch was the best one
# by then. Epochs count from 1. If the patience never runs out, the training ends with the last epoch.


# %%
def early_stopping(losses, patience):
    """(last_epoch, best_epoch): ends once `patience` epochs in a row have brought no new lowest loss."""
    # BEGIN SOLUTION
    best_epoch = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best_epoch - 1]:
            best_epoch = epoch
        elif epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(losses), best_epoch
    # END SOLUTION


# %%
early_stopping = check("3.5", early_stopping)

# %% [markdown] tags=["solution"]
# *For teachers.* The check draws curves with ties, with a best first epoch and with a low after the stop. The frequent
# mistake is `np.argmin` over the whole list: it looks into a future that early stopping never trains.

# %% [markdown]
# Your function reads the *finished* curve and says where Keras' callback should stop. Train once more from the same
# seed, with two callbacks: `EarlyStopping`, which also brings the best weights back (it does not unless you ask!), and
# `ModelCheckpoint`, which writes the best network so far to a file, in case the computer does not live to see the end.

# %%
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
callbacks = [
    keras.callbacks.EarlyStopping(patience=8, restore_best_weights=True),
    keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="val_loss", save_best_only=True),
]
stopped = moon_network()
short = stopped.fit(X_moons, y_moons, epochs=1000, callbacks=callbacks, **moon_fit).history

# %%
last_epoch, best_epoch = early_stopping(watched, patience=8)
print(f"Keras stopped where your function says: {len(short['val_loss']) == last_epoch}")
from_file = keras.models.load_model(folder / "best.keras")
same = np.array_equal(from_file(X_far), stopped(X_far))
print(f"the checkpoint is the network that came back: {same}")


# %% [markdown]
# And on 2,000 points that had no part in any of this?


# %%
def cross_entropy(model):
    """Binary cross-entropy on the 2,000 far points. Calling a model is quicker than `predict` for one batch."""
    return float(np.mean(keras.losses.binary_crossentropy(y_far, model(X_far))))


spared = 1 - cross_entropy(stopped) / cross_entropy(overtrained)
print(f"early stopping lowers it by more than a fifth: {spared > 0.2}")

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(1, 3, figsize=(11.5, 3.7), width_ratios=(1.25, 1, 1))
axes[0].plot(range(1, 41), history["loss"], color=PALETTE[0], label="training points")
axes[0].plot(range(1, 41), watched, color=PALETTE[1], linestyle="--", label="validation points")
axes[0].axvline(best_epoch, color="grey", linestyle=":")
axes[0].axvline(last_epoch, color="black", linestyle=":")
axes[0].annotate("best", (best_epoch - 1, 0.68), ha="right")
axes[0].annotate("stops", (last_epoch + 1, 0.68))
axes[0].set(xlabel="epoch", ylabel="cross-entropy", ylim=(0, 0.75), title="Learns the moons, then the noise")
axes[0].legend(loc="center right", bbox_to_anchor=(1, 0.35), fontsize=8)
for ax, model, title in zip(axes[1:], (stopped, overtrained), ("Stopped early", "After 40 epochs"), strict=True):
    plots.output_field(model, ax, bounds=((-2, 3), (-1.6, 2.1)))
    plots.binary_points(X_moons, y_moons[:, 0], ax)
    for points in ax.collections[-2:]:
        points.set_sizes([22])
    ax.set(xlabel="$x_1$", title=f"{title}: test loss {cross_entropy(model):.2f}")
axes[1].set_ylabel("$x_2$")
show(
    figure,
    alt="Validation loss turns upwards; the stopped network has a soft border, the other a hard one around noise.",
)

# %% [markdown]
# The overtrained network is not so much wrong as *sure where it should doubt*: its colours jump from one to the other.
# Cross-entropy punishes that; accuracy would hardly notice.
#
# One caution. The validation loss at the best epoch is a little too good to be true, since you picked the epoch for it.
# What you report is the loss on a third set, as here.

# %% [markdown]
# ## 5. A learning rate that falls
#
# Lab 01 showed why a constant rate never settles: mini-batches keep pushing the weights about. The slides' adaptive
# rate decays like $1/t$. The favourite of recent years is half a cosine: slow to leave the high rate, slow to arrive at
# the low one,
#
# $$\eta(s) = \eta_{\min} + \frac{\eta_{\max} - \eta_{\min}}{2} \left(1 + \cos\frac{\pi s}{S}\right)
# \quad \text{for } s \le S, \qquad \eta(s) = \eta_{\min} \text{ afterwards.}$$
#
# **Exercise 3.6.** Write it for a single step $s$.


# %%
def cosine_rate(step, steps, highest, lowest):
    """Learning rate at `step`: from `highest` at step 0 down to `lowest` at step `steps`, and constant afterwards."""
    # BEGIN SOLUTION
    share = min(step / steps, 1)
    return lowest + (highest - lowest) * (1 + np.cos(np.pi * share)) / 2
    # END SOLUTION


# %%
cosine_rate = check("3.6", cosine_rate)

# %% [markdown]
# Keras can use it in two ways. The callback `LearningRateScheduler(function)` asks your function once an *epoch*. A
# **schedule** in place of the number, `Adam(CosineDecay(...))`, changes the rate at every *step*.

# %%
schedule = keras.optimizers.schedules.CosineDecay(0.02, decay_steps=400)
steps = np.arange(0, 500, 10)
theirs = np.array([float(schedule(step)) for step in steps])
yours = np.array([cosine_rate(step, 400, 0.02, 0.0) for step in steps])
print(f"your rates are those of CosineDecay: {bool(np.abs(yours - theirs).max() < 1e-6)}")


# %% [markdown]
# Does it help? One run proves nothing, so we want several random starts of several networks, and that takes patience:
# for data as small as ours most of an epoch in Keras is bookkeeping. A trick: let `tf.data` deal out all passes over
# the data as *one* long epoch, and let Keras take 100 steps at a time.


# %%
def build(inputs, dropout=0.0, l2=0.0, batch_norm=False, hidden=(64, 64), activation="relu", outputs=(1, None)):
    """A Sequential network with the remedies of section 7; `outputs` are the units and activation of the last layer."""
    model = keras.Sequential([layers.Input((inputs,))])
    for units in hidden:
        model.add(layers.Dense(units, kernel_regularizer=keras.regularizers.L2(l2) if l2 else None))
        if batch_norm:
            model.add(layers.BatchNormalization())
        model.add(layers.Activation(activation))
        if dropout:
            model.add(layers.Dropout(dropout))
    model.add(layers.Dense(outputs[0], activation=outputs[1]))
    return model


def train(model, X, y, passes, batch_size, seed):
    """Trains a compiled model from a fresh random start, all passes over the data in one Keras epoch."""
    keras.utils.set_random_seed(seed)
    model.set_weights(keras.models.clone_model(model).get_weights())
    for memory in model.optimizer.variables:
        if "learning_rate" not in memory.path:  # Adam's averages and its count of steps
            memory.assign(np.zeros(memory.shape, memory.dtype))
    data = tf.data.Dataset.from_tensor_slices((X, y)).shuffle(len(X), seed=seed).repeat(passes).batch(batch_size)
    model.fit(data, verbose=0, shuffle=False)
    return model


# %% [markdown]
# Two constant rates and one that falls, on Friedman's formula, three random starts each.
#
# *Predict:* in which order will the three end?

# %%
from dlcourse.progress import track

contenders = {
    "constant 0.005": 0.005,
    "constant 0.02": 0.02,
    "cosine from 0.02": keras.optimizers.schedules.CosineDecay(0.02, 400),
}
rate_errors = {}
for name, rate in track(contenders.items(), "learning rates"):
    model = build(10)
    model.compile(keras.optimizers.Adam(rate), "mse", steps_per_execution=100)
    trained = (train(model, X_fit, t_fit.astype("float32"), 20, 50, seed) for seed in range(3))
    rate_errors[name] = [rmse(y_mean + y_scale * np.asarray(one(X_new))) for one in trained]

# %%
falling = rate_errors["cosine from 0.02"]
best_constant = min(rate_errors["constant 0.005"] + rate_errors["constant 0.02"])
print(f"every falling run beats every constant one: {max(falling) < best_constant}")

# %% tags=["nbval-ignore-output"]
figure, ax = plt.subplots(figsize=(6.4, 2.9))
for place, (errors, look) in enumerate(zip(rate_errors.values(), plots.styles(), strict=False)):
    ax.plot(errors, [place] * 3, linestyle="none", alpha=0.7, **look)
    ax.plot([np.mean(errors)] * 2, [place - 0.25, place + 0.25], color=look["color"])
ax.axvline(1, color="grey", linestyle=":")
ax.annotate("the noise", (1, 1.5), xytext=(4, 0), textcoords="offset points", color="grey", va="center")
ax.set_yticks(range(3), list(rate_errors))
ax.set(xlabel="RMSE on new samples (units of y)", xlim=(0.97, None), title="A falling rate settles lowest")
show(figure, alt="RMSE of three runs each: the cosine schedule ends clearly below both constant learning rates.")

# %% [markdown]
# With a falling rate you may start high, travel far, and still settle. That takes nothing but one word in `compile`.
# The price: you must say in advance how long the training will be. If you cannot, `ReduceLROnPlateau` lowers the rate
# whenever the validation loss stalls.

# %% [markdown]
# ## 6. Saving and loading
#
# Training costs hours, loading a second. There are two kinds of file, and Keras 3 tells them by their names:
#
# | you want | write | name must end in |
# |---|---|---|
# | everything: layers, weights, optimizer | `model.save(...)` | `.keras` |
# | the weights alone | `model.save_weights(...)` | `.weights.h5` |
#
# (`.h5` without `.weights` is the old format for whole models. It still works, with a warning, for layers that Keras
# knows.)

# %%
regressor.save(folder / "wide_and_deep.keras")
everything = keras.models.load_model(folder / "wide_and_deep.keras")

regressor.save_weights(folder / "wide_and_deep.weights.h5")
weights_only = WideAndDeep()
_ = weights_only(X_new[:1])
weights_only.load_weights(folder / "wide_and_deep.weights.h5")

for name, model in (("everything", everything), ("weights alone", weights_only)):
    print(f"{name}: exactly the same predictions: {np.array_equal(model(X_new), regressor(X_new))}")

# %% [markdown]
# The first file brought the class `WideAndDeep` back, because section 3 registered it and the metric, and `get_config`
# says how wide it is. For the second you have to build the same network first, so keep the code with the weights. The
# first also holds Adam's memory: `everything.fit(...)` goes on where the training stopped.
#
# Much code on the web was written for Keras 2, where file names were free. *What will happen to these two?*

# %%
for save, name in ((regressor.save, "my_model"), (regressor.save_weights, "my_weights")):
    try:
        save(folder / name)
        print(f"{name}: saved")
    except ValueError as error:
        wanted = ".weights.h5" if ".weights.h5" in str(error) else ".keras"
        print(f"{name}: ValueError, the name should end in {wanted}")

# %% [markdown]
# `ModelCheckpoint` follows the same rule: `.keras`, or `.weights.h5` together with `save_weights_only=True`. And a rule
# for your own safety: a model file can contain code. Load only files that you trust.

# %% [markdown]
# ## 7. Dropout, batch normalisation, weight penalties
#
# Early stopping is one remedy against over-fitting. The slides name two more, dropout and batch normalisation; a
# penalty on large weights is what they mean by constraining the optimization. You will write each in NumPy, hold it
# against Keras, and then measure what it is good for.
#
# ### Dropout
#
# In training, every activation is set to 0 with probability $p$, afresh for each sample and each step. No unit can rely
# on a particular other one. When the network is used, all units take part, and the next layer would suddenly receive
# more than it is used to. So the survivors are enlarged *during training*, until their mean is what it was before.
# (The slides leave this out.)
#
# **Exercise 3.7.** Given uniform random numbers, drop where they are below `rate` and enlarge the rest.


# %%
def dropout(activations, uniform, rate):
    """Activations after dropout; `uniform` holds a random number from [0, 1) for each. All of shape (n, units)."""
    # BEGIN SOLUTION
    kept = uniform >= rate
    return activations * kept / (1 - rate)
    # END SOLUTION


# %%
dropout = check("3.7", dropout)

# %%
ones = np.ones((1000, 50))
yours = dropout(ones, np.random.default_rng(0).random(ones.shape), 0.2)
layer = keras.layers.Dropout(0.2, seed=0)
theirs = np.asarray(layer(ones, training=True))
print(f"values: yours {np.unique(yours)}, Keras {np.unique(theirs)}")
print(f"mean stays 1: yours {yours.mean():.1f}, Keras {theirs.mean():.1f}")
print(f"in use nothing is dropped: {np.array_equal(np.asarray(layer(ones, training=False)), ones)}")

# %% [markdown]
# ### Batch normalisation
#
# You standardise the inputs of a network. Why not the inputs of every layer? Batch normalisation shifts and scales each
# unit by the mean $\mu$ and the variance $\sigma^2$ of the *mini-batch*, and then gives the layer its freedom back with
# two trained numbers a unit, $\gamma$ and $\beta$:
#
# $$y = \gamma\, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta.$$
#
# $\epsilon$ (0.001 in Keras) keeps a unit that never varies from a division by zero; $\sigma^2$ is the plain mean of
# the squared deviations.
#
# **Exercise 3.8.** Write it for a batch of shape `(n, units)`.


# %%
def batch_normalize(x, gamma, beta, epsilon):
    """Normalises each unit over the batch x, shape (n, units); gamma and beta have shape (units,)."""
    # BEGIN SOLUTION
    mean, variance = x.mean(axis=0), x.var(axis=0)
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
    # END SOLUTION


# %%
batch_normalize = check("3.8", batch_normalize)

# %% [markdown] tags=["solution"]
# *For teachers.* Ask what happens to a batch of one: $x - \mu$ is zero, the output is $\beta$ whatever the input, and
# nothing can be learned. With two samples (end of this section) hardly more is left.

# %%
batch = np.random.default_rng(1).normal(5.0, 2.0, size=(32, 4)).astype("float32")
layer = keras.layers.BatchNormalization()
theirs = np.asarray(layer(batch, training=True))
gap = np.abs(batch_normalize(batch, np.ones(4), np.zeros(4), epsilon=1e-3) - theirs).max()
print(f"yours is Keras' layer in training, to 5 decimals: {bool(gap < 1e-5)}")
print(f"the same layer in use, right after: mean {np.asarray(layer(batch, training=False)).mean():.0f} instead of 0")

# %% [markdown]
# The last line is not a bug. In use there may be a single sample and no batch to average over, so the layer keeps
# *running averages* of $\mu$ and $\sigma^2$, of which each training step contributes 1 %. After one step they have
# hardly started to move. Remember it when a network with batch normalisation trains well and validates miserably: it
# may have made too few steps, or seen batches that are too small.
#
# ### The L2 penalty
#
# Large weights make sharp bends. So add their squares to the loss: a weight must then earn its size.
#
# **Exercise 3.9.** `keras.regularizers.L2` computes $\lambda \sum w^2$, without the $\tfrac12$ of Lab 02. Return this
# penalty and its gradient, which gradient descent adds to that of the loss.


# %%
def l2_penalty(weights, strength):
    """(penalty, gradient) for an array of weights; strength is lambda."""
    # BEGIN SOLUTION
    return strength * np.sum(weights**2), 2 * strength * weights
    # END SOLUTION


# %%
l2_penalty = check("3.9", l2_penalty)

# %%
kernel = regressor.first.kernel
with tf.GradientTape() as tape:
    theirs = keras.regularizers.L2(0.01)(kernel)
slope = tape.gradient(theirs, kernel.value)
penalty, gradient = l2_penalty(np.asarray(kernel), 0.01)
print(f"the penalty agrees: {abs(penalty - float(theirs)) < 1e-4}")
print(f"the gradient agrees: {bool(np.abs(gradient - slope).max() < 1e-6)}")

# %% [markdown]
# ### Which remedy helps?
#
# Two patients. **The moons**: 60 noisy points, a network that over-fits badly, as you have seen. **Friedman's
# formula**: 500 samples, and a network that over-fits, but far less. Both get the same network, 2 x 64 ReLU units,
# and the same treatments, with several random starts. For the moons every start also brings 60 new points. (Batch
# normalisation is left out here. It is another kind of thing, and has its own turn below.)
#
# *Predict* for each patient: which treatments help, which harm?

# %%
treatments = {
    "none": {},
    "dropout 0.5": {"dropout": 0.5},
    "L2, 0.003": {"l2": 0.003},
    "L2, 0.2": {"l2": 0.2},
}
moon_models, moon_losses = {}, {name: [] for name in treatments}
for name, treatment in track(treatments.items(), "moons"):
    moon_models[name] = model = build(2, outputs=(1, "sigmoid"), **treatment)
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", steps_per_execution=100)
    for seed in (2, 1, 0):
        train(model, *moons(60, seed), passes=100, batch_size=30, seed=seed)
        moon_losses[name].append(cross_entropy(model))

# %%
formula_errors = {name: [] for name in treatments}
for name, treatment in track(treatments.items(), "formula"):
    model = build(10, **treatment)
    model.compile(keras.optimizers.Adam(0.01), "mse", steps_per_execution=100)
    for seed in range(3):
        train(model, X_fit[:500], t_fit[:500].astype("float32"), passes=40, batch_size=100, seed=seed)
        formula_errors[name].append(rmse(y_mean + y_scale * np.asarray(model(X_new))))

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(1, 4, figsize=(11, 3.3), sharey=True)
X_seen, y_seen = moons(60, 0)  # the last start was seed 0
for ax, (name, model) in zip(axes, moon_models.items(), strict=True):
    plots.output_field(model, ax, bounds=((-2, 3), (-1.6, 2.1)))
    plots.binary_points(X_seen, y_seen[:, 0], ax)
    for points in ax.collections[-2:]:
        points.set_sizes([18])
    ax.set(xlabel="$x_1$", title=f"{name}\ntest loss {moon_losses[name][-1]:.2f}")
axes[0].set_ylabel("$x_2$")
show(
    figure,
    alt="Without a remedy the colours jump around single points; with each remedy the border is softer or smoother.",
)

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(1, 2, figsize=(10.4, 3.9))
for ax, results in zip(axes, (moon_losses, formula_errors), strict=True):
    for place, (values, look) in enumerate(zip(results.values(), plots.styles(), strict=False)):
        ax.plot([place] * len(values), values, linestyle="none", alpha=0.6, **look)
        ax.hlines(np.mean(values), place - 0.25, place + 0.25, color=look["color"])
    ax.axhline(np.mean(results["none"]), color="grey", linewidth=0.8, linestyle="--")
    ax.set_xticks(range(4), [name.replace(" ", "\n", 1) for name in treatments])
axes[0].set(ylabel="cross-entropy on far points", ylim=(0, None), title="Moons: any treatment is better than none")
axes[1].set(ylabel="RMSE on new samples (units of y)", title="Formula: only the mild penalty is")
show(
    figure,
    alt="Moons: all treatments lower the test loss. Formula: dropout and strong L2 raise the error, mild L2 lowers it.",
)

# %%
verdicts = {}
for name in list(treatments)[1:]:
    for patient, results in (("moons", moon_losses), ("formula", formula_errors)):
        change = np.mean(results[name]) / np.mean(results["none"]) - 1
        verdicts[name, patient] = "helps" if change < -0.05 else "hurts" if change > 0.05 else "no clear effect"
        print(f"{name} on the {patient}: {verdicts[name, patient]}")

# %% [markdown]
# On the moons everything helps: each treatment keeps the network from being sure of itself, dropout by noise, the
# penalty by small weights. (Even 0.2 does, although under so strong a penalty the border becomes a straight line.
# Compare the pictures!)
#
# The formula tells another story. The mild penalty helps, so there is over-fitting to cure; but dropout costs more than
# it cures. It puts noise on the hidden units, and a regression has to get a *value* right, not only a side. The strong
# penalty flattens what should bend. Of the three, only the mild penalty helps both patients.
#
# So the slides' usual dose, half of the activations, is a medicine for large classifiers that over-fit, not a vitamin.
# First look at the two curves. Treat if they part, and measure the treatment as you measure everything else.

# %% [markdown]
# ### What batch normalisation is for
#
# Its inventors were not after a remedy against over-fitting. They wanted *deep* networks to train, and fast; so say the
# slides' take-away, too. Remember the end of Lab 01: with sigmoid units the gradient vanishes, and a deep network
# guesses for ever.
#
# *Predict:* four hidden layers of sigmoids on the digits, with and without batch normalisation. And then two layers of
# ReLU, where everything is well, but with mini-batches of only 2 digits: how well does a mean over two samples stand
# for all?

# %%
experiments = {
    "four sigmoid layers, batches of 32": (
        {"hidden": (32,) * 4, "activation": "sigmoid"},
        keras.optimizers.SGD,
        {"learning_rate": 0.1},
        {"passes": 10, "batch_size": 32},
    ),
    "two ReLU layers, batches of 2": ({}, keras.optimizers.Adam, {}, {"passes": 1, "batch_size": 2}),
}
norm_accuracy = {}
for name, (shape, optimizer, settings, loop) in track(experiments.items(), "batch norm"):
    for batch_norm in (False, True):
        model = build(64, batch_norm=batch_norm, outputs=(10, "softmax"), **shape)
        model.compile(optimizer(**settings), "sparse_categorical_crossentropy", steps_per_execution=100)
        trained = (train(model, X_train[:800], split.y_train[:800], seed=seed, **loop) for seed in range(3))
        norm_accuracy[name, batch_norm] = [float(accuracy(np.asarray(one(X_test)), split.y_test)) for one in trained]

# %% tags=["nbval-ignore-output"]
figure, ax = plt.subplots(figsize=(7.2, 3.4))
for place, ((_, batch_norm), values) in enumerate(norm_accuracy.items()):
    look = {"color": PALETTE[int(batch_norm)], "marker": plots.MARKERS[int(batch_norm)]}
    ax.bar(place, np.mean(values), width=0.6, color=look["color"], alpha=0.35)
    ax.plot([place] * 3, values, linestyle="none", **look, label=("without", "with")[batch_norm] if place < 2 else None)
ax.axhline(0.1, color="grey", linestyle=":")
ax.annotate("guessing", (3.35, 0.11), ha="right", va="bottom", color="grey")
ax.set_xticks((0.5, 2.5), [name.replace(", ", ",\n") for name in experiments])
ax.set(ylabel="accuracy on unseen digits", ylim=(0, 1.05), title="Batch normalisation rescues one and ruins the other")
ax.legend(title="batch normalisation", loc="upper center", ncols=2, bbox_to_anchor=(0.5, -0.2))
show(
    figure,
    alt="With batch normalisation four sigmoid layers learn instead of guessing; with batches of two, ReLU gets worse.",
)

# %%
deep_without, deep_with, tiny_without, tiny_with = (float(np.mean(values)) for values in norm_accuracy.values())
print(f"four sigmoid layers: without below 0.2: {deep_without < 0.2}, with above 0.5: {deep_with > 0.5}")
print(f"batches of 2: it costs more than 10 points of accuracy: {tiny_without - tiny_with > 0.1}")

# %% [markdown]
# The same layer, a rescue and a ruin. It keeps every layer's sums where the sigmoid has a slope, so the gradient
# arrives. But its $\mu$ and $\sigma$ are estimates from the batch, and from two samples they are mostly noise: after
# normalising, all that is left of a unit is *which of the two* was larger.

# %%
progress()

# %% [markdown]
# ## Summary

# %% tags=["headline"]
print(f"Lab 02's network and Keras: loss curves over 15 epochs agree within 0.0001: {curve_gap < 1e-4}")
print(f"Digits: accuracy on unseen ones at least 0.93: {digit_accuracy >= 0.93}")
print(f"Friedman's formula: line {linear_rmse:.1f}, network with a falling rate below 1.4: {max(falling) < 1.4}")
print(f"Sixty moons: stopping after epoch {last_epoch} of 40 spares at least a fifth of the loss: {spared > 0.2}")
for name in ("dropout 0.5", "L2, 0.003"):
    print(f"{name}: {verdicts[name, 'moons']} on the moons, {verdicts[name, 'formula']} on the formula")

# %% [markdown]
# - A Keras model is the network of Lab 02: same weights in, same outputs, gradients and losses out.
# - `Sequential` for a pile of layers, the functional way for branches, a class for anything else. `compile`, `fit`,
#   `evaluate`, `predict` are the same for all three.
# - Callbacks watch the training: `EarlyStopping` (ask for the best weights!), `ModelCheckpoint`, `ReduceLROnPlateau`. A
#   falling learning rate costs one word, and paid in every run here.
# - `.keras` holds everything, `.weights.h5` the weights. A metric of your own casts before it subtracts.
# - Dropout, batch normalisation and strong penalties are treatments with side effects. Look for the disease first.
#
# ## Go further
#
# - **Real patients.** `sklearn.datasets.load_diabetes` has 442 of them. Can your network beat `LinearRegression` there?
#   (Use several splits. Do not be disappointed.)
# - **More data instead of remedies.** Train the moons with 60, 600 and 6,000 points and no treatment at all. How many
#   points is dropout worth?
# - **Two treatments at once.** Dropout *and* L2 on the moons: better than each alone?
# - **Where does the noise go?** Let dropout act at prediction too (`model(X, training=True)`), average a hundred
#   predictions, and compare with the usual one. The slides call it model averaging.
# - **In the package.** `MLPClassifier(dropout=..., l2=..., early_stopping=True)` from `dlcourse.foundations` has the
#   same remedies in readable NumPy. `dlcourse run 03 --solution` executes the worked lab.
# - Next: [Lab 03b](03b_genz_functions.ipynb) approximates functions with hundreds of networks, and
#   [Lab 04](04_tf_tour.ipynb) opens TensorFlow.
#
# ## References
#
# - Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger), slides "Keras & TensorFlow basics", "A gentle first
#   example", from "Notes on overfitting" to "Remark: batch normalization", "Some personal take-away".
# - Deep Learning, University of Bologna 2023-24, ch. 2; Deep Learning, ENS, ch. 3.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, *Dropout: a simple way to prevent neural
#   networks from overfitting*, JMLR 15 (2014).
# - S. Ioffe and C. Szegedy, *Batch normalization: accelerating deep network training by reducing internal covariate
#   shift*, ICML 2015, arXiv:1502.03167.
# - I. Loshchilov and F. Hutter, *SGDR: stochastic gradient descent with warm restarts*, ICLR 2017, arXiv:1608.03983.
# - L. Prechelt, *Early stopping - but when?*, in Neural Networks: Tricks of the Trade, Springer (1998).
# - H.-T. Cheng et al., *Wide & deep learning for recommender systems*, DLRS 2016, arXiv:1606.07792.
# - J. H. Friedman, *Multivariate adaptive regression splines*, Annals of Statistics 19 (1991).
# - F. Chollet et al., *Keras*, https://keras.io.
