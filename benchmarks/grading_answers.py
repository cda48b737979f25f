"""Answers to the exercises of lab 02 whose verdicts are known: other right ones, and wrong ones.

A body stands below the exercise's own `def` line. What a wrong one must come to was worked out by hand from the cases
in `dlcourse.checks.lab_02*`, not by asking the grader: "partial" where some class of inputs is right throughout.
"""

from __future__ import annotations

RIGHT = {
    "2.1": (
        "z = w0\nfor x_i, w_i in zip(x, w):\n    z += x_i * w_i\nreturn 1 / (1 + np.exp(-z))",
        "return 1.0 / (1.0 + np.exp(-(np.dot(w, x) + w0)))",
    ),
    "2.2": (
        "return (weights[0] + X @ weights[1:] > 0).astype(int)",
        "return np.array([1 if weights[0] + np.dot(row, weights[1:]) > 0 else 0 for row in X])",
    ),
    "2.3": (
        "y = 1 if weights[0] + x @ weights[1:] > 0 else 0\nreturn weights + eta * (t - y) * np.insert(x, 0, 1.0)",
        "new = weights.copy()\nerror = perceptron_predict(x.reshape(1, -1), weights)[0] - t\n"
        "new[0] -= eta * error\nnew[1:] -= eta * error * x\nreturn new",
    ),
    "2.4": ("return a - a**2", "return np.multiply(a, np.subtract(1.0, a))"),
    "2.5": (
        "def layer(inputs, weights):\n    return sigmoid(weights[0] + inputs @ weights[1:])\n\n"
        "hidden = layer(X, V)\nreturn hidden, layer(hidden, W)",
        "return (a := sigmoid(np.c_[np.ones(len(X)), X] @ V)), sigmoid(np.c_[np.ones(len(a)), a] @ W)",
    ),
    "2.6": ("return (y - t) * y * (1 - y)", "δ = y - t\nreturn δ * (y - y * y)"),
    "2.7": (
        "delta = np.zeros_like(a)\nfor j in range(a.shape[1]):\n"
        "    delta[:, j] = a[:, j] * (1 - a[:, j]) * (delta_o * W[j + 1]).sum(axis=1)\nreturn delta",
        "return np.einsum('no,ho->nh', delta_o, W[1:]) * a * (1 - a)",
    ),
    "2.8": (
        "return tuple(np.vstack([d.sum(axis=0), layer.T @ d]) for layer, d in ((X, delta_h), (a, delta_o)))",
        "return np.einsum('nl,nh->lh', with_bias(X), delta_h), np.einsum('nh,no->ho', with_bias(a), delta_o)",
    ),
    "2.9": (
        "result = np.empty(w.size)\nfor i in range(w.size):\n    up, down = w.copy(), w.copy()\n"
        "    up.flat[i] += h\n    down.flat[i] -= h\n    result[i] = (function(up) - function(down)) / 2 / h\n"
        "return result.reshape(w.shape)",
        "steps = h * np.eye(w.size).reshape(-1, *w.shape)\n"
        "return np.array([(function(w + e) - function(w - e)) / (2 * h) for e in steps]).reshape(w.shape)",
    ),
    "2.10": (
        "a, y = forward(X, V, W)\no = output_delta(y, t)\n"
        "dV, dW = weight_gradients(X, a, o, hidden_delta(a, W, o))\nreturn [V - eta * dV, W - eta * dW]",
        "hidden, out = forward(X, V, W)\ndelta = (out - t) * out * (1 - out)\n"
        "back = hidden * (1 - hidden) * (delta @ W[1:].T)\n"
        "return V - eta * with_bias(X).T @ back, W - eta * with_bias(hidden).T @ delta",
    ),
    "2.11": (
        "from statistics import fmean, pstdev\n\nmeans = [fmean(column) for column in train.T]\n"
        "deviations = [pstdev(column) for column in train.T]\n"
        "return (train - means) / deviations, (other - means) / deviations",
        "def scale(rows):\n    return (rows - np.mean(train, 0)) / np.sqrt(np.var(train, 0))\n\n"
        "return scale(train), scale(other)",
    ),
    "2.12": (
        "shifted = z - np.max(z, axis=1)[:, None]\nreturn np.exp(shifted - np.log(np.exp(shifted).sum(1))[:, None])",
        "rows = []\nfor row in z:\n    e = np.exp(row - max(row))\n    rows.append(e / e.sum())\nreturn np.array(rows)",
    ),
    "2.13": (
        "total = 0.0\nfor label, row in zip(labels, probabilities):\n    total -= np.log(row[label])\n"
        "return total / len(labels)",
        "onehot = np.eye(probabilities.shape[1])[labels]\n"
        "return -(onehot * np.log(probabilities)).sum() / len(probabilities)",
    ),
}

# (status, which of the exercise's declared mistakes the student must be told, from 0; None for none; body)
WRONG = {
    "2.1": (
        ("partial", 0, "return sigmoid(x @ w)"),
        ("wrong", 1, "return w0 + x @ w"),
        ("partial", 2, "return sigmoid(x @ w - w0)"),
        ("partial", 3, "return sigmoid(x @ w) + w0"),
        ("wrong", None, "return np.tanh(w0 + x @ w)"),
    ),
    "2.2": (
        ("partial", 0, "return np.where(with_bias(X) @ weights >= 0, 1, 0)"),
        ("partial", 1, "return np.where(X @ weights[1:] > 0, 1, 0)"),
        ("partial", 2, "return np.where(X @ weights[1:] - weights[0] > 0, 1, 0)"),
        ("partial", 3, "return (np.column_stack([X, np.ones(len(X))]) @ weights > 0).astype(int)"),
        ("partial", 4, "return with_bias(X) @ weights"),
        ("wrong", None, "return np.where(with_bias(X) @ weights > 0, 1, -1)"),
    ),
    "2.3": (
        (
            "partial",
            0,
            "y = perceptron_predict(x[np.newaxis], weights)[0]\n"
            "return weights + eta * (y - t) * np.concatenate([[1.0], x])",
        ),
        (
            "partial",
            1,
            "y = perceptron_predict(x[np.newaxis], weights)[0]\n"
            "return weights - eta * (y - t) * np.concatenate([[0.0], x])",
        ),
        (
            "partial",
            2,
            "y = perceptron_predict(x[np.newaxis], weights)[0]\nreturn weights - (y - t) * np.concatenate([[1.0], x])",
        ),
        ("partial", 3, "return weights - eta * (weights[0] + x @ weights[1:] - t) * np.concatenate([[1.0], x])"),
        (  # right numbers, but the caller's weights are changed
            "partial",
            None,
            "y = perceptron_predict(x[np.newaxis], weights)[0]\n"
            "weights -= eta * (y - t) * np.concatenate([[1.0], x])\nreturn weights",
        ),
    ),
    "2.4": (
        ("wrong", 0, "return sigmoid(a) * (1 - sigmoid(a))"),
        ("wrong", 1, "return 1 - a**2"),
        ("wrong", 2, "return 1 - a"),
        ("wrong", None, "return a * (1 + a)"),
    ),
    "2.5": (
        ("wrong", 0, "a = sigmoid(X @ V[1:])\nreturn a, sigmoid(a @ W[1:])"),
        ("wrong", 1, "a = sigmoid(X @ V[1:] - V[0])\nreturn a, sigmoid(a @ W[1:] - W[0])"),
        ("wrong", 2, "a = with_bias(X) @ V\nreturn a, sigmoid(with_bias(a) @ W)"),
        ("wrong", 3, "a = sigmoid(with_bias(X) @ V)\nreturn a, with_bias(a) @ W"),
        ("wrong", 4, "a = sigmoid(with_bias(X) @ V)\nreturn sigmoid(with_bias(a) @ W), a"),
        ("wrong", 5, "return sigmoid(with_bias(sigmoid(with_bias(X) @ V)) @ W)"),
        ("wrong", None, "a = np.round(sigmoid(with_bias(X) @ V), 3)\nreturn a, sigmoid(with_bias(a) @ W)"),
    ),
    "2.6": (
        ("partial", 0, "return (t - y) * y * (1 - y)"),
        ("partial", 1, "return y - t"),
        ("partial", 2, "return (y - t) * t * (1 - t)"),
        ("partial", None, "return (y - t) ** 2 * y * (1 - y)"),
    ),
    "2.7": (
        ("wrong", 0, "return delta_o @ W[1:].T"),
        ("wrong", 1, "return a * (1 - a) * (delta_o @ W[:-1].T)"),
        ("wrong", 2, "return a * (1 - a) * (delta_o.sum(axis=1, keepdims=True) * W[1:].sum(axis=1))"),
        ("wrong", 3, "b = with_bias(a)\nreturn b * (1 - b) * (delta_o @ W.T)"),
        ("wrong", None, "return sigmoid_slope(delta_o @ W[1:].T)"),
    ),
    "2.8": (
        ("wrong", 0, "return with_bias(a).T @ delta_o, with_bias(X).T @ delta_h"),
        ("wrong", 1, "return X.T @ delta_h, a.T @ delta_o"),
        ("wrong", 2, "return with_bias(X).T @ delta_h / len(X), with_bias(a).T @ delta_o / len(X)"),
        ("wrong", 3, "return -with_bias(X).T @ delta_h, -with_bias(a).T @ delta_o"),
        ("wrong", None, "return with_bias(X).T @ delta_h"),
    ),
    "2.9": (
        (
            "partial",
            0,
            "gradient = np.zeros_like(w)\nfor index in np.ndindex(w.shape):\n    step = np.zeros_like(w)\n"
            "    step[index] = h\n    gradient[index] = (function(w + step) - function(w)) / h\nreturn gradient",
        ),
        (
            "partial",
            1,
            "gradient = np.zeros_like(w)\nfor index in np.ndindex(w.shape):\n    step = np.zeros_like(w)\n"
            "    step[index] = h\n    gradient[index] = (function(w + step) - function(w - step)) / h\nreturn gradient",
        ),
        ("partial", 2, "return np.full_like(w, (function(w + h) - function(w - h)) / (2 * h))"),
        ("partial", None, "return np.zeros_like(w)"),
    ),
    "2.10": (
        (
            "wrong",
            0,
            "a, y = forward(X, V, W)\no = output_delta(y, t)\n"
            "dV, dW = weight_gradients(X, a, o, hidden_delta(a, W, o))\nreturn V + eta * dV, W + eta * dW",
        ),
        (
            "wrong",
            1,
            "a, y = forward(X, V, W)\no = output_delta(y, t)\nW = W - eta * with_bias(a).T @ o\n"
            "return V - eta * with_bias(X).T @ hidden_delta(a, W, o), W",
        ),
        (
            "wrong",
            2,
            "a, y = forward(X, V, W)\no = output_delta(y, t)\n"
            "dV, dW = weight_gradients(X, a, o, hidden_delta(a, W, o))\n"
            "return V - eta * dV / len(X), W - eta * dW / len(X)",
        ),
        ("wrong", None, "return V, W"),
    ),
    "2.11": (
        (
            "partial",
            0,
            "both = np.vstack([train, other])\n"
            "return (train - train.mean(0)) / train.std(0), (other - both.mean(0)) / both.std(0)",
        ),
        (
            "partial",
            1,
            "mean, variance = train.mean(0), train.var(0)\nreturn (train - mean) / variance, (other - mean) / variance",
        ),
        ("partial", 2, "mean, d = train.mean(), train.std()\nreturn (train - mean) / d, (other - mean) / d"),
        ("wrong", 3, "return train / train.std(axis=0), other / train.std(axis=0)"),
        (  # right numbers, but the caller's rows are changed
            "wrong",
            None,
            "mean, d = train.mean(0), train.std(0)\ntrain -= mean\ntrain /= d\nreturn train, (other - mean) / d",
        ),
    ),
    "2.12": (
        ("partial", 0, "return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"),
        ("wrong", 1, "e = np.exp(z - z.max(axis=0))\nreturn e / e.sum(axis=0)"),
        ("partial", 2, "e = np.exp(z - z.max())\nreturn e / e.sum()"),
        ("wrong", 3, "return sigmoid(z)"),
        ("wrong", None, "e = np.exp(z - z.max(axis=1, keepdims=True))\nreturn e"),
    ),
    "2.13": (
        ("wrong", 0, "return np.mean(np.log(probabilities[np.arange(len(labels)), labels]))"),
        ("partial", 1, "return -np.sum(np.log(probabilities[np.arange(len(labels)), labels]))"),
        (
            "wrong",
            2,
            "return -np.mean(np.log(probabilities[np.arange(len(labels)), labels])) / probabilities.shape[1]",
        ),
        ("wrong", 3, "return -np.mean(np.log2(probabilities[np.arange(len(labels)), labels]))"),
        ("wrong", 4, "return -np.mean(probabilities[np.arange(len(labels)), labels])"),
        ("wrong", None, "return 1 - np.mean(probabilities[np.arange(len(labels)), labels])"),
    ),
}
