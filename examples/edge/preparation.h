// From the pixels of a photo to the tiles that an exported .tflite file takes, as the .json beside
// it says under `preparation`; C++17, nothing but its standard library. The pixels are to be upright,
// without alpha, 8 bits a channel.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace edge {

struct Image {
  int height, width, channels;       // 1: grey, 3: RGB
  std::vector<std::uint8_t> pixels;  // row by row, channels side by side
};

// Of the .json: `channels`, `resize.size`, `tiles.crop == "centre"`, `tiles.tile_size` and
// `tiles.overlap`.
struct Preparation {
  int channels, size;
  bool centre;
  int tile_size, overlap;
};

inline Image with_channels(const Image& image, int channels) {
  if (image.channels == channels) return image;
  Image found{image.height, image.width, channels, {}};
  found.pixels.reserve(std::size_t(image.height) * image.width * channels);
  for (std::size_t i = 0; i < image.pixels.size(); i += image.channels) {
    const std::uint8_t* p = &image.pixels[i];
    if (channels == 1)
      found.pixels.push_back((19595 * p[0] + 38470 * p[1] + 7471 * p[2] + 32768) / 65536);
    else
      found.pixels.insert(found.pixels.end(), 3, p[0]);
  }
  return found;
}

// Where tiles of this side begin along an axis.
inline std::vector<int> starts(long length, long side, long overlap, bool centre) {
  const long slack = length - side;
  if (centre) return {int(slack / 2)};
  const long step = side - overlap, count = (length - overlap + step - 1) / step;
  const long last = std::max(count - 1, 1L);
  std::vector<int> found;
  for (long i = 0; i < count; ++i)
    found.push_back(int(2 * i < count ? (i * slack + last - 1) / last
                                      : slack - ((last - i) * slack + last - 1) / last));
  return found;
}

// Resizes one axis, `count` lines of `from` pixels, to `to` pixels, by a triangle as wide as they are
// shrunk; and transposes, so that a second call resizes the other axis and turns all back.
inline std::vector<float> resized(const std::vector<float>& in, int count, int from, int to,
                                  int channels) {
  std::vector<float> out(std::size_t(count) * to * channels);
  const double scale = double(from) / to, support = std::max(scale, 1.0);
  for (int x = 0; x < to; ++x) {
    const double middle = (x + 0.5) * scale;
    const int first = std::max(0, int(std::floor(middle - support)));
    const int end = std::min(from, int(std::ceil(middle + support)) + 1);
    std::vector<double> weights;
    double sum = 0;
    for (int i = first; i < end; ++i) {
      weights.push_back(std::max(0.0, 1 - std::abs(i + 0.5 - middle) / support));
      sum += weights.back();
    }
    for (int line = 0; line < count; ++line)
      for (int c = 0; c < channels; ++c) {
        double value = 0;
        for (int i = first; i < end; ++i)
          value += weights[i - first] * in[(std::size_t(line) * from + i) * channels + c];
        out[(std::size_t(x) * count + line) * channels + c] = float(value / sum);
      }
  }
  return out;
}

// Tiles of size x size pixels, row by row. The photo scores as the highest of them.
inline std::vector<Image> tiles(const Image& photo, const Preparation& how) {
  const Image image = with_channels(photo, how.channels);
  const int shorter = std::min(image.height, image.width), channels = image.channels;
  const int side = how.tile_size ? std::min(shorter, how.tile_size) : shorter;
  const int overlap = how.overlap ? side / how.overlap : 0;
  std::vector<Image> found;
  for (int top : starts(image.height, side, overlap, how.centre))
    for (int left : starts(image.width, side, overlap, how.centre)) {
      std::vector<float> values;
      values.reserve(std::size_t(side) * side * channels);
      for (int y = top; y < top + side; ++y) {
        const std::uint8_t* row = &image.pixels[(std::size_t(y) * image.width + left) * channels];
        values.insert(values.end(), row, row + std::size_t(side) * channels);
      }
      if (side != how.size) {
        values = resized(values, side, side, how.size, channels);
        values = resized(values, how.size, side, how.size, channels);
      }
      Image tile{how.size, how.size, channels, {}};
      for (float value : values)  // nearbyint: halves to even
        tile.pixels.push_back(std::uint8_t(std::clamp(std::nearbyint(value), 0.0f, 255.0f)));
      found.push_back(tile);
    }
  return found;
}

}  // namespace edge
