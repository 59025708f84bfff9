// What score.cpp calls of LiteRT's C API (litert/c in its repository), declared here so that nothing
// but its library is needed, libLiteRt.so, which `pip install ai-edge-litert` brings. The types are
// part of its public, stable interface, as of version 2.

#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// Of these only addresses are handed around.
typedef struct LiteRtEnvironmentT* LiteRtEnvironment;
typedef struct LiteRtModelT* LiteRtModel;
typedef struct LiteRtOptionsT* LiteRtOptions;
typedef struct LiteRtCompiledModelT* LiteRtCompiledModel;
typedef struct LiteRtSignatureT* LiteRtSignature;
typedef struct LiteRtTensorT* LiteRtTensor;
typedef struct LiteRtTensorBufferT* LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT* LiteRtTensorBufferRequirements;

struct LiteRtRankedTensorType {
  int element_type;
  unsigned int rank : 7, has_strides : 1;
  std::int32_t dimensions[8];
  std::uint32_t strides[8];
};
static_assert(sizeof(LiteRtRankedTensorType) == 72, "as in litert_model_types.h");

// 0 where it worked.
typedef int LiteRtStatus;
enum { kLiteRtHwAcceleratorCpu = 1 };
enum LiteRtTensorBufferLockMode { kLiteRtRead = 0, kLiteRtWrite = 1 };

LiteRtStatus LiteRtCreateEnvironment(int, const void*, LiteRtEnvironment*);
LiteRtStatus LiteRtCreateModelFromFile(LiteRtEnvironment, const char*, LiteRtModel*);
LiteRtStatus LiteRtCreateOptions(LiteRtOptions*);
LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptions, int);
LiteRtStatus LiteRtCreateCompiledModel(LiteRtEnvironment, LiteRtModel, LiteRtOptions,
                                       LiteRtCompiledModel*);
LiteRtStatus LiteRtGetModelSignature(LiteRtModel, std::size_t, LiteRtSignature*);
LiteRtStatus LiteRtGetNumSignatureOutputs(LiteRtSignature, std::size_t*);
LiteRtStatus LiteRtGetSignatureOutputName(LiteRtSignature, std::size_t, const char**);
LiteRtStatus LiteRtGetSignatureInputTensorByIndex(LiteRtSignature, std::size_t, LiteRtTensor*);
LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature, std::size_t, LiteRtTensor*);
LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensor, LiteRtRankedTensorType*);
LiteRtStatus LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModel, std::size_t,
                                                           std::size_t,
                                                           LiteRtTensorBufferRequirements*);
LiteRtStatus LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModel, std::size_t,
                                                            std::size_t,
                                                            LiteRtTensorBufferRequirements*);
LiteRtStatus LiteRtCreateManagedTensorBufferFromRequirements(LiteRtEnvironment,
                                                             const LiteRtRankedTensorType*,
                                                             LiteRtTensorBufferRequirements,
                                                             LiteRtTensorBuffer*);
LiteRtStatus LiteRtGetTensorBufferPackedSize(LiteRtTensorBuffer, std::size_t*);
LiteRtStatus LiteRtLockTensorBuffer(LiteRtTensorBuffer, void**, LiteRtTensorBufferLockMode);
LiteRtStatus LiteRtUnlockTensorBuffer(LiteRtTensorBuffer);
LiteRtStatus LiteRtRunCompiledModel(LiteRtCompiledModel, std::size_t, std::size_t,
                                    LiteRtTensorBuffer*, std::size_t, LiteRtTensorBuffer*);
}
