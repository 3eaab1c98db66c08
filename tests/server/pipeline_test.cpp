// Several models served as one.
#include "tests/support/repository_fixture.h"

namespace adze::server {
namespace {

// y = x * by, under the names "in" and "out".
std::string scaler(float by, std::vector<std::int64_t> dims = {-1, 2}) {
  testing::ModelBuilder m;
  m.input("in", dims).output("out", dims);
  m.initializer("by", Tensor::from<float>({1}, std::vector<float>{by}));
  m.node("Mul", {"in", "by"}, {"out"});
  return m.serialized();
}

constexpr const char* kConfig =
    R"({"pipeline": {"steps": [{"model": "add", "outputs": {"y": "sum"}}, {"model": "scale", "inputs": {"in": "sum"}}]}})";

class PipelineTest : public RepositoryTest {
 protected:
  void SetUp() override {
    put_version("add", 1, 1);
    put("scale/1/model.onnx", scaler(10));
    put("both/config.json", kConfig);
  }
};

TEST_F(PipelineTest, FeedsOneModelsOutputToTheNext) {
  serve();
  const std::string metadata = body_of(ask(get("/v2/models/both")));
  EXPECT_NE(metadata.find(R"("inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}])"), metadata.npos) << metadata;
  EXPECT_NE(metadata.find(R"("outputs":[{"name":"out","datatype":"FP32","shape":[-1,2]}])"), metadata.npos) << metadata;
  const std::string response = ask(post(
      "/v2/models/both/infer", R"({"inputs":[{"name":"x","shape":[3,2],"datatype":"FP32","data":[0,1,2,3,4,5]}]})"));
  EXPECT_NE(response.find(R"("name":"out","datatype":"FP32","shape":[3,2],"data":[10,20,30,40,50,60])"), response.npos)
      << response;
}

TEST_F(PipelineTest, GivesTheOutputsThatItNames) {
  std::string config = kConfig;
  config.insert(config.size() - 2, R"(, "outputs": ["sum", "out"])");
  put("both/config.json", config);
  serve();
  const std::string response = infer("both");
  EXPECT_NE(response.find(R"("name":"sum","datatype":"FP32","shape":[1,2],"data":[1,1.5])"), response.npos) << response;
  EXPECT_NE(response.find(R"("name":"out","datatype":"FP32","shape":[1,2],"data":[10,15])"), response.npos) << response;
}

TEST_F(PipelineTest, FollowsItsModels) {
  serve(ModelControl::by_request, [](ServeOptions& options) { options.service.load = {"*"}; });
  EXPECT_EQ(added_by("both"), "10");
  put_version("add", 2, 2);
  EXPECT_EQ(status_of(load("add")), 200);
  EXPECT_EQ(added_by("both"), "20");
  // What it was made of stays with it.
  EXPECT_EQ(status_of(unload("add")), 200);
  EXPECT_EQ(added_by("both"), "20");
  EXPECT_EQ(status_of(unload("both")), 200);
  EXPECT_EQ(status_of(infer("both")), 404);
  EXPECT_EQ(status_of(load("both")), 400);
}

TEST_F(PipelineTest, SaysWhatDoesNotFit) {
  serve(ModelControl::by_request, [](ServeOptions& options) { options.service.load = {"add", "scale", "both"}; });
  put("wide/1/model.onnx", scaler(1, {-1, 3}));
  ASSERT_EQ(status_of(load("wide")), 200);
  const std::pair<const char*, const char*> cases[] = {
      {R"({"model": "nope"})", "step 1 (nope): there is no such model"},
      {R"({"model": "both"})", "step 1 (both): is a pipeline"},
      {R"({"model": "add", "inputs": {"z": "x"}})", R"(step 1 (add): the model has no input \"z\")"},
      {R"({"model": "add", "outputs": {"z": "x"}})", R"(the model has no output \"z\")"},
      {R"({"model": "add", "inputs": {"x": "a", "x": "b"}})", R"(input \"x\" is named twice)"},
      {R"({"model": "add", "outputs": {"y": "x"}})", R"(gives \"x\", which there is already)"},
      {R"({"model": "add"}, {"model": "wide", "inputs": {"in": "y"}})",
       R"(wide/1/model.onnx: input \"in\" can't have the shape 64x2)"},
  };
  for (const auto& [steps, message] : cases) {
    put("wrong/config.json", concat(R"({"pipeline": {"steps": [)", steps, "]}}"));
    const std::string response = load("wrong");
    EXPECT_EQ(status_of(response), 400) << steps;
    EXPECT_NE(response.find(message), response.npos) << steps << response;
  }
  put("wrong/config.json", R"({"pipeline": {"steps": [{"model": "add"}], "outputs": ["x"]}})");
  EXPECT_NE(load("wrong").find(R"(no step of the pipeline gives \"x\")"), std::string::npos);
  put_version("wrong", 1, 1);
  EXPECT_NE(load("wrong").find("a pipeline has no files of its own"), std::string::npos);
}

}  // namespace
}  // namespace adze::server
