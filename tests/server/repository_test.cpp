// Models that come and go while the server runs.
#include "server/process_stats.h"
#include "tests/support/repository_fixture.h"

namespace adze::server {
namespace {

using namespace std::chrono_literals;

TEST_F(RepositoryTest, ServesTheLatestVersionOfEachModel) {
  put_version("a", 1, 1);
  put_version("a", 3, 3);
  put_version("a", 20, 20);
  put("b.onnx", adder(5));
  serve();
  EXPECT_EQ(added_by("a"), "20");
  EXPECT_EQ(added_by("a/versions/20"), "20");
  EXPECT_EQ(status_of(infer("a/versions/3")), 404);
  EXPECT_EQ(added_by("b/versions/1"), "5");
  EXPECT_EQ(after(infer("a"), "\"model_version\":"), "\"20\"");
  EXPECT_EQ(body_of(ask(get("/v2/models"))), R"({"models":["a","b"]})");
  // The first by name is the default.
  EXPECT_EQ(after(ask(post("/predict", features(2))), "\"score\":"), "21");
}

TEST_F(RepositoryTest, ServesSeveralVersionsAtOnce) {
  for (const int version : {1, 2, 3}) {
    for (const char* name : {"two", "every", "some"}) put_version(name, version, static_cast<float>(version));
  }
  put("two/config.json", R"({"versions": {"latest": 2}})");
  put("every/config.json", R"({"versions": "all"})");
  put("some/config.json", R"({"versions": {"specific": [1, 3]}, "max_batch": 4})");
  serve();
  const auto served = [&](const std::string& name) {
    std::string versions;
    for (const char* version : {"1", "2", "3"}) {
      const std::string response = infer(name + "/versions/" + version);
      if (status_of(response) != 200) continue;
      EXPECT_EQ(after(response, "\"data\":["), version);
      versions += version;
    }
    return versions;
  };
  EXPECT_EQ(served("two"), "23");
  EXPECT_EQ(served("every"), "123");
  EXPECT_EQ(served("some"), "13");
  EXPECT_EQ(added_by("some"), "3");
  EXPECT_NE(ask(get("/v2/models/some")).find(R"("versions":["3","1"])"), std::string::npos);
  EXPECT_EQ(index(R"({"ready":true})"), R"([{"name":"every","version":"3","state":"READY","reason":""},)"
                                        R"({"name":"every","version":"2","state":"READY","reason":""},)"
                                        R"({"name":"every","version":"1","state":"READY","reason":""},)"
                                        R"({"name":"some","version":"3","state":"READY","reason":""},)"
                                        R"({"name":"some","version":"1","state":"READY","reason":""},)"
                                        R"({"name":"two","version":"3","state":"READY","reason":""},)"
                                        R"({"name":"two","version":"2","state":"READY","reason":""}])");
  EXPECT_NE(index().find(R"({"name":"two","version":"1","state":"UNAVAILABLE","reason":"not loaded"})"),
            std::string::npos)
      << index();
}

TEST_F(RepositoryTest, WhatCannotBeServedAtTheStartEndsIt) {
  put_version("good", 1, 1);
  put("bad/1/model.onnx", "no model");
  for (const char* config : {"", R"({"batch": 1})"}) {
    if (*config) {
      remove("bad");
      put("good/config.json", config);
    }
    ServeOptions options;
    options.loop.port = 0;
    options.service.folder = folder_.path("");
    Server server(options);
    ASSERT_TRUE(server.start());
    const auto ran = server.run();
    ASSERT_FALSE(ran);
    EXPECT_NE(ran.error().message.find(*config ? "good/config.json: unknown key \"batch\"" : "bad/1/model.onnx"),
              std::string::npos)
        << ran.error().message;
  }
}

TEST_F(RepositoryTest, AnOlderVersionStandsInForOneThatIsBroken) {
  put_version("m", 1, 1);
  put_version("m", 2, 2);
  put("m/3/model.onnx", "no model");
  std::vector<std::string> notes;
  serve(ModelControl::none,
        [&](ServeOptions& options) { options.service.note = [&](const std::string& note) { notes.push_back(note); }; });
  EXPECT_EQ(added_by("m"), "2");
  EXPECT_EQ(notes.size(), 1u);
  EXPECT_NE(index().find(R"("version":"3","state":"UNAVAILABLE","reason":"m/3/model.onnx: )"), std::string::npos)
      << index();
}

TEST_F(RepositoryTest, LoadsAndUnloadsByRequest) {
  put_version("m", 1, 1);
  put_version("other", 1, 9);
  serve(ModelControl::by_request, [](ServeOptions& options) { options.service.load = {"other"}; });
  EXPECT_EQ(added_by("other"), "9");
  EXPECT_EQ(status_of(infer("m")), 404);
  EXPECT_EQ(status_of(ask(get("/v2/models/m/ready"))), 404);
  EXPECT_EQ(status_of(load("m")), 200);
  EXPECT_EQ(added_by("m"), "1");
  put_version("m", 2, 2);
  EXPECT_EQ(added_by("m"), "1");
  EXPECT_EQ(status_of(load("m", R"({"parameters":{"config":"{\"versions\":\"all\"}"}})")), 200);
  EXPECT_EQ(added_by("m"), "2");
  EXPECT_EQ(added_by("m/versions/1"), "1");
  EXPECT_EQ(status_of(load("m", "{}")), 200);
  EXPECT_EQ(status_of(infer("m/versions/1")), 404);
  EXPECT_EQ(status_of(unload("m")), 200);
  EXPECT_EQ(status_of(infer("m")), 404);
  EXPECT_NE(index().find(R"({"name":"m","version":"2","state":"UNAVAILABLE","reason":"unloaded"})"), std::string::npos)
      << index();
  EXPECT_EQ(status_of(load("m")), 200);
  EXPECT_EQ(added_by("m"), "2");
}

TEST_F(RepositoryTest, WrongRequestsAreTold) {
  put_version("m", 1, 1);
  serve(ModelControl::by_request);
  const std::pair<std::string, std::string> cases[] = {
      {load("nope"), "no model \\\"nope\\\""},
      {load("..%2fetc"), "no model"},
      {unload("m"), "no model \\\"m\\\" is loaded"},
      {load("m", "["), "no JSON object"},
      {load("m", R"({"parameters":{"file:1/model.onnx":"AAAA"}})"), "unknown parameter \\\"file:1/model.onnx\\\""},
      {load("m", R"({"parameters":{"config":1}})"), "is no text"},
      {load("m", R"({"parameters":{"config":"{\"max_batch\":0}"}})"), "\\\"max_batch\\\""},
      {ask(post("/v2/repository/index", R"({"ready":1})")), "neither true nor false"},
  };
  for (const auto& [response, part] : cases) {
    EXPECT_EQ(status_of(response), 400) << response;
    EXPECT_NE(response.find(part), response.npos) << response;
    EXPECT_EQ(response.find(folder_.path("")), response.npos) << response;
  }
  EXPECT_EQ(status_of(ask(get("/v2/repository/index"))), 405);
  EXPECT_EQ(status_of(ask(post("/v2/repository/models/m/steal", ""))), 404);
}

TEST_F(RepositoryTest, NothingIsLoadedByRequestUnlessAllowed) {
  put_version("m", 1, 1);
  serve();
  EXPECT_EQ(status_of(load("m")), 409);
  EXPECT_EQ(status_of(unload("m")), 409);
  EXPECT_EQ(added_by("m"), "1");
}

TEST_F(RepositoryTest, FollowsTheFilesWhenWatching) {
  put_version("m", 1, 1);
  serve(ModelControl::watch);
  EXPECT_EQ(added_by("m"), "1");
  put_version("m", 2, 2);
  EXPECT_TRUE(comes_true([&] { return added_by("m") == "2"; }));
  EXPECT_TRUE(comes_true([&] { return status_of(infer("m/versions/1")) == 404; }));
  put_version("m", 2, 2.5);  // the same version, other bytes
  EXPECT_TRUE(comes_true([&] { return added_by("m") == "2.5"; }));
  put_version("new", 1, 7);
  EXPECT_TRUE(comes_true([&] { return added_by("new") == "7"; }));
  put("m/config.json", R"({"versions": {"specific": [1]}})");
  EXPECT_TRUE(comes_true([&] { return added_by("m") == "1"; }));
  remove("new");
  EXPECT_TRUE(comes_true([&] { return status_of(infer("new")) == 404; }));
  EXPECT_EQ(added_by("m"), "1");
}

TEST_F(RepositoryTest, WhatIsBrokenLeavesTheOldServing) {
  put_version("m", 1, 1);
  serve(ModelControl::watch);
  const std::string whole = adder(2);
  put("m/2/model.onnx", whole.substr(0, whole.size() / 2));
  EXPECT_TRUE(comes_true([&] {
    return index().find(R"("version":"2","state":"UNAVAILABLE","reason":"m/2/)") != std::string::npos;
  })) << index();
  EXPECT_EQ(added_by("m"), "1");
  put("m/config.json", R"({"max_batch": "x"})");
  EXPECT_TRUE(comes_true([&] { return index().find("m/config.json: \\\"max_batch\\\"") != std::string::npos; }))
      << index();
  EXPECT_EQ(added_by("m"), "1");
  remove("m/config.json");
  put("m/2/model.onnx", whole);
  EXPECT_TRUE(comes_true([&] { return added_by("m") == "2"; }));
  // A version that serves and is replaced by rubbish serves on.
  put("m/2/model.onnx", "rubbish");
  EXPECT_TRUE(comes_true([&] {
    return index().find(R"("version":"2","state":"READY","reason":"m/2/)") != std::string::npos;
  })) << index();
  EXPECT_EQ(added_by("m"), "2");
}

// Every version has a thread of its own, which ends with it.
TEST_F(RepositoryTest, OldVersionsGoAway) {
  put_version("m", 1, 1);
  serve(ModelControl::by_request, [](ServeOptions& options) { options.service.load = {"*"}; });
  EXPECT_EQ(added_by("m"), "1");
  const auto threads = process_stats().threads;
  for (int i = 2; i < 20; i++) {
    put_version("m", 1, static_cast<float>(i));
    ASSERT_EQ(status_of(load("m")), 200);
    ASSERT_EQ(added_by("m"), std::to_string(i));
  }
  EXPECT_TRUE(comes_true([&] { return process_stats().threads == threads; }));
}

TEST_F(RepositoryTest, NamesThatCannotBeInAPathAreRefused) {
  ServeOptions options;
  options.loop.port = 0;
  options.service.models = {{"a/b", ADZE_SOURCE_DIR "/examples/tabular/tumour.onnx"}};
  Server server(options);
  ASSERT_TRUE(server.start());
  const auto ran = server.run();
  ASSERT_FALSE(ran);
  EXPECT_NE(ran.error().message.find("can't be a model's name"), std::string::npos) << ran.error().message;
}

}  // namespace
}  // namespace adze::server
