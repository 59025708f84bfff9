"""What the thesis prints (W. Kim, *Self-supervised auto-encoder for anomaly detection*, POSTECH
2019), and its names.
"""

# Table 5.1, section 5.3: PR-AUC, the mean over ten configurations, three seeds each. It gives no
# deviations.
TABLE_5_1 = {
    "BIGAN": {"mnist": 0.4738, "fashion_mnist": 0.4827, "cifar10": 0.3722},
    "GANomaly": {"mnist": 0.5645, "fashion_mnist": 0.5264, "cifar10": 0.3678},
    "AE": {"mnist": 0.7350, "fashion_mnist": 0.5278, "cifar10": 0.3696},
    "Rotation": {"mnist": 0.5165, "fashion_mnist": 0.5723, "cifar10": 0.4279},
    "A*_max": {"mnist": 0.6567, "fashion_mnist": 0.5740, "cifar10": 0.4277},
    "A*_ws": {"mnist": 0.7173, "fashion_mnist": 0.5896, "cifar10": 0.4134},
    "OURS A_rec": {"mnist": 0.7201, "fashion_mnist": 0.5327, "cifar10": 0.3692},
    "OURS A_cls": {"mnist": 0.6175, "fashion_mnist": 0.5953, "cifar10": 0.4340},
    "OURS A_max": {"mnist": 0.7534, "fashion_mnist": 0.5925, "cifar10": 0.4332},
    "OURS A_ws": {"mnist": 0.7403, "fashion_mnist": 0.6034, "cifar10": 0.4133},
}

# The configurations of MNIST that figure 5.5 and section 5.4 look at: those of the larger
# improvements by its method.
LARGEST_IMPROVEMENTS = (2, 6, 7)

DATASET_NAMES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "digits": "digits",
}

CLASS_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    "cifar10": (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
}
