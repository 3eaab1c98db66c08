// A model's file as protobuf gets to see it: without the bytes of its large tensors. Each raw_data from kLeftOutBytes
// on is replaced by TensorProto.raw_offset and raw_size, which say where in the file it lies, and the lengths of all
// messages around it are made to fit. So parsing takes memory for the graph and not for the weights.
#pragma once

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <string>
#include <vector>

#include "graph/onnx/file.h"

namespace adze {

constexpr std::size_t kLeftOutBytes = std::size_t{16} << 10;

// A stretch of the file and what is read in its place.
struct Edit {
  std::uint64_t begin = 0, end = 0;
  std::string text;
};

// The edits that leave the large tensors out, in order. Error invalid_model when the file is no message of the kind.
// REQUIRES: file.size() fits an int
Result<std::vector<Edit>> leave_out_weights(const File& file);

// The file with its edits. REQUIRES: they are in order and don't overlap.
class LeanStream final : public google::protobuf::io::CopyingInputStream {
 public:
  LeanStream(const File& file, std::vector<Edit> edits) : file_(file), edits_(std::move(edits)) {}

  int Read(void* buffer, int size) override;
  // REQUIRES: no edits
  int Skip(int count) override;
  // Why Read failed.
  const Result<void>& status() const { return status_; }

 private:
  const File& file_;
  const std::vector<Edit> edits_;
  std::uint64_t position_ = 0;       // in the file
  std::size_t edit_ = 0, sent_ = 0;  // the next edit, and how much of its text has been read
  Result<void> status_;
};

}  // namespace adze
