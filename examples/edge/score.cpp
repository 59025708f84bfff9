// Scores a photo with an exported .tflite file, in C++, with LiteRT's library, which
// `pip install ai-edge-litert` brings (on Linux; elsewhere, see LiteRT's own pages):
//
//   at=$(python -c "import ai_edge_litert; print(*ai_edge_litert.__path__)")
//   c++ -std=c++17 -O2 score.cpp $at/libLiteRt.so -Wl,-rpath,$at -o score
//   ./score float32.tflite photo.ppm CHANNELS SIZE CROP TILE_SIZE OVERLAP SCORE THRESHOLD
//
// The arguments after the photo are in the .json beside the file: of `preparation` `channels`,
// `resize.size`, `tiles.crop`, `tiles.tile_size` and `tiles.overlap`; of `calibration`
// `deciding_score`, and its threshold. The photo is a binary PGM or PPM file, for want of a decoder.
// The file is exported with --tflite_batch_size=1, the default.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "litert.h"
#include "preparation.h"

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

edge::Image read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int width = 0, height = 0, largest = 0;
  file >> kind >> width >> height >> largest;
  require((kind == "P5" || kind == "P6") && largest == 255 && width > 0 && height > 0,
          std::string(path) + ": expected a binary PGM or PPM file of 8 bits.");
  file.get();
  edge::Image image{height, width, kind == "P5" ? 1 : 3, {}};
  image.pixels.resize(std::size_t(height) * width * image.channels);
  file.read(reinterpret_cast<char*>(image.pixels.data()), image.pixels.size());
  require(bool(file), std::string(path) + ": it ends early.");
  return image;
}

// A file's only signature. All that it holds lives as long as the program.
class Model {
 public:
  explicit Model(const char* path) {
    LiteRtModel model;
    LiteRtOptions options;
    LiteRtTensor tensor;
    LiteRtRankedTensorType type;
    LiteRtTensorBufferRequirements needs;
    require(!LiteRtCreateEnvironment(0, nullptr, &environment_), "LiteRT does not start.");
    require(!LiteRtCreateModelFromFile(environment_, path, &model),
            std::string(path) + ": cannot be read.");
    require(!LiteRtCreateOptions(&options) &&
                !LiteRtSetOptionsHardwareAccelerators(options, kLiteRtHwAcceleratorCpu) &&
                !LiteRtCreateCompiledModel(environment_, model, options, &compiled_) &&
                !LiteRtGetModelSignature(model, 0, &signature_) &&
                !LiteRtGetSignatureInputTensorByIndex(signature_, 0, &tensor) &&
                !LiteRtGetRankedTensorType(tensor, &type) &&
                !LiteRtGetCompiledModelInputBufferRequirements(compiled_, 0, 0, &needs) &&
                !LiteRtCreateManagedTensorBufferFromRequirements(environment_, &type, needs,
                                                                 &input_),
            std::string(path) + ": cannot be run.");
    std::size_t count = 0;
    LiteRtGetNumSignatureOutputs(signature_, &count);
    outputs_.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      require(!LiteRtGetSignatureOutputTensorByIndex(signature_, i, &tensor) &&
                  !LiteRtGetRankedTensorType(tensor, &type) &&
                  !LiteRtGetCompiledModelOutputBufferRequirements(compiled_, 0, i, &needs) &&
                  !LiteRtCreateManagedTensorBufferFromRequirements(environment_, &type, needs,
                                                                   &outputs_[i]),
              "No memory for its outputs.");
  }

  std::size_t index_of(const std::string& score) const {
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const char* name;
      if (!LiteRtGetSignatureOutputName(signature_, i, &name) && score == name) return i;
    }
    throw std::runtime_error("The file has no score " + score + ".");
  }

  float run(const edge::Image& tile, std::size_t score) {
    std::size_t size = 0;
    LiteRtGetTensorBufferPackedSize(input_, &size);
    require(size == tile.pixels.size(),
            "The file takes tiles of another size: are the arguments those of its .json?");
    void* memory;
    require(!LiteRtLockTensorBuffer(input_, &memory, kLiteRtWrite), "No access to its input.");
    std::memcpy(memory, tile.pixels.data(), size);
    LiteRtUnlockTensorBuffer(input_);
    require(!LiteRtRunCompiledModel(compiled_, 0, 1, &input_, outputs_.size(), outputs_.data()),
            "The file cannot be run.");
    require(!LiteRtLockTensorBuffer(outputs_[score], &memory, kLiteRtRead), "It has no output.");
    const float value = *static_cast<float*>(memory);
    LiteRtUnlockTensorBuffer(outputs_[score]);
    return value;
  }

 private:
  LiteRtEnvironment environment_;
  LiteRtCompiledModel compiled_;
  LiteRtSignature signature_;
  LiteRtTensorBuffer input_;
  std::vector<LiteRtTensorBuffer> outputs_;
};

int main(int count, char** given) try {
  require(count == 10, "Expected nine arguments: see the first lines of score.cpp.");
  const edge::Preparation how{std::atoi(given[3]), std::atoi(given[4]),
                              std::string(given[5]) == "centre", std::atoi(given[6]),
                              std::atoi(given[7])};
  Model model(given[1]);
  const std::size_t deciding = model.index_of(given[8]);
  // A photo is as anomalous as its most anomalous tile.
  float score = -std::numeric_limits<float>::infinity();
  for (const edge::Image& tile : edge::tiles(read(given[2]), how))
    score = std::max(score, model.run(tile, deciding));
  const bool is_anomaly = score > std::strtof(given[9], nullptr);
  std::printf("%s\t%.7g\t%s\n", given[2], score, is_anomaly ? "anomaly" : "normal");
} catch (const std::exception& error) {
  std::cerr << "Error: " << error.what() << "\n";
  return 1;
}
