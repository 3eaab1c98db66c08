#include <algorithm>

#include "runtime/c/handles.h"

namespace adze::c {
namespace {

Result<ModelOptions> model_options(const inference_model_options* given) {
  ADZE_TRY(const inference_model_options options, read_options(given));
  if ((options.flags & ~(INFERENCE_RAW | INFERENCE_NO_WINOGRAD)) != 0 || options.reserved != 0) {
    return make_error(Code::bad_input, "options: unknown flags ", options.flags);
  }
  ModelOptions result;
  result.optimise = !(options.flags & INFERENCE_RAW);
  result.winograd = !(options.flags & INFERENCE_NO_WINOGRAD);
  if (options.max_memory) result.max_memory = options.max_memory;
  return result;
}

// Sets *out to a new handle, filled by load().
template <class Load>
inference_status open(inference_model** out, Load&& load) noexcept {
  if (!out) return INFERENCE_BAD_INPUT;
  *out = new (std::nothrow) inference_model;
  if (!*out) return INFERENCE_RESOURCE_LIMIT;
  return guarded((*out)->error, [&]() -> Result<void> {
    ADZE_TRY((*out)->model, load());
    return {};
  });
}

inference_status describe(const inference_model* handle, const std::vector<Port>& ports, std::size_t index,
                          inference_port* out) noexcept {
  if (!out || index >= ports.size()) return INFERENCE_BAD_INPUT;
  const std::size_t bytes = out->struct_size;
  if (bytes < sizeof(std::size_t)) return INFERENCE_BAD_INPUT;
  const Port& port = ports[index];
  inference_port described{};
  described.struct_size = bytes;
  described.name = handle->model->value_name(port).c_str();
  described.type = static_cast<inference_type>(port.type);
  described.rank = port.dims ? static_cast<std::int32_t>(port.dims->size()) : -1;
  for (std::size_t i = 0; port.dims && i < port.dims->size() && i < INFERENCE_MAX_RANK; i++) {
    const Dim& dim = (*port.dims)[i];
    described.dims[i] = dim.size >= 0 ? dim.size : -1;
    if (dim.size < 0 && !dim.symbol.empty()) described.symbols[i] = dim.symbol.c_str();
  }
  std::memcpy(out, &described, std::min(bytes, sizeof described));
  return INFERENCE_OK;
}

}  // namespace
}  // namespace adze::c

using namespace adze::c;

inference_status inference_model_open(const char* path, const inference_model_options* options,
                                      inference_model** model) {
  return open(model, [&]() -> adze::Result<std::shared_ptr<const adze::Model>> {
    if (!path || !*path) return make_error(adze::Code::bad_input, "no path was given");
    ADZE_TRY(const adze::ModelOptions how, model_options(options));
    return adze::Model::load(path, how);
  });
}

inference_status inference_model_open_memory(const void* bytes, size_t size, const char* name,
                                             const inference_model_options* options, inference_model** model) {
  return open(model, [&]() -> adze::Result<std::shared_ptr<const adze::Model>> {
    const std::string called = name && *name ? name : "model";
    if (!bytes || size == 0) return make_error(adze::Code::bad_input, called, ": no bytes were given");
    ADZE_TRY(const adze::ModelOptions how, model_options(options));
    return adze::Model::from_bytes({static_cast<const std::byte*>(bytes), size}, called, how);
  });
}

void inference_model_close(inference_model* model) { delete model; }

const char* inference_model_error(const inference_model* model) {
  return model ? model->error.text() : "no model was given";
}

size_t inference_model_input_count(const inference_model* model) {
  return model && model->model ? model->model->inputs().size() : 0;
}

size_t inference_model_output_count(const inference_model* model) {
  return model && model->model ? model->model->outputs().size() : 0;
}

inference_status inference_model_input(const inference_model* model, size_t index, inference_port* port) {
  if (!model || !model->model) return INFERENCE_BAD_INPUT;
  return describe(model, model->model->inputs(), index, port);
}

inference_status inference_model_output(const inference_model* model, size_t index, inference_port* port) {
  if (!model || !model->model) return INFERENCE_BAD_INPUT;
  return describe(model, model->model->outputs(), index, port);
}

uint64_t inference_model_weight_bytes(const inference_model* model) {
  return model && model->model ? model->model->weight_bytes() : 0;
}
