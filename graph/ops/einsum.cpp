// Einsum: sums of products over named axes ("bij,bjk->bik"), with "..." for axes that are broadcast. A plain loop over
// all names: what models multiply at length should arrive as MatMul.
#include <algorithm>
#include <cctype>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr int kEllipsis = 256;  // names of its axes, the last one first, are kEllipsis, kEllipsis + 1, ...

struct Term {
  std::vector<int> names;
};

struct Equation {
  std::vector<Term> inputs;
  Term output;
};

// A term with its ellipsis, if any, standing for `hidden` axes.
Result<Term> read_term(std::string_view text, int hidden) {
  Term term;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '.') {
      if (text.substr(i, 3) != "...") return make_error(Code::invalid_model, "the equation has a stray dot");
      for (int axis = hidden; axis-- > 0;) term.names.push_back(kEllipsis + axis);
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(text[i]))) {
      term.names.push_back(text[i]);
    } else {
      return make_error(Code::invalid_model, "the equation contains '", text[i], '\'');
    }
  }
  return term;
}

Result<Equation> equation_of(const Node& node, std::span<const Shape> shapes) {
  std::string text = node.attributes.string("equation", "");
  std::erase(text, ' ');
  const std::size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  Equation equation;
  int most_hidden = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < shapes.size(); i++) {
    if (begin > left.size()) return make_error(Code::invalid_model, "the equation has too few terms");
    const std::size_t end = std::min(left.find(',', begin), left.size());
    const std::string_view term = std::string_view(left).substr(begin, end - begin);
    const bool dots = term.find("...") != term.npos;
    const int hidden = dots ? shapes[i].rank() - static_cast<int>(term.size()) + 3 : 0;
    if (hidden < 0) return make_error(Code::invalid_model, "a term names more axes than its input has");
    most_hidden = std::max(most_hidden, hidden);
    ADZE_TRY(Term read, read_term(term, hidden));
    if (static_cast<int>(read.names.size()) != shapes[i].rank()) {
      return make_error(Code::invalid_model, "term ", i, " doesn't fit rank ", shapes[i].rank());
    }
    equation.inputs.push_back(std::move(read));
    begin = end + 1;
  }
  if (begin <= left.size()) return make_error(Code::invalid_model, "the equation has too many terms");
  if (arrow != std::string::npos) {
    ADZE_TRY(equation.output, read_term(std::string_view(text).substr(arrow + 2), most_hidden));
    return equation;
  }
  // Without an arrow: the hidden axes, then the names that appear once, in the order of the alphabet.
  for (int axis = most_hidden; axis-- > 0;) equation.output.names.push_back(kEllipsis + axis);
  std::vector<int> all;
  for (const Term& term : equation.inputs) all.insert(all.end(), term.names.begin(), term.names.end());
  std::sort(all.begin(), all.end());
  for (const int name : all) {
    if (name < kEllipsis && std::count(all.begin(), all.end(), name) == 1) equation.output.names.push_back(name);
  }
  return equation;
}

struct Args {
  DType type;
  std::vector<std::int64_t> out_dims, sum_dims;
  std::vector<std::vector<std::int64_t>> out_strides, sum_strides;  // per input
  std::int64_t outputs = 1, terms = 1;
};

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs, Shape& result) {
  std::vector<Shape> shapes;
  for (const TensorInfo* input : inputs) shapes.push_back(input->shape);
  ADZE_TRY(const Equation equation, equation_of(node, shapes));
  std::vector<int> names = equation.output.names;
  for (std::size_t i = 0; i < names.size(); i++) {
    if (std::count(names.begin(), names.end(), names[i]) > 1) {
      return make_error(Code::invalid_model, "the output names an axis twice");
    }
  }
  const std::size_t outer = names.size();
  if (outer > kMaxRank) return make_error(Code::unsupported, "the result's rank is above ", kMaxRank);
  for (const Term& term : equation.inputs) {
    for (const int name : term.names) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::vector<std::int64_t> sizes(names.size(), -1);
  Args args;
  args.type = inputs[0]->type;
  for (std::size_t i = 0; i < shapes.size(); i++) {
    for (int axis = 0; axis < shapes[i].rank(); axis++) {
      const int name = equation.inputs[i].names[static_cast<std::size_t>(axis)];
      std::int64_t& size = sizes[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
      if (size == -1 || size == 1) size = shapes[i][axis];
      if (shapes[i][axis] != size && shapes[i][axis] != 1) {
        return make_error(Code::invalid_model, "the inputs' shapes don't fit the equation");
      }
    }
  }
  result = {};
  for (std::size_t i = 0; i < names.size(); i++) {
    if (sizes[i] < 0) return make_error(Code::invalid_model, "the output names an axis that no input has");
    (i < outer ? args.out_dims : args.sum_dims).push_back(sizes[i]);
    if (i < outer) result.push_back(sizes[i]);
  }
  Shape sums;
  for (const std::int64_t size : args.sum_dims) {
    if (sums.rank() == kMaxRank) return make_error(Code::unsupported, "sums over more than ", kMaxRank, " axes");
    sums.push_back(size);
  }
  const auto outputs = result.checked_elements(), terms = sums.checked_elements();
  if (!outputs || !terms) return make_error(Code::resource_limit, "the sums are too large");
  args.outputs = *outputs;
  args.terms = *terms;
  for (std::size_t i = 0; i < shapes.size(); i++) {
    std::vector<std::int64_t> strides(names.size(), 0);
    const auto own = shapes[i].strides();
    for (int axis = 0; axis < shapes[i].rank(); axis++) {
      const int name = equation.inputs[i].names[static_cast<std::size_t>(axis)];
      const auto at = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
      if (shapes[i][axis] != 1) strides[at] += own[static_cast<std::size_t>(axis)];  // named twice: the diagonal
    }
    const auto cut = strides.begin() + static_cast<std::ptrdiff_t>(outer);
    args.out_strides.emplace_back(strides.begin(), cut);
    args.sum_strides.emplace_back(cut, strides.end());
  }
  return args;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) {
    if (!context.has(i)) return make_error(Code::invalid_model, "input ", i, " is left out");
    inputs.push_back(&context.in(i));
  }
  Shape shape;
  ADZE_CHECK(args_of(context.node, inputs, shape));
  context.set_shape(0, shape);
  return {};
}

// The equation's names, but for those that a term has twice (its diagonal). What is summed isn't in the output.
Result<Lanes> lanes_of(const InferContext& context) {
  std::vector<Shape> shapes;
  for (int i = 0; i < context.input_count(); i++) shapes.push_back(context.shape(i));
  ADZE_TRY(const Equation equation, equation_of(context.node, shapes));
  Lanes lanes;
  lanes.broadcasts = true;
  for (const Term& term : equation.inputs) {
    LaneNames names = term.names;
    for (int& name : names) {
      if (std::ranges::count(term.names, name) > 1) name = kMixed;
    }
    lanes.inputs.push_back(std::move(names));
  }
  lanes.outputs = {equation.output.names};
  return lanes;
}

std::int64_t offset_at(std::int64_t index, const std::vector<std::int64_t>& dims,
                       const std::vector<std::int64_t>& strides) {
  std::int64_t offset = 0;
  for (std::size_t axis = dims.size(); axis-- > 0; index /= dims[axis]) offset += index % dims[axis] * strides[axis];
  return offset;
}

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.outputs);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
    for (std::int64_t o = range.begin; o < range.end && !call.cancel.requested(); o++) {
      Sum sum{};
      for (std::int64_t t = 0; t < args.terms; t++) {
        Sum product{1};
        for (std::size_t i = 0; i < args.out_strides.size(); i++) {
          const std::int64_t at =
              offset_at(o, args.out_dims, args.out_strides[i]) + offset_at(t, args.sum_dims, args.sum_strides[i]);
          product *= static_cast<Sum>(static_cast<Compute<T>>(call.in<T>(static_cast<int>(i))[at]));
        }
        sum += product;
      }
      call.out<T>()[o] = static_cast<T>(static_cast<Compute<T>>(sum));
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  Shape shape;
  ADZE_TRY(Args args, args_of(context.node, context.inputs(), shape));
  const double flops = 2.0 * static_cast<double>(args.outputs) * static_cast<double>(args.terms);
  Step step = make_step<run>(std::move(args), "einsum");
  step.max_parts = elementwise_parts(static_cast<std::int64_t>(std::min(flops, 1e15)));
  step.flops = flops;
  return step;
}

constexpr int kVersions[] = {12, 28};
constexpr AttrSpec kAttributes[] = {{"equation", AttrKind::string, true}};
constexpr TypeMask kTypes[] = {kNumbers};

constexpr OpDef kOps[] = {{.name = "Einsum",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {1, kVariadic},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_einsum;
constinit const std::span<const OpDef> ops_einsum{kOps};

}  // namespace adze
