"""SSAE in PyTorch, written as a user of PyTorch would: what tf_ssae's speed is compared with.

    pip install torch==2.13.0

Its weights are copied from a detector (`SSAE.load`), so that it can be checked to compute the same:
`tests/benchmarks/pytorch_twin_test.py`. Images are `[B, C, H, W]` here, as PyTorch has them.
"""

import torch
from torch import nn
from torch.nn import functional as F

LEAK = 0.2


def _encoder(channels, depth):
    layers, widths = [], [channels, 32, 64, 128]
    for before, after in zip(widths, widths[1:]):
        layers += [
            nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False),
            _batch_norm(after),
            nn.LeakyReLU(LEAK),
        ]
    return nn.Sequential(
        *layers, nn.Conv2d(128, depth, 4, bias=False), _batch_norm(depth), nn.LeakyReLU(LEAK)
    )


def _batch_norm(width):
    # PyTorch's momentum is what Keras calls 1 - momentum.
    return nn.BatchNorm2d(width, eps=1e-5, momentum=0.1)


class _Decoder(nn.Module):
    def __init__(self, depth, channels):
        super().__init__()
        layers, widths = [nn.ConvTranspose2d(depth, 256, 4), nn.ReLU()], [256, 128, 64, 32]
        for before, after in zip(widths, widths[1:]):
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.output = nn.ConvTranspose2d(32, channels, 4, padding=1)

    def forward(self, z):
        # PyTorch crops all sides alike, which leaves 33x33; padding "same" crops the last row and
        # column as well.
        return F.relu(self.output(self.layers(z))[:, :, :-1, :-1])


class SSAE(nn.Module):
    """The networks, the losses of a training step and the four scores, for 32x32 images and the
    preset's settings; in bfloat16 by PyTorch's autocast.
    """

    def __init__(self, config, channels, precision="float32"):
        super().__init__()
        self.config = config
        self._in_bfloat16 = precision == "bfloat16"
        self.encoder = _encoder(channels, config.latent_depth)
        self.side_encoder = _encoder(channels, config.side_latent_depth)
        self.decoder = _Decoder(config.latent_depth, channels)
        self.classifier = nn.Sequential(
            nn.Linear(config.latent_depth + config.side_latent_depth, 128, bias=False),
            nn.BatchNorm1d(128, eps=1e-5, momentum=0.1),
            nn.LeakyReLU(LEAK),
            nn.Linear(128, 4),
        )
        self.optimizer = torch.optim.Adam(
            self.parameters(), lr=config.learning_rate, betas=(config.beta_1, 0.999)
        )

    def load(self, detector):
        """Takes the weights of a `tf_ssae` SSAE."""
        for name in ("encoder", "side_encoder", "decoder", "classifier"):
            # Without the running averages, which Keras keeps among the layer's weights.
            theirs = iter(getattr(detector, name).trainable_variables)
            for ours in getattr(self, name).parameters():
                ours.data = _to_torch(next(theirs).numpy()).to(ours.data)

    def losses(self, x, x_rotated, d):
        """Eq. 3.10, and its terms Eq. 3.7 and 3.8; with `rotations=all` the first images of
        `x_rotated` are `x`.
        """
        config = self.config
        if config.rotations == "all":
            z_rotated = self.encoder(x_rotated)
            z = z_rotated[: len(x)]
        else:
            z, z_rotated = self.encoder(torch.cat([x, x_rotated])).split([len(x), len(x_rotated)])
        error = (x - self.decoder(z)) ** 2
        l_rec = (
            error.mean()
            if config.reconstruction_reduction == "mean"
            else error.sum(dim=(1, 2, 3)).mean()
        )
        l_cls = F.cross_entropy(self._classify(z_rotated, x_rotated), d)
        return config.w_cls * l_cls + config.w_rec * l_rec, l_rec, l_cls

    def train_step(self, x, x_rotated, d):
        with self._autocast():
            loss, *_ = self.losses(x, x_rotated, d)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def scores(self, x, memory_format=torch.contiguous_format):
        """`a_rec`, `a_cls`, and the two overall scores, whose normalisation is left out: it costs
        nothing.
        """
        x_rotated = torch.cat([torch.rot90(x, k, (2, 3)) for k in range(4)]).contiguous(
            memory_format=memory_format
        )
        with self._autocast():
            z = self.encoder(x_rotated)
            reconstruction, logits = self.decoder(z[: len(x)]), self._classify(z, x_rotated)
        a_rec = ((x - reconstruction.float()) ** 2).sum(dim=(1, 2, 3))
        probabilities = logits.float().softmax(dim=1).reshape(4, len(x), 4)
        a_cls = -probabilities.diagonal(dim1=0, dim2=2).mean(dim=1)
        alpha = self.config.alpha
        overall = alpha * a_rec, (1 - alpha) * a_cls
        return a_rec, a_cls, sum(overall), torch.maximum(*overall)

    def _autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self._in_bfloat16)

    def _classify(self, z, x_rotated):
        return self.classifier(torch.cat([z, self.side_encoder(x_rotated)], dim=1).flatten(1))


def _to_torch(weight):
    """A weight's axes, from Keras' order to PyTorch's."""
    if weight.ndim == 4:
        # Convolutions [H, W, in, out] -> [out, in, H, W]; transposed ones [H, W, out, in] -> [in,
        # out, H, W].
        return torch.from_numpy(weight.transpose(3, 2, 0, 1).copy())
    return torch.from_numpy(weight.T.copy())
