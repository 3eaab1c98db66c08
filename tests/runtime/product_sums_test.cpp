// What is added to a product with a constant matrix: rows become its bias, other results its residual, and what is
// neither stays a node.
#include <gtest/gtest.h>

#include "tests/support/passes_runner.h"

namespace adze::testing {
namespace {

// A product p of x with a constant matrix of 33 columns.
class ProductGraph : public ModelBuilder {
 public:
  explicit ProductGraph(std::vector<std::int64_t> x, const char* op = "MatMul") : ModelBuilder(20) {
    const std::int64_t k = x.back();
    input("x", std::move(x)).output("y").initializer("w", random_tensor({k, 33}, 1));
    node(op, {"x", "w"}, {"p"});
  }
  ProductGraph& constant(const std::string& name, const Shape& shape) {
    initializer(name, random_tensor(shape, 2));
    return *this;
  }
  ProductGraph& add(const std::string& a, const std::string& b, const std::string& to = "y") {
    node("Add", {a, b}, {to});
    return *this;
  }
};

// ---- bias rows ------------------------------------------------------------------------------------------------------

TEST(ProductSums, ARowIsTheBias) {
  const struct {
    std::vector<std::int64_t> x;
    std::vector<Shape> rows;
  } cases[] = {{{20}, {{33}, {}, {1}}},
               {{4, 20}, {{33}, {}, {1}, {1, 33}, {1, 1}}},
               {{2, 5, 20}, {{33}, {}, {1, 33}, {1, 1, 33}, {1, 1, 1}}}};
  for (const auto& c : cases) {
    for (const Shape& row : c.rows) {
      for (const bool row_first : {false, true}) {
        SCOPED_TRACE(concat("rank ", c.x.size(), " row ", to_string(row)));
        ProductGraph m(c.x);
        m.constant("row", row).add(row_first ? "row" : "p", row_first ? "p" : "row");
        expect_steps(m, "MatMul", kRounds);
      }
    }
  }
}

TEST(ProductSums, OtherConstantsStay) {
  for (const Shape& addend : {Shape{5, 33}, Shape{2, 5, 33}, Shape{5, 1}, Shape{2, 1, 33}}) {
    SCOPED_TRACE(to_string(addend));
    ProductGraph m({2, 5, 20});
    m.constant("c", addend).add("p", "c");
    expect_steps(m, "MatMul Add");
  }
}

TEST(ProductSums, AColumnAsLongAsARowStays) {
  ProductGraph m({33, 20});
  m.constant("column", {33, 1}).add("p", "column");
  expect_steps(m, "MatMul Add");
}

TEST(ProductSums, ARowThatGivesTheResultAnAxisMoreStays) {
  ProductGraph vector({20});
  vector.constant("row", {1, 33}).add("p", "row");
  expect_steps(vector, "MatMul Add");
  ProductGraph matrix({4, 20});
  matrix.constant("row", {1, 1, 33}).add("p", "row");
  expect_steps(matrix, "MatMul Add");
}

// x [5, 20] by a column: the sum is the one that has 33 columns.
TEST(ProductSums, ARowThatStretchesTheProductStays) {
  ModelBuilder m;
  m.input("x", {5, 20}).output("y");
  m.initializer("w", random_tensor({20, 1}, 1)).initializer("row", random_tensor({33}, 2));
  m.node("MatMul", {"x", "w"}, {"p"});
  m.node("Add", {"p", "row"}, {"y"});
  expect_steps(m, "MatMul Add");
}

TEST(ProductSums, AProductThatIsReadTwiceKeepsItsRowOutside) {
  ProductGraph read({4, 20});
  read.constant("row", {33}).add("p", "row").output("z").node("Neg", {"p"}, {"z"});
  expect_steps(read, "MatMul Add Neg");
  ProductGraph kept({4, 20});
  kept.constant("row", {33}).add("p", "row").output("p");
  expect_steps(kept, "MatMul Add");
}

TEST(ProductSums, ARowThatIsComputedStays) {
  ProductGraph m({4, 20});
  m.add("p", "row").input("row", {33});
  expect_steps(m, "MatMul Add");
}

TEST(ProductSums, ProductsOfTwoInputsTakeNothing) {
  for (const bool constant : {false, true}) {
    ModelBuilder m;
    m.input("x", {4, 20}).input("w", {20, 33}).output("y");
    if (constant) {
      m.initializer("c", random_tensor({33}, 2));
    } else {
      m.input("c", {4, 33});
    }
    m.node("MatMul", {"x", "w"}, {"p"});
    m.node("Add", {"p", "c"}, {"y"});
    expect_steps(m, "MatMul Add");
  }
}

// ---- residuals ------------------------------------------------------------------------------------------------------

TEST(ProductSums, AnotherResultIsTheResidual) {
  for (const std::vector<std::int64_t>& x : {std::vector<std::int64_t>{20}, {4, 20}, {2, 5, 20}, {2, 3, 5, 20}}) {
    for (const bool product_first : {false, true}) {
      SCOPED_TRACE(concat("rank ", x.size()));
      std::vector<std::int64_t> result = x;
      result.back() = 33;
      ProductGraph m(x);
      m.add(product_first ? "p" : "r", product_first ? "r" : "p").input("r", result);
      expect_steps(m, "MatMul");
    }
  }
  ProductGraph gemm({4, 20}, "Gemm");
  gemm.add("r", "p").input("r", {4, 33});
  expect_steps(gemm, "Gemm");
}

TEST(ProductSums, AGemmWithARowTakesAResidualToo) {
  ModelBuilder m;
  m.input("x", {4, 20}).input("r", {4, 33}).output("y");
  m.initializer("w", random_tensor({33, 20}, 1)).initializer("c", random_tensor({33}, 2));
  auto& gemm = m.node("Gemm", {"x", "w", "c"}, {"p"});
  set(gemm, "transB", std::int64_t{1});
  set_real(gemm, "alpha", 0.5f);
  set_real(gemm, "beta", 2);
  m.node("Add", {"p", "r"}, {"s"});
  m.node("Relu", {"s"}, {"y"});
  expect_steps(m, "Gemm");
}

TEST(ProductSums, TheLaterOfTwoProductsTakesTheirSum) {
  ProductGraph m({4, 20});
  m.constant("v", {20, 33}).node("MatMul", {"x", "v"}, {"q"});
  m.add("q", "p");
  expect_steps(m, "MatMul MatMul");
}

TEST(ProductSums, AResidualOfAnotherShapeStays) {
  for (const std::vector<std::int64_t>& r : {std::vector<std::int64_t>{5, 33}, {2, 1, 33}, {3, 2, 5, 33}}) {
    SCOPED_TRACE(concat("rank ", r.size()));
    ProductGraph m({2, 5, 20});
    m.add("p", "r").input("r", r);
    expect_steps(m, "MatMul Add");
  }
}

TEST(ProductSums, AProductThatIsReadTwiceKeepsItsSumOutside) {
  ProductGraph itself({4, 20});
  itself.add("p", "p");
  expect_steps(itself, "MatMul Add");
  ProductGraph kept({4, 20}, "Gemm");
  kept.add("p", "r").input("r", {4, 33}).output("p");
  expect_steps(kept, "Gemm Add");
}

TEST(ProductSums, AGemmOnThePlainPathTakesNothing) {
  for (const bool turned : {false, true}) {
    ModelBuilder m;
    m.input("x", turned ? std::vector<std::int64_t>{20, 4} : std::vector<std::int64_t>{4, 20}).output("y");
    m.input("r", {4, 33}).initializer("w", random_tensor({20, 33}, 1)).initializer("c", random_tensor({4, 33}, 2));
    auto& gemm = m.node("Gemm", {"x", "w"}, {"p"});
    if (turned) {
      set(gemm, "transA", std::int64_t{1});
    } else {
      gemm.add_input("c");  // a matrix
    }
    m.node("Add", {"p", "r"}, {"y"});
    expect_steps(m, "Gemm Add");
  }
}

// ---- all of it ------------------------------------------------------------------------------------------------------

TEST(ProductSums, BiasThenResidualThenActivation) {
  for (const char* activation : {"Relu", "Sigmoid", "Gelu"}) {
    SCOPED_TRACE(activation);
    ProductGraph m({2, 5, 20});
    m.constant("row", {33}).add("p", "row", "b").add("r", "b", "s").input("r", {2, 5, 33});
    m.node(activation, {"s"}, {"y"});
    expect_steps(m, "MatMul", kRounds);
  }
}

TEST(ProductSums, ASecondRowStays) {
  ProductGraph m({4, 20});
  m.constant("row", {33}).constant("again", {33}).add("p", "row", "b").add("b", "again");
  expect_steps(m, "MatMul Add", kRounds);
}

TEST(ProductSums, AGeluWrittenOutIsAnActivation) {
  ProductGraph m({4, 20});
  m.constant("row", {33}).add("row", "p", "b");
  for (const auto& [name, value] : {std::pair{"root", 1.41421356f}, {"one", 1.0f}, {"half", 0.5f}}) {
    m.initializer(name, tensor_of<float>({}, {value}));
  }
  m.node("Div", {"b", "root"}, {"scaled"});
  m.node("Erf", {"scaled"}, {"erf"});
  m.add("erf", "one", "sum");
  m.node("Mul", {"b", "sum"}, {"product"});
  m.node("Mul", {"product", "half"}, {"y"});
  expect_steps(m, "MatMul", kRounds);
}

}  // namespace
}  // namespace adze::testing
