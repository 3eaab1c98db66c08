// Models that declare a batch of 1, served: those whose rows are proved to keep apart take many, the others say why
// not.
#include "tests/support/infer_client.h"

namespace adze::server {
namespace {

// y = softmax of x over `axis`, through a Reshape that says 1 row.
std::string softmax_model(const std::string& name, std::int64_t axis) {
  testing::ModelBuilder m;
  m.input("x", {1, 2, 2}).output("y", {1, 4});
  m.initializer("target", Tensor::from_ints(std::vector<std::int64_t>{1, 4}));
  m.node("Reshape", {"x", "target"}, {"flat"});
  testing::set(m.node("Softmax", {"flat"}, {"y"}), "axis", axis);
  return saved(m, name);
}

std::string infer(const std::string& shape, const std::string& data) {
  return post("/v2/models/m/infer",
              "{\"inputs\":[{\"name\":\"x\",\"shape\":" + shape + ",\"datatype\":\"FP32\",\"data\":[" + data + "]}]}");
}

std::string data_of(const std::string& response) {
  const std::size_t at = response.find("\"data\":[");
  return at == response.npos ? response : response.substr(at + 8, response.find(']', at) - at - 8);
}

TEST_F(ServerTest, ProvedRowsShareRuns) {
  std::vector<std::string> notes;
  start([&](ServeOptions& options) {
    options.service.models = {{"m", softmax_model("proved", 1)}};
    options.service.note = [&](const std::string& note) { notes.push_back(note); };
  });
  EXPECT_TRUE(notes.empty()) << notes.front();
  EXPECT_NE(ask(get("/v2/models/m")).find("\"shape\":[-1,2,2]"), std::string::npos);
  const std::string first = ask(infer("[1,2,2]", "1,2,3,4")), second = ask(infer("[1,2,2]", "0,5,0,1"));
  const std::string both = ask(infer("[2,2,2]", "1,2,3,4,0,5,0,1"));
  EXPECT_EQ(status_of(both), 200) << both;
  EXPECT_NE(both.find("\"shape\":[2,4]"), both.npos) << both;
  EXPECT_EQ(data_of(both), data_of(first) + "," + data_of(second));
}

TEST_F(ServerTest, RowsThatMixAreServedAlone) {
  std::vector<std::string> notes;
  start([&](ServeOptions& options) {
    options.service.models = {{"m", softmax_model("mixing", 0)}};
    options.service.note = [&](const std::string& note) { notes.push_back(note); };
  });
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("\"m\" don't share runs: node"), std::string::npos) << notes[0];
  EXPECT_NE(notes[0].find("(Softmax)"), std::string::npos) << notes[0];
  EXPECT_EQ(status_of(ask(infer("[1,2,2]", "1,2,3,4"))), 200);
  const std::string two = ask(infer("[2,2,2]", "1,2,3,4,0,5,0,1"));
  EXPECT_EQ(status_of(two), 400) << two;
  EXPECT_NE(two.find("doesn't fit [1,2,2]"), two.npos) << two;
}

}  // namespace
}  // namespace adze::server
