"""One peer of kdtui in a process of its own; bench/peers starts it and talks to it.

    peer.py KIND FOLDER     KIND: torch, sklearn or numpy; FOLDER: CIFAR-10's binary files

It answers each line on standard input, a JSON object, with one on standard output:

    (at the start)                              {"library": "…", "threads": "…"}
    {"hidden": [50, 30], "batch": 100,
     "noise": false}                            {"can": true}
    {"steps": 490}                              {"seconds": 0.58}

All train the same network: ReLU, batch normalization before it (where the library has it), softmax
and cross-entropy, momentum, L2 on the weights; 49,000 images of 3,072 inputs, as float32 in memory.
"""

import json
import os
import sys
import time

import numpy as np

IMAGES, INPUTS, CLASSES = 49000, 3072, 10
RATE, MOMENTUM, L2, NOISE = 0.01, 0.9, 1e-5, 0.01


def read_data(folder):
    """Rows around 0, and labels."""
    files = [os.path.join(folder, f"data_batch_{i}.bin") for i in range(1, 6)]
    records = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, 1 + INPUTS) for file in files])
    records = records[:IMAGES]
    x = records[:, 1:].astype(np.float32)
    x *= np.float32(1 / 255)
    x -= x.mean(dtype=np.float64).astype(np.float32)
    return x, records[:, 0].astype(np.int64)


def libraries_of_threads():
    """What computes in parallel here: "openblas 0.3.21: 2, openmp: 1"."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown"
    return ", ".join(f"{pool['internal_api']} {pool['version'] or ''}".strip() + f": {pool['num_threads']}"
                     for pool in threadpool_info())


def sums_of(x):
    """Of each image, so that a mini-batch's deviation costs nothing."""
    return x.sum(1), np.einsum("ij,ij->i", x, x)


class Torch:
    """Tensors in memory, index_select into one buffer, SGD with foreach where it is to be had."""

    def __init__(self, x, y):
        import inspect
        import torch
        self.torch = torch
        torch.set_flush_denormal(True)
        self.library = f"PyTorch {torch.__version__}"
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.sum, self.squares = (torch.from_numpy(each) for each in sums_of(x))
        self.foreach = "foreach" in inspect.signature(torch.optim.SGD.__init__).parameters

    def prepare(self, hidden, batch, noise):
        torch, nn = self.torch, self.torch.nn
        widths = [INPUTS] + hidden
        layers = []
        for inputs, units in zip(widths, hidden):
            layers += [nn.Linear(inputs, units), nn.BatchNorm1d(units, affine=False), nn.ReLU(inplace=True)]
        self.model = nn.Sequential(*layers, nn.Linear(widths[-1], CLASSES))
        weights = [p for p in self.model.parameters() if p.dim() == 2]
        biases = [p for p in self.model.parameters() if p.dim() == 1]
        groups = [{"params": weights, "weight_decay": 2 * L2}, {"params": biases}]
        more = {"foreach": True} if self.foreach else {}
        self.optimizer = torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM, **more)
        self.batch, self.noise = batch, noise
        self.rows = torch.empty(batch, INPUTS)
        self.noisy = torch.empty(batch, INPUTS)
        return True

    def train(self, steps):
        torch, batch = self.torch, self.batch
        loss_of = torch.nn.functional.cross_entropy
        start = time.perf_counter()
        order = torch.randperm(IMAGES)
        for step in range(steps):
            index = order[step * batch:(step + 1) * batch]
            torch.index_select(self.x, 0, index, out=self.rows)
            if self.noise:
                count = batch * INPUTS
                mean = self.sum[index].sum() / count
                sigma = float((self.squares[index].sum() / count - mean * mean).sqrt())
                self.rows.add_(self.noisy.normal_(), alpha=NOISE * sigma)
            self.optimizer.zero_grad(set_to_none=True)
            loss_of(self.model(self.rows), self.y[index]).backward()
            self.optimizer.step()
        return time.perf_counter() - start


class Sklearn:
    """MLPClassifier: it has no batch normalization and adds no noise."""

    def __init__(self, x, y):
        import sklearn
        self.library = f"scikit-learn {sklearn.__version__}"
        self.x, self.y = x, y

    def prepare(self, hidden, batch, noise):
        from sklearn.neural_network import MLPClassifier
        if noise:
            return False
        self.batch = batch
        self.model = MLPClassifier(hidden_layer_sizes=hidden, activation="relu", solver="sgd", alpha=L2,
                                   batch_size=batch, learning_rate_init=RATE, momentum=MOMENTUM,
                                   nesterovs_momentum=False)
        return True

    def train(self, steps):
        rows = steps * self.batch
        start = time.perf_counter()
        self.model.partial_fit(self.x[:rows], self.y[:rows], classes=np.arange(CLASSES))
        return time.perf_counter() - start


class Numpy:
    """The textbook's loop in float32."""

    def __init__(self, x, y):
        self.library = f"numpy {np.__version__}"
        self.x, self.y = x, y
        self.sum, self.squares = sums_of(x)
        self.random = np.random.default_rng(1)

    def prepare(self, hidden, batch, noise):
        widths = [INPUTS] + hidden + [CLASSES]
        self.batch, self.noise = batch, noise
        self.parameters = []
        for inputs, units in zip(widths, widths[1:]):
            deviation = np.float32(np.sqrt(2 / inputs))
            self.parameters += [self.random.standard_normal((inputs, units), np.float32) * deviation,
                                np.zeros(units, np.float32)]
        self.velocities = [np.zeros_like(p) for p in self.parameters]
        self.averages = [(np.zeros(units, np.float32), np.ones(units, np.float32)) for units in hidden]
        self.rows = np.empty((batch, INPUTS), np.float32)
        self.noisy = np.empty((batch, INPUTS), np.float32)
        return True

    def forward(self, x):
        """What each layer was fed, its normalized scores and deviations; and the last scores."""
        fed, normalized, inverses = [x], [], []
        for layer, (mean_average, variance_average) in enumerate(self.averages):
            score = fed[-1] @ self.parameters[2 * layer] + self.parameters[2 * layer + 1]
            mean = score.mean(0)
            score -= mean
            variance = np.einsum("ij,ij->j", score, score) / np.float32(len(score))
            inverse = 1 / np.sqrt(variance + np.float32(1e-5))
            score *= inverse
            for average, new in (mean_average, mean), (variance_average, variance):
                average *= np.float32(0.9)
                average += np.float32(0.1) * new
            normalized.append(score)
            inverses.append(inverse)
            fed.append(np.maximum(score, 0))
        return fed, normalized, inverses, fed[-1] @ self.parameters[-2] + self.parameters[-1]

    def update(self, i, gradient, decay=np.float32(0)):
        parameter, velocity = self.parameters[i], self.velocities[i]
        if decay:
            gradient += decay * parameter
        velocity *= np.float32(MOMENTUM)
        velocity += gradient
        parameter -= np.float32(RATE) * velocity

    def step(self, x, labels):
        fed, normalized, inverses, logits = self.forward(x)
        logits -= logits.max(1, keepdims=True)
        gradient = np.exp(logits)
        gradient /= gradient.sum(1, keepdims=True)
        gradient[np.arange(len(labels)), labels] -= 1
        gradient /= np.float32(len(labels))
        for layer in range(len(self.averages), -1, -1):
            weights = fed[layer].T @ gradient, gradient.sum(0)
            if layer:
                below = gradient @ self.parameters[2 * layer].T
                below *= fed[layer] > 0
                score = normalized[layer - 1]
                below -= below.mean(0) + score * (np.einsum("ij,ij->j", below, score) / np.float32(len(score)))
                below *= inverses[layer - 1]
            self.update(2 * layer, weights[0], np.float32(2 * L2))
            self.update(2 * layer + 1, weights[1])
            if layer:
                gradient = below

    def train(self, steps):
        start = time.perf_counter()
        order = self.random.permutation(IMAGES)
        for step in range(steps):
            index = order[step * self.batch:(step + 1) * self.batch]
            np.take(self.x, index, axis=0, out=self.rows, mode="clip")
            if self.noise:
                mean = self.sum[index].mean() / INPUTS
                sigma = np.sqrt(self.squares[index].mean() / INPUTS - mean * mean)
                self.random.standard_normal(out=self.noisy, dtype=np.float32)
                self.noisy *= np.float32(NOISE * sigma)
                self.rows += self.noisy
            self.step(self.rows, self.y[index])
        return time.perf_counter() - start


def answer(**what):
    print(json.dumps(what), flush=True)


def main():
    kind, folder = sys.argv[1:]
    peer = {"torch": Torch, "sklearn": Sklearn, "numpy": Numpy}[kind](*read_data(folder))
    answer(library=peer.library, threads=libraries_of_threads())
    for line in sys.stdin:
        order = json.loads(line)
        if "steps" in order:
            answer(seconds=peer.train(order["steps"]))
        else:
            answer(can=peer.prepare(order["hidden"], order["batch"], order["noise"]))


if __name__ == "__main__":
    main()
