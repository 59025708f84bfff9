// Scores a photo with an exported .tflite file, in C++, with TensorFlow Lite's C API:
//
//   c++ -std=c++17 -O2 -I TENSORFLOW score.cpp -o score -l tensorflowlite_c
//   ./score float32.tflite photo.ppm CHANNELS SIZE CROP TILE_SIZE OVERLAP SCORE THRESHOLD
//
// The arguments after the photo are in the .json beside the file: of `preparation` `channels`,
// `resize.size`, `tiles.crop`, `tiles.tile_size` and `tiles.overlap`; of `calibration`
// `deciding_score`, and its threshold. The photo is a binary PGM or PPM file, for want of a decoder.
// The file is exported with --tflite_batch_size=1, the default.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>

#include "preparation.h"
#include "tensorflow/lite/c/c_api_experimental.h"  // of signatures; with c_api.h

edge::Image read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int width = 0, height = 0, largest = 0;
  file >> kind >> width >> height >> largest;
  if ((kind != "P5" && kind != "P6") || largest != 255 || width < 1 || height < 1)
    throw std::runtime_error(std::string(path) + ": expected a binary PGM or PPM file of 8 bits.");
  file.get();
  edge::Image image{height, width, kind == "P5" ? 1 : 3, {}};
  image.pixels.resize(std::size_t(height) * width * image.channels);
  if (!file.read(reinterpret_cast<char*>(image.pixels.data()), image.pixels.size()))
    throw std::runtime_error(std::string(path) + ": it ends early.");
  return image;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

int main(int count, char** given) try {
  require(count == 10, "Expected nine arguments: see the first lines of score.cpp.");
  const edge::Preparation how{std::atoi(given[3]), std::atoi(given[4]),
                              std::string(given[5]) == "centre", std::atoi(given[6]),
                              std::atoi(given[7])};
  TfLiteModel* model = TfLiteModelCreateFromFile(given[1]);
  require(model, "The .tflite file cannot be read.");
  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, options);
  require(interpreter, "The .tflite file cannot be run.");
  TfLiteSignatureRunner* run =
      TfLiteInterpreterGetSignatureRunner(interpreter, "serving_default");
  require(run && TfLiteSignatureRunnerAllocateTensors(run) == kTfLiteOk, "No memory for it.");

  // A photo is as anomalous as its most anomalous tile.
  float score = -std::numeric_limits<float>::infinity();
  for (const edge::Image& tile : edge::tiles(read(given[2]), how)) {
    TfLiteTensor* images = TfLiteSignatureRunnerGetInputTensor(run, "images");
    require(images && TfLiteTensorCopyFromBuffer(images, tile.pixels.data(),
                                                 tile.pixels.size()) == kTfLiteOk,
            "The file takes tiles of another size: are the arguments those of its .json?");
    require(TfLiteSignatureRunnerInvoke(run) == kTfLiteOk, "The file cannot be run.");
    const TfLiteTensor* output = TfLiteSignatureRunnerGetOutputTensor(run, given[8]);
    float of_tile = 0;
    require(output && TfLiteTensorCopyToBuffer(output, &of_tile, sizeof of_tile) == kTfLiteOk,
            "The file has no such score.");
    score = std::max(score, of_tile);
  }
  const bool is_anomaly = score > std::strtof(given[9], nullptr);
  std::printf("%s\t%.7g\t%s\n", given[2], score, is_anomaly ? "anomaly" : "normal");
  TfLiteSignatureRunnerDelete(run);
  TfLiteInterpreterDelete(interpreter);
  TfLiteInterpreterOptionsDelete(options);
  TfLiteModelDelete(model);
} catch (const std::exception& error) {
  std::cerr << "Error: " << error.what() << "\n";
  return 1;
}
