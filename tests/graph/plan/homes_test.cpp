// Which inputs of a joining step may lie inside its result, and that buffers then live long enough. Steps are made by
// hand; what they compute doesn't matter here.
#include "graph/plan/homes.h"

#include <gtest/gtest.h>

#include "graph/plan/liveness.h"

namespace adze {
namespace {

// Nodes with the steps that they are prepared to.
class Plan {
 public:
  ValueId input(const Shape& shape) {
    const ValueId id = value(shape);
    g_.graph.inputs.push_back({id, DType::f32, {}});
    return id;
  }
  ValueId constant(const Shape& shape) { return g_.add_constant("c", Tensor::allocate(DType::f32, shape).tensor, 0); }
  // A step that reads `inputs`; its rows are as `step` says.
  ValueId node(std::vector<ValueId> inputs, const Shape& shape, Step step = {}) {
    const ValueId id = value(shape);
    Node node;
    node.inputs = std::move(inputs);
    node.outputs = {id};
    g_.graph.nodes.push_back(std::move(node));
    steps_.push_back(std::move(step));
    return id;
  }
  ValueId view(ValueId of, const Shape& shape) { return node({of}, shape, view_step()); }
  // Side by side: single values where there is one row, else along the last axis.
  ValueId join(std::vector<ValueId> inputs, std::int64_t rows) {
    Step step;
    step.join.rows = rows;
    std::int64_t columns = 0;
    for (const ValueId id : inputs) {
      step.join.offsets.push_back(static_cast<std::size_t>(columns) * sizeof(float));
      columns += g_.shape(id).elements() / rows;
    }
    return node(std::move(inputs), {rows, columns}, std::move(step));
  }
  void output(ValueId id) { g_.graph.outputs.push_back({id, DType::f32, {}}); }

  std::vector<Home> homes() const { return find_homes(g_, steps_); }
  BufferPlan buffers() const { return assign_buffers(g_, steps_); }

 private:
  ValueId value(const Shape& shape) { return g_.add_value("v", DType::f32, shape); }

  SpecialisedGraph g_;
  std::vector<Step> steps_;
};

Step pitched() {
  Step step;
  step.pitched = ~0u;
  step.pitched_output = true;
  return step;
}
Step in_place() {
  Step step;
  step.in_place = 1;
  return step;
}

void expect_home(const std::vector<Home>& homes, ValueId id, ValueId value, std::size_t floats,
                 std::int64_t pitch = 0) {
  const Home& home = homes[static_cast<std::size_t>(id)];
  EXPECT_EQ(home.value, value) << "value " << id;
  EXPECT_EQ(home.offset, floats * sizeof(float)) << "value " << id;
  EXPECT_EQ(home.pitch, pitch) << "value " << id;
}
void expect_none(const std::vector<Home>& homes, ValueId id) { expect_home(homes, id, kNoValue, 0); }

std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }

// ---- one row --------------------------------------------------------------------------------------------------------

TEST(Homes, AnyStepMayWriteIntoASingleRow) {
  Plan p;
  const ValueId x = p.input({4}), a = p.node({x}, {2, 3}), b = p.node({a}, {5}), y = p.join({a, b}, 1);
  p.node({a}, {1});
  p.output(y);
  expect_home(p.homes(), a, y, 0);
  expect_home(p.homes(), b, y, 6);
  const BufferPlan plan = p.buffers();
  EXPECT_EQ(plan.buffer_of[at(a)], plan.buffer_of[at(y)]);
  EXPECT_EQ(plan.offset_of[at(b)], 6 * sizeof(float));
  EXPECT_EQ(plan.idle, (std::vector<bool>{false, false, true, false}));
  const Buffer& buffer = plan.buffers[at(plan.buffer_of[at(y)])];
  EXPECT_EQ(buffer.bytes, 11 * sizeof(float));
  EXPECT_EQ(buffer.first, 0);
  EXPECT_EQ(buffer.last, 4);
}

TEST(Homes, ConstantsAndInputsAreCopied) {
  Plan p;
  const ValueId x = p.input({4}), c = p.constant({3}), a = p.node({x}, {2}), y = p.join({x, c, a}, 1);
  p.output(y);
  expect_none(p.homes(), x);
  expect_none(p.homes(), c);
  expect_home(p.homes(), a, y, 7);
  EXPECT_EQ(p.buffers().idle, (std::vector<bool>{false, false}));
}

TEST(Homes, AGraphOutputMayLieInARow) {
  Plan p;
  const ValueId a = p.node({p.input({4})}, {4}), y = p.join({a}, 1);
  p.output(a);
  p.output(y);
  expect_home(p.homes(), a, y, 0);
  EXPECT_TRUE(p.buffers().idle[1]);
}

TEST(Homes, OnePlaceForAValueThatIsJoinedTwice) {
  Plan p;
  const ValueId a = p.node({p.input({4})}, {4}), twice = p.join({a, a}, 1), once = p.join({a}, 1);
  p.output(twice);
  p.output(once);
  expect_home(p.homes(), a, once, 0);
  EXPECT_EQ(p.buffers().idle, (std::vector<bool>{false, false, true}));
  EXPECT_NE(p.buffers().buffer_of[at(twice)], p.buffers().buffer_of[at(a)]);
}

TEST(Homes, JoinsInsideJoins) {
  Plan p;
  const ValueId x = p.input({4}), a = p.node({x}, {3}), b = p.node({x}, {2}), inner = p.join({a, b}, 1);
  const ValueId c = p.node({x}, {1}), outer = p.join({c, inner}, 1);
  p.output(outer);
  expect_home(p.homes(), inner, outer, 1);
  expect_home(p.homes(), a, outer, 1);
  expect_home(p.homes(), b, outer, 4);
  const BufferPlan plan = p.buffers();
  EXPECT_EQ(plan.buffers.size(), 1u);
  EXPECT_EQ(plan.idle, (std::vector<bool>{false, false, true, false, true}));
}

// The bytes behind a view are the view's.
TEST(Homes, WhatAViewShowsIsPlaced) {
  Plan p;
  const ValueId a = p.node({p.input({4})}, {4}), v = p.view(p.view(a, {2, 2}), {1, 4}), y = p.join({v}, 1);
  p.output(y);
  expect_home(p.homes(), a, y, 0);
  EXPECT_EQ(p.buffers().buffer_of[at(v)], p.buffers().buffer_of[at(y)]);
  EXPECT_TRUE(p.buffers().idle[3]);
  Plan of_input;
  const ValueId x = of_input.input({4}), shown = of_input.view(x, {2, 2}), copied = of_input.join({shown}, 1);
  of_input.output(copied);
  EXPECT_EQ(of_input.buffers().idle, (std::vector<bool>{true, false}));
}

TEST(Homes, EmptyInputsNeedNoCopy) {
  Plan p;
  const ValueId a = p.node({p.input({4})}, {4}), y = p.join({a, p.constant({0})}, 1);
  p.output(y);
  EXPECT_TRUE(p.buffers().idle[1]);
}

// ---- written over ---------------------------------------------------------------------------------------------------

TEST(Homes, APlacedResultIsNotWrittenOverItsOperand) {
  Plan p;
  const ValueId a = p.node({p.input({4})}, {4}), b = p.node({a}, {4}, in_place()), y = p.join({b}, 1);
  p.output(y);
  const BufferPlan plan = p.buffers();
  EXPECT_NE(plan.buffer_of[at(a)], plan.buffer_of[at(b)]);
  EXPECT_EQ(plan.buffer_of[at(b)], plan.buffer_of[at(y)]);
}

TEST(Homes, APlacedValueIsNotWrittenOverWhileTheWholeIsRead) {
  Plan p;
  const ValueId a = p.node({p.input({4})}, {4}), y = p.join({a}, 1);
  const ValueId before = p.node({a}, {4}, in_place()), after = p.node({y}, {1});
  p.output(p.node({before, after}, {1}));
  EXPECT_NE(p.buffers().buffer_of[at(a)], p.buffers().buffer_of[at(before)]);
}

// Its rows lie apart, those of the result don't.
TEST(Homes, NothingIsWrittenOverRowsThatLieApart) {
  Plan p;
  Step both = pitched();
  both.in_place = 1;
  const ValueId x = p.input({2, 4}), a = p.node({x}, {2, 4}, pitched()), y = p.join({a, p.constant({2, 4})}, 2);
  p.node({y}, {1});
  const ValueId last = p.node({a}, {2, 4}, both);
  p.output(last);
  expect_home(p.homes(), a, y, 0, 8);
  EXPECT_NE(p.buffers().buffer_of[at(last)], p.buffers().buffer_of[at(a)]);
}

// ---- more rows ------------------------------------------------------------------------------------------------------

TEST(Homes, RowsLieApartWhereAllWhoReadAndWriteThemKnow) {
  Plan p;
  const ValueId x = p.input({2, 4}), a = p.node({x}, {2, 3}, pitched()), b = p.node({x}, {2, 5}, pitched());
  const ValueId y = p.join({a, b}, 2);
  p.node({a}, {1}, pitched());
  p.output(y);
  expect_home(p.homes(), a, y, 0, 8);
  expect_home(p.homes(), b, y, 3, 8);
  const BufferPlan plan = p.buffers();
  EXPECT_EQ(plan.pitch_of[at(a)], 8);
  EXPECT_EQ(plan.pitch_of[at(y)], 0);
  EXPECT_TRUE(plan.idle[2]);
}

TEST(Homes, WhoKnowsNoPitchKeepsRowsTogether) {
  Plan p;
  Step reads = pitched(), writes = pitched();
  reads.pitched_output = false;
  writes.pitched = 0;
  const ValueId x = p.input({2, 4}), a = p.node({x}, {2, 3}, reads), b = p.node({x}, {2, 5}, pitched());
  const ValueId c = p.node({x}, {2, 1}, pitched()), d = p.node({x}, {2, 1}, pitched());
  const ValueId e = p.view(p.node({x}, {1, 2}, pitched()), {2, 1});
  const ValueId y = p.join({a, b, c, d, e}, 2);
  p.node({b}, {1}, writes);
  p.view(c, {2});
  p.output(d);
  p.output(y);
  for (const ValueId id : {a, b, c, d, e}) expect_none(p.homes(), id);
  EXPECT_FALSE(p.buffers().idle[6]);
}

// A reader that has no use for an input's content doesn't count.
TEST(Homes, UnreadInputsDontCount) {
  Plan p;
  Step unread;
  unread.unread = 1;
  const ValueId a = p.node({p.input({2, 4})}, {2, 3}, pitched()), y = p.join({a}, 2);
  p.node({a}, {1}, unread);
  p.output(y);
  expect_home(p.homes(), a, y, 0, 3);
}

// As dense blocks grow: each result is the beginning of the next.
TEST(Homes, NestedRowsTakeTheWidestPitch) {
  Plan p;
  const ValueId x = p.input({2, 4}), a = p.node({x}, {2, 4}, pitched()), b = p.node({a}, {2, 3}, pitched());
  const ValueId ab = p.join({a, b}, 2), c = p.node({ab}, {2, 2}, pitched()), abc = p.join({ab, c}, 2);
  p.output(abc);
  expect_home(p.homes(), a, abc, 0, 9);
  expect_home(p.homes(), b, abc, 4, 9);
  expect_home(p.homes(), ab, abc, 0, 9);
  expect_home(p.homes(), c, abc, 7, 9);
  EXPECT_EQ(p.buffers().buffers.size(), 1u);
}

TEST(Homes, RowsInsideASingleRow) {
  Plan p;
  const ValueId x = p.input({2, 4}), a = p.node({x}, {2, 3}, pitched()), inner = p.join({a}, 2);
  const ValueId b = p.node({x}, {1}), y = p.join({b, inner}, 1);
  p.output(y);
  expect_home(p.homes(), inner, y, 1);
  expect_home(p.homes(), a, y, 1, 3);
}

}  // namespace
}  // namespace adze
