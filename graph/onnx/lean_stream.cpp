#include "graph/onnx/lean_stream.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "graph/onnx/onnx_subset.pb.h"

namespace adze {
namespace {

namespace io = google::protobuf::io;

// The messages on the way from a model to its tensors, and the fields that hold them.
enum class Kind { model, graph, function, node, attribute, tensor };
struct Child {
  Kind parent;
  int field;
  Kind kind;
};
constexpr Child kChildren[] = {
    {Kind::model, onnx::ModelProto::kGraphFieldNumber, Kind::graph},
    {Kind::model, onnx::ModelProto::kFunctionsFieldNumber, Kind::function},
    {Kind::function, onnx::FunctionProto::kNodeFieldNumber, Kind::node},
    {Kind::graph, onnx::GraphProto::kNodeFieldNumber, Kind::node},
    {Kind::graph, onnx::GraphProto::kInitializerFieldNumber, Kind::tensor},
    {Kind::node, onnx::NodeProto::kAttributeFieldNumber, Kind::attribute},
    {Kind::attribute, onnx::AttributeProto::kTFieldNumber, Kind::tensor},
    {Kind::attribute, onnx::AttributeProto::kGFieldNumber, Kind::graph},
};
constexpr int kMaxDepth = 100;  // protobuf's own limit: what is deeper it refuses

const Child* child_of(Kind kind, int field) {
  const auto found =
      std::ranges::find_if(kChildren, [&](const Child& c) { return c.parent == kind && c.field == field; });
  return found == std::end(kChildren) ? nullptr : found;
}

std::string varint(std::uint64_t value) {
  std::string text(io::CodedOutputStream::VarintSize64(value), '\0');
  io::CodedOutputStream::WriteVarint64ToArray(value, reinterpret_cast<std::uint8_t*>(text.data()));
  return text;
}

std::string place(int offset, std::uint32_t size) {
  onnx::TensorProto proto;
  proto.set_raw_offset(static_cast<std::uint64_t>(offset));
  proto.set_raw_size(size);
  return proto.SerializeAsString();
}

class Scanner {
 public:
  explicit Scanner(io::ZeroCopyInputStream& input) : input_(&input) {}

  // Reads the fields of a message that ends at `end`. Gives the bytes by which the edits in it lengthen it, or nothing
  // when it is malformed.
  std::optional<std::int64_t> walk(Kind kind, int end, int depth) {
    std::int64_t change = 0;
    while (position() < end) {
      const int begin = position();
      const std::uint32_t tag = input_.ReadTag();
      const int field = static_cast<int>(tag >> 3);
      std::uint64_t varint_value = 0;
      std::uint32_t length = 0;
      switch (tag & 7) {
        case 0:
          if (tag == 0 || !input_.ReadVarint64(&varint_value)) return std::nullopt;
          break;
        case 1:
          if (!input_.Skip(8)) return std::nullopt;
          break;
        case 5:
          if (!input_.Skip(4)) return std::nullopt;
          break;
        case 2: {
          const int length_at = position();
          if (!input_.ReadVarint32(&length)) return std::nullopt;
          const int body = position();
          if (body > end || length > static_cast<std::uint32_t>(end - body)) return std::nullopt;
          const int body_end = body + static_cast<int>(length);
          const Child* child = child_of(kind, field);
          if (kind == Kind::tensor && field == onnx::TensorProto::kRawDataFieldNumber && length >= kLeftOutBytes) {
            change += add({from(begin), from(body_end), place(body, length)}, edits_.size());
          } else if (child && depth < kMaxDepth) {
            const std::size_t first = edits_.size();
            const auto inner = walk(child->kind, body_end, depth + 1);
            if (!inner) return std::nullopt;
            if (edits_.size() == first) break;
            const auto new_length = static_cast<std::uint64_t>(length + *inner);
            change += *inner + add({from(length_at), from(body), varint(new_length)}, first);
            break;
          }
          if (!input_.Skip(static_cast<int>(length))) return std::nullopt;
          break;
        }
        default:  // groups, which ONNX doesn't have
          return std::nullopt;
      }
    }
    return position() == end ? std::optional(change) : std::nullopt;
  }

  std::vector<Edit> edits() && { return std::move(edits_); }

 private:
  static std::uint64_t from(int position) { return static_cast<std::uint64_t>(position); }
  int position() const { return input_.CurrentPosition(); }
  // Gives the bytes that it adds.
  std::int64_t add(Edit edit, std::size_t at) {
    const auto change = static_cast<std::int64_t>(edit.text.size()) - static_cast<std::int64_t>(edit.end - edit.begin);
    edits_.insert(edits_.begin() + static_cast<std::ptrdiff_t>(at), std::move(edit));
    return change;
  }

  io::CodedInputStream input_;
  std::vector<Edit> edits_;
};

}  // namespace

Result<std::vector<Edit>> leave_out_weights(const File& file) {
  LeanStream stream(file, {});
  io::CopyingInputStreamAdaptor adaptor(&stream);
  Scanner scanner(adaptor);
  const bool well_formed = scanner.walk(Kind::model, static_cast<int>(file.size()), 0).has_value();
  ADZE_CHECK(stream.status());
  if (!well_formed) return make_error(Code::invalid_model, "is not an ONNX model, or is cut off");
  return std::move(scanner).edits();
}

int LeanStream::Read(void* buffer, int size) {
  while (edit_ < edits_.size() && position_ == edits_[edit_].begin) {
    const Edit& edit = edits_[edit_];
    if (sent_ < edit.text.size()) {
      const std::size_t n = std::min(edit.text.size() - sent_, static_cast<std::size_t>(size));
      std::memcpy(buffer, edit.text.data() + sent_, n);
      sent_ += n;
      return static_cast<int>(n);
    }
    position_ = edit.end;
    edit_++;
    sent_ = 0;
  }
  const std::uint64_t end = edit_ < edits_.size() ? edits_[edit_].begin : file_.size();
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(end - position_, static_cast<std::uint64_t>(size)));
  status_ = file_.read(position_, {static_cast<std::byte*>(buffer), n});
  if (!status_) return -1;
  position_ += n;
  return static_cast<int>(n);
}

int LeanStream::Skip(int count) {
  const auto n = std::min<std::uint64_t>(file_.size() - position_, static_cast<std::uint64_t>(count));
  position_ += n;
  return static_cast<int>(n);
}

}  // namespace adze
